// SPDX-License-Identifier: Apache-2.0
import CLinux

/// Writes the clock offsets of a new time namespace, which takes them only before its first process. time_namespaces(7)
func setTimeOffsets(_ operands: TimeOffsetOperands) throws(StepError) {
    let file = try sys(
        Int(SYS_openat), Int(AT_FDCWD), literal("/proc/self/timens_offsets"), Int(O_WRONLY | O_CLOEXEC), 0)
    defer { close(file) }
    try withUnsafeTemporaryAllocationOf(128) { text throws(StepError) in
        // "monotonic SECONDS NANOSECONDS\n": nanoseconds count up from the (negative) second.
        for (name, value) in [(StaticString("monotonic "), operands.monotonic), ("boottime ", operands.boottime)] {
            var count = 0
            for index in 0..<name.utf8CodeUnitCount {
                text[count] = CChar(bitPattern: name.utf8Start[index])
                count += 1
            }
            let billion: Int64 = 1_000_000_000
            // Rounded down, and without a negation that the least value has none of.
            let seconds = value / billion - (value % billion < 0 ? 1 : 0)
            if seconds < 0 {
                text[count] = CChar(bitPattern: UInt8(ascii: "-"))
                count += 1
            }
            count += appendDecimal(seconds.magnitude, to: text + count)
            text[count] = CChar(bitPattern: UInt8(ascii: " "))
            count += 1
            count += appendDecimal(UInt64(bitPattern: value &- seconds &* billion), to: text + count)
            text[count] = CChar(bitPattern: UInt8(ascii: "\n"))
            try sys(Int(SYS_write), file, word(text), count + 1)
        }
    }
}

/// Writes a number's digits and returns how many.
func appendDecimal(_ value: UInt64, to text: UnsafeMutablePointer<CChar>) -> Int {
    var divisor: UInt64 = 1
    while value / divisor >= 10 { divisor *= 10 }
    var rest = value
    var count = 0
    while divisor > 0 {
        text[count] = CChar(bitPattern: UInt8(ascii: "0") + UInt8(rest / divisor))
        rest %= divisor
        divisor /= 10
        count += 1
    }
    return count
}

/// A session keyring of the sandbox's own: the launcher's is not reachable then. keyctl(2), session-keyring(7)
func joinSessionKeyring() throws(StepError) {
    do throws(StepError) {
        try sys(Int(SYS_keyctl), Int(KEYCTL_JOIN_SESSION_KEYRING), 0)
    } catch where error.errno == ENOSYS {}  // a kernel without keyrings has none to share
    catch { throw error }
}

/// Sets the loopback interface up. netdevice(7), `SIOCSIFFLAGS`
func raiseLoopback() throws(StepError) {
    let socket = try sys(Int(SYS_socket), Int(AF_INET), Int(SOCK_DGRAM.rawValue) | Int(O_CLOEXEC), 0)
    defer { close(socket) }
    // struct ifreq: 16 bytes of name, then a union of 24 that begins with the flags.
    try withUnsafeTemporaryAllocationOf(40) { request throws(StepError) in
        request.update(repeating: 0, count: 40)
        request[0] = CChar(bitPattern: UInt8(ascii: "l"))
        request[1] = CChar(bitPattern: UInt8(ascii: "o"))
        let flags = UnsafeMutableRawPointer(request + 16)
        flags.storeBytes(of: UInt16(0x41), as: UInt16.self)  // IFF_UP | IFF_RUNNING
        try sys(Int(SYS_ioctl), socket, Int(MT_SIOCSIFFLAGS), word(request))
    }
}
