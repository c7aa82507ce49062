// SPDX-License-Identifier: Apache-2.0
import CLinux
import Testing

@testable import Confinement

@Suite struct `Capability sets` {
    @Test func `number capabilities as the kernel's header does`() {
        #expect(CapabilitySet.chown.numbers == [Int(CAP_CHOWN)])
        #expect(CapabilitySet.netRaw.numbers == [Int(CAP_NET_RAW)])
        #expect(CapabilitySet.sysAdmin.numbers == [Int(CAP_SYS_ADMIN)])
        #expect(CapabilitySet.setfcap.numbers == [Int(CAP_SETFCAP)])
        #expect(CapabilitySet.macOverride.numbers == [Int(CAP_MAC_OVERRIDE)])
        #expect(CapabilitySet.syslog.numbers == [Int(CAP_SYSLOG)])
        #expect(CapabilitySet.checkpointRestore.numbers == [Int(CAP_CHECKPOINT_RESTORE)])
        #expect(CapabilitySet.names.count == Int(CAP_LAST_CAP) + 1)
    }

    @Test func `read names in any case, with and without the prefix`() throws {
        let set = try CapabilitySet(names: ["CAP_NET_RAW", "net_admin", "cap_bpf", "NET_RAW"])
        #expect(set == [.netRaw, .netAdmin, .bpf])
        #expect(try CapabilitySet(names: []) == [])
    }

    @Test func `read back what they print, for every capability`() throws {
        for (number, name) in CapabilitySet.names.enumerated() {
            let set = CapabilitySet(number: number)
            #expect(set.description == name)
            #expect(try CapabilitySet(name: name) == set)
        }
    }

    @Test(arguments: ["", "CAP_", "CAP_NET", "41", "CAP_41", "ALL", "net_raw ", "net_raw\0"])
    func `refuse other names`(name: String) {
        #expect(throws: ConfinementError.self) { try CapabilitySet(name: name) }
    }

    @Test func `name the nearest capability`() {
        let error = #expect(throws: ConfinementError.self) { try CapabilitySet(name: "CAP_NET_ROW") }
        #expect(error?.code == .unknownCapability)
        #expect(error?.description == "unknown capability: CAP_NET_ROW\nhint: did you mean CAP_NET_RAW?")
    }

    @Test func `escape hostile names in messages`() {
        let error = #expect(throws: ConfinementError.self) { try CapabilitySet(name: "\u{1b}[2J") }
        #expect(error?.description == "unknown capability: \\u{1b}[2J\nhint: see capabilities(7)")
    }

    @Test func `hold every bit up to the kernel's last, and print those without a name`() {
        #expect(CapabilitySet.all().rawValue == 0x1ff_ffff_ffff)
        #expect(CapabilitySet.all(lastCap: 0) == .chown)
        #expect(CapabilitySet.all(lastCap: 63).rawValue == .max)
        #expect(CapabilitySet.all(lastCap: -1) == [])
        #expect(CapabilitySet(rawValue: 1 << 41 | 1).description == "CAP_CHOWN,CAP_41")
        #expect(CapabilitySet([]).description == "none")
    }
}
