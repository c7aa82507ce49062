// SPDX-License-Identifier: Apache-2.0
import CLinux

// What the agent's process may do as whom: ids and the five capability sets. credentials(7), capabilities(7)

/// - Parameter present: capabilities that may still be there.
func dropBounding(_ operands: BoundingOperands, of present: UInt64) throws(StepError) {
    for capability in 0...operands.last where (present & ~operands.keep) >> UInt64(capability) & 1 == 1 {
        try sys(Int(SYS_prctl), Int(PR_CAPBSET_DROP), Int(capability), 0, 0, 0)
    }
}

func setIdentity(_ operands: IdentityOperands) throws(StepError) {
    // Capabilities survive the change of uid, so that those asked for can be kept; what is not is dropped after.
    try sys(Int(SYS_prctl), Int(PR_SET_KEEPCAPS), 1, 0, 0, 0)
    if operands.setsGroups {
        var reader = operands.groups
        let groups = UnsafeMutablePointer<UInt32>.allocate(capacity: 64)
        defer { groups.deallocate() }
        for index in 0..<Int(operands.groupCount) {
            groups[index] = try wire { () throws(WireError) in try reader.uint32() }
        }
        try sys(Int(SYS_setgroups), Int(operands.groupCount), Int(bitPattern: groups))
    }
    try sys(Int(SYS_setresgid), Int(operands.gid), Int(operands.gid), Int(operands.gid))
    try sys(Int(SYS_setresuid), Int(operands.uid), Int(operands.uid), Int(operands.uid))
    try sys(Int(SYS_prctl), Int(PR_SET_KEEPCAPS), 0, 0, 0, 0)
}

func setCapabilities(_ operands: CapabilityOperands) throws(StepError) {
    var header = __user_cap_header_struct(version: 0x2008_0522 /* _LINUX_CAPABILITY_VERSION_3 */, pid: 0)
    var data = (
        __user_cap_data_struct(
            effective: UInt32(truncatingIfNeeded: operands.effective),
            permitted: UInt32(truncatingIfNeeded: operands.permitted),
            inheritable: UInt32(truncatingIfNeeded: operands.inheritable)),
        __user_cap_data_struct(
            effective: UInt32(truncatingIfNeeded: operands.effective >> 32),
            permitted: UInt32(truncatingIfNeeded: operands.permitted >> 32),
            inheritable: UInt32(truncatingIfNeeded: operands.inheritable >> 32))
    )
    try withWord(&header) { header throws(StepError) in
        try withWord(&data) { data throws(StepError) in try sys(Int(SYS_capset), header, data) }
    }
    try setAmbient(operands.ambient, among: operands.permitted & operands.inheritable)
}

/// Makes the ambient set exactly this one. capset(2) has already taken from it what is no longer permitted or
/// inheritable; what is in it already is not raised again, which the securebits may forbid by now.
private func setAmbient(_ wanted: UInt64, among possible: UInt64) throws(StepError) {
    if wanted == 0 {
        try sys(Int(SYS_prctl), Int(PR_CAP_AMBIENT), Int(PR_CAP_AMBIENT_CLEAR_ALL), 0, 0, 0)
        return
    }
    for capability in 0..<64 where (wanted | possible) >> UInt64(capability) & 1 == 1 {
        let isRaised = try sys(Int(SYS_prctl), Int(PR_CAP_AMBIENT), Int(PR_CAP_AMBIENT_IS_SET), capability, 0, 0) == 1
        let isWanted = wanted >> UInt64(capability) & 1 == 1
        guard isRaised != isWanted else { continue }
        let change = isWanted ? PR_CAP_AMBIENT_RAISE : PR_CAP_AMBIENT_LOWER
        try sys(Int(SYS_prctl), Int(PR_CAP_AMBIENT), Int(change), capability, 0, 0)
    }
}
