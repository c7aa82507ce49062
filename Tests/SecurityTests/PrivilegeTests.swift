// SPDX-License-Identifier: Apache-2.0
import Foundation
import LinuxKernel
import SandboxSpec
import Testing

extension SecurityTests {
    @Suite struct Privileges {
        /// A copy of the program that says who it is, which gains root for who runs it on the host.
        private func privilegedCopy(_ name: String) throws -> String {
            let directory = TemporaryTree.makeDirectory(name)
            try FileManager.default.copyItem(atPath: AttackPrograms.path("identity"), toPath: "\(directory)/identity")
            return directory
        }

        private func expectNothingGained(_ spec: SandboxSpec, _ user: AgentUser) throws {
            let report = try Sandbox.run(spec).report
            report.expectSuccess("euid", "egid", result: Int(user.rawValue))
            report.expectSuccess("permitted", "effective", "bounding", result: 0)
            report.expectSuccess("no-new-privileges", result: 1)
        }

        /// What an ordinary user of the host gets from the program: the defence switched off.
        private func reportOutside(_ path: String) throws -> AttemptReport {
            AttemptReport(
                try HostProcess.run(
                    "/usr/bin/setpriv", ["--reuid", "1000", "--regid", "1000", "--clear-groups", "--", path]
                ).output)
        }

        @Test(
            "attack 11: a set-uid root program in a writable mount gains nothing",
            .enabled(if: isRoot, "only root makes a set-uid root file"), arguments: AgentUser.allCases)
        func setuidProgram(user: AgentUser) throws {
            let directory = try privilegedCopy("setuid")
            #expect(chmod("\(directory)/identity", 0o6755) == 0)
            try reportOutside("\(directory)/identity").expectSuccess("euid", result: 0)
            try LeakCheck.around {
                var spec = try Sandbox.spec("identity", user: user)
                spec.binds.append(BindMount(source: directory, target: try SandboxPath("/data"), readOnly: false))
                spec.command = ["/data/identity"]
                try expectNothingGained(spec, user)
            }
        }

        @Test(
            "attack 11: a program with file capabilities in a writable mount gains nothing",
            .enabled(if: isRoot, "only root gives a file capabilities"), arguments: AgentUser.allCases)
        func capableProgram(user: AgentUser) throws {
            let directory = try privilegedCopy("capable")
            let set = try HostProcess.run(
                "/usr/sbin/setcap", ["cap_sys_admin,cap_net_raw=ep", "\(directory)/identity"])
            try #require(set.status == .exited(0), "\(set.errors)")
            try reportOutside("\(directory)/identity").expectSuccess("effective", result: 1)
            try LeakCheck.around {
                var spec = try Sandbox.spec("identity", user: user)
                spec.binds.append(BindMount(source: directory, target: try SandboxPath("/data"), readOnly: false))
                spec.command = ["/data/identity"]
                // Refused altogether, or run without them.
                let outcome = try Sandbox.run(spec)
                if outcome.error?.code == .notExecutable { return }
                try expectNothingGained(spec, user)
            }
        }

        private static let undoing = ["clear-securebits", "set-no-setuid-fixup", "keep-capabilities", "raise-ambient"]

        @Test(
            "attack 11: a kept capability does not bring back the rules by which more are gained",
            arguments: AgentUser.allCases)
        func securebits(user: AgentUser) throws {
            try LeakCheck.around {
                var spec = try Sandbox.spec("securebits", user: user)
                spec.seccomp = .unconfined  // the securebits are the defence here
                // CAP_SETPCAP changes securebits that are not locked.
                spec.capabilities = try ["NET_RAW", "SETPCAP", "SETUID"].map { try CapabilityName($0) }
                let report = try Sandbox.run(spec).report
                report.expectSuccess("securebits", result: 0xeb)
                report.expectSuccess("may-be-raised", result: 1)
                report.expectFailure(Self.undoing, "EPERM")
                // A single id has no other that it could become.
                if !isRoot, report["become-another"] == .failed("EINVAL") { return }
                // Becoming another user still takes capabilities from root, and from nobody else. capabilities(7)
                report.expectSuccess("become-another")
                report.expectSuccess("effective-as-another", "permitted-as-another", result: user == .root ? 0 : 1)
            }
        }

        @Test("attack 11: an agent without capabilities has the same securebits", arguments: AgentUser.allCases)
        func securebitsByDefault(user: AgentUser) throws {
            try LeakCheck.around {
                let report = try Sandbox.run(Sandbox.spec("securebits", user: user)).report
                report.expectSuccess("securebits", result: 0xeb)
                report.expectSuccess("may-be-raised", result: 0)
                report.expectFailure(Self.undoing, "EPERM")
                report.expectFailure(["become-another"], "EPERM", "EINVAL")
            }
        }

        @Test(
            "attack 11: on the host the same calls succeed for root",
            .enabled(if: isRoot, "only root has the capabilities"))
        func securebitsControl() throws {
            let report = AttemptReport(try HostProcess.run(AttackPrograms.path("securebits"), []).output)
            report.expectSuccess("securebits", result: 0)
            report.expectSuccess("clear-securebits", "set-no-setuid-fixup", "keep-capabilities", "raise-ambient")
            // With the fixup off, root's capabilities would outlive root.
            report.expectSuccess("effective-as-another", result: 1)
        }

        @Test(
            "attack 11: no set-uid or set-gid file can be left in a directory of the host's",
            arguments: AgentUser.allCases)
        func setuidFileLeftBehind(user: AgentUser) throws {
            let workspace = TemporaryTree.makeDirectory("workspace")
            try LeakCheck.around {
                var spec = try Sandbox.spec("identity", "/workspace", user: user)
                spec.workspace = workspace
                let report = try Sandbox.run(spec).report
                report.expectSuccess("make-file")
                report.expectFailure(
                    ["fchmod-setuid", "chmod-setgid", "fchmodat2-setuid", "openat-setuid", "creat-setuid"], "EPERM")
                report.expectFailure(["openat2-setuid"], "ENOSYS")
            }
            for name in try FileManager.default.contentsOfDirectory(atPath: workspace) {
                var found = stat()
                #expect(lstat("\(workspace)/\(name)", &found) == 0)
                #expect(found.st_mode & 0o6000 == 0, "\(name)")
            }
        }

        @Test("attack 11: in the sandbox's own file system, or without the filter, the same calls work")
        func setuidFileControl() throws {
            try LeakCheck.around {
                let report = try Sandbox.run(Sandbox.spec("identity", "/tmp")).report
                report.expectSuccess("make-file", "fchmod-setuid", "chmod-setgid", "openat2-setuid", "openat-setuid")
                var spec = try Sandbox.spec("identity", "/workspace")
                spec.workspace = TemporaryTree.makeDirectory("workspace")
                spec.seccomp = .unconfined
                try Sandbox.run(spec).report.expectSuccess("fchmod-setuid", "openat2-setuid", "openat-setuid")
            }
        }
    }
}
