// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc
import LinuxKernel
import SandboxSpec
import Storage
import Testing

@testable import Engine

/// Which of the caller's standard descriptors an agent gets itself, and which only through a pipe.
@Suite struct StreamPlanTests {
    private struct Outcome {
        /// What the agent's descriptors are open on.
        var files: [FileStatus]
        var pumps: Int
    }

    private static func plan(
        input: Int32? = nil, output: Int32? = nil, ownRange: Bool = true, spec: SandboxSpec = SandboxSpec()
    ) throws -> Outcome {
        let null = try open("/dev/null", .readWrite)
        let streams = StandardStreams(
            input: input ?? null.rawValue, output: output ?? null.rawValue, error: null.rawValue)
        let plan = try StreamPlan(streams, spec: spec, mapsOwnRange: ownRange, owner: nil)
        return Outcome(files: try plan.agentSides.rawValues.map { try status(raw: $0) }, pumps: plan.pumps.count)
    }

    private static func refusal(input: Int32? = nil, output: Int32? = nil) -> EngineError? {
        do { _ = try plan(input: input, output: output) } catch { return error as? EngineError }
        return nil
    }

    @Test func `a directory is refused on every stream`() throws {
        let directory = try open("/tmp", .directory)
        let input = Self.refusal(input: directory.rawValue)
        #expect(input?.code == .invalidSpec)
        #expect(input?.message == "standard input is a directory, which would be a way out of the sandbox")
        #expect(Self.refusal(output: directory.rawValue)?.message.hasPrefix("standard output is a directory") == true)
        let handle = try open("/tmp", .pathOnly)
        #expect(Self.refusal(input: handle.rawValue)?.code == .invalidSpec)
    }

    @Test func `a closed stream is an error that says so`() {
        let error = Self.refusal(input: 1_000_000)
        #expect(error?.code == .invalidSpec)
        #expect(error?.description == "standard input is closed\nhint: redirect it from or to /dev/null")
    }

    @Test func `pipes and devices are passed on`() throws {
        let pipe = try Pipe()
        let outcome = try Self.plan(input: pipe.reader.rawValue)
        #expect(outcome.pumps == 0)
        #expect(outcome.files.map(\.kind) == [.fifo, .characterDevice, .characterDevice])
        #expect(outcome.files[0] == (try status(of: pipe.reader)))
    }

    @Test(.enabled(if: isRoot, "only root gives files away"))
    func `an anonymous pipe becomes the agent's, so that it can open its own streams`() throws {
        let pipe = try Pipe()
        let null = try open("/dev/null", .readWrite)
        let streams = StandardStreams(input: pipe.reader.rawValue, output: null.rawValue, error: null.rawValue)
        let before = try status(of: null)
        _ = try StreamPlan(streams, spec: SandboxSpec(), mapsOwnRange: true, owner: 0x7000_03e8)
        #expect(try status(of: pipe.reader).uid == 0x7000_03e8)
        #expect(try status(of: null) == before)
    }

    @Test func `a regular file is passed on to an agent with ids of its own, and pumped to any other`() throws {
        let file = try open("/etc/passwd")
        let own = try Self.plan(input: file.rawValue)
        #expect(own.files[0].inode == (try status(of: file).inode) && own.pumps == 0)
        let shared = try Self.plan(input: file.rawValue, ownRange: false)
        #expect(shared.files[0].kind == .fifo && shared.pumps == 1)
    }

    @Test func `a terminal is never handed in`() throws {
        let master = Descriptor(owning: posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC))
        #expect(grantpt(master.rawValue) == 0 && unlockpt(master.rawValue) == 0)
        let name = try #require(ptsname(master.rawValue).map { String(cString: $0) })
        let terminal = try open(name, [.readWrite, .noControllingTerminal])
        #expect(isTerminal(terminal.rawValue))
        let outcome = try Self.plan(input: terminal.rawValue, output: terminal.rawValue)
        #expect(outcome.files.map(\.kind) == [.fifo, .fifo, .characterDevice])
        #expect(outcome.pumps == 2)
        let device = try status(of: terminal)
        for file in outcome.files { #expect(file.specialDevice != device.specialDevice) }
    }

    @Test func `no input is the null device, whatever the caller's is`() throws {
        var spec = SandboxSpec()
        spec.standardInput = .none
        let directory = try open("/tmp", .directory)
        let outcome = try Self.plan(input: directory.rawValue, spec: spec)
        #expect(outcome.files[0].specialDevice == 0x103)  // 1:3
        #expect(outcome.pumps == 0)
    }

    @Test func `a pump carries bytes to their end, and then closes`() throws {
        let source = try Pipe()
        let sink = try Pipe()
        let sent = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let writer = try source.writer.duplicate()
        let reader = try sink.reader.duplicate()
        try setNonBlocking(writer.rawValue)
        // What is left of the pairs is closed here: the pump's ends are the only ones on its side.
        let pump = Pump(from: source.intoReader(), to: sink.intoWriter(), isInput: true)
        var rest = sent[...]
        var open: Descriptor? = writer
        var received: [UInt8] = []
        var turns = 0
        while !pump.isDone || received.count < sent.count {
            turns += 1
            try #require(turns < 10_000)
            if let raw = open.asRaw {
                if rest.isEmpty {
                    open = nil
                } else if let count = try? writeSome(raw: raw, Array(rest.prefix(7000))) {
                    rest = rest.dropFirst(count)
                }
            }
            pump.turnIfReady()
            if try poll([(reader.rawValue, .readable)], milliseconds: 0)[0].contains(.readable) {
                received += try read(reader, upTo: 3000)
            }
        }
        #expect(received == sent)
        #expect(try read(reader, upTo: 1).isEmpty)
    }
}
