// SPDX-License-Identifier: Apache-2.0
import CLinux
import Foundation
import LinuxKernel
import SandboxSpec
import SetupProgram
import Testing

@testable import Engine

extension SecurityTests {
    /// Attack 46: records on init's socket that make no sense, from either side.
    @Suite struct Records {
        // MARK: From init's side

        /// Runs a sandbox whose init is `fake-init`, and says what `name` stands for there.
        private func run(fake name: String) throws -> SandboxOutcome {
            let directory = TemporaryTree.makeDirectory("fake")
            try FileManager.default.copyItem(
                atPath: AttackPrograms.path("fake-init"), toPath: "\(directory)/martinet-init")
            InitBinary.buildDirectory = directory
            defer { InitBinary.buildDirectory = nil }
            var spec = try Sandbox.spec("descriptors")
            spec.environment = [try EnvironmentVariable(name: "SAY", value: "fake=\(name)")]
            return try Sandbox.run(spec)
        }

        /// What no init of ours says. Each ends that sandbox with an error.
        static let lies = [
            "silent", "empty", "garbage", "short", "magic", "version", "length", "truncated", "longer", "oversized",
            "unknown", "host-kind", "terminate", "exited-first", "no-descriptor", "descriptors", "purpose",
            "unasked-terminal", "unasked-listener", "stopped-zero", "stopped-large", "reason", "started-only",
        ]

        @Test("attack 46: nonsense from init ends that sandbox with an error, and nothing else", arguments: lies)
        func fromInit(name: String) throws {
            try LeakCheck.around {
                let outcome = try run(fake: name)
                #expect(outcome.verdict == nil && outcome.error?.code == .initFailed, "\(outcome.summary)")
                #expect(outcome.status == 125)
            }
        }

        @Test(
            "attack 46: a failure that init makes up is an error in words", arguments: ["failed-far", "failed-errno"])
        func madeUp(name: String) throws {
            try LeakCheck.around {
                let outcome = try run(fake: name)
                #expect(outcome.status == 125 && outcome.error?.message.isEmpty == false, "\(outcome.summary)")
            }
        }

        @Test(
            "attack 46: what init may say, said too often or with descriptors along, leaves nothing open",
            arguments: ["good", "exited-twice", "started-often", "smuggled"])
        func tooMuch(name: String) throws {
            try LeakCheck.around {
                let outcome = try run(fake: name)
                #expect(outcome.status == 0 || outcome.error?.code == .initFailed, "\(outcome.summary)")
            }
        }

        @Test("attack 46: the launcher goes on to start sandboxes afterwards")
        func launcherLives() throws {
            try LeakCheck.around {
                _ = try run(fake: "garbage")
                let outcome = try Sandbox.run(Sandbox.spec("descriptors"))
                #expect(outcome.status == 0, "\(outcome.summary)")
            }
        }

        // MARK: From the host's side

        /// What real init answers to records: the last thing it says, and how it ended.
        private struct Answer: CustomStringConvertible {
            var messages: [ControlMessage] = []
            var status: LinuxKernel.ExitStatus = .exited(0)
            var description: String { "\(messages) \(status)" }
        }

        /// Clones real init as a launch does, and lets `talk` speak to it in the launcher's place.
        private func withInit(
            _ talk: (borrowing Descriptor, _ program: [UInt8]) throws -> Void
        ) throws -> Answer {
            let launcher = Launcher()
            let spec = try Sandbox.spec("descriptors")
            let probe = try HostProbe.probe()
            let identity = try LaunchPreparation.identity(spec)
            var range = try launcher.ownRange(spec, probe: probe)
            let owner = range.base
            let mapping = try launcher.identityMapping(
                spec, probe: probe, identity: identity, range: range.take())
            var process = try launcher.cloneInit(
                spec, probe: probe, mapsRange: mapping.mapsRange, joins: DescriptorTable(), cgroup: nil, owner: owner)
            try mapping.write(
                for: process.pid, agentUID: identity.uid, agentGID: identity.gid, probe: probe)
            try process.release()
            // A small program that runs to its end: namespaces, a root, an agent that is not there.
            func namespace(_ name: String) throws -> NamespaceIdentity {
                let found = try #require(try status(of: "/proc/self/ns/\(name)", followingSymlinks: true))
                return NamespaceIdentity(device: found.device, inode: found.inode)
            }
            let program = SetupProgram(
                instructions: [
                    .setHostname("cell"), .setPropagation(flags: 1 << 18),
                    .createFileSystem(Slot(0), type: "tmpfs", options: ["mode=0755"], attributes: 6),
                    .attachRoot(Slot(0)), .pivotRoot, .detachOldRoot,
                    .makeDirectory(path: "/a", mode: 0o755, uid: 0, gid: 0), .startAgent(.sharingMemory),
                    .setNoNewPrivileges, .closeDescriptors(from: 3),
                    .execute(arguments: ["/nowhere"], environment: [], searchPath: []),
                ], descriptorCount: 0, slotCount: 1
            )
            let bytes = try program.encoded(
                launcherMountNamespace: try namespace("mnt"), launcherUserNamespace: try namespace("user"))
            try talk(process.socket, bytes)
            var answer = Answer()
            // Init that is not told more ends when its launcher is gone: this side is closed for writing.
            _ = mt_syscall(Int(SYS_shutdown), Int(process.socket.rawValue), Int(SHUT_WR), 0, 0, 0, 0)
            while let record = try? receiveRecord(process.socket, limit: 512, descriptorLimit: 4) {
                guard let message = try? ControlMessage(record.bytes) else { break }
                answer.messages.append(message)
            }
            answer.status = try process.reap()
            return answer
        }

        private func header(_ kind: UInt16, length: Int, magic: UInt32 = 0x3152_544d, version: UInt16 = 1) -> [UInt8] {
            var writer = WireWriter()
            writer.uint32(magic)
            writer.uint16(version)
            writer.uint16(kind)
            writer.uint32(UInt32(length))
            return writer.bytes
        }

        private func word(_ value: UInt32) -> [UInt8] {
            var writer = WireWriter()
            writer.uint32(value)
            return writer.bytes
        }

        /// Sent as it is: init may be gone before the end, which is no failure here.
        private func send(_ socket: borrowing Descriptor, _ records: [[UInt8]]) {
            for record in records { _ = try? sendRecord(socket, record) }
        }

        private func expectRefused(
            _ name: String, sourceLocation: SourceLocation = #_sourceLocation, _ records: ([UInt8]) -> [[UInt8]]
        ) throws {
            let answer = try withInit { socket, program in send(socket, records(program)) }
            #expect(answer.status == .exited(125), "\(name): \(answer)", sourceLocation: sourceLocation)
            #expect(
                answer.messages == [.failed(RecordLayout.noInstruction, EBADMSG)] || answer.messages.isEmpty
                    || answer.messages == [.failed(RecordLayout.noInstruction, EMSGSIZE)],
                "\(name): \(answer)", sourceLocation: sourceLocation)
        }

        @Test("attack 46: the program that the other tests change runs to its end")
        func control() throws {
            try LeakCheck.around {
                let answer = try withInit { socket, program in
                    send(socket, [ControlMessage.program(program[...], total: UInt32(program.count))])
                }
                #expect(answer.messages == [.failed(10, ENOENT)], "\(answer)")
            }
        }

        @Test("attack 46: init ends at a record that is malformed, truncated, oversized or out of order")
        func toInit() throws {
            try LeakCheck.around {
                try expectRefused("garbage") { _ in [[1, 2, 3]] }
                try expectRefused("magic") {
                    [header(1, length: 16 + $0.count, magic: 7) + word(UInt32($0.count)) + $0]
                }
                try expectRefused("version") {
                    [header(1, length: 16 + $0.count, version: 2) + word(UInt32($0.count)) + $0]
                }
                try expectRefused("length") { [header(1, length: 15 + $0.count) + word(UInt32($0.count)) + $0] }
                try expectRefused("no length") { _ in [header(1, length: 12)] }
                try expectRefused("part first") { [header(2, length: 12 + $0.count) + $0] }
                try expectRefused("signal first") { _ in [header(3, length: 20) + word(9) + word(2)] }
                try expectRefused("unknown kind") { _ in [header(500, length: 16) + word(0)] }
                try expectRefused("init's own kind") { _ in [header(66, length: 16) + word(2)] }
                try expectRefused("too short a program") { _ in [header(1, length: 16) + word(55)] }
                try expectRefused("too long a program") { _ in [header(1, length: 16) + word(9 << 20)] }
                try expectRefused("more than was said") {
                    [header(1, length: 16 + $0.count) + word(UInt32($0.count - 1)) + $0]
                }
                try expectRefused("program twice") {
                    let first = Array($0.prefix(100))
                    return [
                        header(1, length: 16 + first.count) + word(UInt32($0.count)) + first,
                        header(1, length: 16 + $0.count) + word(UInt32($0.count)) + $0,
                    ]
                }
                try expectRefused("oversized") { _ in [[UInt8](repeating: 0, count: 70_000)] }
                try expectRefused("never finished") {
                    [header(1, length: 16 + 60) + word(UInt32($0.count)) + $0.prefix(60)]
                }
            }
        }

        @Test("attack 46: init ends at a program whose header, slots or namespaces are not what they should be")
        func headers() throws {
            func changed(_ offset: Int, _ value: UInt8) -> ([UInt8]) -> [[UInt8]] {
                { program in
                    var program = program
                    program[offset] = value
                    return [ControlMessage.program(program[...], total: UInt32(program.count))]
                }
            }
            try LeakCheck.around {
                for (name, offset) in [
                    ("magic", 0), ("version", 4), ("count of instructions", 6), ("length", 8), ("descriptors", 12),
                    ("reserved", 20),
                ] { try expectRefused(name, changed(offset, 99)) }
                try expectRefused("slots", changed(18, 1))
            }
        }

        @Test("attack 46: of 400 programs with random bytes changed none harms the launcher or the host")
        func mutations() throws {
            var random = SplitMix(state: 46)
            let canary = FileCanary()
            let hostname = ProcessInfo.processInfo.hostName
            try LeakCheck.around {
                for _ in 0..<400 {
                    let answer = try withInit { socket, program in
                        var program = program
                        for _ in 0...Int(random.next() % 4) {
                            program[56 + Int(random.next() % UInt64(program.count - 56))] = UInt8(
                                truncatingIfNeeded: random.next())
                        }
                        send(socket, [ControlMessage.program(program[...], total: UInt32(program.count))])
                    }
                    // It failed somewhere, or did all the same and found no agent to execute.
                    #expect(answer.status == .exited(125), "\(answer)")
                    #expect(answer.messages.count <= 1, "\(answer)")
                }
            }
            canary.expectUntouched()
            #expect(ProcessInfo.processInfo.hostName == hostname)
        }

        private struct SplitMix {
            var state: UInt64
            mutating func next() -> UInt64 {
                state &+= 0x9e37_79b9_7f4a_7c15
                var z = state
                z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
                z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
                return z ^ (z >> 31)
            }
        }

        @Test(
            "attack 46: a record that makes no sense while the agent runs ends the sandbox",
            arguments: ["garbage", "unknown", "signal-scope", "longer", "program", "oversized"])
        func whileRunning(name: String) throws {
            try LeakCheck.around {
                let sandbox = try Sandbox.start(Sandbox.spec("canary", "1"))
                _ = try sandbox.untilReady()
                let record: [UInt8] =
                    switch name {
                    case "garbage": [1, 2, 3]
                    case "unknown": header(77, length: 12)
                    case "signal-scope": header(3, length: 20) + word(15) + word(9)
                    case "longer": header(4, length: 16) + word(0)
                    case "program": header(1, length: 16) + word(56)
                    default: [UInt8](repeating: 0, count: 4096)
                    }
                sandbox.send(record)
                // The canary would stay as long as its input is open.
                let outcome = sandbox.waitWithInputOpen()
                #expect(outcome.error != nil && outcome.status == 125, "\(outcome.summary)")
            }
        }

        @Test("attack 46: a signal that no kernel has is no signal, and a real one arrives")
        func signals() throws {
            try LeakCheck.around {
                let sandbox = try Sandbox.start(Sandbox.spec("canary", "1"))
                _ = try sandbox.untilReady()
                for number: UInt32 in [0, 65, 4_000_000_000] {
                    sandbox.send(header(3, length: 20) + word(number) + word(0))
                }
                usleep(100_000)
                #expect(sandbox.tasks() == 2)
                sandbox.send(header(3, length: 20) + word(UInt32(SIGKILL)) + word(0))
                #expect(sandbox.waitWithInputOpen().status == 137)
            }
        }

        // MARK: From the agent's side

        @Test("attack 46: the agent has no socket that leads to its launcher", arguments: AgentUser.allCases)
        func fromAgent(user: AgentUser) throws {
            try LeakCheck.around {
                let report = try Sandbox.run(Sandbox.spec("descriptors", user: user)).report
                report.expectSuccess("beyond-standard", result: 0)
                let inspection = try Sandbox.run(Sandbox.spec("inspect", user: user)).report
                inspection.expectFailure(["init-fd/1", "init-pidfd-getfd"], "EACCES", "EPERM")
            }
        }
    }
}
