// SPDX-License-Identifier: Apache-2.0
import CLinux

/// What an eBPF program is asked about, and where it is attached.
public enum BPFProgramType: Sendable {
    /// Each opening and making of a device by the processes of a cgroup. Linux 4.15
    case cgroupDevice

    var type: UInt32 {
        switch self {
        case .cgroupDevice: MT_BPF_PROG_TYPE_CGROUP_DEVICE
        }
    }

    var attachment: UInt32 {
        switch self {
        case .cgroupDevice: MT_BPF_CGROUP_DEVICE
        }
    }
}

/// Has the kernel check a program, given as `struct bpf_insn` after `struct bpf_insn`, and returns a descriptor for it.
///
/// - Throws: `EPERM` without CAP_BPF and CAP_NET_ADMIN in the first user namespace; `EINVAL` or `EACCES` where the kernel's
///   verifier refuses the program; `E2BIG` where it is too long.
/// - SeeAlso: bpf(2), `BPF_PROG_LOAD`
public func loadProgram(_ instructions: [UInt8], type: BPFProgramType) throws(SystemError) -> Descriptor {
    let size = 8  // struct bpf_insn
    var result = 0
    // EAGAIN: a signal came while the program was being checked.
    for _ in 0..<8 {
        result = instructions.withUnsafeBytes { bytes in
            mt_bpf_load(type.type, bytes.baseAddress, UInt32(bytes.count / size))
        }
        if result != -Int(EAGAIN) { break }
    }
    if result >= 0 { return Descriptor(owning: Int32(result)) }
    throw SystemError("bpf BPF_PROG_LOAD", Errno(rawValue: Int32(-result)), "\(instructions.count / size) instructions")
}

/// Attaches a program to a cgroup v2 directory, beside those that others attached. It stays for as long as the cgroup does.
///
/// - Throws: `EPERM` without CAP_NET_ADMIN, and where a cgroup above has a program that allows no others beside it.
/// - SeeAlso: bpf(2), `BPF_PROG_ATTACH` with `BPF_F_ALLOW_MULTI`, Linux 4.15
public func attachProgram(
    _ program: borrowing Descriptor, to cgroup: Int32, as type: BPFProgramType
) throws(SystemError) {
    let result = mt_bpf_attach(type.attachment, cgroup, program.rawValue)
    if result < 0 {
        throw SystemError("bpf BPF_PROG_ATTACH", Errno(rawValue: Int32(-result)), "descriptor \(cgroup)")
    }
}
