// SPDX-License-Identifier: Apache-2.0
import CSeccomp

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
    /// AUDIT_ARCH_*, which libseccomp uses as its tokens; x32 shares x86_64's in the kernel and has its own there.
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
}

extension SeccompProfile.Condition {
    /// libseccomp's form; a masked comparison carries the mask first.
    var libseccomp: scmp_arg_cmp {
        let (operation, first, second): (scmp_compare, UInt64, UInt64) =
            switch comparison {
            case .equal: (SCMP_CMP_EQ, value, 0)
            case .notEqual: (SCMP_CMP_NE, value, 0)
            case .less: (SCMP_CMP_LT, value, 0)
            case .lessOrEqual: (SCMP_CMP_LE, value, 0)
            case .greater: (SCMP_CMP_GT, value, 0)
            case .greaterOrEqual: (SCMP_CMP_GE, value, 0)
            case .maskedEqual(let mask): (SCMP_CMP_MASKED_EQ, mask, value)
            }
        return scmp_arg_cmp(arg: UInt32(argument), op: operation, datum_a: first, datum_b: second)
    }
}
