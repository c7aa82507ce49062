// SPDX-License-Identifier: Apache-2.0

/// Numbers of the kernel's that programs carry, spelled as the kernel spells them. This target makes no system calls, so
/// it does not import the headers; a test compares each with them.
public enum KernelConstant {
    public static let CLONE_NEWNS: UInt64 = 0x0002_0000
    public static let CLONE_NEWCGROUP: UInt64 = 0x0200_0000
    public static let CLONE_NEWUTS: UInt64 = 0x0400_0000
    public static let CLONE_NEWIPC: UInt64 = 0x0800_0000
    public static let CLONE_NEWUSER: UInt64 = 0x1000_0000
    public static let CLONE_NEWPID: UInt64 = 0x2000_0000
    public static let CLONE_NEWNET: UInt64 = 0x4000_0000
    public static let CLONE_NEWTIME: UInt64 = 0x0000_0080

    public static let MS_PRIVATE: UInt64 = 1 << 18

    public static let MOUNT_ATTR_RDONLY: UInt64 = 0x1
    public static let MOUNT_ATTR_NOSUID: UInt64 = 0x2
    public static let MOUNT_ATTR_NODEV: UInt64 = 0x4
    public static let MOUNT_ATTR_NOEXEC: UInt64 = 0x8

    public static let PROC_SUPER_MAGIC: UInt64 = 0x9fa0
    public static let DEVPTS_SUPER_MAGIC: UInt64 = 0x1cd1

    public static let RLIMIT_CORE: UInt32 = 4
    public static let SIGKILL: UInt32 = 9

    public static let RLIMIT_NPROC: UInt32 = 6

    public static let CAP_SETPCAP: UInt64 = 8
}
