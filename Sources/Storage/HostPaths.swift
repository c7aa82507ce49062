// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// A path of the host's that is shown, as it is, to an agent without a root file system of its own.
public struct HostPath: Sendable, Equatable {
    public enum Use: Sendable, Equatable {
        /// Programs and libraries: read and executed.
        case run
        /// Read.
        case look
        /// A device: read, written and controlled.
        case device
    }

    public var path: String
    public var use: Use

    public init(_ path: String, _ use: Use) {
        self.path = path
        self.use = use
    }
}

/// What an agent sees of the host where nothing can be mounted: what `HostRootfs` shows, at its own place, and what is
/// generated or mounted in a sandbox with namespaces.
///
/// All of /proc is among it, since no rule could mean "one's own process, whichever it is". What other processes keep for
/// themselves there (memory, environment, descriptors, directories) the kernel opens only to who may trace them, which
/// nobody in a Landlock domain may. Their names and command lines it shows to everybody.
public enum HostPaths {
    /// Files of /etc that a sandbox with namespaces has generated ones in the place of; and some that are simply absent there,
    /// but which programs take amiss when they are there and closed to them: git ends, shells complain.
    static let configuration = [
        "passwd", "group", "nsswitch.conf", "hosts", "host.conf", "hostname", "services", "protocols", "mime.types",
        "gitconfig", "profile", "profile.d", "bash.bashrc", "inputrc", "terminfo", "fonts", "magic", "timezone",
        "debian_version", "lsb-release", "perl", "python3",
    ]
    /// Kernel files that runtimes size their pools of threads and their heaps by.
    static let machine = ["/proc", "/sys/devices/system/cpu", "/sys/devices/system/node", "/sys/kernel/mm"]
    static let devices = ["null", "zero", "full", "random", "urandom", "tty"]

    /// Lists what is there, the outermost first.
    ///
    /// - Parameter usesNetwork: the agent may use the host's network, and so ask its name servers.
    /// - Throws: `.notFound` where the host has no /usr directory.
    public static func shown(usesNetwork: Bool) throws(StorageError) -> [HostPath] {
        var found: [HostPath] = []
        for entry in try HostRootfs.entries() {
            // A symlink needs no rule: what counts is what it leads to, and that is in the list itself.
            guard case .tree(let path, let target, _) = entry else { continue }
            found.append(HostPath(path, target.hasPrefix("etc/") ? .look : .run))
        }
        let names = configuration + (usesNetwork ? ["resolv.conf"] : [])
        found += names.map { HostPath("/etc/\($0)", .look) } + machine.map { HostPath($0, .look) }
        return found + devices.map { HostPath("/dev/\($0)", .device) }
    }
}
