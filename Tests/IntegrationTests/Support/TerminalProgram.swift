// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKernel
import TestHost
import Testing

/// The command line in a session of its own, on a terminal that the test types into and reads from.
final class TerminalProgram {
    let pid: Int32
    /// The terminal's path on the host.
    let path: String
    private let master: Descriptor
    /// The other side, kept open: its settings can be read after the end, and what was written is not lost.
    private let slave: Descriptor
    private var bytes: [UInt8] = []
    private var seen = 0
    private var isReaped = false

    /// `martinet run -t`
    convenience init(_ options: [String], _ command: [String], rows: UInt16 = 24, columns: UInt16 = 80) throws {
        try self.init(["run", "-t"] + options + ["--"] + command, rows: rows, columns: columns)
    }

    init(
        _ arguments: [String], environment: [String] = ["PATH=/usr/bin:/bin", "TERM=vt100"], rows: UInt16 = 24,
        columns: UInt16 = 80
    ) throws {
        let raw = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)
        try #require(raw >= 0)
        master = Descriptor(owning: raw)
        try #require(grantpt(raw) == 0 && unlockpt(raw) == 0)
        var name = [CChar](repeating: 0, count: 64)
        try #require(ptsname_r(raw, &name, name.count) == 0)
        path = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        slave = try open(path, [.readWrite, .noControllingTerminal])
        try setTerminalSize(slave, TerminalSize(rows: rows, columns: columns))
        pid = try Self.spawn([Martinet.path] + arguments, environment, on: path)
    }

    deinit {
        guard !isReaped else { return }
        kill(pid, SIGKILL)
        _ = try? reap(pid)
    }

    /// A session leader without a terminal gets the one that it opens: setsid comes before the opening.
    private static func spawn(_ arguments: [String], _ variables: [String], on terminal: String) throws -> Int32 {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, terminal, O_RDWR, 0)
        posix_spawn_file_actions_adddup2(&actions, 0, 1)
        posix_spawn_file_actions_adddup2(&actions, 0, 2)
        posix_spawn_file_actions_addclosefrom_np(&actions, 3)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF) | 0x80 /* POSIX_SPAWN_SETSID */)
        var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        var environment: [UnsafeMutablePointer<CChar>?] = variables.map { strdup($0) } + [nil]
        defer { for text in words + environment { free(text) } }
        var pid: pid_t = 0
        try #require(posix_spawn(&pid, arguments[0], &actions, &attributes, &words, &environment) == 0)
        return pid
    }

    /// All that came out so far.
    var text: String { String(decoding: bytes, as: UTF8.self) }

    func type(_ keys: String) throws { try writeAll(raw: master.rawValue, keys.utf8) }

    func resize(rows: UInt16, columns: UInt16) throws {
        try setTerminalSize(master, TerminalSize(rows: rows, columns: columns))
    }

    /// Reads until a text has come that was not awaited before.
    @discardableResult
    func awaitOutput(_ expected: String, sourceLocation: SourceLocation = #_sourceLocation) -> Bool {
        let deadline = monotonicNow() + .seconds(10).patient
        repeat {
            let new = bytes[seen...]
            if let end = new.firstEnd(of: Array(expected.utf8)) {
                seen = end
                return true
            }
            readSome(milliseconds: 100)
        } while monotonicNow() < deadline
        Issue.record("\(expected) never came, but: \(text)", sourceLocation: sourceLocation)
        return false
    }

    private func readSome(milliseconds: Int32) {
        guard let ready = try? poll([(master.rawValue, .readable)], milliseconds: milliseconds), !ready[0].isEmpty
        else { return }
        bytes += (try? read(raw: master.rawValue, upTo: 65536)) ?? []
    }

    /// Waits for the end, reading what comes.
    func wait(sourceLocation: SourceLocation = #_sourceLocation) throws -> Int32 {
        let end = try openProcess(pid)
        let deadline = monotonicNow() + .seconds(20).patient
        while try poll([(end.rawValue, .readable)], milliseconds: 0)[0].isEmpty {
            if monotonicNow() > deadline {
                Issue.record("it does not end: \(text)", sourceLocation: sourceLocation)
                kill(pid, SIGKILL)
            }
            readSome(milliseconds: 20)
        }
        readSome(milliseconds: 0)
        isReaped = true
        return try reap(pid).shellCode
    }

    /// The terminal's settings: its flags and its special characters.
    func settings() throws -> [UInt32] {
        var state = termios()
        try #require(tcgetattr(slave.rawValue, &state) == 0)
        let characters = withUnsafeBytes(of: state.c_cc) { $0.map(UInt32.init) }
        return [state.c_iflag, state.c_oflag, state.c_cflag, state.c_lflag] + characters
    }
}

extension ArraySlice<UInt8> {
    /// The index after the first occurrence of `text`.
    fileprivate func firstEnd(of text: [UInt8]) -> Int? {
        guard count >= text.count else { return nil }
        return (startIndex...(endIndex - text.count)).first { self[$0..<($0 + text.count)].elementsEqual(text) }
            .map { $0 + text.count }
    }
}
