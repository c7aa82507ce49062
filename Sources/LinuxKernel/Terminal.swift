// SPDX-License-Identifier: Apache-2.0
import CLinux

/// A terminal's size in characters.
public struct TerminalSize: Sendable, Equatable {
    public var rows: UInt16
    public var columns: UInt16
    public init(rows: UInt16, columns: UInt16) {
        self.rows = rows
        self.columns = columns
    }
}

/// Whether a descriptor is a terminal.
public func isTerminal(_ descriptor: Int32) -> Bool {
    var state = termios()
    return tcgetattr(descriptor, &state) == 0
}

/// A second, owned descriptor for writing: to a terminal without ever waiting for it, with a flag that nobody else sees. A
/// terminal that cannot be opened once more (exclusive, hung up, somebody else's) is duplicated, as other files are.
public func duplicateForWriting(_ descriptor: Int32) throws(SystemError) -> Descriptor {
    // Opened again, the master of a pseudo-terminal is another one. ioctl_tty(2), `TIOCGPTN`
    var number: UInt32 = 0
    let isMaster = withUnsafeMutablePointer(to: &number) { number in
        mt_syscall(Int(SYS_ioctl), Int(descriptor), Int(MT_TIOCGPTN), Int(bitPattern: number), 0, 0, 0) == 0
    }
    guard isTerminal(descriptor), !isMaster else { return try duplicate(descriptor) }
    do throws(SystemError) {
        return try open("/proc/self/fd/\(descriptor)", [.writeOnly, .nonBlocking, .noControllingTerminal])
    } catch { return try duplicate(descriptor) }
}

/// The size of a terminal; `nil` where the descriptor is not one. ioctl_tty(2), `TIOCGWINSZ`
public func terminalSize(_ descriptor: Int32) -> TerminalSize? {
    var size = winsize()
    let result = withUnsafeMutablePointer(to: &size) { size in
        mt_syscall(Int(SYS_ioctl), Int(descriptor), Int(MT_TIOCGWINSZ), Int(bitPattern: size), 0, 0, 0)
    }
    guard result == 0 else { return nil }
    return TerminalSize(rows: size.ws_row, columns: size.ws_col)
}

/// Sets the size of a terminal; its foreground processes get SIGWINCH. ioctl_tty(2), `TIOCSWINSZ`
public func setTerminalSize(_ descriptor: borrowing Descriptor, _ new: TerminalSize) throws(SystemError) {
    try setTerminalSize(raw: descriptor.rawValue, new)
}

/// The same for a descriptor by its number.
public func setTerminalSize(raw: Int32, _ new: TerminalSize) throws(SystemError) {
    var size = winsize(ws_row: new.rows, ws_col: new.columns, ws_xpixel: 0, ws_ypixel: 0)
    try withAddress(&size) { size throws(SystemError) in
        _ = try kernel("ioctl TIOCSWINSZ", nil, Int(SYS_ioctl), Int(raw), Int(MT_TIOCSWINSZ), size)
    }
}

/// The settings of a terminal, to be put back later.
public struct TerminalState: @unchecked Sendable {  // termios is a plain C structure of numbers
    var raw: termios

    /// The settings now; `nil` where the descriptor is not a terminal.
    public init?(of descriptor: Int32) {
        raw = termios()
        guard tcgetattr(descriptor, &raw) == 0 else { return nil }
    }

    /// Puts the settings back.
    public func restore(to descriptor: Int32) {
        var state = raw
        _ = tcsetattr(descriptor, TCSADRAIN, &state)
    }

    /// Raw mode: every key goes through untouched. termios(3), `cfmakeraw`
    public func applyRaw(to descriptor: Int32) {
        var state = raw
        cfmakeraw(&state)
        _ = tcsetattr(descriptor, TCSADRAIN, &state)
    }
}
