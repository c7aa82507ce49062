// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// Finds out whether the agent will be refused what it asks of a path, by asking the kernel the same: in the agent's own
/// view of files, with the agent's identity. Only for reports: the agent's call is made whatever this finds, and may find
/// another file by then.
///
/// What only Landlock refuses, or the sticky bit, is not found.
struct PathAudit {
    /// Who the agent is to files on the host; `nil` where the launcher is it already.
    let identity: FileSystemIdentity?

    struct Refusal {
        var words: String
        var errno: Errno
        var by: String
    }

    /// What a thread that waits will be refused.
    func refusals(of pid: Int32, _ name: String, _ arguments: [UInt64]) -> [Refusal] {
        let requests = PathCalls.requests(name, arguments) { address in
            let bytes = readMemory(of: pid, at: address, upTo: 8)
            guard bytes.count == 8 else { return nil }
            return bytes.enumerated().reduce(0) { $0 | UInt64($1.element) << UInt64(8 * $1.offset) }
        }
        return requests.compactMap { refusal(of: pid, $0) }
    }

    private func refusal(of pid: Int32, _ request: PathRequest) -> Refusal? {
        guard let text = readMemoryText(of: pid, at: request.address), !text.isEmpty,
            let path = absolute(text, of: pid, from: request.directory),
            let root = try? open("/proc/\(pid)/root", [.pathOnly, .directory])
        else { return nil }
        let found =
            identity.map { $0.whileAssumed { check(path, request.need, root) } } ?? check(path, request.need, root)
        guard let errno = found, [.permissionDenied, .notPermitted, .readOnlyFileSystem].contains(errno) else {
            return nil
        }
        return Refusal(
            words: "\(request.verb) \(path)", errno: errno,
            by: errno == .readOnlyFileSystem ? "read-only mount" : "file permissions")
    }

    /// The path from the sandbox's root.
    private func absolute(_ text: String, of pid: Int32, from directory: Int32) -> String? {
        if text.hasPrefix("/") { return text }
        let place = directory == -100 ? "cwd" : "fd/\(directory)"
        guard directory == -100 || directory >= 0, let base = try? readSymlink("/proc/\(pid)/\(place)"),
            base.hasPrefix("/")
        else { return nil }
        return base == "/" ? "/\(text)" : "\(base)/\(text)"
    }

    private func check(_ path: String, _ need: PathRequest.Need, _ root: borrowing Descriptor) -> Errno? {
        switch need {
        case .entry: return checkDirectory(of: path, root)
        case .file(let modes, let mayMake):
            do throws(SystemError) {
                return accessError(try find(path, root), modes)
            } catch {
                return error.errno == .noEntry && mayMake ? checkDirectory(of: path, root) : error.errno
            }
        }
    }

    private func checkDirectory(of path: String, _ root: borrowing Descriptor) -> Errno? {
        var parent = path
        while parent.hasSuffix("/"), parent != "/" { parent.removeLast() }
        while !parent.hasSuffix("/"), !parent.isEmpty { parent.removeLast() }
        do throws(SystemError) {
            let directory = try find(parent.isEmpty ? "/" : parent, root)
            // In the kernel's order: a mount that is never written to comes before the directory's permissions.
            if try isOnReadOnlyMount(directory) { return .readOnlyFileSystem }
            return accessError(directory, [.write, .execute])
        } catch { return error.errno }
    }

    private func find(_ path: String, _ root: borrowing Descriptor) throws(SystemError) -> Descriptor {
        try open(path, .pathOnly, at: .descriptor(root.rawValue), resolving: [.inRoot, .noMagicLinks])
    }
}
