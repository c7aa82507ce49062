// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxKernel
import SandboxSpec
import SetupProgram
import Testing

@testable import Engine

private let injected: Int32 = EUCLEAN
private let injectedText = "structure needs cleaning (EUCLEAN)"

/// A failure at every step of a launch: the message names the step, and nothing is left behind.
///
/// Each test runs in a process of its own, so that what it counts is its own.
@Suite(.enabled(if: isRoot, "the full set of instructions is root's: run the tests as root"), .serialized)
struct FailureInjectionTests {
    @Test func `a launch that does not fail leaves nothing either`() async {
        await #expect(processExitsWith: .success) {
            LeakCheck.adoptOrphans()
            try TestGround.with { ground in
                for spec in [try ground.fullSpec(), try quickSpec()] {
                    try expectNoLeak(ground, spec.name?.text ?? "plain") {
                        let verdict = try withQuietStreams { try ground.launcher().start(spec, streams: $0).wait() }
                        #expect(verdict.exitStatus == 0)
                        #expect(verdict.limit == nil)
                    }
                }
            }
        }
    }

    @Test func `a running sandbox that is let go of leaves nothing`() async {
        await #expect(processExitsWith: .success) {
            LeakCheck.adoptOrphans()
            try TestGround.with { ground in
                let spec = try ground.fullSpec(command: ["/bin/sleep", "60"])
                try expectNoLeak(ground, "let go") {
                    _ = try withQuietStreams { try ground.launcher().start(spec, streams: $0) }
                }
                try expectNoLeak(ground, "abandoned") {
                    var sandbox = try withQuietStreams { try ground.launcher().start(spec, streams: $0) }
                    sandbox.abandon()
                }
            }
        }
    }

    @Test func `a failure at each of the launcher's steps leaves nothing`() async {
        await #expect(processExitsWith: .success) {
            LeakCheck.adoptOrphans()
            try TestGround.with { ground in
                for spec in [try ground.fullSpec(), try ground.overlaySpec()] {
                    for step in LaunchStep.allCases where step != .makePrivateDirectory {
                        let error = try failure(of: spec, .step(step, errno: injected), ground, "step \(step)")
                        #expect(error?.code == .launchFailed, "\(step)")
                        #expect(error?.message == "\(step) (injected): \(injectedText)", "\(step)")
                    }
                }
            }
        }
    }

    @Test func `a failure at each stage between clone and exec leaves nothing`() async {
        await #expect(processExitsWith: .success) {
            LeakCheck.adoptOrphans()
            try TestGround.with { ground in
                let stages: [(mt_launch_stage, String)] = [
                    (MT_STAGE_OWNER, "become the owner of the user namespace"),
                    (MT_STAGE_CLONE, "clone3 with a new user and PID namespace"),
                    (MT_STAGE_HELPER, "clone3 for joining namespaces"),
                    (MT_STAGE_JOIN, "setns into a namespace to join"),
                    (MT_STAGE_DESCRIPTORS, "arrange init's descriptors"),
                    (MT_STAGE_UNSHARE, "unshare mount, network, UTS and IPC namespaces"),
                    (MT_STAGE_RELEASE, "wait for the id maps"),
                    (MT_STAGE_SET_IDS, "become root of the user namespace"),
                    (MT_STAGE_EXECUTE, "execute martinet-init"),
                ]
                // Whether the launcher or its child is faster differs from run to run.
                for (stage, text) in stages + stages + stages {
                    var spec = try ground.fullSpec()
                    if stage == MT_STAGE_HELPER || stage == MT_STAGE_JOIN {
                        spec.join = [try NamespaceJoin("net=/proc/self/ns/net")]
                    }
                    let fault = FaultInjection.stage(Int32(stage.rawValue), errno: injected)
                    let error = try failure(of: spec, fault, ground, text)
                    #expect(error?.code == .launchFailed, "\(text)")
                    #expect(error?.message == "\(text): \(injectedText)")
                }
            }
        }
    }

    @Test func `a failure at each instruction of a full program leaves nothing`() async {
        await #expect(processExitsWith: .success) {
            LeakCheck.adoptOrphans()
            try TestGround.with { ground in try failEveryInstruction(of: ground.fullSpec(), ground) }
        }
    }

    @Test func `a failure at each instruction of a program with an overlay and a terminal leaves nothing`() async {
        await #expect(processExitsWith: .success) {
            LeakCheck.adoptOrphans()
            try TestGround.with { ground in try failEveryInstruction(of: ground.overlaySpec(), ground) }
        }
    }

    @Test func `a failure at each step and instruction of an ordinary user's launch leaves nothing`() async {
        await #expect(processExitsWith: .success) {
            LeakCheck.adoptOrphans()
            becomeNobody()
            try TestGround.with { ground in
                let spec = try ground.unprivilegedSpec()
                for step in LaunchStep.allCases
                where !LaunchStep.ofCgroups.contains(step) && step != .makePrivateDirectory {
                    let error = try failure(of: spec, .step(step, errno: injected), ground, "step \(step)")
                    #expect(error?.message == "\(step) (injected): \(injectedText)", "\(step)")
                }
                let stage = FaultInjection.stage(Int32(MT_STAGE_CAPABILITIES.rawValue), errno: injected)
                let error = try failure(of: spec, stage, ground, "capabilities")
                #expect(error?.message == "raise ambient capabilities: \(injectedText)")
                try failEveryInstruction(of: spec, ground)
            }
        }
    }

    @Test func `a child that ended early is not the launcher's end, and says why`() async {
        await #expect(processExitsWith: .success) {
            LeakCheck.adoptOrphans()
            try TestGround.with { ground in
                try expectNoLeak(ground, "early end") {
                    var request = InitProcess.Request(
                        cloneFlags: KernelConstant.CLONE_NEWUSER | KernelConstant.CLONE_NEWPID, unshareFlags: 0,
                        mapsRange: true, clearsGroups: true, lastCapability: 40)
                    request.fault = .stage(Int32(MT_STAGE_DESCRIPTORS.rawValue), errno: injected)
                    var process = try InitProcess(request, joining: DescriptorTable())
                    _ = try poll([(process.process.rawValue, .readable)])
                    try process.release()  // SIGPIPE would end this process
                    let error = process.childError
                    #expect(error?.message == "arrange init's descriptors: \(injectedText)")
                    #expect(try process.reap() == .exited(125))
                }
            }
        }
    }
}

extension LaunchStep {
    /// Steps that a launch without limits does not take.
    fileprivate static let ofCgroups: Set<LaunchStep> = [.startJanitor, .makeCgroup]
}

private func quickSpec() throws -> SandboxSpec {
    var spec = SandboxSpec()
    spec.command = ["/bin/true"]
    return spec
}

/// Starts a sandbox that must not start, and returns why it did not.
private func failure(
    of spec: SandboxSpec, _ fault: FaultInjection, _ ground: TestGround, _ what: String
) throws -> EngineError? {
    var found: EngineError?
    expectNoLeak(ground, what) {
        do {
            var sandbox = try withQuietStreams { try ground.launcher(fault).start(spec, streams: $0) }
            sandbox.abandon()
            Issue.record("\(what): the sandbox started")
        } catch {
            found = error as? EngineError
            if found == nil { Issue.record("\(what): \(error)") }
        }
    }
    return found
}

private func failEveryInstruction(of spec: SandboxSpec, _ ground: TestGround) throws {
    // What a launch sends, rather than what explain prints: only a launch has cgroups to join.
    let launched = try withQuietStreams { try ground.launcher().start(spec, streams: $0) }
    let sent = launched.program
    let program = try #require(sent)
    _ = try launched.wait()
    #expect(program.instructions.count > 60)
    for (index, instruction) in program.instructions.enumerated() {
        let step = program.describe(instruction)
        let error = try failure(of: spec, .instruction(index, errno: injected), ground, "\(index) \(step)")
        if case .execute(let arguments, _, _, _) = instruction {
            #expect(error?.code == .notExecutable)
            #expect(error?.message == "execute \(arguments[0]): \(injectedText)")
        } else {
            #expect(error?.code == .setupFailed, "\(index) \(step)")
            #expect(error?.message == "\(step): \(injectedText)", "\(index)")
        }
    }
}
