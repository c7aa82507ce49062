// SPDX-License-Identifier: Apache-2.0
import Foundation
import LinuxKernel
import Testing

@Suite(.serialized) struct NamespaceTests {
    private static let names = ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"]

    private static func own(_ name: String) throws -> String { try readSymlink("/proc/self/ns/\(name)") }

    private static func inside(_ options: [String]) throws -> [String: String] {
        let outcome = try Martinet.shell(
            options, "for n in \(names.joined(separator: " ")); do echo $n $(readlink /proc/self/ns/$n); done")
        return Dictionary(
            uniqueKeysWithValues: outcome.lines.map { line in
                let words = line.split(separator: " ")
                return (String(words[0]), words.count > 1 ? String(words[1]) : "")
            })
    }

    @Test func `Every namespace is the sandbox's own`() throws {
        let found = try Self.inside([])
        for name in Self.names {
            #expect(found[name]?.hasPrefix("\(name):[") == true)
            #expect(found[name] != (try Self.own(name)), "\(name)")
        }
    }

    @Test func `Without a network there is loopback only, and it is up`() throws {
        let outcome = try Martinet.shell(
            ["--net", "none"], "tail -n +3 /proc/net/dev | cut -d: -f1; wc -l < /proc/net/route")
        #expect(outcome.lines.map { $0.trimmingCharacters(in: .whitespaces) } == ["lo", "1"])
        #expect(try Martinet.shell([], "cat /proc/net/fib_trie").output.contains("127.0.0.1"))
    }

    @Test func `The host's network is the host's namespace, and all others are not`() throws {
        let found = try Self.inside(["--net", "host"])
        for name in Self.names {
            #expect((found[name] == (try Self.own(name))) == (name == "net"), "\(name)")
        }
    }

    @Test(.enabled(if: isRoot, "joining takes the privileges of the namespace's owner"))
    func `A namespace is joined by its path`() throws {
        let holder = try HostProgram(
            ["/usr/bin/unshare", "--net", "--uts", "/bin/sh", "-c", "hostname joined; echo ready; read line"],
            input: .open)
        holder.awaitOutput("ready")
        let path = "/proc/\(holder.pid)/ns"
        let net = try readSymlink("\(path)/net")
        let found = try Self.inside(["--join", "net=\(path)/net"])
        #expect(found["net"] == net)
        #expect(found["uts"] != (try readSymlink("\(path)/uts")))
        let both = try Self.inside(["--join", "net=\(path)/net", "--join", "uts=\(path)/uts"])
        #expect(both["net"] == net)
        #expect(both["uts"] == (try readSymlink("\(path)/uts")))
        let wrong = try Martinet.run(["--join", "net=\(path)/uts"], ["/bin/true"])
        #expect(wrong.status == 125)
        #expect(wrong.errors.contains("is not a net namespace"), "\(wrong.errors)")
        holder.send(SIGKILL)
        _ = holder.wait()
    }

    @Test(.enabled(if: (try? status(of: "/proc/self/ns/time")) ?? nil != nil, "time namespaces need Linux 5.6"))
    func `Clocks are set forward`() throws {
        func uptime(_ text: String) throws -> Double {
            try #require(text.split(separator: " ").first.flatMap { Double($0) })
        }
        let host = try uptime(try #require(HostView.text("/proc/uptime")))
        let plain = try uptime(Martinet.run([], ["/bin/cat", "/proc/uptime"]).output)
        let forward = try uptime(
            Martinet.run(["--time-offset", "boottime=1000h"], ["/bin/cat", "/proc/uptime"]).output)
        #expect(abs(plain - host) < 60)
        #expect(abs(forward - host - 3_600_000) < 60)
    }
}
