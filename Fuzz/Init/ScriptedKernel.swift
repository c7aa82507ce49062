// SPDX-License-Identifier: Apache-2.0
import CLinux

@testable import Engine

nonisolated(unsafe) var kernel = ScriptedKernel(records: [])

/// A kernel whose answers are bytes of the input: an errno, or success with what the call is to find. When they have run
/// out every call succeeds, the launcher is gone and the agent ends, so that init must end as well.
struct ScriptedKernel {
    static let agent = 42
    /// No input is so long that init needs this many calls for it.
    private static let mostCalls = 200_000

    private var answers: ArraySlice<UInt8>
    private var records: [(bytes: [UInt8], descriptors: Int)] = []
    /// What clients of a sandbox that serves send; `nil` where none does.
    private var requests: [(bytes: [UInt8], descriptors: Int)]?
    private var header: [UInt8]
    private var calls = 0
    private var next: Int32 = 10
    private var time = 1
    private var agentIsReaped = false
    private var hasListed = false
    /// The descriptors that init has.
    var open: Set<Int> = [0, 1, 2, 3]
    var said: [[UInt8]] = []
    var hasStarted = false
    /// Whether the last call is one that does not return.
    private(set) var ends = false

    /// Records one after the other: descriptors (u8), length (u16), bytes. If the first byte is set, a small program that
    /// starts an agent goes before them.
    init(records bytes: [UInt8]) {
        answers = []
        header = Self.smallProgram
        var rest = bytes[...]
        if rest.popFirst() ?? 0 != 0 { records.append((Self.record(.program, Self.smallProgram), 0)) }
        records += Self.records(rest)
    }

    private static func records(_ bytes: ArraySlice<UInt8>) -> [(bytes: [UInt8], descriptors: Int)] {
        var rest = bytes
        var records: [(bytes: [UInt8], descriptors: Int)] = []
        while let descriptors = rest.popFirst() {
            let length = min(Int(rest.popFirst() ?? 0) | Int(rest.popFirst() ?? 0) << 8, rest.count)
            records.append((Array(rest.prefix(length)), Int(descriptors)))
            rest = rest.dropFirst(length)
        }
        return records
    }

    /// The number of answers (u16), answers, then what clients send, as above, to a sandbox whose launcher has gone.
    init(requests bytes: [UInt8]) {
        let count = bytes.count < 2 ? 0 : min(Int(bytes[0]) | Int(bytes[1]) << 8, bytes.count - 2)
        answers = []
        header = Self.servingProgram
        // Of the start nothing is of the script.
        later = bytes.dropFirst(2).prefix(count)
        requests = Self.records(bytes.dropFirst(2 + count))
        records.append((Self.record(.program, Self.servingProgram), 6))
    }

    /// Answers from the agent's start on.
    private var later: ArraySlice<UInt8> = []

    /// The number of answers (u16), answers, then the program. The length in its header is made to fit, and it comes
    /// with as many descriptors as it says.
    init(run bytes: [UInt8]) {
        let count = bytes.count < 2 ? 0 : min(Int(bytes[0]) | Int(bytes[1]) << 8, bytes.count - 2)
        answers = bytes.dropFirst(2).prefix(count)
        var program = Array(bytes.dropFirst(2 + count))
        header = program
        guard program.count >= ProgramHeader.size else { return }
        for index in 0..<4 { program[8 + index] = UInt8(truncatingIfNeeded: program.count >> (8 * index)) }
        header = program
        var descriptors = Int(program[12]) | Int(program[13]) << 8
        for (index, start) in stride(from: 0, to: program.count, by: 60_000).enumerated() {
            let part = Array(program[start...].prefix(60_000))
            let here = min(descriptors, RecordLayout.mostDescriptors)
            descriptors -= here
            records.append((Self.record(index == 0 ? .program : .programPart, part, of: program.count), here))
        }
        // What the launcher asks for then is of the script, too.
        records.append((Self.record(.signal, [15, 0, 0, 0, 2, 0, 0, 0]), 0))
    }

    /// The process that is started next: the agent first, or again; then another's.
    mutating func started() -> Int {
        if !hasStarted {
            hasStarted = true
            answers = answers + later
            later = []
            return Self.agent
        }
        guard agentIsReaped else { return Self.agent + 1 }
        agentIsReaped = false
        return Self.agent
    }

    private static func record(_ kind: RecordKind, _ body: [UInt8], of total: Int? = nil) -> [UInt8] {
        var bytes: [UInt8] = []
        func number(_ value: Int, _ size: Int) {
            for index in 0..<size { bytes.append(UInt8(truncatingIfNeeded: value >> (8 * index))) }
        }
        let length = body.count + RecordLayout.headerSize + (kind == .program ? 4 : 0)
        number(Int(RecordLayout.magic), 4)
        number(Int(RecordLayout.version), 2)
        number(Int(kind.rawValue), 2)
        number(length, 4)
        if kind == .program { number(total ?? body.count, 4) }
        return bytes + body
    }

    /// startAgent, then execute "a".
    private static let smallProgram: [UInt8] =
        [
            0x4d, 0x54, 0x50, 0x31, 1, 0, 2, 0, 103, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        ] + [UInt8](repeating: 7, count: 32)
        + [51, 0, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0]
        + [
            77, 0, 0, 0, 27, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 97, 0, 0, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, 0x2f, 98, 0x2f,
            97, 0,
        ]

    /// Outlives its launcher, serves, keeps a log of 4 KiB in two files, logs one stream, keeps the agent's input, starts it
    /// again twice; startAgent, then execute "a".
    private static let servingProgram: [UInt8] = {
        func number(_ value: UInt64, _ size: Int) -> [UInt8] {
            (0..<size).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * $0)) }
        }
        func instruction(_ opcode: Opcode, _ operands: [UInt8]) -> [UInt8] {
            number(UInt64(opcode.rawValue), 2) + [0, 0] + number(UInt64(operands.count), 4) + operands
        }
        let instructions = [
            instruction(.outliveLauncher, []), instruction(.serve, number(0, 4) + number(1, 4)),
            instruction(
                .keepLog, number(2, 4) + number(3, 4) + number(4096, 8) + number(1, 8) + number(1 << 20, 8)),
            instruction(.logStream, number(4, 4) + number(1, 4)), instruction(.keepInput, number(5, 4)),
            instruction(.restartAgent, number(2, 4)), instruction(.startAgent, number(0, 4)),
            Array(smallProgram.suffix(35)),
        ]
        let length = ProgramHeader.size + instructions.map(\.count).reduce(0, +)
        return [0x4d, 0x54, 0x50, 0x31, 1, 0] + number(UInt64(instructions.count), 2) + number(UInt64(length), 4)
            + number(6, 4) + number(6, 4) + number(0, 4) + [UInt8](repeating: 7, count: 32) + instructions.joined()
    }()

    // MARK: Answers

    private mutating func answer() -> UInt8? { answers.popFirst() }

    /// A number of the script's, to put into what a call finds.
    private mutating func word() -> UInt32? {
        guard let low = answer() else { return nil }
        return UInt32(low) | UInt32(answer() ?? 0) << 8
    }

    private static let errnos = [
        EPERM, ENOENT, EINTR, EIO, EBADF, EAGAIN, ENOMEM, EACCES, EBUSY, EEXIST, EXDEV, ENOTDIR, EINVAL, ELOOP, EROFS,
        ENOSYS,
    ]

    /// A failure, where the script has one next.
    mutating func failure() -> Int? {
        guard let answer = answer(), answer >= 0xd0 else { return nil }
        return -Int(Self.errnos[Int(answer & 15)])
    }

    private mutating func descriptor() -> Int {
        next += 1
        open.insert(Int(next))
        return Int(next)
    }

    mutating func receive(
        from socket: Int, _ bytes: UnsafeMutableRawPointer?, _ length: Int,
        _ descriptors: UnsafeMutablePointer<Int32>?, _ count: UnsafeMutablePointer<Int>
    ) -> Int {
        let isClient = requests != nil && socket != controlSocket
        guard isClient ? requests?.isEmpty == false : !records.isEmpty else { return 0 }
        let record = isClient ? requests?.removeFirst() ?? (bytes: [], descriptors: 0) : records.removeFirst()
        guard record.bytes.count <= length, record.descriptors <= count.pointee else {
            count.pointee = 0
            return -Int(EMSGSIZE)
        }
        for index in 0..<record.descriptors { descriptors?[index] = Int32(descriptor()) }
        count.pointee = record.descriptors
        bytes?.copyMemory(from: record.bytes, byteCount: record.bytes.count)
        return record.bytes.count
    }

    /// The launcher reads all that init says.
    func requireWordsToBeRecords() {
        for record in said where (try? ControlMessage(record)) == nil && (try? ServiceMessage(record)) == nil {
            fatalError("a promise is broken: init says what its launcher does not read: \(record)")
        }
    }

    // MARK: Calls

    mutating func call(_ number: Int, _ arguments: [Int]) -> Int {
        calls += 1
        ends = false
        if calls > Self.mostCalls { fatalError("a promise is broken: init does not end") }
        switch number {
        case Int(SYS_exit_group): return end()
        // Cannot fail, and there are too many of them.
        case Int(SYS_rt_sigaction): return 0
        case Int(SYS_getpid): return header.count > 20 && header[20] == 1 ? 7 : 1
        case Int(SYS_close):
            guard open.remove(arguments[0]) != nil else {
                fatalError("a promise is broken: init closes descriptor \(arguments[0]), which is not open")
            }
            return 0
        default: break
        }
        if number != Int(SYS_getsockopt), let failure = failure() { return failure }
        switch number {
        case Int(SYS_openat), Int(SYS_openat2), Int(SYS_open_tree), Int(SYS_fsopen), Int(SYS_fsmount),
            Int(SYS_signalfd4), Int(SYS_timerfd_create), Int(SYS_pidfd_open), Int(SYS_pidfd_getfd), Int(SYS_socket),
            Int(SYS_landlock_create_ruleset):
            return descriptor()
        case Int(SYS_accept4): return requests?.isEmpty == false ? descriptor() : -Int(EAGAIN)
        case Int(SYS_fcntl): return arguments[1] == Int(F_DUPFD_CLOEXEC) ? descriptor() : 0
        case Int(SYS_execve): return end()
        case Int(SYS_write), Int(SYS_pwrite64): return arguments[number == Int(SYS_write) ? 2 : 2]
        case Int(SYS_mmap): return Int(bitPattern: Memory.allocate(4096, 4096).zeroed(4096))
        default: return find(number, arguments)
        }
    }

    private mutating func end() -> Int {
        ends = true
        return 0
    }

    /// Calls that find something and write it to an address.
    private mutating func find(_ number: Int, _ arguments: [Int]) -> Int {
        switch number {
        case Int(SYS_read), Int(SYS_pread64): return fill(arguments[1], arguments[2])
        case Int(SYS_readlinkat): return fill(arguments[2], arguments[3])
        case Int(SYS_getdents64): return list(arguments[1])
        case Int(SYS_fstat): status(arguments[1])
        case Int(SYS_newfstatat): place(arguments[1], arguments[2])
        case Int(SYS_statx):
            let found = at(arguments[4], statx.self)
            if answer() ?? 1 != 0 { found.pointee.stx_attributes = UInt64(STATX_ATTR_MOUNT_ROOT) }
        case Int(SYS_pipe2):
            let ends = at(arguments[0], (Int32, Int32).self)
            ends.pointee = (Int32(descriptor()), Int32(descriptor()))
        case Int(SYS_getsockopt):
            // Of ucred the process id comes first.
            let isPeer = arguments[2] == Int(SO_PEERCRED)
            at(arguments[3], Int32.self).pointee = isPeer ? (answer() == 0xff ? 5 : 0) : Int32(SOCK_SEQPACKET.rawValue)
        case Int(SYS_clock_gettime):
            time += Int(answer() ?? 1)
            at(arguments[1], timespec.self).pointee = timespec(tv_sec: time, tv_nsec: 0)
        case Int(SYS_ppoll): return wait(arguments[0], arguments[1])
        case Int(SYS_wait4): return reap(arguments[1])
        case Int(SYS_prctl): return Int(answer() ?? 0) & 1
        default: break
        }
        return 0
    }

    private func at<Value>(_ address: Int, _ type: Value.Type) -> UnsafeMutablePointer<Value> {
        guard let pointer = UnsafeMutablePointer<Value>(bitPattern: address) else { fatalError("no address") }
        return pointer
    }

    /// As many bytes of the script as it says and as there is room for.
    private mutating func fill(_ address: Int, _ room: Int) -> Int {
        guard let wanted = answer() else { return -Int(EAGAIN) }
        let count = min(Int(wanted), room, answers.count)
        let target = at(address, UInt8.self)
        for index in 0..<count { target[index] = answer() ?? 0 }
        return count
    }

    /// One entry of /proc, once: process 99.
    private mutating func list(_ address: Int) -> Int {
        hasListed.toggle()
        guard hasListed else { return 0 }
        let record = [UInt8](repeating: 0, count: 16) + [24, 0, 4, 57, 57, 0, 0, 0]
        for (index, byte) in record.enumerated() { at(address, UInt8.self)[index] = byte }
        return record.count
    }

    private mutating func status(_ address: Int) {
        let found = at(address, stat.self)
        found.pointee.st_dev = UInt(answer() ?? 1)
        found.pointee.st_mode = (answer() ?? 0) & 1 == 0 ? UInt32(S_IFDIR) : UInt32(S_IFREG)
    }

    /// The namespaces that init is in are the launcher's in a program without namespaces, and others in one for new ones.
    private mutating func place(_ name: Int, _ address: Int) {
        let text = String(cString: at(name, CChar.self))
        guard text.utf8.starts(with: "/proc/self/ns/".utf8) else { return status(address) }
        let found = at(address, stat.self)
        guard header.count >= ProgramHeader.size, header[20] == 1 else { return }
        func number(_ offset: Int) -> UInt {
            (0..<8).reduce(0) { $0 | UInt(header[offset + $1]) << UInt(8 * $1) }
        }
        let offset = text == "/proc/self/ns/mnt" ? 24 : 40
        found.pointee.st_dev = number(offset)
        found.pointee.st_ino = number(offset + 8)
    }

    /// When the script has run out: everything has happened.
    private mutating func wait(_ address: Int, _ count: Int) -> Int {
        let words = at(address, pollfd.self)
        if requests != nil, count > 8 {
            // Of a service: for one bit each of the first, and one for all that follow. When the script has run out, the
            // clients speak; the agent ends when they have nothing more to say.
            let events = answer() ?? (requests?.isEmpty == false ? 0b1110_0000 : 0b1110_0001)
            for index in 0..<count where words[index].fd >= 0 && events >> UInt8(min(index, 7)) & 1 == 1 {
                words[index].revents = Int16(POLLIN)
            }
            return 1
        }
        let events = answer() ?? 0b011
        for index in 0..<count where words[index].fd >= 0 && events >> UInt8(index) & 1 == 1 {
            words[index].revents = Int16(POLLIN)
        }
        return 1
    }

    private mutating func reap(_ address: Int) -> Int {
        if let which = answer(), which & 3 != 0 { return which & 3 == 1 ? 0 : which & 3 == 2 ? Self.agent + 1 : 99 }
        guard hasStarted, !agentIsReaped else { return -Int(ECHILD) }
        var status = word() ?? 0
        // Who is stopped is so by a signal that there is. wait(2)
        if status & 0xff == 0x7f { status = (1 + status >> 8 & 63) << 8 | 0x7f }
        if address != 0 { at(address, UInt32.self).pointee = status }
        agentIsReaped = status & 0xff != 0x7f
        return Self.agent
    }
}

extension UnsafeMutableRawPointer {
    fileprivate func zeroed(_ count: Int) -> UnsafeMutableRawPointer {
        initializeMemory(as: UInt8.self, repeating: 0, count: count)
        return self
    }
}
