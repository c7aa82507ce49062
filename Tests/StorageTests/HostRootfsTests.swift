// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import Testing

@testable import Storage

@Suite struct HostRootfsTests {
    @Test func `a merged-usr host gives one tree and links into it`() throws {
        try withTemporaryDirectory { root in
            try makeDirectories(root + "/usr/bin")
            try makeSymlink(root + "/bin", to: "usr/bin")
            try makeSymlink(root + "/lib64", to: "usr/lib64")
            try write("cache", to: root + "/etc/ld.so.cache")
            try makeDirectories(root + "/etc/ssl/certs")
            try makeDirectories(root + "/etc/ssl/private")
            try makeDirectories(root + "/etc/java-17-openjdk")
            try makeSymlink(root + "/etc/localtime", to: "/usr/share/zoneinfo/Europe/Paris")
            for secret in ["/home/u", "/root", "/var/lib", "/run/x"] { try makeDirectories(root + secret) }
            try write("root:x", to: root + "/etc/shadow")
            #expect(
                try HostRootfs.entries(hostRoot: root) == [
                    .tree(hostPath: root + "/usr", target: "usr", isDirectory: true),
                    .symlink(path: "bin", target: "usr/bin"),
                    .symlink(path: "lib64", target: "usr/lib64"),
                    .tree(hostPath: root + "/etc/ld.so.cache", target: "etc/ld.so.cache", isDirectory: false),
                    .tree(hostPath: root + "/etc/ssl/certs", target: "etc/ssl/certs", isDirectory: true),
                    .symlink(path: "etc/localtime", target: "/usr/share/zoneinfo/Europe/Paris"),
                    .tree(hostPath: root + "/etc/java-17-openjdk", target: "etc/java-17-openjdk", isDirectory: true),
                ])
        }
    }

    @Test func `an unmerged host gives its own trees`() throws {
        try withTemporaryDirectory { root in
            for name in ["usr", "bin", "lib"] { try makeDirectories(root + "/" + name) }
            let entries = try HostRootfs.entries(hostRoot: root)
            #expect(entries.count == 3)
            #expect(entries.contains(.tree(hostPath: root + "/bin", target: "bin", isDirectory: true)))
        }
    }

    @Test(arguments: ["/run/tz", "/var/x", "../home/u/f", "/etc/shadow", "../../usr/../root/x", "/usrx/y"])
    func `a link that leaves what is shown is left out`(target: String) throws {
        #expect(!HostRootfs.isShown(target, from: "etc/localtime"))
    }

    @Test(arguments: ["/usr/share/zoneinfo/UTC", "../usr/lib/os-release", "pki/tls/certs", "./../usr//x"])
    func `a link into what is shown stays`(target: String) throws {
        #expect(HostRootfs.isShown(target, from: "etc/localtime"))
    }

    @Test func `a linked /etc subdirectory is not followed`() throws {
        try withTemporaryDirectory { root in
            try makeDirectories(root + "/usr")
            try makeDirectories(root + "/var/keys/certs")
            try makeDirectories(root + "/etc")
            try makeSymlink(root + "/etc/ssl", to: "../var/keys")
            #expect(try HostRootfs.entries(hostRoot: root).count == 1)
        }
    }

    @Test func `a host without /usr is an error`() throws {
        try withTemporaryDirectory { root in
            #expect(storageCode { _ = try HostRootfs.entries(hostRoot: root) } == .notFound)
        }
    }

    @Test func `on this machine nothing private is listed and every tree exists`() throws {
        for entry in try HostRootfs.entries() {
            guard case .tree(let path, let target, let isDirectory) = entry else { continue }
            #expect(path == "/" + target)
            #expect(try status(of: path)?.kind == (isDirectory ? .directory : .regular))
            for hidden in ["/home", "/root", "/var", "/run", "/etc/ssl/private"] { #expect(!path.hasPrefix(hidden)) }
        }
    }
}
