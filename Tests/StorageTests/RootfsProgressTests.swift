// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import Testing

@testable import Storage

@Suite struct RootfsProgressTests {
    /// What debootstrap 1.0.128 printed for `--variant=minbase bookworm`.
    static func capturedLines() throws -> [String] {
        let folder = #filePath.split(separator: "/").dropLast().joined(separator: "/")
        let text = try readText("/\(folder)/Fixtures/debootstrap-bookworm-minbase.txt")
        return try #require(text).split(separator: "\n").map(String.init)
    }

    @Test func `a whole build goes through every stage and its fraction never falls`() throws {
        var messages = DebootstrapMessages()
        let updates = try Self.capturedLines().compactMap { messages.progress(from: $0) }
        var stages: [RootfsProgress.Stage] = []
        for update in updates where stages.last != update.stage { stages.append(update.stage) }
        #expect(stages == [.resolving, .retrieving, .extracting, .unpacking, .configuring, .finished])
        let fractions = updates.compactMap(\.fraction)
        #expect(fractions == fractions.sorted())
        #expect(fractions.last == 1)
        #expect(try #require(fractions.dropLast().last) > 0.95)
        #expect(Set(updates.filter { $0.stage == .retrieving }.compactMap(\.package)).count == 88)
    }

    @Test func `packages are named without version, architecture and dots`() {
        var messages = DebootstrapMessages()
        #expect(
            messages.progress(from: "I: Retrieving libacl1 2.3.1-3")
                == RootfsProgress(stage: .retrieving, package: "libacl1"))
        #expect(
            messages.progress(from: "I: Unpacking libacl1:amd64...")
                == RootfsProgress(stage: .unpacking, fraction: 0.2 + 0.4, package: "libacl1"))
    }

    @Test(arguments: [
        "", "I:", "I: ", "W: Unpacking x...", "Unpacking x...", "I: Unpacking x y z...", "I: Chosen extractor",
    ])
    func `other lines say nothing`(line: String) {
        var messages = DebootstrapMessages()
        #expect(messages.progress(from: line) == nil)
    }

    @Test func `more packages unpacked than retrieved do not pass the stage's share`() throws {
        var messages = DebootstrapMessages()
        _ = messages.progress(from: "I: Retrieving a 1")
        for _ in 0..<5 { _ = messages.progress(from: "I: Unpacking a...") }
        let last = try #require(messages.progress(from: "I: Unpacking a...")?.fraction)
        #expect(abs(last - 0.6) < 0.000_001)
    }
}
