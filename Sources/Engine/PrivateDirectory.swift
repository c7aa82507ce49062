// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxKernel
import Storage

/// A directory of the agent's own, for an agent that has no file systems of its own: a home and a place for temporary files.
///
/// It lies in /tmp, or where the caller's `TMPDIR` says; not in `XDG_RUNTIME_DIR`, which is small and which the rest of the
/// user's session cannot do without. The outer directory is the launcher's, so that the agent can neither rename nor replace
/// it; what is in it is the agent's. It is gone with the sandbox, also when the launcher was killed.
final class PrivateDirectory {
    let path: String
    private let name: String
    private let parent: Descriptor
    private let owner: (uid: UInt32, gid: UInt32)?
    private var identity: (device: UInt64, inode: UInt64)?
    private var isRemoved = false
    private static let inner = ["home", "tmp"]

    var home: String { "\(path)/home" }
    var temporary: String { "\(path)/tmp" }

    /// - Parameters:
    ///   - owner: whose the inner directories are; `nil` leaves them the caller's.
    ///   - janitor: is told before anything is made.
    init(in parent: String, owner: (uid: UInt32, gid: UInt32)?, janitor: Janitor) throws(EngineError) {
        let hint = "TMPDIR names another place"
        let directory = try launching(hint: hint) { () throws(SystemError) in try open(parent, [.directory, .pathOnly])
        }
        let raw = directory.rawValue
        // Without symlinks: the janitor opens it again by name.
        let resolved = try launching(hint: hint) { () throws(SystemError) in try readSymlink("/proc/self/fd/\(raw)") }
        var random: UInt64 = 0
        withUnsafeMutableBytes(of: &random) { bytes in
            _ = mt_syscall(Int(SYS_getrandom), Int(bitPattern: bytes.baseAddress), bytes.count, 0, 0, 0, 0)
        }
        let name = "martinet-\(processID())-\(String(random, radix: 36))"
        self.name = name
        self.parent = directory
        self.owner = owner
        path = (resolved == "/" ? "" : resolved) + "/" + name
        let entry = try janitor.enter(tree: path, owner: owner)
        try launching(hint: hint) { () throws(SystemError) in
            try makeDirectory(name, mode: owner == nil ? 0o700 : 0o711, at: .descriptor(raw))
        }
        do throws(SystemError) {
            let top = try open(name, [.directory, .noFollow], at: .descriptor(raw))
            let found = try status(of: top)
            identity = (found.device, found.inode)
            janitor.made(entry, device: found.device, inode: found.inode)
            // Whatever the umask made of it: the agent passes through, and sees nothing.
            try changeMode(top, owner == nil ? 0o700 : 0o711)
            for name in Self.inner {
                try makeDirectory(name, mode: 0o700, at: .descriptor(top.rawValue))
                let inner = try open(name, [.directory, .noFollow], at: .descriptor(top.rawValue))
                try changeMode(inner, 0o700)
                if let owner { try changeOwner(inner, uid: owner.uid, gid: owner.gid) }
            }
        } catch {
            _ = remove()
            throw EngineError(error)
        }
    }

    /// Removes it with all that is in it; nothing of the agent's may run any more.
    ///
    /// What is in it goes as the agent: a directory that others filled, moved here out of the workspace, is not the
    /// launcher's to remove, though root could.
    /// - Returns: what was left, and why; `nil` where all is gone.
    func remove() -> EngineError? {
        guard !isRemoved else { return nil }
        isRemoved = true
        do throws(StorageError) {
            // The directory that was made, or nothing: whoever may change the parent may have put another in its place.
            guard try isOurs() else { return nil }
            if let owner {
                let agent = FileSystemIdentity(uid: owner.uid, gid: owner.gid, groups: [])
                let outcome = agent.whileAssumed { Result { () throws(StorageError) in try removeContents() } }
                try outcome.get()
            }
            try TreeRemoval.remove(name, in: parent)
            return nil
        } catch {
            var failure = EngineError(error)
            failure.message = "what the agent left in \(visible(path)) is not all gone: " + failure.message
            failure.hint = "it holds what the agent may not remove itself; look whose it is"
            return failure
        }
    }

    private func isOurs() throws(StorageError) -> Bool {
        do throws(SystemError) {
            let top = try open(name, [.pathOnly, .directory, .noFollow], at: .descriptor(parent.rawValue))
            let found = try status(of: top)
            return identity.map { $0.device == found.device && $0.inode == found.inode } ?? true
        } catch where error.errno == .noEntry || error.errno == .notDirectory || error.errno == .tooManyLinks {
            return false
        } catch { throw StorageError("look at", path, error) }
    }

    private func removeContents() throws(StorageError) {
        let number = parent.rawValue
        for inner in Self.inner {
            let directory: Descriptor
            do throws(SystemError) {
                directory = try open("\(name)/\(inner)", [.directory, .noFollow], at: .descriptor(number))
            } catch where error.errno == .noEntry {
                continue
            } catch where error.errno == .permissionDenied {
                directory = try reopened("\(name)/\(inner)")
            } catch { throw StorageError("open", "\(path)/\(inner)", error) }
            try TreeRemoval.removeContents(of: directory, path: "\(path)/\(inner)")
        }
    }

    /// The agent has closed its own directory.
    private func reopened(_ inner: String) throws(StorageError) -> Descriptor {
        do throws(SystemError) {
            let handle = try open(inner, [.pathOnly, .directory, .noFollow], at: .descriptor(parent.rawValue))
            try changeMode(ofPath: handle, 0o700)
            return try open(inner, [.directory, .noFollow], at: .descriptor(parent.rawValue))
        } catch { throw StorageError("open", "\(path)/\(inner)", error) }
    }

    deinit { _ = remove() }
}
