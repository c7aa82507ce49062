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
        input: Int32? = nil, output: Int32? = nil, ownRange: Bool = true, spec: SandboxSpec = SandboxSpec(),
        arePumped: Bool = true
    ) throws -> Outcome {
        let null = try open("/dev/null", .readWrite)
        let streams = StandardStreams(
            input: input ?? null.rawValue, output: output ?? null.rawValue, error: null.rawValue,
            arePumped: arePumped)
        let plan = try StreamPlan(streams, spec: spec, mapsOwnRange: ownRange, group: nil)
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

    @Test func `an input pipe and devices are passed on`() throws {
        let pipe = try Pipe()
        let outcome = try Self.plan(input: pipe.reader.rawValue)
        #expect(outcome.pumps == 0)
        #expect(outcome.files.map(\.kind) == [.fifo, .characterDevice, .characterDevice])
        #expect(outcome.files[0] == (try status(of: pipe.reader)))
    }

    @Test(.enabled(if: isRoot, "only root gives files away"))
    func `an anonymous pipe is opened to the agent's group, in its one direction`() throws {
        let pipe = try Pipe()
        let output = try Pipe()
        let null = try open("/dev/null", .readWrite)
        let before = try status(of: null)
        let owner = try status(of: pipe.reader).uid
        let streams = StandardStreams(
            input: pipe.reader.rawValue, output: output.writer.rawValue, error: null.rawValue)
        _ = try StreamPlan(streams, spec: SandboxSpec(), mapsOwnRange: true, group: 0x7000_03e8)
        let found = [try status(of: pipe.reader), try status(of: output.writer)]
        #expect(found.map(\.gid) == [0x7000_03e8, 0x7000_03e8])
        #expect(found.map(\.permissions) == [0o640, 0o620])
        #expect(found.map(\.uid) == [owner, owner])
        #expect(try status(of: null) == before)
    }

    @Test func `an input pipe is pumped to an agent that is the caller, who could open its other side`() throws {
        let pipe = try Pipe()
        let outcome = try Self.plan(input: pipe.reader.rawValue, ownRange: false)
        #expect(outcome.pumps == 1)
        #expect(outcome.files[0] != (try status(of: pipe.reader)))
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
        #expect(outcome.pumps == 2)  // in, and out to it
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

    @Test func `what the agent writes goes through a pipe of its own, one for both streams where they are one file`()
        throws
    {
        let pipe = try Pipe()
        let file = try open("/tmp", [.unnamed, .readWrite], mode: 0o600)
        for raw in [pipe.writer.rawValue, file.rawValue] {
            let outcome = try Self.plan(output: raw)
            #expect(outcome.pumps == 1)
            #expect(outcome.files[1].kind == .fifo)
            #expect(outcome.files[1] != (try status(raw: raw)))
        }
        let direct = try Self.plan(output: pipe.writer.rawValue, arePumped: false)
        #expect(direct.pumps == 0)
        var limited = SandboxSpec()
        limited.limits.output = ByteCount(bytes: 5)
        #expect(try Self.plan(output: pipe.writer.rawValue, spec: limited, arePumped: false).pumps == 1)
        let null = try open("/dev/null")
        let both = StandardStreams(
            input: null.rawValue, output: pipe.writer.rawValue, error: pipe.writer.rawValue,
            arePumped: true)
        let plan = try StreamPlan(both, spec: SandboxSpec(), mapsOwnRange: true, group: nil)
        let files = try plan.agentSides.rawValues.map { try status(raw: $0) }
        #expect(files[1] == files[2])
        #expect(plan.pumps.count == 1)
    }

    @Test func `a sandbox that outlives its launcher writes to the caller's files itself`() throws {
        var spec = SandboxSpec()
        spec.linger = true
        let pipe = try Pipe()
        let outcome = try Self.plan(output: pipe.writer.rawValue, spec: spec)
        #expect(outcome.pumps == 0)
        #expect(outcome.files[1] == (try status(of: pipe.writer)))
    }

    @Test func `a file that can be written to is not handed in as input`() throws {
        let file = try open("/tmp", [.unnamed, .readWrite], mode: 0o600)
        #expect(try Self.plan(input: file.rawValue).pumps == 1)
    }

    @Test(arguments: [nil, 0, 1, 4096, 150_000, 199_999, 200_000, 200_001] as [UInt64?], [true, false])
    func `output beyond the limit goes nowhere, and is known to have been there`(limit: UInt64?, toPipe: Bool) throws {
        let source = try Pipe()
        let writer = try source.writer.duplicate()
        let reader = source.intoReader()
        try setNonBlocking(writer.rawValue)
        let sink = try Pipe()
        let file = try open("/tmp", [.unnamed, .readWrite], mode: 0o600)
        let out = try toPipe ? sink.reader.duplicate() : open("/proc/self/fd/\(file.rawValue)")
        let end = try toPipe ? sink.intoWriter() : file.duplicate()
        let meter = OutputMeter(limit: limit)
        let pump = Pump(from: reader, to: end, kind: toPipe ? .fifo : .regular, meter: meter)
        var rest = [UInt8](repeating: 7, count: 200_000)[...]
        var open: Descriptor? = writer
        var received = 0
        for _ in 0..<10_000 where !pump.isDone && !meter.isExceeded {
            if let raw = open.asRaw {
                if rest.isEmpty {
                    open = nil
                } else if let count = try? writeSome(raw: raw, Array(rest.prefix(7000))) {
                    rest = rest.dropFirst(count)
                }
            }
            pump.turnIfReady()
            if toPipe, try poll([(out.rawValue, .readable)], milliseconds: 0)[0].contains(.readable) {
                received += try read(out, upTo: 30_000).count
            }
        }
        while toPipe, try poll([(out.rawValue, .readable)], milliseconds: 0)[0].contains(.readable) {
            let more = try read(out, upTo: 30_000).count
            if more == 0 { break }
            received += more
        }
        if !toPipe { received = try readAll(out).count }
        #expect(received == Int(min(limit ?? .max, 200_000)))
        #expect(meter.written == UInt64(received))
        #expect(meter.isExceeded == ((limit ?? .max) < 200_000))
    }

    @Test(.timeLimit(.minutes(1)))
    func `a pipe that its own writer emptied again is not waited for`() throws {
        let source = try Pipe()
        let writer = try source.writer.duplicate()
        let sink = try open("/tmp", [.unnamed, .readWrite], mode: 0o600)
        let pump = Pump(
            from: source.intoReader(), to: try sink.duplicate(), kind: .regular, meter: OutputMeter(limit: nil))
        pump.turn()
        #expect(!pump.isDone)
        try writeAll(writer, [1, 2, 3])
        pump.turn()
        #expect(try status(of: sink).size == 3)
    }

    @Test func `what a pipe in packet mode has beyond the limit is known to have been there`() throws {
        let source = try Pipe()
        let writer = try source.writer.duplicate()
        try #require(fcntl(writer.rawValue, F_SETFL, O_WRONLY | O_DIRECT) == 0)
        try writeAll(writer, [UInt8](repeating: 7, count: 4000))
        let sink = try open("/tmp", [.unnamed, .readWrite], mode: 0o600)
        let meter = OutputMeter(limit: 100)
        let pump = Pump(from: source.intoReader(), to: try sink.duplicate(), kind: .regular, meter: meter)
        for _ in 0..<3 { pump.turnIfReady() }
        #expect(meter.isExceeded && meter.written == 100)
        #expect(try status(of: sink).size == 100)
    }

    @Test func `an output that ended but is held open by somebody else is closed when it is empty`() throws {
        let source = try Pipe()
        let writer = try source.writer.duplicate()
        try writeAll(writer, [1, 2, 3])
        let sink = try open("/tmp", [.unnamed, .readWrite], mode: 0o600)
        let pump = Pump(
            from: source.intoReader(), to: try sink.duplicate(), kind: .regular, meter: OutputMeter(limit: nil))
        pump.closeEmptySource()
        #expect(!pump.isDone)
        pump.turnIfReady()
        pump.closeEmptySource()
        #expect(pump.isDone && pump.failure == nil)
        #expect(try status(of: sink).size == 3)
    }

    @Test func `a full disk on the caller's side is a failure that is told`() throws {
        let source = try Pipe()
        try writeAll(source.writer, [1, 2, 3])
        let full = try open("/dev/full", .writeOnly)
        let pump = Pump(from: source.intoReader(), to: full, kind: .regular, meter: OutputMeter(limit: nil))
        pump.turnIfReady()
        #expect(pump.isDone)
        #expect(pump.failure?.errno == .noSpace)
    }

    @Test func `a pipe that cannot be read is a failure that is told, the end of a terminal is not`() throws {
        for isFromTerminal in [false, true] {
            // Nothing is mapped at address 0: EIO. proc_pid_mem(5)
            let source = try open("/proc/self/mem")
            let sink = try Pipe()
            let pump = Pump(
                from: source, to: sink.intoWriter(), kind: .regular, meter: OutputMeter(limit: nil),
                isFromTerminal: isFromTerminal)
            pump.turnIfReady()
            #expect(pump.isDone)
            #expect(pump.failure?.errno == (isFromTerminal ? nil : .inputOutput))
        }
    }

    @Test func `a pump carries bytes to their end, and then closes`() throws {
        let source = try Pipe()
        let sink = try Pipe()
        let sent = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let writer = try source.writer.duplicate()
        let reader = try sink.reader.duplicate()
        try setNonBlocking(writer.rawValue)
        // What is left of the pairs is closed here: the pump's ends are the only ones on its side.
        let pump = Pump(from: source.intoReader(), to: sink.intoWriter())
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
