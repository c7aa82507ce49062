// SPDX-License-Identifier: Apache-2.0
import Foundation
import SandboxSpec
import Testing

extension SecurityTests {
    /// Attack 9: users whose names or numbers are made to be misread. CVE-2026-30892
    @Suite struct Users {
        private static let group =
            "root:x:0:\nagent:x:1000:\nstaff:x:50:agent\nbig:x:4294967296:\n1000:x:0:\nplus:x:+0:\n"

        /// Entries whose name is a number, whose number is none, or overflows.
        private static let passwd = """
            root:x:0:0::/:/bin/x
            1000:x:0:0::/:/bin/x
            agent:x:1000:1000::/:/bin/x
            4294967296:x:0:0::/:/bin/x
            overflow:x:4294967296:4294967296::/:/bin/x
            far:x:18446744073709551616:18446744073709551616::/:/bin/x
            negative:x:-1:-1::/:/bin/x
            nobody:x:4294967295:4294967295::/:/bin/x
            empty:x:::::/bin/x
            plus:x:+0:+0::/:/bin/x
            hexadecimal:x:0x0:0x0::/:/bin/x
            blank:x: 0: 0::/:/bin/x
            wide:x:\u{ff10}:\u{ff10}::/:/bin/x
            short:x:0
            outside:x:70000:70000::/:/bin/x
            twice:x:1001:1001::/:/bin/x
            twice:x:0:0::/:/bin/x
            zero\0:x:0:0::/:/bin/x

            """

        private func spec(_ user: String) throws -> SandboxSpec {
            let rootfs = TemporaryTree.makeDirectory("rootfs")
            for name in ["bin", "etc"] {
                try FileManager.default.createDirectory(atPath: "\(rootfs)/\(name)", withIntermediateDirectories: true)
            }
            try FileManager.default.copyItem(atPath: AttackPrograms.path("identity"), toPath: "\(rootfs)/bin/x")
            TemporaryTree.write(Self.passwd, to: "\(rootfs)/etc/passwd")
            TemporaryTree.write(Self.group, to: "\(rootfs)/etc/group")
            var spec = try Sandbox.spec("identity")
            spec.rootfs = .directory(rootfs)
            spec.command = ["/bin/x"]
            spec.user = try UserReference(user)
            return spec
        }

        /// Who has a single id cannot be in further groups, as /etc/group has the agent, and is told.
        private func expect(_ user: String, is uid: Int) throws {
            let outcome = try Sandbox.run(spec(user))
            if !isRoot, uid == 1000, outcome.error?.message.contains("take a range of ids") == true {
                #expect(outcome.status == 125 && outcome.output.isEmpty)
            } else {
                outcome.report.expectSuccess("euid", result: uid)
            }
        }

        @Test("attack 9: what looks like a number is that number, whatever /etc/passwd calls so")
        func numericNames() throws {
            try LeakCheck.around {
                for (user, uid) in [("1000", 1000), ("1000:1000", 1000), ("7", 7), ("0", 0)] {
                    try expect(user, is: uid)
                }
            }
        }

        @Test(
            "attack 9: a user that is absent, or whose id is none or overflows, is an error and never id 0",
            arguments: [
                "absent", "overflow", "far", "negative", "nobody", "empty", "plus", "hexadecimal", "blank", "wide",
                "short",
                "outside", "zero", "agent:absent", "agent:big", "agent:plus", "1000:absent",
            ])
        func refused(user: String) throws {
            try LeakCheck.around {
                let outcome = try Sandbox.run(spec(user))
                #expect(outcome.status == 125, "\(outcome.summary)")
                #expect(outcome.output.isEmpty, "\(outcome.summary)")
                let message = outcome.error?.message ?? ""
                let name = user.split(separator: ":").last { $0 != "agent" && $0 != "1000" } ?? ""
                #expect(message.contains(name), "\(message)")
            }
        }

        @Test("attack 9: of two entries with one name the first is meant, as everywhere")
        func twice() throws {
            try LeakCheck.around {
                try Sandbox.run(spec("twice")).report.expectSuccess("euid", result: 1001)
            }
        }

        @Test("attack 9: a plain name is found")
        func control() throws {
            try LeakCheck.around {
                try expect("agent", is: 1000)
                try expect("root", is: 0)
            }
        }
    }
}
