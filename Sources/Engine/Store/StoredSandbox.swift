// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import SandboxSpec

/// One sandbox of a store, by its id. It may be gone: everything but its id is looked up when it is asked for.
public struct StoredSandbox: Sendable {
    public let store: SandboxStore
    public let id: SandboxID

    /// The directory of the sandbox. What is in it is opened beneath `open`, not by this.
    public var path: String { "\(store.sandboxes.path)/\(id.text)" }

    /// What its status record said when it was read.
    enum Reading {
        case status(SandboxStatus)
        /// Not a record of this version's, and why.
        case malformed(String)
        /// There is none: the sandbox is being made or removed, or whoever did so was killed.
        case incomplete
        /// The sandbox is gone.
        case absent
    }

    func exists() throws(EngineError) -> Bool {
        let (text, base) = (id.text, store.sandboxes.base)
        return try keeping("look for \(path)") { () throws(SystemError) in
            try LinuxKernel.status(of: text, at: base)?.kind == .directory
        }
    }

    /// Opens its directory.
    ///
    /// - Throws: `.unknownSandbox` where it is gone; `.storeFailed` where it is not its owner's alone.
    func open() throws(EngineError) -> StoreDirectory {
        guard let directory = try store.sandboxes.directory(id.text, owner: store.owner) else { throw isGone() }
        return directory
    }

    /// A descriptor of its directory, for what is made in it. It does not hold the lock, and may be passed on.
    ///
    /// - Throws: `.unknownSandbox` where it is gone
    public func openDirectory() throws(EngineError) -> Descriptor {
        let directory = try open()
        return try keeping("open \(path)") { () throws(SystemError) in try directory.duplicate() }
    }

    func read() -> Reading {
        do throws(SystemError) {
            guard let bytes = try store.sandboxes.contents("\(id.text)/status.json") else {
                return try LinuxKernel.status(of: id.text, at: store.sandboxes.base) == nil ? .absent : .incomplete
            }
            do throws(SpecError) {
                let status = try SandboxStatus(json: bytes)
                guard status.id == id else { return .malformed("status.json: id: it is \(status.id)'s") }
                return .status(status)
            } catch { return .malformed("status.json: \(error.description)") }
        } catch { return .malformed(error.description) }
    }

    /// What is written down about it; `nil` where that cannot be read, or is not there.
    public var status: SandboxStatus? {
        guard case .status(let status) = read() else { return nil }
        return status
    }

    /// Its name; `nil` where it has none or that cannot be read.
    public var name: String? { status?.name?.text }

    /// What it was asked to be.
    ///
    /// - Throws: `.unknownSandbox`, `.storeFailed`
    public func spec() throws(EngineError) -> SandboxSpec {
        let directory = try open()
        let bytes = try keeping("read the spec of \(id.short)") { () throws(SystemError) in
            try directory.contents("spec.json", limit: SpecNode.maximumBytes)
        }
        guard let bytes else { throw EngineError(.storeFailed, "read the spec of \(id.short): it is not there") }
        do throws(SpecError) { return try SandboxSpec(document: bytes, format: .json, fileName: "spec.json") } catch {
            throw EngineError(.storeFailed, "read the spec of \(id.short): \(error.description)")
        }
    }

    static let programName = "program"

    /// What its init was told to do at its last start, an instruction a line; `nil` where it was never started.
    public func program() throws(EngineError) -> [String]? {
        let directory = try open()
        let bytes = try keeping("read the program of \(id.short)") { () throws(SystemError) in
            try directory.contents(Self.programName, limit: SpecNode.maximumBytes)
        }
        return bytes.map { String(decoding: $0, as: UTF8.self).split(separator: "\n").map(String.init) }
    }

    /// Takes the sandbox for this process alone: whoever starts, changes, settles or removes it holds this meanwhile. It goes
    /// with the process.
    ///
    /// - Throws: `.wrongState` where another process holds it for longer than `patience`; `.unknownSandbox` where the sandbox
    ///   is gone, or another's.
    public func lock(within patience: Duration = SandboxStore.patience) throws(EngineError) -> SandboxLock {
        guard let lock = try tryLock(within: patience) else {
            throw EngineError(
                .wrongState, "change sandbox \(id.short): another process is starting or changing it",
                hint: "try again")
        }
        return lock
    }

    /// - Returns: `nil` where another process holds it.
    func tryLock(within patience: Duration = .zero) throws(EngineError) -> SandboxLock? {
        guard !store.isForeign else {
            throw EngineError(.wrongState, "change sandbox \(id.short): it belongs to uid \(store.owner)")
        }
        let directory = try open()
        let (raw, text, base) = (directory.descriptor.rawValue, id.text, store.sandboxes.base)
        let isLocked = try keeping("lock sandbox \(id.short)") { () throws(SystemError) in
            try LinuxKernel.lock(directory.descriptor, within: patience)
        }
        guard isLocked else { return nil }
        // Removed while this process waited?
        let isThere = try keeping("look for \(path)") { () throws(SystemError) in
            let (held, found) = (try LinuxKernel.status(raw: raw), try LinuxKernel.status(of: text, at: base))
            return held.inode == found?.inode && held.device == found?.device
        }
        guard isThere else { throw isGone() }
        return SandboxLock(sandbox: self, directory: directory)
    }

    /// Changes what is written down, while nobody else does.
    ///
    /// - Returns: what was written.
    @discardableResult
    public func update(
        _ change: (inout SandboxStatus) throws(EngineError) -> Void
    ) throws(EngineError) -> SandboxStatus {
        let lock = try lock()
        return try lock.update(change)
    }

    func isGone() -> EngineError {
        EngineError(.unknownSandbox, "find sandbox \(id.short): it has been removed")
    }

    func isUnreadable() -> EngineError {
        switch read() {
        case .absent: isGone()
        case .malformed(let reason):
            EngineError(.storeFailed, "read the status of \(id.short): \(reason)", hint: "martinet rm \(id.short)")
        case .incomplete, .status:
            EngineError(
                .storeFailed, "read the status of \(id.short): whoever made or removed it was interrupted",
                hint: "martinet rm \(id.short)")
        }
    }
}

/// A sandbox held by this process. Whoever starts one keeps this from the state `starting` to the state `running`: a
/// `starting` one that nobody holds was left by a process that was killed.
///
/// The lock is of the open directory: no other process is given that descriptor.
public struct SandboxLock: ~Copyable, Sendable {
    public let sandbox: StoredSandbox
    let directory: StoreDirectory

    /// What is written down; `nil` where that is not there, or malformed.
    public func status() throws(EngineError) -> SandboxStatus? { sandbox.status }

    /// Replaces what is written down, all or nothing.
    public func write(_ status: SandboxStatus) throws(EngineError) {
        let bytes = try SandboxStore.encode(status)
        try keeping("write the status of \(sandbox.id.short)") { () throws(SystemError) in
            try directory.replace("status.json", bytes)
        }
    }

    /// Keeps what init was told to do, for whoever inspects the sandbox.
    func write(program: String) throws(EngineError) {
        try keeping("write the program of \(sandbox.id.short)") { () throws(SystemError) in
            try directory.replace(StoredSandbox.programName, Array(program.utf8))
        }
    }

    /// Changes what is written down.
    @discardableResult
    public func update(
        _ change: (inout SandboxStatus) throws(EngineError) -> Void
    ) throws(EngineError) -> SandboxStatus {
        guard var status = try status() else { throw sandbox.isUnreadable() }
        try change(&status)
        try write(status)
        return status
    }

    /// Opens, or makes, a file in the sandbox's directory: the log's, the verdict's.
    public func makeFile(_ name: String, _ flags: OpenFlags = .readWrite) throws(EngineError) -> Descriptor {
        try keeping("make \(sandbox.path)/\(name)") { () throws(SystemError) in
            try directory.openFile(name, flags, makes: true)
        }
    }

    /// Lets go of it before its scope ends.
    public consuming func release() {}
}
