// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxKernel
import Testing

@testable import Doctor

/// Reading what the system says about itself.
@Suite struct FactsTests {
    @Test func `the attempts are the child's, in its order`() {
        let child: [(AttemptName, mt_probe_attempt)] = [
            (.openat2, MT_PROBE_OPENAT2), (.closeRange, MT_PROBE_CLOSE_RANGE), (.pidfdOpen, MT_PROBE_PIDFD_OPEN),
            (.pidfdSendSignal, MT_PROBE_PIDFD_SEND_SIGNAL), (.faccessat2, MT_PROBE_FACCESSAT2),
            (.fsopen, MT_PROBE_FSOPEN), (.openTree, MT_PROBE_OPEN_TREE), (.moveMount, MT_PROBE_MOVE_MOUNT),
            (.mountSetattr, MT_PROBE_MOUNT_SETATTR), (.statxMountID, MT_PROBE_STATX_MOUNT_ID),
            (.actionKillProcess, MT_PROBE_ACTION_KILL_PROCESS), (.actionKillThread, MT_PROBE_ACTION_KILL_THREAD),
            (.actionTrap, MT_PROBE_ACTION_TRAP), (.actionErrno, MT_PROBE_ACTION_ERRNO),
            (.actionUserNotification, MT_PROBE_ACTION_USER_NOTIF), (.actionTrace, MT_PROBE_ACTION_TRACE),
            (.actionLog, MT_PROBE_ACTION_LOG), (.actionAllow, MT_PROBE_ACTION_ALLOW),
            (.notificationSizes, MT_PROBE_NOTIF_SIZES), (.flagNewListener, MT_PROBE_FLAG_NEW_LISTENER),
            (.flagWaitKillableReceive, MT_PROBE_FLAG_WAIT_KILLABLE_RECV), (.filter, MT_PROBE_FILTER),
            (.listener, MT_PROBE_LISTENER), (.landlockABI, MT_PROBE_LANDLOCK_ABI),
            (.landlockRestrict, MT_PROBE_LANDLOCK_RESTRICT), (.becomeRoot, MT_PROBE_BECOME_ROOT),
            (.unshareMount, MT_PROBE_UNSHARE_MOUNT), (.unshareNetwork, MT_PROBE_UNSHARE_NETWORK),
            (.unshareUTS, MT_PROBE_UNSHARE_UTS), (.unshareIPC, MT_PROBE_UNSHARE_IPC),
            (.unshareCgroup, MT_PROBE_UNSHARE_CGROUP), (.unshareTime, MT_PROBE_UNSHARE_TIME),
            (.makePrivate, MT_PROBE_MAKE_PRIVATE), (.mountProc, MT_PROBE_MOUNT_PROC),
            (.openSetting, MT_PROBE_OPEN_SETTING),
            (.mountSysfs, MT_PROBE_MOUNT_SYSFS), (.mountCgroup2, MT_PROBE_MOUNT_CGROUP2),
            (.mountDevpts, MT_PROBE_MOUNT_DEVPTS), (.mountMqueue, MT_PROBE_MOUNT_MQUEUE),
            (.mountTmpfs, MT_PROBE_MOUNT_TMPFS), (.attach, MT_PROBE_ATTACH), (.tmpfsXattr, MT_PROBE_TMPFS_XATTR),
            (.overlay, MT_PROBE_OVERLAY), (.overlayOpaque, MT_PROBE_OVERLAY_OPAQUE),
            (.overlayMapped, MT_PROBE_OVERLAY_MAPPED), (.pivotRoot, MT_PROBE_PIVOT_ROOT),
        ]
        for (name, number) in child { #expect(name.rawValue == Int32(number.rawValue), "\(name)") }
        #expect(child.count == Int(MT_PROBE_ATTEMPTS.rawValue))
        #expect(AttemptName.allCases.count { $0 < .clone3 } == child.count)
    }

    @Test func `records are two little words, and a number that is no attempt is passed over`() {
        let bytes: [UInt8] = [
            0, 0, 0, 0, 0, 0, 0, 0,  // openat2: 0
            23, 0, 0, 0, 7, 0, 0, 0,  // landlockABI: 7
            1, 0, 0, 0, 0xda, 0xff, 0xff, 0xff,  // closeRange: -38
            99, 0, 0, 0, 0, 0, 0, 0, 5, 0,  // none, and a record cut short
        ]
        let answers = ProbeChild.answers(bytes)
        #expect(answers.map(\.name) == [.openat2, .landlockABI, .closeRange])
        #expect(answers.map(\.attempt) == [.worked(0), .worked(7), .failed(.noSystemCall)])
        #expect(ProbeChild.answers([]).isEmpty)
    }

    @Test(
        arguments: [
            (FakeMachine.debian12, "debian", "12", Distribution.Family.debian),
            (FakeMachine.ubuntu2404, "ubuntu", "24.04", .debian), (FakeMachine.rocky9, "rocky", "9.4", .fedora),
            (FakeMachine.alpine, "alpine", "3.20.3", .alpine), ("ID=arch", "arch", "", .arch),
            ("ID='opensuse-leap'\nID_LIKE='suse opensuse'", "opensuse-leap", "", .suse), ("", "linux", "", .other),
            ("ID=mine\nID_LIKE=\"odd ubuntu debian\"", "mine", "", .debian),
        ])
    func `a distribution is known by its id, or by what it is like`(
        _ text: String, _ id: String, _ version: String, _ family: Distribution.Family
    ) {
        let distribution = Distribution(osRelease: text)
        #expect(distribution.id == id && distribution.version == version && distribution.family == family)
    }

    @Test func `each distribution installs and boots in its own way`() {
        func of(_ text: String) -> Distribution { Distribution(osRelease: text) }
        #expect(of(FakeMachine.debian12).installs("newuidmap", debianPackage: "uidmap") == "apt-get install uidmap")
        #expect(of(FakeMachine.rocky9).installs("newuidmap") == "dnf install '*/bin/newuidmap'")
        #expect(of(FakeMachine.alpine).installs("newuidmap") == "apk add cmd:newuidmap")
        #expect(of("ID=arch").installs("newuidmap", otherPackage: "shadow") == "pacman -S shadow")
        #expect(of("").installs("nft") == "install the package that has nft")
        #expect(of(FakeMachine.rocky9).bootCure("psi=1") == "grubby --update-kernel=ALL --args=\"psi=1\"; reboot")
        #expect(of(FakeMachine.alpine).bootCure("psi=1").contains("/etc/update-extlinux.conf"))
        #expect(
            of("ID=debian\nVERSION_ID=11").kernelCure("5.12")
                == "apt-get install linux-image-6.1-$(dpkg --print-architecture); reboot")
        // Its newest is not new enough.
        #expect(of("ID=debian\nVERSION_ID=11").kernelCure("6.2") == "install Linux 6.2 or later, and reboot")
        #expect(of(FakeMachine.ubuntu2404).kernelCure("6.12") == "apt-get install linux-generic-hwe-24.04; reboot")
    }

    @Test func `kernel releases compare by number`() {
        #expect(KernelRelease("5.9.1") < KernelRelease("5.12"))
        #expect(KernelRelease("6.1.0-32-amd64") < KernelRelease("6.15"))
        #expect(!(KernelRelease("5.12.0") < KernelRelease("5.12")))
        #expect(KernelRelease("unknown") < KernelRelease("2.6"))
    }

    @Test func `process status, id maps and roots are read`() {
        let status = "Name:\tx\nNoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t3\n"
        #expect(CallerProbe.field("NoNewPrivs", status) == "1")
        #expect(CallerProbe.field("Seccomp", status) == "2")
        #expect(CallerProbe.field("Uid", status) == nil)
        #expect(CallerProbe.isInitial("         0          0 4294967295\n"))
        #expect(!CallerProbe.isInitial("         0       1000          1\n"))
        #expect(!CallerProbe.isChroot("21 1 8:1 / / rw - ext4 /dev/sda1 rw\n22 21 0:5 / /proc rw - proc p rw\n"))
        #expect(CallerProbe.isChroot("22 21 0:5 / /proc rw - proc p rw\n"))
    }

    @Test func `a new range begins above all others, and never where useradd gives none`() {
        #expect(IdentityProbe.firstFree("") == 100_000)
        #expect(IdentityProbe.firstFree("a:100000:65536\nb:165536:65536\n") == 231_072)
        #expect(IdentityProbe.firstFree("a:5000:10\nbroken\nc:x:1\n") == 100_000)
        #expect(IdentityProbe.firstFree("a:524288:65536\nroot:4000000000:65536\n") == 589_824)
    }

    @Test func `what a failed run says is taken apart`() {
        let (message, hint) = RunProbe.words("martinet: clone3: no\nhint: do this\n")
        #expect(message == "clone3: no" && hint == "do this")
        #expect(RunProbe.words("").message == "" && RunProbe.words("").hint == nil)
        #expect(RunProbe.words("/x: not found\nmore\n").message == "/x: not found; more")
    }
}
