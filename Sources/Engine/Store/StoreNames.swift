// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import SandboxSpec

/// Names: links that lead to ids. A link counts if the sandbox that it leads to says that this is its name; others were left
/// by a process that was killed, and are taken over by whoever wants the name.
extension SandboxStore {
    /// Runs `body` while nobody else makes, changes or takes names.
    func whileNamesAreLocked<Value>(_ body: () throws(EngineError) -> Value) throws(EngineError) -> Value {
        let lock = try keeping("lock the names of sandboxes") { () throws(SystemError) in
            let directory = try open(".", [.directory], at: names.base)
            guard try LinuxKernel.lock(directory, within: Self.patience) else {
                throw SystemError("flock", .again, names.path)
            }
            return directory
        }
        let outcome = Result { () throws(EngineError) in try body() }
        // Let go of here and not before.
        precondition(lock.rawValue >= 0)
        return try outcome.get()
    }

    /// Who has a name; `nil` where it is free.
    func holder(of name: SandboxName) throws(EngineError) -> SandboxID? {
        let target: String? = try keeping("look up \(name)") { () throws(SystemError) in
            do throws(SystemError) { return try readSymlink(name.text, at: names.base) } catch
                where error.errno == .noEntry || error.errno == .invalid
            { return nil } catch { throw error }
        }
        guard let id = target.flatMap({ SandboxID($0) }) else { return nil }
        let sandbox = StoredSandbox(store: self, id: id)
        guard try sandbox.exists() else { return nil }
        switch sandbox.read() {
        case .status(let status): return status.name == name ? id : nil
        // What cannot be read may have it.
        case .malformed, .incomplete: return id
        case .absent: return nil
        }
    }

    /// - Throws: `.nameTaken`, also for a name that would be taken for an id.
    func requireFree(_ name: SandboxName) throws(EngineError) {
        if SandboxID.isMistakable(name) {
            throw EngineError(
                .invalidSpec, "name a sandbox \(name): it looks like an id",
                hint: "choose one that is not of 12 or more hexadecimal digits")
        }
        guard let holder = try holder(of: name) else { return }
        throw EngineError(
            .nameTaken, "name a sandbox \(name): sandbox \(holder.short) has this name",
            hint: "choose another, or: martinet rm \(name)")
    }

    /// Has a name lead to a sandbox. The names are locked.
    func claim(_ name: SandboxName, for id: SandboxID) throws(EngineError) {
        try requireFree(name)
        try keeping("name a sandbox \(name)") { () throws(SystemError) in
            // A link that counts for nothing, if any.
            try names.remove(name.text)
            try names.makeSymlink(name.text, to: id.text)
        }
    }

    /// Takes a name's link away if it leads to this sandbox. The names are locked.
    func release(_ name: SandboxName, of id: SandboxID) throws(EngineError) {
        try keeping("remove the name \(name)") { () throws(SystemError) in
            do throws(SystemError) {
                guard try readSymlink(name.text, at: names.base) == id.text else { return }
                try names.remove(name.text)
            } catch where error.errno == .noEntry || error.errno == .invalid {
            } catch { throw error }
        }
    }

    /// Takes away every link that counts for nothing.
    ///
    /// - Returns: how many there were.
    @discardableResult
    func sweepNames() throws(EngineError) -> Int {
        try whileNamesAreLocked { () throws(EngineError) in
            let found = try keeping("list \(names.path)") { () throws(SystemError) in try names.names() }
            var count = 0
            for entry in found where entry.kind == .symlink {
                guard let name = try? SandboxName(entry.name), try holder(of: name) == nil else { continue }
                try keeping("remove the name \(name)") { () throws(SystemError) in try names.remove(name.text) }
                count += 1
            }
            return count
        }
    }

    /// Finds a sandbox by its name, its id, or the beginning of its id.
    ///
    /// - Throws: `.unknownSandbox`, with the nearest name, or with all that could be meant.
    public func find(_ text: String) throws(EngineError) -> StoredSandbox {
        if let name = try? SandboxName(text), let id = try holder(of: name) {
            return StoredSandbox(store: self, id: id)
        }
        if let id = SandboxID(text) {
            let sandbox = StoredSandbox(store: self, id: id)
            if try sandbox.exists() { return sandbox }
        }
        let known = try all().map { (sandbox: $0, name: $0.name) }
        // A name whose link is gone already, as while a sandbox is being removed.
        if let found = known.first(where: { $0.name == text }) { return found.sandbox }
        let candidates = SandboxID.isPrefix(text) ? known.filter { $0.sandbox.id.text.hasPrefix(text) } : []
        if candidates.count == 1 { return candidates[0].sandbox }
        guard candidates.isEmpty else {
            let shown = candidates.sorted { $0.sandbox.id.text < $1.sandbox.id.text }.prefix(8).map { candidate in
                candidate.sandbox.id.text + (candidate.name.map { " (\($0))" } ?? "")
            }
            throw EngineError(
                .unknownSandbox, "find sandbox \(text.quoted): \(candidates.count) ids begin so",
                hint: "one of: " + shown.joined(separator: ", ") + (candidates.count > 8 ? ", …" : ""))
        }
        let names = known.compactMap(\.name) + known.map(\.sandbox.id.short)
        throw EngineError(
            .unknownSandbox, "find sandbox \(text.quoted): there is none\(suggestion(for: text, among: names))",
            hint: "martinet ps -a lists them")
    }

    /// Gives a sandbox another name.
    ///
    /// - Throws: `.nameTaken`, `.unknownSandbox` where it has gone meanwhile.
    public func rename(_ sandbox: StoredSandbox, to name: SandboxName) throws(EngineError) {
        let lock = try sandbox.lock()
        guard var status = try lock.status() else { throw sandbox.isUnreadable() }
        let old = status.name
        guard old != name else { return }
        try whileNamesAreLocked { () throws(EngineError) in
            try claim(name, for: sandbox.id)
            // From here on the new name counts and the old one no more, whatever links there are.
            status.name = name
            try lock.write(status)
            if let old { try release(old, of: sandbox.id) }
        }
        try announce(SandboxEvent(.renamed, status, attributes: ["old-name": old?.text ?? sandbox.id.short]))
    }
}
