// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Engine
import LinuxKernel
import SandboxSpec

/// What the commands about kept sandboxes have in common: the store, and doing something to each of several names.
enum StoreAccess {
    static func open() throws(EngineError) -> SandboxStore {
        try SandboxStore(path: SandboxStore.defaultPath(CallerEnvironment.read()))
    }

    /// Does something to each sandbox that is named. What fails is said, and the rest is done all the same.
    ///
    /// - Throws: the exit status 1 if any failed.
    static func forEach(
        _ names: [String], in store: SandboxStore, _ body: (StoredSandbox, String) throws(EngineError) -> Void
    ) throws {
        var failed = false
        for name in names {
            do throws(EngineError) { try body(try store.find(name), name) } catch {
                Message.say(error.description)
                failed = true
            }
        }
        if failed { throw ExitCode(1) }
    }

    /// Names for the shell to complete: those of sandboxes in these states, ids where there is no name.
    static func completion(_ states: Set<SandboxState> = Set(SandboxState.allCases)) -> CompletionKind {
        .custom { _, _, prefix in
            guard let entries = try? open().list() else { return [] }
            return entries.filter { states.contains($0.state) }.map(\.displayName).filter { $0.hasPrefix(prefix) }
        }
    }

    static func filter(_ texts: [String], _ keys: [StoreFilter.Key]) throws(EngineError) -> StoreFilter {
        do throws(SpecError) { return try StoreFilter(texts, keys: keys) } catch { throw EngineError(error) }
    }

    /// The moment that an option names; `nil` where it was not given.
    static func moment(_ text: String?, _ option: String) throws(EngineError) -> Timestamp? {
        guard let text else { return nil }
        do throws(SpecError) { return try Timestamp(option: text) } catch { throw EngineError(error.within(option)) }
    }
}

extension Message {
    /// JSON for a terminal: marks that a terminal would obey, which JSON allows in texts, are escaped as JSON has it.
    static func json(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            if scalar == "\n" || visible(String(scalar)) == String(scalar) {
                result.unicodeScalars.append(scalar)
            } else {
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: max(0, 4 - digits.utf8.count)) + digits
            }
        }
        return result
    }
}
