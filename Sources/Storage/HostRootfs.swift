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
    ]

    /// Names in /etc that carry a version, by their beginning; directories only.
    static let configurationPrefixes = ["java-"]

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
            if let entry = try entry(for: path, in: root, prefix) { found.append(entry) }
        }
        guard case .tree(_, "usr", true)? = found.first else {
            throw StorageError(
                .notFound, "use as root file system", prefix + "usr", "it is not a directory",
                hint: "name a directory: --rootfs DIR")
        }
        for path in try configuration + versionedConfiguration(in: root, prefix) {
            if let entry = try entry(for: path, in: root, prefix) { found.append(entry) }
        }
        return found
    }

    private static func entry(
        for path: String, in root: borrowing Descriptor, _ prefix: String
    ) throws(StorageError) -> HostRootfsEntry? {
        let base = PathBase.descriptor(root.rawValue)
        return try reporting("look at", prefix + path) { () throws(SystemError) in
            // Parents are the host's own; a linked one (/etc/ssl to elsewhere) is not this path, and is left out.
            guard let parent = try openParent(of: path, base) else { return nil }
            let name = String(path[(path.lastIndex(of: "/").map(path.index(after:)) ?? path.startIndex)...])
            switch try status(of: name, at: .descriptor(parent.rawValue))?.kind {
            case .directory?: return .tree(hostPath: prefix + path, target: path, isDirectory: true)
            case .regular?: return .tree(hostPath: prefix + path, target: path, isDirectory: false)
            case .symlink?:
                let target = try readSymlink(name, at: .descriptor(parent.rawValue))
                return isShown(target, from: path) ? .symlink(path: path, target: target) : nil
            default: return nil
            }
        }
    }

    private static func openParent(of path: String, _ base: PathBase) throws(SystemError) -> Descriptor? {
        let parent = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        do throws(SystemError) {
            return try open(
                parent, [.directory, .pathOnly], at: base, resolving: [.beneath, .noSymlinks, .noMagicLinks])
        } catch where [.noEntry, .notDirectory, .tooManyLinks].contains(error.errno) {
            return nil
        } catch {
            throw error
        }
    }

    private static func versionedConfiguration(
        in root: borrowing Descriptor, _ prefix: String
    ) throws(StorageError) -> [String] {
        let base = PathBase.descriptor(root.rawValue)
        let names = try reporting("list", prefix + "etc") { () throws(SystemError) -> [DirectoryEntry] in
            guard let parent = try openParent(of: "etc/x", base) else { return [] }
            let etc = try open(".", [.directory], at: .descriptor(parent.rawValue))
            return try LinuxKernel.entries(of: etc)
        }
        return names.filter { entry in
            entry.kind == .directory && configurationPrefixes.contains { entry.name.hasPrefix($0) }
        }.map { "etc/" + $0.name }.sorted()
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
