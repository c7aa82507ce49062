// SPDX-License-Identifier: Apache-2.0
import CLinux

/// What is started is the kernel's first choice when memory runs out; init itself goes back at once, so that it lives to
/// tell. The file is kept open: it cannot be opened any more when init is not dumpable. proc_pid_oom_score_adj(5)
struct OOMScore {
    private var file = -1
    private var own: Int32 = 0
    private var agents: Int32 = 0

    /// Takes the value of what will be started.
    mutating func adjust(_ value: Int32) throws(StepError) {
        file = try sys(
            Int(SYS_openat), Int(AT_FDCWD), literal("/proc/self/oom_score_adj"), Int(O_RDWR | O_CLOEXEC), 0)
        own = try read()
        agents = value
        try write(value)
    }

    /// Takes the value again, for another process.
    func raise() throws(StepError) { if file >= 0 { try write(agents) } }

    /// Goes back to init's own.
    func restore() throws(StepError) { if file >= 0 { try write(own) } }

    private func read() throws(StepError) -> Int32 {
        try withUnsafeTemporaryAllocationOf(32) { text throws(StepError) in
            let count = try sys(Int(SYS_read), file, word(text), 31)
            var value: Int32 = 0
            let negative = text[0] == CChar(bitPattern: UInt8(ascii: "-"))
            for index in (negative ? 1 : 0)..<count {
                let digit = Int32(text[index]) - 48
                guard digit >= 0, digit <= 9 else { break }
                value = value * 10 + digit
            }
            return negative ? -value : value
        }
    }

    private func write(_ value: Int32) throws(StepError) {
        try withUnsafeTemporaryAllocationOf(32) { text throws(StepError) in
            var count = 0
            if value < 0 {
                text[0] = CChar(bitPattern: UInt8(ascii: "-"))
                count = 1
            }
            count += appendDecimal(UInt64(value.magnitude), to: text + count)
            try sys(Int(SYS_pwrite64), file, word(text), count, 0)
        }
    }
}
