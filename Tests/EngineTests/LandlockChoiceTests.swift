// SPDX-License-Identifier: Apache-2.0
import CLinux
import Confinement
import LinuxKernel
import SandboxSpec
import SetupProgram
import Testing

@testable import Engine

/// What is made of Landlock, by the spec and by what the kernel has.
@Suite struct LandlockChoiceTests {
    private static func spec(_ mode: LandlockMode = .auto, _ isolation: Isolation = .namespaces) -> SandboxSpec {
        var spec = SandboxSpec()
        spec.landlock = mode
        spec.isolation = isolation
        return spec
    }

    private static func refusal(_ spec: SandboxSpec, _ support: LandlockSupport) -> EngineError? {
        do throws(EngineError) { _ = try LandlockChoice(spec, support) } catch { return error }
        return nil
    }

    @Test func `by default there is as much as the kernel has, or none`() throws {
        #expect(try LandlockChoice(Self.spec(), .abi(7)).level.abi == 7)
        #expect(try LandlockChoice(Self.spec(), .abi(2)).level.abi == 2)
        for (support, reason) in [
            (LandlockSupport.notBuilt, LandlockLevel.Reason.notBuilt), (.notEnabled, .notEnabled),
            (.refused(.notPermitted), .refused(.notPermitted)), (.abi(1), .forbidsMoving),
        ] {
            let choice = try LandlockChoice(Self.spec(), support)
            #expect(choice.level == .none(reason))
            #expect(choice.policy == nil)
            #expect(try choice.inputs(audits: false, standard: nil, raws: nil) == nil)
        }
    }

    @Test func `a kernel that could not say what it has is not one without`() {
        #expect(Self.refusal(Self.spec(), .refused(.inputOutput))?.code == .unavailable)
        #expect(Self.refusal(Self.spec(), .refused(.permissionDenied)) == nil)
        #expect(Self.refusal(Self.spec(.off), .refused(.inputOutput)) == nil)
    }

    @Test func `off is off, on every kernel`() throws {
        #expect(try LandlockChoice(Self.spec(.off), .abi(7)).level == .none(.off))
        #expect(try LandlockChoice(Self.spec(.off), .notBuilt).level == .none(.off))
    }

    @Test func `a version asked for is had, or nothing starts`() throws {
        #expect(try LandlockChoice(Self.spec(.atLeast(1)), .abi(1)).level.abi == 1)
        #expect(try LandlockChoice(Self.spec(.atLeast(4)), .abi(7)).level.abi == 7)
        let low = try #require(Self.refusal(Self.spec(.atLeast(6)), .abi(4)))
        #expect(low.code == .unavailable)
        #expect(low.message == "landlock: ABI 6 was asked for, and this kernel has 4")
        #expect(low.hint == "Linux 6.12 has it; --landlock auto takes what there is")
        #expect(Self.refusal(Self.spec(.atLeast(1000)), .abi(7))?.hint == "--landlock auto takes what there is")
        let none = try #require(Self.refusal(Self.spec(.atLeast(2)), .notEnabled))
        #expect(none.message == "landlock: ABI 2 was asked for: this kernel was started without it")
        #expect(none.hint?.contains("lsm=landlock") == true)
    }

    @Test func `an isolation that consists of Landlock takes every version, and none is an error`() throws {
        let alone = try LandlockChoice(Self.spec(.auto, .landlock), .abi(1))
        #expect(alone.policy == .alone(abi: 1, usesNetwork: false))
        let refusal = try #require(Self.refusal(Self.spec(.auto, .landlock), .notBuilt))
        #expect(refusal.code == .unavailable)
        #expect(refusal.message == "isolation landlock: this kernel was built without it")
        #expect(refusal.hint?.contains("CONFIG_SECURITY_LANDLOCK") == true)
    }

    @Test func `a shared network has its abstract sockets scoped`() throws {
        var spec = Self.spec()
        #expect(try LandlockChoice(spec, .abi(7)).policy?.scopes == [])
        spec.network = .host
        #expect(try LandlockChoice(spec, .abi(7)).policy?.scopes == .abstractSockets)
        spec.network = .none
        spec.join = [NamespaceJoin(type: .network, path: "/proc/1/ns/net")]
        #expect(try LandlockChoice(spec, .abi(7)).policy?.scopes == .abstractSockets)
        spec.join = [NamespaceJoin(type: .ipc, path: "/proc/1/ns/ipc")]
        #expect(try LandlockChoice(spec, .abi(7)).policy?.scopes == [])
    }

    @Test func `a refused spec leaves nothing and starts nothing`() throws {
        var launcher = Launcher()
        launcher.options.landlock = .abi(3)
        var spec = Self.spec(.atLeast(4))
        spec.command = ["/bin/true"]
        let error = #expect(throws: EngineError.self) {
            try withQuietStreams { _ = try launcher.start(spec, streams: $0) }
        }
        #expect(error?.message == "landlock: ABI 4 was asked for, and this kernel has 3")
        let explained = #expect(throws: EngineError.self) { try launcher.explain(spec) }
        #expect(explained?.message == error?.message)
    }

    // MARK: Standard descriptors

    private static func rights(_ descriptor: borrowing Descriptor) throws -> LandlockFileAccess {
        try LandlockPolicy.besideNamespaces(abi: 7, sharesNetwork: false).rights(toReopen: descriptor.rawValue)
    }

    @Test func `a standard descriptor may be opened again as it is open, and no wider`() throws {
        #expect(try Self.rights(open("/dev/null", .readWrite)) == [.readFile, .writeFile, .deviceControl])
        #expect(try Self.rights(open("/dev/null")) == [.readFile, .deviceControl])
        #expect(try Self.rights(open("/etc/passwd")) == [.readFile])
        let path = "/tmp/martinet-landlock-\(processID())"
        let output = try open(path, [.writeOnly, .create], mode: 0o600)
        let rights = try Self.rights(output)
        try remove(path)
        #expect(rights == [.writeFile, .truncate])
        let pipe = try Pipe()
        #expect(try Self.rights(pipe.reader) == [])
        #expect(try Self.rights(open("/tmp", [.directory])) == [])
    }

    @Test func `the compiler gets the masks, and rules for the descriptors that take any`() throws {
        let null = try open("/dev/null")
        let pipe = try Pipe()
        let choice = try LandlockChoice(Self.spec(), .abi(7))
        let standard = StandardDescriptors(input: Slot(4), output: Slot(5), error: Slot(6))
        let inputs = try #require(
            try choice.inputs(
                audits: true, standard: standard,
                raws: [null.rawValue, pipe.writer.rawValue, pipe.writer.rawValue]))
        #expect(inputs.handledFiles == 0xffff && inputs.handledNetwork == 0 && inputs.scopes == 0)
        #expect(inputs.descriptors == [.init(Slot(4), access: 1 << 2 | 1 << 15)])
        #expect(inputs.restrictFlags == 2)
        #expect(inputs.change & (1 << 6 | 1 << 11) == 0)
    }
}
