// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// What Landlock is to hold around an agent, on a kernel with a certain version of it: which rights are refused unless a
/// rule gives them, what ends at the domain's border, and which rights each use of a path takes. Pure.
///
/// A right that the kernel knows and a policy leaves unhandled is not restricted at all. What no version restricts is
/// listed in docs/threat-model.md: looking at names and attributes, changing modes, owners, times and extended attributes.
/// - SeeAlso: landlock(7), Documentation/userspace-api/landlock.rst
public struct LandlockPolicy: Sendable, Hashable {
    /// The kernel's version of the interface.
    public let abi: UInt32
    public let handledFiles: LandlockFileAccess
    public let handledNetwork: LandlockNetworkAccess
    public let scopes: LandlockScopes

    /// The second wall, behind namespaces: files, and what namespaces do not separate.
    ///
    /// Ports need no rules: a network namespace of the sandbox's own has only its own, and the host's network is what was
    /// asked for where it is shared. Signals end at the PID namespace; a scope for them would keep a program that is started
    /// in the same sandbox later, in a domain beside the agent's, from signalling the agent. Unix sockets with a path are
    /// reached only if they were shown.
    ///
    /// - Parameter sharesNetwork: the network namespace is the host's or a joined one, and so are its abstract sockets.
    public static func besideNamespaces(abi: UInt32, sharesNetwork: Bool) -> LandlockPolicy {
        LandlockPolicy(
            abi: abi, files: allFiles.subtracting(.resolveUnix), network: [],
            scopes: sharesNetwork ? .abstractSockets : [])
    }

    /// The only wall besides the system-call filter: everything that can be handled.
    ///
    /// - Parameter usesNetwork: the agent may use the host's network.
    public static func alone(abi: UInt32, usesNetwork: Bool) -> LandlockPolicy {
        LandlockPolicy(
            abi: abi, files: allFiles, network: usesNetwork ? [] : [.bindTCP, .connectTCP, .bindUDP, .sendUDP],
            scopes: [.abstractSockets, .signals])
    }

    private init(abi: UInt32, files: LandlockFileAccess, network: LandlockNetworkAccess, scopes: LandlockScopes) {
        self.abi = abi
        handledFiles = files.intersection(Self.files(in: abi))
        handledNetwork = network.intersection(Self.network(in: abi))
        self.scopes = abi >= 6 ? scopes : []
    }

    // MARK: What each version brought

    private static let allFiles = files(in: .max)

    private static func files(in abi: UInt32) -> LandlockFileAccess {
        var access = LandlockFileAccess(rawValue: (1 << 13) - 1)  // the thirteen of the first version
        if abi >= 2 { access.insert(.refer) }
        if abi >= 3 { access.insert(.truncate) }
        if abi >= 5 { access.insert(.deviceControl) }
        if abi >= 9 { access.insert(.resolveUnix) }
        return access
    }

    private static func network(in abi: UInt32) -> LandlockNetworkAccess {
        var access: LandlockNetworkAccess = []
        if abi >= 4 { access.formUnion([.bindTCP, .connectTCP]) }
        if abi >= 10 { access.formUnion([.bindUDP, .sendUDP]) }
        return access
    }

    private static let kernels = ["5.13", "5.19", "6.2", "6.7", "6.10", "6.12", "6.15", "7.0", "7.1", "7.2"]

    /// The release of Linux that brought a version; `nil` for one that is newer than this program.
    public static func kernel(bringing abi: UInt32) -> String? {
        let index = Int(abi) - 1
        return kernels.indices.contains(index) ? kernels[index] : nil
    }

    // MARK: Uses of a path

    /// What a rule gives: the agent may do this with a path and all below it.
    public enum Use: Sendable, CaseIterable {
        /// Read files, list directories, execute.
        case read
        /// The same without executing.
        case look
        /// Change, make and remove whatever is not a device node, and move it about.
        case change
        /// Write to files that are there, as those of /proc.
        case write
        /// Write to devices and control them.
        case control
    }

    /// The rights of a use, as far as they are handled: a rule may hold no others.
    ///
    /// - Parameter isDirectory: a rule about a single file takes only rights of files.
    public func rights(_ use: Use, isDirectory: Bool = true) -> LandlockFileAccess {
        let rights: LandlockFileAccess =
            switch use {
            case .read: [.execute, .readFile, .readDirectory]
            case .look: [.readFile, .readDirectory]
            case .write: [.writeFile, .truncate]
            case .control: [.writeFile, .deviceControl]
            case .change:
                [
                    .writeFile, .truncate, .removeFile, .removeDirectory, .makeDirectory, .makeRegular, .makeSocket,
                    .makeFifo, .makeSymlink, .refer,
                ]
            }
        return (isDirectory ? rights : rights.intersection(.ofFiles)).intersection(handledFiles)
    }

    /// The flags of landlock_restrict_self(2): without any, what the agent's program is refused is not in the audit log.
    ///
    /// - Parameter audits: refusals are to be reported. Linux 6.15
    public func restrictFlags(audits: Bool) -> UInt32 {
        audits && abi >= 7 ? 1 << 1 /* LANDLOCK_RESTRICT_SELF_LOG_NEW_EXEC_ON */ : 0
    }

    public var level: LandlockLevel { .reached(abi: abi, holds: holds) }

    private var holds: [String] {
        let files: [(LandlockFileAccess, String)] = [
            (.writeFile, "files"), (.refer, "refer"), (.truncate, "truncate"), (.deviceControl, "ioctl"),
            (.resolveUnix, "Unix sockets"),
        ]
        let network: [(LandlockNetworkAccess, String)] = [(.bindTCP, "TCP"), (.bindUDP, "UDP")]
        let scopes: [(LandlockScopes, String)] = [(.abstractSockets, "abstract sockets"), (.signals, "signals")]
        return files.filter { handledFiles.contains($0.0) }.map(\.1)
            + network.filter { handledNetwork.contains($0.0) }.map(\.1)
            + scopes.filter { self.scopes.contains($0.0) }.map(\.1)
    }
}
