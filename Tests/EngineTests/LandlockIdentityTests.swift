// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import SandboxSpec
import Storage
import Testing

@testable import Engine

/// Who an agent without a user namespace is.
@Suite struct LandlockIdentityTests {
    private static func probe(uid: UInt32, gid: UInt32? = nil) -> HostProbe {
        HostProbe(
            uid: uid, gid: gid ?? uid, isPrivileged: uid == 0, lastCapability: 40,
            kernel: HostProbe.KernelVersion(major: 6, minor: 12), landlock: .abi(6))
    }

    private struct Found {
        var uid: UInt32
        var gid: UInt32
        var name: String
        var changes: Bool
        var isOwn: Bool
    }

    private static func identity(
        _ user: String?, groups: [UInt32] = [], as uid: UInt32 = 0, workspace: String? = nil
    ) throws -> Found {
        var spec = SandboxSpec()
        spec.user = try user.map { try UserReference($0) }
        spec.groups = groups
        let facts = try workspace.map { try #require(try status(of: $0)) }
        var found: Found?
        try withPool { pool in
            let identity = try LandlockIdentity(spec, probe: probe(uid: uid), workspace: facts, pool: pool)
            found = Found(
                uid: identity.identity.uid, gid: identity.identity.gid, name: identity.identity.name,
                changes: identity.changesIdentity, isOwn: identity.hasOwnID)
        }
        return try #require(found)
    }

    private static func refusal(
        _ user: String?, groups: [UInt32] = [], as uid: UInt32 = 0, workspace: String? = nil
    ) -> EngineError? {
        do { _ = try identity(user, groups: groups, as: uid, workspace: workspace) } catch {
            return error as? EngineError
        }
        return nil
    }

    private static func withPool(_ body: (String) throws -> Void) throws {
        try withDirectory { try body("\($0)/pool") }
    }

    private static func withDirectory(_ body: (String) throws -> Void) throws {
        let path = "/tmp/martinet-identity-\(processID())-\(UInt64.random(in: 0 ... .max))"
        try makeDirectory(path, mode: 0o755)
        let outcome = Result { try body(path) }
        try TreeRemoval.remove(path)
        try outcome.get()
    }

    @Test func `an ordinary user's agent is that user`() throws {
        let found = try Self.identity(nil, as: 65534)
        #expect(found.uid == 65534 && found.gid == 65534 && found.name == "nobody")
        #expect(!found.changes && !found.isOwn)
        #expect(try Self.identity("65534", as: 65534).uid == 65534)
        #expect(try Self.identity("nobody:65534", as: 65534).uid == 65534)
    }

    @Test func `an ordinary user cannot be anybody else, nor give groups`() {
        for user in ["0", "1", "root", "65534:0"] {
            let refusal = Self.refusal(user, as: 65534)
            #expect(refusal?.code == .unavailable, "\(user)")
            #expect(refusal?.hint?.contains("--user") == true)
        }
        #expect(Self.refusal(nil, groups: [27], as: 65534)?.code == .unavailable)
    }

    @Test func `root's agent has an id that nobody else has`() throws {
        let found = try Self.identity(nil)
        #expect(found.uid >= 0x7000_0000 && found.uid == found.gid && found.changes && found.isOwn)
    }

    @Test func `root's agent is who was asked for`() throws {
        let found = try Self.identity("65534")
        #expect(found.uid == 65534 && found.gid == 65534 && found.changes && !found.isOwn)
        #expect(try Self.identity("nobody").uid == 65534)
        #expect(try Self.identity("12345:23456").gid == 23456)
        #expect(try Self.identity("12345").gid == 12345)
        #expect(try Self.identity("12345").name == "u12345")
    }

    @Test func `no agent is the machine's root, in user or group`() {
        for user in ["0", "root", "0:1000", "1000:0", "root:nogroup"] {
            let refusal = Self.refusal(user)
            #expect(refusal?.code == .invalidSpec, "\(user)")
            #expect(refusal?.message.contains("root") == true)
        }
        #expect(Self.refusal("1000", groups: [0])?.code == .invalidSpec)
    }

    @Test(.enabled(if: isRoot, "only root gives a directory away"))
    func `a workspace's owner is the agent, unless that is root`() throws {
        try Self.withDirectory { directory in
            try changeOwner(open(directory), uid: 12345, gid: 23456)
            let owner = try Self.identity(nil, workspace: directory)
            #expect(owner.uid == 12345 && owner.gid == 23456 && !owner.isOwn)
            try changeOwner(open(directory), uid: 12345, gid: 0)
            #expect(try Self.identity(nil, workspace: directory).gid == 12345)
            try changeOwner(open(directory), uid: 0, gid: 0)
            let refusal = Self.refusal(nil, workspace: directory)
            #expect(refusal?.code == .unavailable)
            #expect(refusal?.message.hasPrefix("workspace: it belongs to root") == true)
            #expect(refusal?.hint?.contains("chown") == true)
            // Where anybody may write, somebody of no account may as well.
            try changeMode(open(directory), 0o777)
            #expect(try Self.identity(nil, workspace: directory).isOwn)
            #expect(try Self.identity("12345", workspace: directory).uid == 12345)
        }
    }

    @Test func `processes of a user are counted with their threads`() {
        #expect(processCount(ofUser: effectiveUID()) >= 2)
        #expect(processCount(ofUser: 4_000_000_000) == 0)
    }
}
