// SPDX-License-Identifier: Apache-2.0
import CLinux

extension MountBuilder {
    mutating func makeDirectory(_ operands: MakeDirectoryOperands) throws(StepError) {
        let (parent, name) = try root.parent(of: operands.path)
        let path = operands.path.start + name
        do throws(StepError) {
            try root.requireOwn(parent)
            try sys(Int(SYS_mkdirat), parent.descriptor, word(path), Int(operands.mode))  // init's umask is 0
        } catch where error.errno == EEXIST || error.errno == EXDEV {
            return try adoptDirectory(operands, otherwise: error)
        } catch { throw error }
        guard !isOwnID(operands.uid, operands.gid) else { return }
        try sys(
            Int(SYS_fchownat), parent.descriptor, word(path), Int(operands.uid), Int(operands.gid),
            Int(AT_SYMLINK_NOFOLLOW))
    }

    /// A directory that is there already, on a file system of the sandbox's own, gets its owner and mode.
    private func adoptDirectory(_ operands: MakeDirectoryOperands, otherwise: StepError) throws(StepError) {
        let directory = try root.open(operands.path.start, O_RDONLY | O_DIRECTORY)
        defer { close(directory) }
        guard try root.isOwn(directory) else { throw StepError(EXDEV) }
        try sys(Int(SYS_fchown), directory, Int(operands.uid), Int(operands.gid))
        try sys(Int(SYS_fchmod), directory, Int(operands.mode))  // after the owner: chown(2) may clear mode bits
    }

    /// Whether what init makes belongs to these ids without more ado.
    private func isOwnID(_ uid: UInt32, _ gid: UInt32) -> Bool { uid == ownUID && gid == ownGID }

    /// Writes a new file, or a new text into one of the sandbox's own.
    mutating func writeFile(_ operands: WriteFileOperands) throws(StepError) {
        let (parent, name) = try root.parent(of: operands.path)
        try root.requireOwn(parent)
        let path = operands.path.start + name
        let flags = Int(O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        let file = try sys(Int(SYS_openat), parent.descriptor, word(path), flags, 0o600)
        defer { close(file) }
        guard try fileStatus(file).st_mode & UInt32(S_IFMT) == UInt32(S_IFREG) else { throw StepError(EEXIST) }
        var written = 0
        while written < operands.contents.count {
            written += try sys(
                Int(SYS_write), file, word(operands.contents.start + written), operands.contents.count - written)
        }
        if !isOwnID(operands.uid, operands.gid) {
            try sys(Int(SYS_fchown), file, Int(operands.uid), Int(operands.gid))
        }
        try sys(Int(SYS_fchmod), file, Int(operands.mode))
    }

    /// Fills a directory with numbered files of a page each, until there is no more room.
    func keepRoom(_ operands: KeepRoomOperands) throws(StepError) {
        let directory = try root.open(operands.path.start, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
        defer { close(directory) }
        try withUnsafeTemporaryAllocationOf(4096) { page throws(StepError) in
            for number in 0..<operands.count {
                let digits = appendDecimal(UInt64(number), to: page)
                page[digits] = 0
                do throws(StepError) {
                    let file = try sys(
                        Int(SYS_openat), directory, word(page), Int(O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC), 0o600)
                    defer { close(file) }
                    try sys(Int(SYS_write), file, word(page), 4096)
                } catch where error.errno == ENOSPC || error.errno == EDQUOT { return } catch { throw error }
            }
        }
    }

    mutating func makeSymlink(_ operands: TwoStringOperands) throws(StepError) {
        let (parent, name) = try root.parent(of: operands.first)
        try root.requireOwn(parent)
        try sys(
            Int(SYS_symlinkat), word(operands.second.start), parent.descriptor, word(operands.first.start + name))
    }

    /// One write to an existing file, as those of /proc/sys want it.
    func writeControlFile(_ operands: ControlFileOperands) throws(StepError) {
        do throws(StepError) {
            let file = try root.open(operands.path.start, O_WRONLY)
            defer { close(file) }
            try sys(Int(SYS_write), file, word(operands.text.start), operands.text.count)
        } catch where operands.optional && (error.errno == EACCES || error.errno == ENOENT) {
        } catch { throw error }
    }

    /// A pseudo-terminal of the sandbox's own devpts. Returns both sides. ioctl_tty(2), `TIOCGPTPEER`: Linux 4.13
    func openTerminal(_ operands: OpenTerminalOperands) throws(StepError) -> (master: Int, slave: Int) {
        let master = try root.open("/dev/pts/ptmx", O_RDWR | O_NOCTTY)
        do throws(StepError) {
            var unlocked: Int32 = 0
            try withWord(&unlocked) { unlocked throws(StepError) in
                try sys(Int(SYS_ioctl), master, Int(MT_TIOCSPTLCK), unlocked)
            }
            // The peer of this very descriptor: no path that something could have been swapped under.
            let slave = try sys(Int(SYS_ioctl), master, Int(MT_TIOCGPTPEER), Int(O_RDWR | O_NOCTTY | O_CLOEXEC))
            var size = winsize(
                ws_row: UInt16(clamping: operands.rows), ws_col: UInt16(clamping: operands.columns), ws_xpixel: 0,
                ws_ypixel: 0)
            try withWord(&size) { size throws(StepError) in
                try sys(Int(SYS_ioctl), slave, Int(MT_TIOCSWINSZ), size)
            }
            try sys(Int(SYS_fchown), slave, Int(operands.uid), Int(operands.gid))
            return (master, slave)
        } catch {
            close(master)
            throw error
        }
    }
}
