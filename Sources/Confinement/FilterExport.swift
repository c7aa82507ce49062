// SPDX-License-Identifier: Apache-2.0
import CLinux
import CSeccomp
import LinuxKernel

/// The instructions libseccomp makes of a context. It can only write them to a descriptor: a file in memory.
///
/// - Throws: `.compilationFailed`.
/// - SeeAlso: seccomp_export_bpf(3), memfd_create(2)
func exportFilter(_ context: scmp_filter_ctx) throws(ConfinementError) -> [sock_filter] {
    let name: StaticString = "seccomp"
    let raw = mt_syscall(Int(SYS_memfd_create), Int(bitPattern: name.utf8Start), Int(MFD_CLOEXEC), 0, 0, 0, 0)
    guard raw >= 0 else { throw failure("memfd_create", raw) }
    let file = Descriptor(owning: Int32(raw))
    let result = seccomp_export_bpf(context, file.rawValue)
    guard result >= 0 else { throw failure("seccomp_export_bpf", Int(result)) }

    // One instruction of room above the limit: a filter that does not fit is seen, not cut.
    let empty = sock_filter(code: 0, jt: 0, jf: 0, k: 0)
    var program = [sock_filter](repeating: empty, count: SeccompCompiler.maximumInstructions + 1)
    let size = program.withUnsafeMutableBytes { buffer in
        mt_syscall(Int(SYS_pread64), raw, Int(bitPattern: buffer.baseAddress), buffer.count, 0, 0, 0)
    }
    guard size >= 0 else { throw failure("read filter", size) }
    guard size > 0, size % MemoryLayout<sock_filter>.stride == 0 else {
        throw ConfinementError(.compilationFailed, subject: "libseccomp wrote \(size) bytes")
    }
    return Array(program.prefix(size / MemoryLayout<sock_filter>.stride))
}

/// - Parameter result: a negative errno, as the kernel and libseccomp return it.
private func failure(_ step: String, _ result: Int) -> ConfinementError {
    ConfinementError(.compilationFailed, subject: step, errno: Errno(rawValue: Int32(truncatingIfNeeded: -result)))
}
