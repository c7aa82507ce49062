// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import SandboxSpec
import SetupProgram
import Testing

@testable import Engine

/// What is looked up and read before a launch.
@Suite struct PreparationTests {
    private static let agent = AgentIdentity(uid: 1000, gid: 1000, name: "agent", home: "/home/agent")

    private static func environment(
        _ spec: SandboxSpec, secrets: [SecretInput] = [], terminal: String? = nil
    ) -> (lines: [String], secretNames: Set<String>) {
        LaunchPreparation.environment(spec, identity: agent, secrets: secrets, callerTerminal: terminal)
    }

    @Test func `nothing of the caller's environment is in the agent's`() {
        let environment = Self.environment(SandboxSpec(), terminal: "xterm-kitty")
        #expect(
            environment.lines == [
                "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/home/agent", "USER=agent",
                "LANG=C.UTF-8", "container=martinet",
            ])
        #expect(environment.secretNames.isEmpty)
    }

    @Test func `TERM is the caller's with a terminal of its own, and xterm where the caller has none`() {
        var spec = SandboxSpec()
        spec.terminal = true
        #expect(Self.environment(spec, terminal: "xterm-kitty").lines.last == "TERM=xterm-kitty")
        #expect(Self.environment(spec).lines.last == "TERM=xterm")
    }

    @Test func `a variable asked for replaces one of the same name in its place`() throws {
        var spec = SandboxSpec()
        spec.environment = try [("A", "1"), ("PATH", "/opt/bin"), ("A", "2"), ("EMPTY", ""), ("EQ", "a=b")].map {
            try EnvironmentVariable(name: $0.0, value: $0.1)
        }
        let lines = Self.environment(spec).lines
        #expect(lines.first == "PATH=/opt/bin")
        #expect(lines.suffix(3) == ["A=2", "EMPTY=", "EQ=a=b"])
        #expect(Set(lines.map { $0.prefix { $0 != "=" } }).count == lines.count)
    }

    @Test func `a secret is a variable and named as one, and a secret file is neither`() {
        let secrets = [
            SecretInput(name: "TOKEN", value: Array("x=y".utf8), asFile: false),
            SecretInput(name: "FILED", value: Array("z".utf8), asFile: true),
        ]
        let environment = Self.environment(SandboxSpec(), secrets: secrets)
        #expect(environment.lines.last == "TOKEN=x=y")
        #expect(!environment.lines.contains { $0.contains("FILED") })
        #expect(environment.secretNames == ["TOKEN"])
    }

    // MARK: Secrets

    private static func secrets(_ references: [SecretReference]) throws -> [SecretInput] {
        var spec = SandboxSpec()
        spec.secrets = references
        return try LaunchPreparation.readSecrets(spec, callerEnvironment: ["HAVE": "value\n"])
    }

    private static func refusal(_ reference: SecretReference) -> EngineError? {
        do { _ = try secrets([reference]) } catch { return error as? EngineError }
        return nil
    }

    @Test func `a secret file loses one newline at its end, a variable none`() throws {
        try withFile("line\n\n") { path in
            let values = try Self.secrets([
                SecretReference("A=@\(path)", delivery: .environment), SecretReference("HAVE", delivery: .file),
            ])
            #expect(values.map { String(decoding: $0.value, as: UTF8.self) } == ["line\n", "value\n"])
            #expect(values.map(\.asFile) == [false, true])
        }
    }

    @Test func `a secret that is not there is an error with its cure, and without its value`() throws {
        let variable = Self.refusal(try SecretReference("LACK", delivery: .environment))
        #expect(variable?.code == .invalidSpec)
        #expect(variable?.message == "secret.LACK: LACK is not set in the caller's environment")
        let file = Self.refusal(try SecretReference("A=@/nonexistent/x", delivery: .environment))
        #expect(file?.message == "secret.A: open /nonexistent/x: no such file or directory (ENOENT)")
        let directory = Self.refusal(try SecretReference("A=@/tmp", delivery: .environment))
        #expect(directory?.message.contains("EISDIR") == true)
    }

    @Test func `a secret may come out of a pipe that is still being written, as <(command) is`() throws {
        let pipe = try Pipe()
        let writer = try spawn(
            SpawnRequest(
                path: "/bin/sh", arguments: ["sh", "-c", "sleep 0.1; echo late; sleep 0.1; echo later"],
                environment: ["PATH=/usr/bin:/bin"], standardOutput: pipe.writer.rawValue,
                standardError: pipe.writer.rawValue))
        let reader = pipe.intoReader()
        let reference = try SecretReference("A=@/proc/self/fd/\(reader.rawValue)", delivery: .environment)
        let secrets = Result { try Self.secrets([reference]) }
        #expect(try reap(writer) == .exited(0))
        #expect(try secrets.get().map { String(decoding: $0.value, as: UTF8.self) } == ["late\nlater"])
    }

    @Test func `a secret with a NUL byte is a file or nothing`() throws {
        try withFile("a\0b") { path in
            let refusal = Self.refusal(try SecretReference("A=@\(path)", delivery: .environment))
            #expect(refusal?.code == .invalidSpec)
            #expect(refusal?.description.contains("a\0b") == false)
            #expect(try Self.secrets([SecretReference("A=@\(path)", delivery: .file)])[0].value == [0x61, 0, 0x62])
        }
    }

    @Test func `a secret longer than 1 MiB is refused whole`() throws {
        try withFile(String(repeating: "x", count: 1 << 20)) { path in
            let secrets = try Self.secrets([SecretReference("A=@\(path)", delivery: .file)])
            #expect(secrets[0].value.count == 1 << 20)
        }
        try withFile(String(repeating: "x", count: (1 << 20) + 1)) { path in
            let refusal = Self.refusal(try SecretReference("A=@\(path)", delivery: .file))
            #expect(refusal?.message.contains("EFBIG") == true)
        }
    }

    private func withFile(_ text: String, _ body: (String) throws -> Void) throws {
        let path = "/tmp/martinet-secret-\(processID())-\(UInt64.random(in: 0 ... .max))"
        try writeAll(open(path, [.writeOnly, .create, .exclusive], mode: 0o600), Array(text.utf8))
        let outcome = Result { try body(path) }
        try remove(path)
        try outcome.get()
    }

    // MARK: Identity

    private static func identity(_ user: String?, groups: [UInt32] = []) throws -> AgentIdentity {
        var spec = SandboxSpec()
        spec.user = try user.map { try UserReference($0) }
        spec.groups = groups
        return try LaunchPreparation.identity(spec)
    }

    @Test func `without a rootfs of its own a sandbox knows root, agent and nobody`() throws {
        #expect(try Self.identity(nil) == Self.agent)
        #expect(try Self.identity("root").uid == 0)
        #expect(try Self.identity("root").gid == 0)
        #expect(try Self.identity("nobody:nogroup").gid == 65534)
        #expect(try Self.identity("5:6", groups: [7]).groups == [7])
        #expect(try Self.identity("5:6").gid == 6)
        #expect(try Self.identity("5").gid == 5)
        #expect(try Self.identity("5").name == "u5")
        #expect(try Self.identity("0").name == "root")
    }

    @Test func `a user or group that the sandbox does not have is an error, and never id 0`() {
        for (user, word) in [("daemon", "user"), ("root:daemon", "group"), ("nogroup2", "user")] {
            let error = #expect(throws: EngineError.self) { try Self.identity(user) }
            #expect(error?.code == .invalidSpec)
            #expect(error?.message.contains("no \(word) ") == true)
        }
    }

    // MARK: What a launch is refused for

    @Test func `an invalid spec is refused before anything is looked at`() {
        let error = #expect(throws: EngineError.self) { try Launcher().explain(SandboxSpec()) }
        #expect(error?.code == .invalidSpec)
        #expect(error?.message.hasPrefix("command: no program to run") == true)
    }

    @Test func `a namespace of another type is refused by name`() throws {
        var spec = SandboxSpec()
        spec.join = [NamespaceJoin(type: .network, path: "/proc/self/ns/uts")]
        let error = #expect(throws: EngineError.self) { _ = try Launcher().openJoins(spec) }
        #expect(error?.message == "join.net: /proc/self/ns/uts is not a net namespace")
        spec.join = [NamespaceJoin(type: .network, path: "/etc/passwd")]
        #expect(throws: EngineError.self) { _ = try Launcher().openJoins(spec) }
        spec.join = [NamespaceJoin(type: .network, path: "/nonexistent")]
        #expect(throws: EngineError.self) { _ = try Launcher().openJoins(spec) }
        for kind in NamespaceJoin.Kind.allCases {
            spec.join = [NamespaceJoin(type: kind, path: "/proc/self/ns/\(kind.rawValue)")]
            #expect(try Launcher().openJoins(spec).count == 1, "\(kind)")
        }
    }

    @Test func `the flags of a profile's file are those that its filter is installed with`() throws {
        try TestGround.with { ground in
            let path = "\(ground.root)/flags.json"
            let file = try open(path, [.writeOnly, .create, .truncate], mode: 0o600)
            try writeAll(
                file,
                """
                {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64"],
                 "flags": ["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW"],
                 "syscalls": [{"names": ["ptrace"], "action": "SCMP_ACT_ERRNO"}]}
                """.utf8)
            var spec = SandboxSpec()
            spec.command = ["true"]
            spec.seccomp = .file(path)
            let program = try Launcher().explain(spec)
            let flags = program.instructions.compactMap {
                if case .installFilter(let flags, _, _) = $0 { flags } else { nil }
            }
            #expect(flags == [0b110])
            #expect(program.text.contains("flags log,spec_allow"))
        }
    }
}
