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
    private var isRemoved = false

    var home: String { "\(path)/home" }
    var temporary: String { "\(path)/tmp" }

    /// - Parameters:
    ///   - owner: whose the inner directories are; `nil` leaves them the caller's.
    ///   - janitor: is told before anything is made.
    init(in parent: String, owner: (uid: UInt32, gid: UInt32)?, janitor: Janitor) throws(EngineError) {
        let parent = try Self.resolved(parent)
        var random: UInt64 = 0
        withUnsafeMutableBytes(of: &random) { bytes in
            _ = mt_syscall(Int(SYS_getrandom), Int(bitPattern: bytes.baseAddress), bytes.count, 0, 0, 0, 0)
        }
        let path = "\(parent)/martinet-\(processID())-\(String(random, radix: 36))"
        self.path = path
        let entry = try janitor.enter(tree: path)
        try launching(hint: "TMPDIR names another place") { () throws(SystemError) in
            try makeDirectory(path, mode: owner == nil ? 0o700 : 0o711)
        }
        do throws(SystemError) {
            let top = try open(path, [.directory, .noFollow])
            let found = try status(of: top)
            janitor.made(entry, device: found.device, inode: found.inode)
            // Whatever the umask made of it: the agent passes through, and sees nothing.
            try changeMode(top, owner == nil ? 0o700 : 0o711)
            for name in ["home", "tmp"] {
                try makeDirectory(name, mode: 0o700, at: .descriptor(top.rawValue))
                let inner = try open(name, [.directory, .noFollow], at: .descriptor(top.rawValue))
                try changeMode(inner, 0o700)
                if let owner { try changeOwner(inner, uid: owner.uid, gid: owner.gid) }
            }
        } catch {
            remove()
            throw EngineError(error)
        }
    }

    /// A path without symlinks: the janitor opens it again by name.
    private static func resolved(_ path: String) throws(EngineError) -> String {
        try launching(hint: "TMPDIR names another place") { () throws(SystemError) in
            let directory = try open(path, [.directory, .pathOnly])
            return try readSymlink("/proc/self/fd/\(directory.rawValue)")
        }
    }

    /// Removes it with all that is in it; nothing of the agent's may run any more.
    func remove() {
        guard !isRemoved else { return }
        isRemoved = true
        _ = try? TreeRemoval.remove(path)
    }

    deinit { remove() }
}
