// SPDX-License-Identifier: Apache-2.0
import CLinux

/// Both sides of a new terminal. pty(7)
public struct PseudoTerminal: ~Copyable {
    /// What a terminal program holds: reads what is written to the terminal, writes what is typed.
    public let master: Descriptor
    /// The terminal itself.
    public let slave: Descriptor

    /// Makes one in this process's own devpts. The other side is opened through the descriptor, whatever lies at its path.
    /// ioctl_tty(2), `TIOCGPTPEER`: Linux 4.13
    public init() throws(SystemError) {
        let master = try open("/dev/ptmx", [.readWrite, .noControllingTerminal])
        var unlocked: Int32 = 0
        let raw = Int(master.rawValue)
        try withAddress(&unlocked) { unlocked throws(SystemError) in
            _ = try kernel("ioctl TIOCSPTLCK", "/dev/ptmx", Int(SYS_ioctl), raw, Int(MT_TIOCSPTLCK), unlocked)
        }
        slave = Descriptor(
            owning: Int32(
                try kernel(
                    "ioctl TIOCGPTPEER", "/dev/ptmx", Int(SYS_ioctl), raw, Int(MT_TIOCGPTPEER),
                    Int(O_RDWR | O_NOCTTY | O_CLOEXEC))))
        self.master = master
    }

    public consuming func intoMaster() -> Descriptor { master }
}

/// Ends both directions of a socket: the other side reads its end. shutdown(2)
public func shutDown(_ socket: borrowing Descriptor) throws(SystemError) {
    try kernel("shutdown", "descriptor \(socket.rawValue)", Int(SYS_shutdown), Int(socket.rawValue), 2)
}
