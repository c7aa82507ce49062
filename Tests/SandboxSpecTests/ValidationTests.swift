// SPDX-License-Identifier: Apache-2.0
import SandboxSpec
import Testing

@Suite struct ValidationTests {
    @Test(
        arguments: [
            ([], "command: no program to run; write it after --"),
            (["--", ""], "command: no program to run; write it after --"),
            (["--overlay", "x", "a"], "overlay: the host's root takes no overlay; give --rootfs DIR as well"),
            (["--swap", "1m", "a"], "limits.swap: swap is limited on top of memory; give --memory as well"),
            (
                ["--swap", "1m", "-m", "max", "a"],
                "limits.swap: swap is limited on top of memory; give --memory as well"
            ),
            (["-m", "1k", "a"], "limits.memory: 1KiB is too small for any program; write 1MiB or more"),
            (["--disk", "1k", "a"], "limits.disk: 1KiB is too small; write 1MiB or more"),
            (["--timeout", "0s", "a"], "limits.timeout: a run takes time; write 10s"),
            (["--pids", "1", "a"], "limits.pids: init and the agent are two processes; write 2 or more"),
            (["--cpu-time", "0s", "a"], "limits.cpu-time: a run takes CPU time; write 2s (1ms or more)"),
            (["--inodes", "5", "a"], "limits.inodes: the sandbox itself needs some; write 256 or more"),
            (
                ["-m", "1m", "--memory-high", "2m", "a"],
                "limits.memory-high: 2MiB is above the memory limit of 1MiB; write less"
            ),
            (
                ["-t", "--output", "1m", "a"],
                "limits.output: a terminal's output is not limited; leave tty or limits.output out"
            ),
            (
                ["--linger", "--output", "1m", "a"],
                "limits.output: a sandbox that outlives its launcher has nobody to count its output; leave linger or "
                    + "limits.output out"
            ),
            (
                ["--audit", "--linger", "a"],
                "audit: the launcher answers for the filter while it reports; without it every call would fail: "
                    + "leave linger or audit out"
            ),
            (
                ["--audit", "--seccomp", "unconfined", "a"],
                "audit: unconfined refuses nothing that could be reported; leave one out"
            ),
            (
                ["--isolation", "landlock", "--rootfs", "x", "a"],
                "rootfs: this takes namespaces, which isolation landlock does without; leave one out"
            ),
            (
                ["--isolation", "landlock", "--landlock", "off", "a"],
                "landlock: without Landlock nothing would be left of isolation landlock; leave one out"
            ),
            (["-t", "--stdin", "none", "a"], "stdin: a terminal has an input; leave tty or stdin out"),
            (["--join", "net=/a", "--join", "net=/b", "a"], "join: net is joined twice"),
            (
                ["--join", "net=/a", "--net", "host", "a"],
                "join.net: the network is the host's and joined as well; leave one out"
            ),
            (
                ["--join", "uts=/a", "--hostname", "b", "a"],
                "hostname: a joined UTS namespace has its host name; leave hostname or join.uts out"
            ),
            (
                ["--join", "user=/a", "a"],
                "join.user: in a joined user namespace the agent's user must be given, without groups; write --user UID"
            ),
            (
                ["--device", "/dev/a", "--device", "/dev/b:rwm", "a"],
                "device[1]: making devices (m) takes CAP_MKNOD over the host, which nobody in a sandbox has; write rw"
            ),
            (["-v", "/a:/proc/x", "a"], "bind[0]: /proc is the sandbox's own; choose another place than /proc/x"),
            (["-v", "/a:/", "a"], "bind[0]: / is the sandbox's own; choose another place than /"),
            (
                ["--tmpfs", "/x", "--tmpfs", "/dev", "a"],
                "tmpfs[1]: /dev is the sandbox's own; choose another place than /dev"
            ),
            (
                ["-v", "/a:/b", "--tmpfs", "//b/", "a"],
                "tmpfs[0]: something is mounted on /b already; choose another place"
            ),
            (
                ["--workspace", ".", "-v", "/a:/workspace", "a"],
                "bind[0]: something is mounted on /workspace already; choose another place"
            ),
            (["--secret", "A=@a", "--secret-file", "A=@b", "a"], "secret.A: A is given twice"),
            (["--secret", "A=@a", "-e", "A=b", "a"], "env.A: A is a secret as well; leave one out"),
        ])
    func `Fields that do not go together are refused`(arguments: [String], expected: String) throws {
        let asked = try spec(arguments)
        #expect(message { try asked.validate() } == expected)
    }

    @Test(
        arguments: [
            ["true"], ["--rootfs", "x", "--overlay", "y", "a"], ["-m", "1m", "--swap", "max", "a"],
            ["--pids", "max", "a"],
            ["-v", "/a:/b", "-v", "/a:/b/c", "a"], ["-v", "/a:/devices", "a"], ["-v", "/a:/workspace", "a"],
            ["--join", "user=/a", "-u", "5", "a"], ["--net", "host", "--join", "ipc=/a", "a"],
        ])
    func `Fields that go together are taken`(arguments: [String]) throws {
        let asked = try spec(arguments)
        #expect(message { try asked.validate() } == nil)
    }
}
