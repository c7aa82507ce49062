// SPDX-License-Identifier: Apache-2.0
import CLinux
import Cgroups
import LinuxKernel
import SandboxSpec
import SetupProgram
import Testing

@testable import Engine

/// How a run ended, from what init said and what the kernel counted.
@Suite struct VerdictTests {
    private static func exit(_ status: UInt32, _ reason: EndReason = .agentEnded) -> ExitRecord {
        ExitRecord(
            waitStatus: status, reason: reason, userMicroseconds: 1500, systemMicroseconds: 20, peakResidentKiB: 4,
            wallNanoseconds: 7)
    }

    private static func verdict(_ exit: ExitRecord?, memoryKills: UInt64 = 0) -> Verdict? {
        verdict(exit, initStatus: .exited(0), memoryKills: memoryKills)
    }

    private static func verdict(
        _ exit: ExitRecord?, initStatus: LinuxKernel.ExitStatus, memoryKills: UInt64,
        change: (inout RunFacts) -> Void = { _ in }
    ) -> Verdict? {
        var facts = RunFacts(exit: exit, initStatus: initStatus)
        facts.usage = CgroupUsage()
        facts.usage?.memoryEvents.oomKills = memoryKills
        change(&facts)
        return Verdict(facts)
    }

    @Test func `an exit code and a signal are reported as shells do`() {
        #expect(Self.verdict(Self.exit(0))?.exitStatus == 0)
        #expect(Self.verdict(Self.exit(0xff00))?.exitStatus == 255)
        #expect(Self.verdict(Self.exit(UInt32(SIGTERM)))?.exitStatus == 143)
        #expect(Self.verdict(Self.exit(0x80 | UInt32(SIGSEGV)))?.exitStatus == 139)
    }

    @Test func `times are in their units`() {
        let verdict = Self.verdict(Self.exit(0))
        #expect(verdict?.userTime == .microseconds(1500))
        #expect(verdict?.systemTime == .microseconds(20))
        #expect(verdict?.wallTime == .nanoseconds(7))
        #expect(verdict?.limit == nil)
    }

    @Test func `a deadline is the limit time, whatever else happened`() {
        let killed = UInt32(SIGKILL)
        #expect(Self.verdict(Self.exit(killed, .deadline))?.limit == .time)
        #expect(Self.verdict(Self.exit(killed, .deadline), memoryKills: 3)?.limit == .time)
        #expect(Self.verdict(Self.exit(killed, .deadline))?.exitStatus == 137)
    }

    @Test(
        "memory was the limit where the kernel killed for it, or init at the kernel's word, and the agent died of it",
        arguments: [EndReason.agentEnded, .memory, .terminated])
    func memory(_ reason: EndReason) {
        let killed = UInt32(SIGKILL)
        #expect(Self.verdict(Self.exit(killed, reason), memoryKills: 1)?.limit == .memory)
        // On cgroup v1 init may be faster than the kernel, who then counts no victim.
        #expect(Self.verdict(Self.exit(killed, reason), memoryKills: 0)?.limit == (reason == .memory ? .memory : nil))
        // A descendant died of it, and the agent went on to its own end.
        #expect(Self.verdict(Self.exit(0, reason), memoryKills: 1)?.limit == nil)
        #expect(Self.verdict(Self.exit(UInt32(SIGTERM), reason), memoryKills: 1)?.limit == nil)
    }

    @Test func `init killed, with its group for memory or by someone, is a verdict`() {
        let verdict = Self.verdict(nil, initStatus: .signaled(SIGKILL), memoryKills: 2)
        #expect(verdict?.limit == .memory)
        #expect(verdict?.exitStatus == 137)
        #expect(verdict?.wallTime == nil && verdict?.userTime == nil && verdict?.systemTime == nil)
        let killed = Self.verdict(nil, initStatus: .signaled(SIGKILL), memoryKills: 0)
        #expect(killed?.limit == nil)
        #expect(killed?.exitStatus == 137)
    }

    @Test func `the CPU time is the cgroup's without init's, and at least what was reaped`() {
        var exit = Self.exit(0)
        exit.initMicroseconds = 300
        func time(_ counted: Duration?) -> Duration? {
            Self.verdict(exit, initStatus: .exited(0), memoryKills: 0) { $0.usage?.cpuTime = counted }?.cpuTime
        }
        #expect(time(.microseconds(5000)) == .microseconds(4700))
        #expect(time(.microseconds(1600)) == .microseconds(1520))
        #expect(time(nil) == .microseconds(1520))
    }

    @Test func `more output than allowed is the limit, unless another one ended the run`() {
        func limit(_ exit: ExitRecord?) -> Verdict.Limit? {
            Self.verdict(exit, initStatus: .signaled(SIGKILL), memoryKills: 0) { $0.outputIsExceeded = true }?.limit
        }
        let killed = UInt32(SIGKILL)
        #expect(limit(Self.exit(killed, .terminated)) == .output)
        #expect(limit(Self.exit(0)) == .output)
        #expect(limit(Self.exit(killed, .deadline)) == .time)
        #expect(limit(nil) == .output)
    }

    @Test func `limits that refuse are named where the agent failed after it, and are reached either way`() {
        func verdict(_ status: UInt32) -> Verdict? {
            Self.verdict(Self.exit(status), initStatus: .exited(0), memoryKills: 0) { $0.usage?.pidsRefusals = 3 }
        }
        #expect(verdict(0)?.limit == nil)
        #expect(verdict(0)?.reached == [.pids])
        #expect(verdict(0x100)?.limit == .pids)
        var full = Self.exit(0x100)
        full.disk = DiskRecord(bytes: 5, inodes: 2, isFull: true)
        #expect(Self.verdict(full)?.limit == .disk)
        full.disk?.isFull = false
        #expect(Self.verdict(full)?.limit == nil)
        #expect(Self.verdict(full)?.disk?.bytes == 5)
    }

    @Test func `the CPU limit of the cgroup and of the kernel's rlimit are the limit cpu-time`() {
        #expect(Self.verdict(Self.exit(UInt32(SIGKILL), .cpuTime))?.limit == .cpuTime)
        #expect(Self.verdict(Self.exit(UInt32(SIGXCPU)))?.limit == .cpuTime)
    }

    @Test func `init that ended by itself without a word on the agent is no verdict`() {
        for code: Int32 in [0, 1, 125] {
            #expect(Self.verdict(nil, initStatus: .exited(code), memoryKills: 0) == nil)
            #expect(Self.verdict(nil, initStatus: .exited(code), memoryKills: 2) == nil)
        }
    }

    @Test func `the largest numbers that a hostile init can write are a verdict`() {
        let exit = ExitRecord(
            waitStatus: .max, reason: .agentEnded, userMicroseconds: .max, systemMicroseconds: .max,
            peakResidentKiB: .max, wallNanoseconds: .max)
        let verdict = Self.verdict(exit, memoryKills: .max)
        #expect(verdict?.userTime == .microseconds(UInt64.max))
        #expect(verdict.map { (0...255).contains($0.exitStatus) } == true)
    }

    @Test func `every wait status is an exit status from 0 to 255`() {
        for status in 0...UInt32(0xffff) {
            guard let verdict = Self.verdict(Self.exit(status)), (0...255).contains(verdict.exitStatus) else {
                Issue.record("\(status)")
                continue
            }
        }
    }
}

/// What the command line ends with for each kind of error, as Docker's.
@Suite struct EngineErrorTests {
    @Test func `every code has its exit status`() {
        let expected: [EngineError.Code: Int32] = [
            .invalidSpec: 125, .unavailable: 125, .launchFailed: 125, .setupFailed: 125, .initFailed: 125,
            .notExecutable: 126, .notFound: 127, .unknownSandbox: 125, .nameTaken: 125, .wrongState: 125,
            .storeFailed: 125,
        ]
        #expect(expected.count == EngineError.Code.allCases.count)
        for code in EngineError.Code.allCases { #expect(EngineError(code, "").exitStatus == expected[code], "\(code)") }
    }

    @Test func `a hint is a second line`() {
        #expect(EngineError(.notFound, "execute x: gone").description == "execute x: gone")
        #expect(EngineError(.notFound, "execute x: gone", hint: "y").description == "execute x: gone\nhint: y")
    }

    @Test func `errors from below keep their words`() {
        let system = EngineError(SystemError("open", Errno(rawValue: ENOENT), "/x"), hint: "z")
        #expect(system.code == .launchFailed)
        #expect(system.description == "open /x: no such file or directory (ENOENT)\nhint: z")
        let spec = EngineError(SpecError("is wrong", path: "limits.memory", hint: "write 1MiB"))
        #expect(spec.code == .invalidSpec)
        #expect(spec.description == "limits.memory: is wrong\nhint: write 1MiB")
    }
}
