// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import Testing

@testable import Storage

@Suite struct GeneratedFilesTests {
    @Test func `without a network there is no name server and no dns lookup`() throws {
        let files = try GeneratedFiles(hostname: "cell", resolver: .none)
        #expect(files.hostname == "cell\n")
        #expect(
            files.hosts
                == "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n127.0.1.1\tcell\n")
        #expect(!files.resolvConf.contains("nameserver"))
        #expect(files.nsswitch.contains("hosts: files\n"))
    }

    @Test func `on the host's network its resolver is used`() throws {
        let files = try GeneratedFiles(hostname: "cell", resolver: .host(configuration: "nameserver 192.0.2.1\n"))
        #expect(files.resolvConf == "nameserver 192.0.2.1\n")
        #expect(files.nsswitch.contains("hosts: files dns\n"))
    }

    @Test func `the default user is agent and has one line`() throws {
        let files = try GeneratedFiles(hostname: "cell", resolver: .none)
        #expect(
            files.passwd == """
                root:x:0:0:root:/root:/bin/sh
                agent:x:1000:1000:agent:/home/agent:/bin/sh
                nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin

                """)
        #expect(files.group == "root:x:0:\ntty:x:5:\nagent:x:1000:\nnogroup:x:65534:\n")
    }

    @Test func `another user, group and supplementary groups get names, once each`() throws {
        let files = try GeneratedFiles(
            hostname: "cell", uid: 4242, gid: 77, groups: [77, 5, 88], resolver: .none)
        #expect(files.passwd.hasSuffix("u4242:x:4242:77:agent:/home/agent:/bin/sh\n"))
        #expect(files.group.hasSuffix("nogroup:x:65534:\ng77:x:77:\ng88:x:88:\n"))
        let root = try GeneratedFiles(hostname: "cell", uid: 0, gid: 0, resolver: .none)
        #expect(root.passwd.split(separator: "\n").count == 3)
    }

    @Test func `what is generated can be read back`() throws {
        let files = try GeneratedFiles(hostname: "cell", uid: 4242, gid: 77, resolver: .none)
        #expect(try PasswdFile(text: files.passwd).user(named: "u4242")?.gid == 77)
        #expect(try GroupFile(text: files.group).group(named: "g77")?.gid == 77)
    }

    @Test(arguments: ["", "a b", "a\nroot::0:0", "é", String(repeating: "a", count: 65), "a/b"])
    func `a host name that could break a line is refused`(name: String) {
        #expect(storageCode { _ = try GeneratedFiles(hostname: name, resolver: .none) } == .malformed)
    }

    @Test func `the host's resolver file is capped, must be a file, and may be absent`() throws {
        try withTemporaryDirectory { directory in
            #expect(try hostResolverConfiguration(path: directory + "/none") == "")
            try write("nameserver 192.0.2.1\n", to: directory + "/good")
            #expect(try hostResolverConfiguration(path: directory + "/good") == "nameserver 192.0.2.1\n")
            try write(String(repeating: "#", count: 65_537), to: directory + "/long")
            #expect(storageCode { _ = try hostResolverConfiguration(path: directory + "/long") } == .malformed)
            try makeFifo(directory + "/fifo")
            #expect(storageCode { _ = try hostResolverConfiguration(path: directory + "/fifo") } == .malformed)
        }
    }
}
