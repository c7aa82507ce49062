// SPDX-License-Identifier: Apache-2.0
import Foundation
import SandboxSpec
import Testing

extension SecurityTests {
    @Suite struct KernelInterfaces {
        private static let writes = [
            "write-core-pattern": "/proc/sys/kernel/core_pattern", "write-modprobe": "/proc/sys/kernel/modprobe",
            "write-hotplug": "/proc/sys/kernel/hotplug", "write-sysrq": "/proc/sysrq-trigger",
            "write-binfmt-misc": "/proc/sys/fs/binfmt_misc/register",
            "write-uevent-helper": "/sys/kernel/uevent_helper",
            "write-panic": "/proc/sys/kernel/panic", "write-ip-forward": "/proc/sys/net/ipv4/ip_forward",
            "write-loopback-mtu": "/sys/class/net/lo/mtu",
        ]
        private static let reads = [
            "read-keys": "/proc/keys", "read-kmsg": "/proc/kmsg", "read-timer-list": "/proc/timer_list",
            "read-kcore": "/proc/kcore", "read-firmware": "/sys/firmware",
        ]

        /// A file that this kernel does not have at all may be missing inside; any other must be refused.
        private func expectRefused(_ report: AttemptReport, _ attempts: [String: String], _ errno: String...) {
            for (name, path) in attempts {
                let isThere = FileManager.default.fileExists(atPath: path)
                if !isThere {
                    report.expectFailure([name], "ENOENT", "EACCES")
                } else if errno.count == 2 {
                    report.expectFailure([name], errno[0], errno[1])
                } else {
                    report.expectFailure([name], errno[0])
                }
            }
        }

        private static let settings = [
            "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/proc/sys/kernel/panic",
            "/proc/sys/net/ipv4/ip_forward", "/sys/kernel/uevent_helper",
        ]

        @Test("attack 22: the kernel's own files are neither written nor read", arguments: AgentUser.allCases)
        func kernelFiles(user: AgentUser) throws {
            let before = Self.settings.map(TemporaryTree.read)
            try LeakCheck.around {
                let report = try Sandbox.run(Sandbox.spec("kernel-files", user: user)).report
                expectRefused(report, Self.writes, "EROFS", "EACCES")
                expectRefused(report, Self.reads, "EACCES")
                report.expectFailure(["read-dev-kmsg", "read-dev-mem"], "ENOENT")
                report.expectSuccess("kernel-addresses", result: 0)
            }
            #expect(Self.settings.map(TemporaryTree.read) == before)
        }

        @Test("attack 22: init's own file of /proc is not written by the agent")
        func initScore() throws {
            try LeakCheck.around {
                try Sandbox.run(Sandbox.spec("kernel-files")).report.expectFailure(["write-init-oom"], "EACCES")
            }
        }

        @Test(
            "attack 22: with every capability over files masks are empty, and sysctls still the host's",
            arguments: AgentUser.allCases)
        func kernelFilesWithCapabilities(user: AgentUser) throws {
            try LeakCheck.around {
                var spec = try Sandbox.spec("kernel-files", user: user)
                spec.capabilities = try ["DAC_OVERRIDE", "DAC_READ_SEARCH", "SYSLOG", "NET_ADMIN"].map { name in
                    try CapabilityName(name)
                }
                spec.seccomp = .unconfined
                let report = try Sandbox.run(spec).report
                // The permission bits are out of the way: what opens is the mask, which holds nothing.
                report.expectSuccess("read-kmsg", "read-timer-list", result: 0)
                expectRefused(report, Self.writes, "EROFS", "EACCES")
                report.expectFailure(["write-ip-forward"], "EROFS")
                report.expectSuccess("kernel-addresses", result: 0)
            }
        }

        private static let administration = [
            "bpf", "perf_event_open", "userfaultfd", "init_module", "finit_module", "delete_module", "kexec_load",
            "reboot",
            "swapon", "swapoff", "acct", "quotactl", "syslog", "settimeofday", "clock_settime", "adjtimex",
        ]
        private static let keys = ["key-search", "key-search-user", "key-request", "key-add", "key-add-user"]
        private static let rings = ["io_uring_setup", "io_uring_enter", "io_uring_register"]

        @Test(
            "attack 24: calls of the machine's administrator and large kernel interfaces are refused",
            arguments: AgentUser.allCases)
        func administration(user: AgentUser) throws {
            try LeakCheck.around {
                try Sandbox.run(Sandbox.spec("kernel-calls", user: user)).report.expectFailure(
                    Self.administration, "EPERM")
            }
        }

        @Test("attack 25: keyrings are out of reach", arguments: AgentUser.allCases)
        func keyrings(user: AgentUser) throws {
            try LeakCheck.around {
                try Sandbox.run(Sandbox.spec("kernel-calls", user: user)).report.expectFailure(Self.keys, "EPERM")
            }
        }

        @Test("attack 26: io_uring is out of reach", arguments: AgentUser.allCases)
        func rings(user: AgentUser) throws {
            try LeakCheck.around {
                try Sandbox.run(Sandbox.spec("kernel-calls", user: user)).report.expectFailure(Self.rings, "EPERM")
            }
        }

        /// Harmless ones reach the kernel; those of the administrator fail there, for want of capabilities.
        @Test("attacks 24, 25 and 26: without the filter the calls reach the kernel", arguments: AgentUser.allCases)
        func unconfined(user: AgentUser) throws {
            try LeakCheck.around {
                var spec = try Sandbox.spec("kernel-calls", user: user)
                spec.seccomp = .unconfined
                let report = try Sandbox.run(spec).report
                report.expectSuccess("adjtimex", "userfaultfd", "key-add", "key-add-user")
                let answers = ["io_uring_setup", "perf_event_open", "bpf"].compactMap { report[$0] }
                #expect(
                    answers.contains { if case .succeeded = $0 { true } else { $0 != .failed("EPERM") } }, "\(report)")
                report.expectFailure(["io_uring_enter"], "EBADF", "ENOSYS", "EPERM")
                let privileged = Self.administration.filter {
                    !["bpf", "perf_event_open", "userfaultfd", "quotactl", "syslog", "adjtimex"].contains($0)
                }
                // Time is set only by the host's administrator, but nonsense is noticed first.
                report.expectFailure(privileged, "EPERM", "EINVAL", "ENOSYS")
            }
        }

        @Test("attack 25: two sandboxes without the filter share no keyring", arguments: AgentUser.allCases)
        func keyringsUnconfined(user: AgentUser) throws {
            try LeakCheck.around {
                let key = "martinet-canary-\(UInt32.random(in: 0 ... .max))"
                var holder = try Sandbox.spec("kernel-calls", key, "stay", user: user)
                holder.seccomp = .unconfined
                let neighbour = try Sandbox.start(holder)
                let added = try neighbour.untilReady()
                added.expectSuccess("key-add", "key-add-user")
                var spec = try Sandbox.spec("kernel-calls", key, user: user)
                spec.seccomp = .unconfined
                let report = try Sandbox.run(spec).report
                report.expectFailure(["key-search", "key-request"], "ENOKEY", "ENOENT")
                report.expectFailure(["key-search-user"], "ENOKEY", "EACCES")
                _ = neighbour.wait()
            }
        }
    }
}
