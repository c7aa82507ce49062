// SPDX-License-Identifier: Apache-2.0

extension SeccompProfile.Action {
    /// What the filter returns: SECCOMP_RET_* with its data.
    /// - SeeAlso: include/uapi/linux/seccomp.h
    var filterValue: UInt32 {
        switch self {
        case .allow: 0x7fff_0000
        case .errno(let number): 0x0005_0000 | UInt32(truncatingIfNeeded: number.rawValue & 0xfff)
        case .killProcess: 0x8000_0000
        case .killThread: 0x0000_0000
        case .trap: 0x0003_0000
        case .log: 0x7ffc_0000
        }
    }
}

extension SeccompProfile.Architecture {
    /// libseccomp's token: AUDIT_ARCH_*, but for x32, which shares x86_64's in the kernel.
    /// - SeeAlso: include/uapi/linux/audit.h
    var token: UInt32 {
        switch self {
        case .x86_64: 0xc000_003e
        case .x86: 0x4000_0003
        case .x32: 0x4000_003e
        case .aarch64: 0xc000_00b7
        case .arm: 0x4000_0028
        }
    }

    /// AUDIT_ARCH_*: what `seccomp_data.arch` holds.
    var auditToken: UInt32 { self == .x32 ? Self.x86_64.token : token }
}
