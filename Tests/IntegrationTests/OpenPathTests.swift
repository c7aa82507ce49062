// SPDX-License-Identifier: Apache-2.0
import Engine
import Glibc
import LinuxKernel
import SandboxSpec
import TestHost
import Testing

/// Files inside a running sandbox, opened for somebody outside.
@Suite(.serialized) struct OpenPathTests {
    private func connect(_ sandboxes: DetachedSandboxes, _ name: String = "one") throws -> SandboxConnection {
        try SandboxStore(path: sandboxes.state).find(name).connect()
    }

    private func text(_ file: borrowing Descriptor) throws -> String {
        String(decoding: try readAll(file), as: UTF8.self)
    }

    private func refusal(_ connection: SandboxConnection, _ path: String, _ flags: OpenFlags = .readOnly)
        -> EngineError?
    {
        do throws(EngineError) {
            _ = try connection.open(path, flags)
            return nil
        } catch { return error }
    }

    @Test func `What is made is the agent's, or whose it is said to be, and what is read is what is inside`() throws {
        try DetachedSandboxes.with { sandboxes in
            try sandboxes.run(
                "one", script: "echo inside > /workspace/file; ln -s /workspace /tmp/link; echo ready; sleep 60")
            _ = try sandboxes.awaitLog("one", "ready")
            let connection = try connect(sandboxes)
            #expect(try text(connection.open("/tmp/link/file")) == "inside\n")
            let made = try connection.open("/tmp/made", [.writeOnly, .create, .exclusive], mode: 0o640)
            try writeAll(raw: made.rawValue, Array("outside".utf8))
            let stat = ["exec", "one", "stat", "-c", "%a %U"]
            #expect(try sandboxes.martinet(stat + ["/tmp/made"]).output == "640 agent\n")
            #expect(try sandboxes.martinet("exec", "one", "cat", "/tmp/made").output == "outside")
            let more = try connection.open("/tmp/made", [.writeOnly, .append])
            try writeAll(raw: more.rawValue, Array("!".utf8))
            #expect(try text(connection.open("/tmp/made")) == "outside!")
            // Where a single id is mapped there is no root.
            if effectiveUID() == 0 {
                _ = try connection.open(
                    "/tmp/roots", [.writeOnly, .create], mode: 0o600, as: UserReference("root"))
                #expect(try sandboxes.martinet(stat + ["/tmp/roots"]).output == "600 root\n")
                #expect(refusal(connection, "/tmp/roots", .writeOnly)?.message.contains("(EACCES") == true)
            }
            let directory = try connection.open("/workspace", .directory)
            #expect(try entries(of: directory).map { "\($0.name)" } == ["file"])
            // Between processes.
            let null = try open("/dev/null", .readWrite)
            let streams = StandardStreams(input: null.rawValue, output: null.rawValue, error: null.rawValue)
            #expect(
                try connection.exec(ExecRequest(command: ["test", "-s", "/tmp/made"]), streams: streams)?.exitStatus
                    == 0)
            #expect(try text(connection.open("/workspace/file")) == "inside\n")
        }
    }

    @Test func `What is no file, or the kernel's, does not come out, and nobody waits`() throws {
        try DetachedSandboxes.with { sandboxes in
            try sandboxes.run(
                "one",
                script: """
                    cd /tmp; mkfifo pipe; ln -s /proc/self/mem mem; ln -s /proc/1/environ environ; ln -s loop loop
                    ln -s /proc/self/root/etc/passwd magic; ln -s ../../../../../../etc/hostname up; echo ready; sleep 60
                    """)
            _ = try sandboxes.awaitLog("one", "ready")
            let connection = try connect(sandboxes)
            let begin = monotonicNow()
            for (path, errno) in [
                ("/tmp/pipe", "EOPNOTSUPP"), ("/dev/null", "EOPNOTSUPP"), ("/tmp/mem", "EACCES"),
                ("/proc/1/status", "EACCES"),
                ("/sys/kernel/uevent_seqnum", "E"), ("/tmp/environ", "EACCES"), ("/tmp/magic", "ELOOP"),
                ("/tmp/loop", "ELOOP"),
                ("/nonexistent", "ENOENT"), ("/tmp/pipe/x", "ENOTDIR"), ("/proc/cpuinfo", "EACCES"),
            ] {
                let error = refusal(connection, path)
                #expect(
                    error?.code == .unavailable && error?.message.contains("(\(errno)") == true,
                    "\(path): \(String(describing: error))")
            }
            #expect(refusal(connection, "/tmp/pipe", .writeOnly)?.message.contains("(ENXIO") == true)
            #expect(refusal(connection, "/usr/new", [.writeOnly, .create])?.message.contains("(EROFS") == true)
            #expect(refusal(connection, "relative") != nil)
            // Not its own business: a record of another form ends the connection, a flag that is none is refused.
            #expect(
                try text(self.connect(sandboxes).open("/tmp/up"))
                    == sandboxes.martinet("exec", "one", "hostname").output)
            #expect(refusal(try self.connect(sandboxes), "/tmp", .pathOnly)?.message.contains("(EINVAL") == true)
            #expect(monotonicNow() - begin < .seconds(20).patient)
            guard try sandboxes.martinet("pause", "one").status == 0 else { return }
            #expect(refusal(try self.connectPaused(sandboxes), "/tmp")?.code == .wrongState)
        }
    }

    /// A connection from before the pause.
    private func connectPaused(_ sandboxes: DetachedSandboxes) throws -> SandboxConnection {
        #expect(try sandboxes.martinet("resume", "one").status == 0)
        let connection = try connect(sandboxes)
        #expect(try sandboxes.martinet("pause", "one").status == 0)
        return connection
    }
}
