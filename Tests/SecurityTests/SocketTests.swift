// SPDX-License-Identifier: Apache-2.0
import Foundation
import SandboxSpec
import Testing

extension SecurityTests {
    @Suite struct Sockets {
        private static let ordinary = ["unix", "tcp", "udp6", "netlink-route"]
        private static let raw = ["raw", "raw-icmp", "raw-tcp", "raw6"]
        private static let packet = ["packet-raw", "packet-dgram", "packet-old"]
        private static let netlink = (1..<32).map { "netlink-\($0)" }
        private static let families = (0..<64).filter { ![1, 2, 10, 16, 17].contains($0) }.map { "family-\($0)" }

        @Test("attack 27: sockets are Unix, TCP, UDP and routing netlink, and no others", arguments: AgentUser.allCases)
        func kinds(user: AgentUser) throws {
            try LeakCheck.around {
                let report = try Sandbox.run(Sandbox.spec("sockets", user: user)).report
                for name in Self.ordinary { report.expectSuccess(name) }
                report.expectFailure(Self.raw, "EPERM", "EAFNOSUPPORT", "EPROTONOSUPPORT", "ESOCKTNOSUPPORT")
                report.expectFailure(Self.packet, "EAFNOSUPPORT", "EPERM", "ESOCKTNOSUPPORT")
                report.expectFailure(Self.netlink + ["pair-netlink"], "EAFNOSUPPORT", "EPROTONOSUPPORT", "EPERM")
                report.expectFailure(Self.families, "EAFNOSUPPORT")
            }
        }

        @Test("attack 27: without the filter the kernel makes some of them", arguments: AgentUser.allCases)
        func unconfined(user: AgentUser) throws {
            try LeakCheck.around {
                var spec = try Sandbox.spec("sockets", user: user)
                spec.seccomp = .unconfined
                let report = try Sandbox.run(spec).report
                // Generic netlink, by which modules answer, needs no privilege.
                report.expectSuccess("netlink-16")
                // These want a capability over the sandbox's own network.
                report.expectFailure(Self.raw + ["packet-raw", "packet-dgram"], "EPERM")
            }
        }

        @Test(
            "attack 27: with NET_RAW raw and packet sockets are had, of the sandbox's own network",
            arguments: AgentUser.allCases)
        func withCapability(user: AgentUser) throws {
            try LeakCheck.around {
                var spec = try Sandbox.spec("sockets", user: user)
                spec.capabilities = [try CapabilityName("NET_RAW")]
                let report = try Sandbox.run(spec).report
                report.expectSuccess("raw", "raw-icmp", "raw6")
                report.expectFailure(Self.netlink, "EAFNOSUPPORT", "EPROTONOSUPPORT", "EPERM")
            }
        }
    }
}
