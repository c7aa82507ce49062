// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// One thing that `--rootfs host` puts on its empty root. Parent directories are made as needed.
public enum HostRootfsEntry: Sendable, Equatable {
    /// A file or directory tree of the host, read-only inside. `target` is relative to the new root.
    case tree(hostPath: String, target: String, isDirectory: Bool)
    /// A symbolic link. `path` is relative to the new root; `target` is the link's text.
    case symlink(path: String, target: String)
}

/// What `--rootfs host` consists of: this machine's programs and libraries, and the few files of /etc that programs need
/// to start. Nothing of /home, /root, /var and /run, and no other file of /etc.
///
/// Every mount costs a start 20 µs, so the list is the shortest with which python3, gcc, git, node, perl, java, openssl and
/// curl over https work: the linker's cache, Debian's alternatives, certificates, crypto policy, and the configuration
/// that a JVM does not start without. Links cost next to nothing. Left out, since programs do without them: services,
/// protocols, mime.types (Python has its own), terminfo (/usr has it), fonts, ld.so.conf (only ldconfig reads it),
/// /etc/ssl/private (keys). Whoever needs one binds it: `--bind /etc/fonts:/etc/fonts:ro`.
public enum HostRootfs {
    /// Directories of programs: on a merged-/usr system all but the first are links into it.
    static let programDirectories = ["usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32"]

    /// Files and directories of /etc, in the order of the mounts.
    static let configuration = [
        "etc/ld.so.cache", "etc/alternatives", "etc/ssl/certs", "etc/ssl/openssl.cnf", "etc/ssl/cert.pem",
        "etc/pki/ca-trust/extracted", "etc/pki/tls/certs", "etc/pki/tls/cert.pem", "etc/pki/tls/openssl.cnf",
        "etc/ca-certificates/extracted", "etc/crypto-policies", "etc/localtime", "etc/os-release",
        // By name: to list all of /etc takes a twentieth of a start. The long-term versions of Java.
        "etc/java-8-openjdk", "etc/java-11-openjdk", "etc/java-17-openjdk", "etc/java-21-openjdk",
        "etc/java-25-openjdk",
    ]

    /// Lists what the host has of it.
    ///
    /// - Parameter hostRoot: `/`; tests give another directory, and every path then begins there.
    /// - Throws: `.notFound` where the host has no /usr directory.
    public static func entries(hostRoot: String = "/") throws(StorageError) -> [HostRootfsEntry] {
        let root = try reporting("open", hostRoot) { () throws(SystemError) in
            try open(hostRoot, [.directory, .pathOnly])
        }
        let prefix = hostRoot.hasSuffix("/") ? hostRoot : hostRoot + "/"
        var found: [HostRootfsEntry] = []
        for path in programDirectories {
            let base = PathBase.descriptor(root.rawValue)
            let shown = try reporting("look at", prefix + path) { () throws(SystemError) -> HostRootfsEntry? in
                try entry(path, path, in: base, prefix)
            }
            if let shown { found.append(shown) }
        }
        guard case .tree(_, "usr", true)? = found.first else {
            throw StorageError(
                .notFound, "use as root file system", prefix + "usr", "it is not a directory",
                hint: "name a directory: --rootfs DIR")
        }
        var parent = Parent()
        for path in configuration {
            if let entry = try entry(for: path, in: root, prefix, &parent) { found.append(entry) }
        }
        return found
    }

    /// The directory that the last path was in: most are in the same few.
    private struct Parent: ~Copyable {
        var path = ""
        var directory: Descriptor?
    }

    private static func entry(
        for path: String, in root: borrowing Descriptor, _ prefix: String, _ parent: inout Parent
    ) throws(StorageError) -> HostRootfsEntry? {
        let (parentPath, name) = splitLast(path)
        do throws(SystemError) {
            if parent.path != parentPath {
                parent.path = parentPath
                // Parents are the host's own; a linked one (/etc/ssl to elsewhere) is not this path, and is left out.
                parent.directory = try openBeneath(parentPath, [.directory, .pathOnly], root.rawValue)
            }
            switch parent.directory {
            case .some(let directory): return try entry(name, path, in: .descriptor(directory.rawValue), prefix)
            case .none: return nil
            }
        } catch {
            throw StorageError("look at", prefix + path, error)
        }
    }

    private static func entry(
        _ name: String, _ path: String, in base: PathBase, _ prefix: String
    ) throws(SystemError) -> HostRootfsEntry? {
        switch try status(of: name, at: base)?.kind {
        case .directory?: return .tree(hostPath: prefix + path, target: path, isDirectory: true)
        case .regular?: return .tree(hostPath: prefix + path, target: path, isDirectory: false)
        case .symlink?:
            let target = try readSymlink(name, at: base)
            return isShown(target, from: path) ? .symlink(path: path, target: target) : nil
        default: return nil
        }
    }

    /// Whether a link leads, as written, into what the sandbox shows: a link elsewhere would dangle, or point at a writable
    /// place.
    static func isShown(_ target: String, from path: String) -> Bool {
        var parts: [Substring] = target.hasPrefix("/") ? [] : path.split(separator: "/").dropLast()
        for part in target.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        let resolved = parts.joined(separator: "/")
        return (["usr"] + programDirectories.dropFirst() + configuration).contains {
            resolved == $0 || resolved.hasPrefix($0 + "/")
        }
    }
}
