// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// What a filter said about a call: SECCOMP_RET_*, read as the kernel reads it.
///
/// - SeeAlso: seccomp(2), kernel/seccomp.c `__seccomp_filter`; Linux 5.0
public enum FilterReturn: Hashable, Sendable {
    case killProcess
    case killThread
    /// SIGSYS, with this in `si_errno`.
    case trap(UInt16)
    /// The call is not made and returns this; 0 looks like success.
    case errno(Errno)
    /// A supervisor decides; ENOSYS where there is none. Linux 5.0.
    case notify
    /// A tracer decides, and gets this as its event message; ENOSYS where there is none.
    case trace(UInt16)
    case log
    case allow

    public init(returnValue: UInt32) {
        let data = UInt16(truncatingIfNeeded: returnValue)
        self =
            switch returnValue & 0xffff_0000 {
            case 0x0000_0000: .killThread
            case 0x0003_0000: .trap(data)
            // The kernel cuts what is no errno to MAX_ERRNO.
            case 0x0005_0000: .errno(Errno(rawValue: min(Int32(data), 4095)))
            case 0x7fc0_0000: .notify
            case 0x7ff0_0000: .trace(data)
            case 0x7ffc_0000: .log
            case 0x7fff_0000: .allow
            // SECCOMP_RET_KILL_PROCESS, and whatever the kernel does not know.
            default: .killProcess
            }
    }

    /// Whether the call is made, with no one else asked.
    public var isAllowed: Bool { self == .allow || self == .log }
}
