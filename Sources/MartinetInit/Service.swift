// SPDX-License-Identifier: Apache-2.0
import CLinux

/// What init does for whoever comes later, for a sandbox that outlives its launcher: keeps the log and its own last word,
/// starts further processes, answers.
///
/// Its socket has a name in a directory of the host's that only its user may enter, and nobody inside can see. Whoever
/// connects is asked for by the kernel, too: a process of the sandbox's own PID namespace is none of its clients. unix(7),
/// SO_PEERCRED
struct Service {
    static let mostConnections = 32
    static let mostStreams = 3
    /// What is polled: the listener, the streams, the connections.
    static let pollCount = 1 + mostStreams + mostConnections

    var log = LogWriter()
    var starter: AgentStarter?
    /// What the agent reads from, or -1.
    var input = -1

    private(set) var listener = -1
    private var verdict = -1
    private var streams: UnsafeMutablePointer<Stream>?
    private(set) var connections: UnsafeMutablePointer<Connection>?

    private struct Stream {
        var descriptor = -1
        var stream = LogStream.standardOutput
    }

    var isThere: Bool { connections != nil }

    mutating func open(listener: Int, verdict: Int) {
        (self.listener, self.verdict) = (listener, verdict)
        let streams = UnsafeMutablePointer<Stream>.allocate(capacity: Self.mostStreams)
        streams.initialize(repeating: Stream(), count: Self.mostStreams)
        self.streams = streams
        let connections = UnsafeMutablePointer<Connection>.allocate(capacity: Self.mostConnections)
        connections.initialize(repeating: Connection(), count: Self.mostConnections)
        self.connections = connections
    }

    // MARK: Streams

    mutating func add(stream descriptor: Int, _ stream: LogStream) throws(StepError) {
        let flags = try sys(Int(SYS_fcntl), descriptor, Int(F_GETFL))
        try sys(Int(SYS_fcntl), descriptor, Int(F_SETFL), flags | Int(O_NONBLOCK))
        for index in 0..<Self.mostStreams {
            guard let streams, streams[index].descriptor < 0 else { continue }
            streams[index] = Stream(descriptor: descriptor, stream: stream)
            return
        }
        throw StepError(EBADMSG)
    }

    /// Keeps the side of the agent's terminal that it reads and writes from outside.
    mutating func keep(terminal master: Int) throws(StepError) {
        try add(stream: master, .terminal)
        input = master
    }

    /// Lets the agent read to the end. A terminal has none.
    mutating func closeInput() {
        guard input >= 0 else { return }
        if let streams {
            for index in 0..<Self.mostStreams where streams[index].descriptor == input { return }
        }
        close(input)
        input = -1
    }

    /// Moves one piece of a stream into the log. False where there was none.
    mutating func take(stream index: Int) -> Bool {
        guard let streams, streams[index].descriptor >= 0 else { return false }
        switch log.take(from: streams[index].descriptor, streams[index].stream) {
        case .some: return true
        case .nothing: return false
        case .end:
            close(streams[index].descriptor)
            if input == streams[index].descriptor { input = -1 }
            streams[index].descriptor = -1
            return false
        }
    }

    /// Moves everything that the streams have into the log: all in here who could write more are gone. Whom an agent passed its
    /// end to outside may be not: no more than a pipe can hold is taken. pipe(7), /proc/sys/fs/pipe-max-size
    mutating func takeAll() {
        for index in 0..<Self.mostStreams {
            var count = 0
            while count < 256, take(stream: index) { count += 1 }
        }
    }

    // MARK: Waiting

    func fill(_ polled: UnsafeMutablePointer<pollfd>) {
        guard let connections, let streams else { return }
        var isFull = true
        for index in 0..<Self.mostConnections {
            let socket = connections[index].socket
            if socket < 0 { isFull = false }
            polled[1 + Self.mostStreams + index] = pollfd(fd: Int32(socket), events: Int16(POLLIN), revents: 0)
        }
        for index in 0..<Self.mostStreams {
            polled[1 + index] = pollfd(fd: Int32(streams[index].descriptor), events: Int16(POLLIN), revents: 0)
        }
        // Whoever comes when all places are taken waits in the kernel.
        polled[0] = pollfd(fd: isFull ? -1 : Int32(listener), events: Int16(POLLIN), revents: 0)
    }

    // MARK: Connections

    func accept() {
        guard let connections else { return }
        let socket = mt_syscall(
            Int(SYS_accept4), listener, 0, 0, Int(SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0, 0)
        guard socket >= 0 else { return }
        var peer = ucred()
        // A process outside has no number in here.
        guard readSocketOption(Int(SO_PEERCRED), of: socket, into: &peer), peer.pid == 0 else { return close(socket) }
        for index in 0..<Self.mostConnections where connections[index].socket < 0 {
            connections[index] = Connection(socket: socket)
            return
        }
        close(socket)
    }

    func end(_ index: Int) {
        guard let connections else { return }
        close(connections[index].socket)
        connections[index].receiver?.free()
        // What it started goes on.
        connections[index] = Connection()
    }

    /// Tells whoever started a process how that ended.
    func processEnded(_ pid: Int32, _ status: Int32, _ usage: rusage) {
        guard let connections else { return }
        for index in 0..<Self.mostConnections where connections[index].process == pid {
            func microseconds(_ time: timeval) -> UInt64 { UInt64(time.tv_sec) * 1_000_000 + UInt64(time.tv_usec) }
            var record = OutgoingRecord(.execExited)
            record.append(UInt32(bitPattern: status))
            record.append(microseconds(usage.ru_utime))
            record.append(microseconds(usage.ru_stime))
            record.append(UInt64(usage.ru_maxrss))
            let (now, started) = (monotonicTime(), connections[index].started)
            record.append(max(now, started) - started)
            connections[index].process = 0
            if !record.send(to: connections[index].socket, waits: false) { end(index) }
        }
    }

    /// Leaves how the sandbox ended where it is looked for.
    func leave(_ record: inout OutgoingRecord) {
        if verdict >= 0 { record.leave(in: verdict) }
    }
}

/// One client. It starts one process at a time.
struct Connection {
    var socket = -1
    /// What it started and has not heard the end of.
    var process: Int32 = 0
    var started: UInt64 = 0
    /// A program that is not whole yet.
    var receiver: ProgramReceiver?
}
