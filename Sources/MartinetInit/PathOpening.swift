// SPDX-License-Identifier: Apache-2.0
import CLinux

/// Opens a path inside for a client outside, in a process of its own: one that a slow file system, or the copying of a large
/// file to the upper layer, keeps waiting is not init; and it is whoever the client says, to the permissions of files.
///
/// What leads elsewhere leads there in the sandbox. Only files and directories come out: a pipe or a device would make its
/// reader wait, and init's own files in /proc are nobody's.
struct PathOpening {
    private let request: OpenPathRecord
    private let root: NewRoot
    private let socket: Int

    /// For reading, writing or both; made, truncated, at its end; a directory; no link at the end of the path.
    private static let flags = O_ACCMODE | O_CREAT | O_EXCL | O_TRUNC | O_APPEND | O_DIRECTORY | O_NOFOLLOW

    /// - Parameter socket: whom the descriptor, or why there is none, is sent to.
    init(_ request: OpenPathRecord, in root: NewRoot, for socket: Int) throws(StepError) {
        guard Int32(bitPattern: request.flags) & ~Self.flags == 0 else { throw StepError(EINVAL) }
        self.request = request
        self.root = root
        self.socket = socket
    }

    /// Starts the process, which answers. It is reaped as any that has lost its parent.
    mutating func start() throws(StepError) {
        let stackSize = 65536
        let stack = UnsafeMutableRawPointer.allocate(byteCount: stackSize, alignment: 4096)
        defer { stack.deallocate() }
        let pid = withUnsafeMutablePointer(to: &self) { opening in
            mt_spawn(
                { argument in
                    argument?.assumingMemoryBound(to: PathOpening.self).pointee.answer()
                    return 0
                }, opening, stack, stackSize, MT_SPAWN_BESIDE)
        }
        if pid < 0 { throw StepError(Int32(-pid)) }
    }

    private func answer() {
        do throws(StepError) {
            try become()
            let file = try open()
            var record = OutgoingRecord(.descriptor)
            record.append(DescriptorPurpose.file.rawValue)
            record.send(to: socket, descriptor: Int32(file), waits: false)
        } catch {
            var record = OutgoingRecord(.refused)
            record.append(UInt32(bitPattern: error.errno))
            record.send(to: socket, waits: false)
        }
    }

    /// Becomes whom the client says, without capabilities unless that is root. A single id is who init is.
    private func become() throws(StepError) {
        let uid = mt_syscall(Int(SYS_geteuid), 0, 0, 0, 0, 0, 0)
        let gid = mt_syscall(Int(SYS_getegid), 0, 0, 0, 0, 0, 0)
        guard uid != Int(request.uid) || gid != Int(request.gid) else { return }
        try sys(Int(SYS_setgroups), 0, 0)
        try sys(Int(SYS_setresgid), Int(request.gid), Int(request.gid), Int(request.gid))
        try sys(Int(SYS_setresuid), Int(request.uid), Int(request.uid), Int(request.uid))
    }

    private func open() throws(StepError) -> Int {
        // Neither a pipe nor a lease makes it wait. open(2), fcntl(2)
        let flags = Int32(bitPattern: request.flags) | O_NONBLOCK | O_NOCTTY
        let file = try root.open(request.path.start, flags, mode: flags & O_CREAT == 0 ? 0 : request.mode)
        let kind = try fileStatus(file).st_mode & UInt32(S_IFMT)
        guard kind == UInt32(S_IFREG) || kind == UInt32(S_IFDIR) else { throw StepError(EOPNOTSUPP) }
        guard try !isOfKernel(file) else { throw StepError(EACCES) }
        // A client is not to be surprised.
        let status = try sys(Int(SYS_fcntl), file, Int(F_GETFL))
        try sys(Int(SYS_fcntl), file, Int(F_SETFL), status & ~Int(O_NONBLOCK))
        return file
    }

    /// Whether its contents are the kernel's, and depend upon who opened it. statfs(2)
    private func isOfKernel(_ file: Int) throws(StepError) -> Bool {
        // struct statfs of 64-bit kernels begins with the type.
        let type = try withUnsafeTemporaryAllocationOf(120) { information throws(StepError) in
            try sys(Int(SYS_fstatfs), file, word(information))
            return UnsafeRawPointer(information).loadUnaligned(as: Int.self)
        }
        switch UInt32(truncatingIfNeeded: type) {
        // proc, sysfs, cgroup, cgroup2, devpts
        case 0x9fa0, 0x6265_6572, 0x27_e0eb, 0x6367_7270, 0x1cd1: return true
        default: return false
        }
    }
}
