// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// The files of /etc that every sandbox gets written, never copied from the host.
public struct GeneratedFiles: Sendable, Equatable {
    /// Where names are resolved.
    public enum Resolver: Sendable, Equatable {
        /// No network, so no name server.
        case none
        /// The host's network: the text of its /etc/resolv.conf.
        case host(configuration: String)
    }

    /// One file: its path below the root, and its contents. Mode 0644, owned by root inside.
    public struct File: Sendable, Equatable {
        public var path: String
        public var contents: String
    }

    public var hostname: String
    public var hosts: String
    public var resolvConf: String
    public var passwd: String
    public var group: String
    public var nsswitch: String

    /// The uid and gid of the user `agent`, which every sandbox has.
    public static let agentID: UInt32 = 1000
    public static let agentHome = "/home/agent"

    /// - Parameters:
    ///   - hostname: the sandbox's host name; letters, digits, `-` and `.`, at most 64.
    ///   - uid: who the agent runs as; a line is added where it is none of root, agent and nobody.
    ///   - gid: the agent's group, likewise.
    ///   - groups: supplementary groups, which get names too.
    /// - Throws: `.malformed` where the host name is not one.
    public init(
        hostname: String, uid: UInt32 = agentID, gid: UInt32 = agentID, groups: [UInt32] = [], resolver: Resolver
    ) throws(StorageError) {
        guard Self.isHostname(hostname) else {
            throw StorageError(
                .malformed, "use host name", hostname, "it is not letters, digits, '-' and '.', at most 64")
        }
        self.hostname = hostname + "\n"
        hosts = """
            127.0.0.1\tlocalhost
            ::1\tlocalhost ip6-localhost ip6-loopback
            127.0.1.1\t\(hostname)

            """
        passwd = Self.passwdText(uid: uid, gid: gid)
        group = Self.groupText(gids: [gid] + groups)
        let lookup: String
        switch resolver {
        case .none:
            resolvConf = "# This sandbox has no network.\n"
            lookup = "files"
        case .host(let configuration):
            resolvConf = configuration
            lookup = "files dns"
        }
        nsswitch = """
            passwd: files
            group: files
            shadow: files
            hosts: \(lookup)
            networks: files
            protocols: files
            services: files
            ethers: files
            rpc: files

            """
    }

    /// All of them, with the paths they go to.
    public var files: [File] {
        [
            File(path: "etc/hostname", contents: hostname), File(path: "etc/hosts", contents: hosts),
            File(path: "etc/resolv.conf", contents: resolvConf), File(path: "etc/passwd", contents: passwd),
            File(path: "etc/group", contents: group), File(path: "etc/nsswitch.conf", contents: nsswitch),
        ]
    }

    private static func passwdText(uid: UInt32, gid: UInt32) -> String {
        var text = "root:x:0:0:root:/root:/bin/sh\n"
        // The agent keeps its name under whatever group it was given.
        text += "agent:x:\(agentID):\(uid == agentID ? gid : agentID):agent:\(agentHome):/bin/sh\n"
        text += "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
        if ![0, agentID, 65534].contains(uid) { text += "u\(uid):x:\(uid):\(gid):agent:\(agentHome):/bin/sh\n" }
        return text
    }

    private static func groupText(gids: [UInt32]) -> String {
        // tty is 5 everywhere: it is the group that devpts gives terminals.
        var text = "root:x:0:\ntty:x:5:\nagent:x:\(agentID):\nnogroup:x:65534:\n"
        var named: Set<UInt32> = [0, 5, agentID, 65534]
        for gid in gids where named.insert(gid).inserted { text += "g\(gid):x:\(gid):\n" }
        return text
    }

    private static func isHostname(_ name: String) -> Bool {
        (1...64).contains(name.utf8.count)
            && name.utf8.allSatisfy {
                switch $0 {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."):
                    true
                default: false
                }
            }
    }
}

/// The host's resolver configuration, for sandboxes on the host's network; an empty text where it has none.
///
/// - Throws: `.malformed` where the file is longer than 64 KiB or is not a regular file.
public func hostResolverConfiguration(path: String = "/etc/resolv.conf") throws(StorageError) -> String {
    let bytes: [UInt8]?
    do throws(SystemError) {
        let file = try open(path, [.nonBlocking, .noControllingTerminal])
        let isRegular = try status(of: file).kind == .regular
        bytes = isRegular ? try readAll(file, limit: 65_536) : nil
    } catch where error.errno == .noEntry {
        return ""
    } catch where error.errno == .fileTooLarge {
        throw StorageError(.malformed, "read", path, "it is longer than 64 KiB")
    } catch {
        throw StorageError("read", path, error)
    }
    guard let bytes else { throw StorageError(.malformed, "read", path, "it is not a regular file") }
    return String(decoding: bytes, as: UTF8.self)
}
