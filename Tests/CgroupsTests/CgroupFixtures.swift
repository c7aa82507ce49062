// SPDX-License-Identifier: Apache-2.0
@testable import Cgroups

/// What `/proc/self/mountinfo` and `/proc/self/cgroup` said on machines of each kind.
struct CgroupFixture {
    var mountinfo: String
    var membership: String

    var layout: CgroupLayout { CgroupLayout(mountinfo: Array(mountinfo.utf8), membership: Array(membership.utf8)) }

    /// A micro-VM whose v1 hierarchies carry one controller each, with an empty v2 one beside them.
    static let singleControllerHybrid = CgroupFixture(
        mountinfo: """
            22 27 0:21 / /proc rw,relatime - proc proc rw
            23 27 0:22 / /sys rw,relatime - sysfs sysfs rw
            31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
            32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu
            33 31 0:30 / /sys/fs/cgroup/cpuacct rw,relatime - cgroup cgroup rw,cpuacct
            34 31 0:31 / /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset
            35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
            36 31 0:33 / /sys/fs/cgroup/devices rw,relatime - cgroup cgroup rw,devices
            37 31 0:34 / /sys/fs/cgroup/freezer rw,relatime - cgroup cgroup rw,freezer
            38 31 0:35 / /sys/fs/cgroup/blkio rw,relatime - cgroup cgroup rw,blkio
            39 31 0:36 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids
            40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd
            41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw

            """,
        membership: """
            9:name=systemd:/
            8:pids:/
            7:blkio:/
            6:freezer:/
            5:devices:/
            4:memory:/jobs/fa41b88247d0f37735126918ac48b84c
            3:cpuset:/
            2:cpuacct:/
            1:cpu:/
            0::/

            """)

    /// Debian 12 with systemd, a user's shell in a terminal.
    static let pureV2 = CgroupFixture(
        mountinfo: """
            23 28 0:21 / /sys rw,nosuid,nodev,noexec,relatime shared:7 - sysfs sysfs rw
            28 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw,errors=remount-ro
            30 23 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot
            31 23 0:27 / /sys/fs/pstore rw,nosuid,nodev,noexec,relatime shared:10 - pstore pstore rw

            """,
        membership: "0::/user.slice/user-1000.slice/user@1000.service/app.slice/run-r4.scope\n")

    /// Ubuntu 20.04: controllers mounted together on v1, v2 for systemd's own use.
    static let ubuntuHybrid = CgroupFixture(
        mountinfo: """
            33 24 0:28 / /sys/fs/cgroup ro,nosuid,nodev,noexec shared:9 - tmpfs tmpfs ro,mode=755
            34 33 0:29 / /sys/fs/cgroup/unified rw,nosuid,nodev,noexec,relatime shared:10 - cgroup2 cgroup2 rw,nsdelegate
            35 33 0:30 / /sys/fs/cgroup/systemd rw,nosuid,nodev,noexec,relatime shared:11 - cgroup cgroup rw,xattr,name=systemd
            39 33 0:34 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid,nodev,noexec,relatime shared:15 - cgroup cgroup rw,cpu,cpuacct
            40 33 0:35 / /sys/fs/cgroup/net_cls,net_prio rw,nosuid,nodev,noexec,relatime shared:16 - cgroup cgroup rw,net_cls,net_prio
            41 33 0:36 / /sys/fs/cgroup/memory rw,nosuid,nodev,noexec,relatime shared:17 - cgroup cgroup rw,memory
            43 33 0:38 / /sys/fs/cgroup/pids rw,nosuid,nodev,noexec,relatime shared:19 - cgroup cgroup rw,pids
            44 33 0:39 / /sys/fs/cgroup/blkio rw,nosuid,nodev,noexec,relatime shared:20 - cgroup cgroup rw,blkio

            """,
        membership: """
            12:pids:/user.slice/user-1000.slice/session-4.scope
            10:memory:/user.slice/user-1000.slice/session-4.scope
            7:net_cls,net_prio:/
            6:cpu,cpuacct:/user.slice
            5:blkio:/user.slice
            1:name=systemd:/user.slice/user-1000.slice/session-4.scope
            0::/user.slice/user-1000.slice/session-4.scope

            """)

    /// A Docker container on a v2 host, with its own cgroup namespace.
    static let dockerV2 = CgroupFixture(
        mountinfo: """
            612 611 0:58 / /sys ro,nosuid,nodev,noexec,relatime - sysfs sysfs ro
            613 612 0:26 / /sys/fs/cgroup ro,nosuid,nodev,noexec,relatime - cgroup2 cgroup rw,nsdelegate

            """,
        membership: "0::/\n")

    /// A Docker container on a v1 host: each mount shows the container's own cgroup, /proc/self/cgroup the host's path.
    static let dockerV1 = CgroupFixture(
        mountinfo: """
            700 690 0:29 /docker/8c1f /sys/fs/cgroup/memory ro,nosuid,nodev,noexec,relatime master:17 - cgroup cgroup rw,memory
            701 690 0:30 /docker/8c1f /sys/fs/cgroup/pids ro,nosuid,nodev,noexec,relatime master:19 - cgroup cgroup rw,pids

            """,
        membership: "5:memory:/docker/8c1f/inner\n4:pids:/docker/8c1f\n")
}
