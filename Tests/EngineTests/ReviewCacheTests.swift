// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Engine

@Suite(.enabled(if: isRoot, "only root becomes another user"))
struct ReviewCacheTests {
    /// An agent of an ordinary user has the user's id: what it may write to in a workspace must not be the next one's filter.
    @Test func `an ordinary user's filters are never kept below the home directory`() async {
        await #expect(processExitsWith: .success) {
            becomeNobody()
            func cache(_ environment: [String: String]) -> String {
                Launcher.Options(callerEnvironment: environment).filterCache
            }
            let home = ["HOME": "/home/someone", "XDG_CACHE_HOME": "/home/someone/.cache"]
            #expect(cache(home) == "/nonexistent/filters")
            #expect(cache(home.merging(["XDG_RUNTIME_DIR": "run"]) { $1 }) == "/nonexistent/filters")
            #expect(cache(home.merging(["XDG_RUNTIME_DIR": "/run/user/7"]) { $1 }) == "/run/user/7/martinet-filters")
        }
    }
}
