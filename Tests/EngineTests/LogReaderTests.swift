// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import SetupProgram
import Storage
import Testing

@testable import Engine

/// The two files of a log, as init writes them.
struct FakeLog {
    var files: [[UInt8]] = [[], []]
    var current = 0
    var generation: UInt64 = 0

    static func header(_ generation: UInt64) -> [UInt8] {
        var writer = WireWriter()
        writer.uint32(LogLayout.magic)
        writer.uint32(LogLayout.version)
        writer.uint64(generation)
        return writer.bytes
    }

    static func record(
        _ text: String, stream: UInt8 = 1, flags: UInt8 = 0, time: UInt64 = 7, dropped: UInt64 = 0,
        length: UInt32? = nil
    ) -> [UInt8] {
        var writer = WireWriter()
        writer.uint32(length ?? UInt32(text.utf8.count))
        writer.raw([stream, flags, 0, 0])
        writer.uint64(time)
        writer.uint64(dropped)
        writer.raw(Array(text.utf8))
        return writer.bytes
    }

    mutating func beginFile() {
        generation += 1
        current = generation % 2 == 1 ? 0 : 1
        files[current] = Self.header(generation)
    }

    mutating func write(_ text: String) { files[current] += Self.record(text) }

    func read(_ file: Int, _ offset: UInt64, _ count: Int) -> [UInt8] {
        Array(files[file].dropFirst(Int(min(offset, 1 << 30))).prefix(count))
    }
}

/// Reading a log that init writes meanwhile, and that may hold anything.
@Suite struct LogReaderTests {
    private func texts(_ items: [LogReader.Item]) -> [String] {
        items.map { item in
            switch item {
            case .record(let record): String(decoding: record.payload, as: UTF8.self)
            case .gap: "GAP"
            }
        }
    }

    private func rest(_ reader: inout LogReader, _ log: FakeLog) throws -> [String] {
        var items: [LogReader.Item] = []
        while let item = try reader.next({ (file, offset, count) throws(EngineError) in log.read(file, offset, count) })
        {
            items.append(item)
            guard items.count < 10_000 else { throw SystemError("read", .inputOutput, "no end") }
        }
        return texts(items)
    }

    @Test func `a record is read as it was written`() throws {
        let bytes = FakeLog.record("hi\n", stream: 2, flags: 1, time: 0x0102_0304_0506_0708, dropped: 5)
        #expect(
            bytes == [
                3, 0, 0, 0,  // length
                2, 1, 0, 0,  // standard error, cut
                8, 7, 6, 5, 4, 3, 2, 1,  // time
                5, 0, 0, 0, 0, 0, 0, 0,  // dropped before
                0x68, 0x69, 0x0a,
            ])
        let expected = LogRecord(
            stream: .standardError, isCut: true, time: Timestamp(nanoseconds: 0x0102_0304_0506_0708), dropped: 5,
            payload: Array("hi\n".utf8))
        #expect(LogParse(bytes[...]) == .record(expected, size: 27))
        #expect(LogParse((bytes + [1, 2, 3])[...]) == .record(expected, size: 27))
        for count in 0..<bytes.count { #expect(LogParse(bytes[..<count]) == .incomplete) }
    }

    @Test func `what is no record is none`() {
        var writer = WireWriter()
        writer.uint32(0)
        for bytes in [
            FakeLog.record("x", stream: 0), FakeLog.record("x", stream: 4), FakeLog.record("x", flags: 2),
            FakeLog.record("x", time: .max), FakeLog.record("x", length: 65537), FakeLog.record("x", length: .max),
        ] {
            #expect(LogParse(bytes[...]) == .malformed)
        }
        #expect(LogHeader(FakeLog.header(3))?.generation == 3)
        #expect(LogHeader(Array(FakeLog.header(3).dropLast())) == nil)
        #expect(LogHeader([0] + FakeLog.header(3).dropFirst()) == nil)
        #expect(LogHeader([]) == nil)
    }

    @Test func `the older file is read before the newer, and what comes later after both`() throws {
        var log = FakeLog()
        var reader = LogReader()
        #expect(try rest(&reader, log).isEmpty)
        log.beginFile()
        log.write("a")
        #expect(try rest(&reader, log) == ["a"])
        log.write("b")
        log.beginFile()
        log.write("c")
        var late = LogReader()
        #expect(try rest(&late, log) == ["a", "b", "c"])
        #expect(try rest(&reader, log) == ["b", "c"])
        log.write("d")
        log.beginFile()
        log.write("e")
        var later = LogReader()
        #expect(try rest(&later, log) == ["c", "d", "e"])
        #expect(try rest(&reader, log) == ["d", "e"])
        #expect(try rest(&reader, log).isEmpty)
    }

    @Test func `a record that is being written is read when it is whole`() throws {
        var log = FakeLog()
        log.beginFile()
        var reader = LogReader()
        for byte in FakeLog.record("a") + FakeLog.record("bc") {
            log.files[0].append(byte)
            let expected: [String] =
                log.files[0].count == 16 + 25 ? ["a"] : log.files[0].count == 16 + 25 + 26 ? ["bc"] : []
            #expect(try rest(&reader, log) == expected)
        }
    }

    @Test func `whoever is overtaken is told, and goes on with the oldest that is left`() throws {
        var log = FakeLog()
        log.beginFile()
        log.write("a")
        var reader = LogReader()
        #expect(try rest(&reader, log) == ["a"])
        log.write("lost")
        log.beginFile()
        log.write("b")
        log.beginFile()
        log.write("c")
        #expect(try rest(&reader, log) == ["GAP", "b", "c"])
        // Two files further: even the one between is lost.
        for text in ["x", "y", "d", "e"] {
            log.beginFile()
            log.write(text)
        }
        #expect(try rest(&reader, log) == ["GAP", "GAP", "d", "e"])
    }

    @Test func `bytes that were read while the file was begun anew are not taken for the old one's`() throws {
        var log = FakeLog()
        log.beginFile()
        log.write("old")
        log.beginFile()
        log.write("newer")
        var overtaking = log
        overtaking.beginFile()
        overtaking.write("newest")
        var reader = LogReader()
        var reads = 0
        var items: [LogReader.Item] = []
        // The truncation comes between the bytes and the look at the generation after them.
        while let item = try reader.next({ (file, offset, count) throws(EngineError) in
            defer { if file == 0, offset > 0 { reads += 1 } }
            return reads > 0 ? overtaking.read(file, offset, count) : log.read(file, offset, count)
        }) { items.append(item) }
        #expect(texts(items) == ["GAP", "newer", "newest"])
    }

    @Test func `a file that was just truncated is no file`() throws {
        var log = FakeLog()
        log.beginFile()
        log.write("a")
        log.beginFile()
        log.write("b")
        var reader = LogReader()
        #expect(try rest(&reader, log) == ["a", "b"])
        log.files[0] = []
        #expect(try rest(&reader, log).isEmpty)
        log.files[0] = Array(FakeLog.header(3).prefix(9))
        #expect(try rest(&reader, log).isEmpty)
        log.generation = 3
        log.current = 0
        log.files[0] = FakeLog.header(3)
        log.write("c")
        #expect(try rest(&reader, log) == ["c"])
    }

    @Test func `a record cut off by init's death is a gap, and what follows in the next file is read`() throws {
        var log = FakeLog()
        log.beginFile()
        log.write("a")
        log.files[0] += FakeLog.record("torn").dropLast()
        var reader = LogReader()
        #expect(try rest(&reader, log) == ["a"])
        log.beginFile()
        log.write("b")
        #expect(try rest(&reader, log) == ["GAP", "b"])
    }

    @Test func `garbage is a gap, and read no further`() throws {
        var log = FakeLog()
        log.beginFile()
        log.write("a")
        log.files[0] += Array(repeating: 0xff, count: 100)
        var reader = LogReader()
        #expect(try rest(&reader, log) == ["a", "GAP"])
        log.write("never read")
        #expect(try rest(&reader, log).isEmpty)
        log.beginFile()
        log.write("b")
        #expect(try rest(&reader, log) == ["b"])
    }

    @Test func `generations may be any number`() throws {
        var log = FakeLog()
        log.files = [FakeLog.header(.max) + FakeLog.record("z"), FakeLog.header(0) + FakeLog.record("never")]
        var reader = LogReader()
        #expect(try rest(&reader, log) == ["z"])
        log.files = [FakeLog.header(5) + FakeLog.record("p"), FakeLog.header(5) + FakeLog.record("q")]
        var twin = LogReader()
        #expect(try rest(&twin, log) == ["p"])
    }

    @Test func `every change of a byte is read without trapping`() throws {
        var log = FakeLog()
        log.beginFile()
        for text in ["one", "two", "three"] { log.write(text) }
        log.beginFile()
        for text in ["four", "five"] { log.write(text) }
        for file in 0...1 {
            for index in log.files[file].indices {
                for value in [0, 1, 0x7f, 0x80, 0xff] as [UInt8] {
                    var changed = log
                    changed.files[file][index] = value
                    var reader = LogReader()
                    #expect(try rest(&reader, changed).count <= 7)
                }
            }
        }
    }

    @Test func `a thousand records of every size are all read`() throws {
        var log = FakeLog()
        log.beginFile()
        var expected: [Int] = []
        for index in 0..<1000 {
            let size = index * 131 % (LogLayout.largestPayload + 1)
            expected.append(size)
            log.files[0] += FakeLog.record(String(repeating: "x", count: size))
        }
        var reader = LogReader()
        #expect(try rest(&reader, log).map(\.utf8.count) == expected)
    }
}

/// Reading the log of a sandbox that runs.
@Suite struct LogFollowerTests {
    @Test func `what is there is read to its end`() throws {
        try withStore { store in
            let made = try store.create(plainSpec())
            let empty = try LogFollower(made, follows: false)
            #expect(try empty.next() == nil)
            let lock = try made.lock()
            try writeAll(lock.makeFile("log.0"), FakeLog.header(1) + FakeLog.record("a") + FakeLog.record("b"))
            _ = try lock.makeFile("log.1")
            lock.release()
            try made.pretendToRun()
            let follower = try LogFollower(made, follows: false)
            #expect(try follower.payloads() == ["a", "b"])
        }
    }

    @Test func `a follower sees what is written, and the end only after all of it`() async {
        await #expect(processExitsWith: .success) {
            try withStore { store in
                let made = try store.create(plainSpec())
                let lock = try made.lock()
                let first = try lock.makeFile("log.0")
                try writeAll(first, FakeLog.header(1) + FakeLog.record("a"))
                _ = try lock.makeFile("log.1")
                lock.release()
                // Writes through the shell's redirections, then ends: what follows its end is never waited for.
                let second = "\(made.path)/log.1"
                try writeAll(
                    open("\(store.path)/b", [.writeOnly, .create], mode: 0o600), FakeLog.record("b"))
                try writeAll(
                    open("\(store.path)/c", [.writeOnly, .create], mode: 0o600),
                    FakeLog.header(2) + FakeLog.record("c"))
                let null = try open("/dev/null", .readWrite)
                let script =
                    "sleep 0.2; cat \(store.path)/b >>\(made.path)/log.0; sleep 0.2; cat \(store.path)/c >>\(second)"
                let pid = try spawn(
                    SpawnRequest(
                        path: "/bin/sh", arguments: ["sh", "-c", script], environment: ["PATH=/usr/bin:/bin"],
                        standardOutput: null.rawValue, standardError: null.rawValue))
                let process = try #require(try ProcessIdentity(of: pid))
                try made.update { status in
                    status.phase = .running
                    status.initProcess = process
                }
                let follower = try LogFollower(made, follows: true)
                #expect(try follower.payloads() == ["a", "b", "c"])
                #expect(try reap(pid) == .exited(0))
            }
        }
    }

    @Test func `a follower of what has ended does not wait`() throws {
        try withStore { store in
            let made = try store.create(plainSpec())
            try made.pretendToHaveRun(verdict: verdictBytes())
            let lock = try made.lock()
            try writeAll(lock.makeFile("log.0"), FakeLog.header(1) + FakeLog.record("a"))
            _ = try lock.makeFile("log.1")
            lock.release()
            let follower = try LogFollower(made, follows: true)
            #expect(try follower.payloads() == ["a"])
        }
    }
}

extension LogFollower {
    fileprivate func payloads() throws -> [String] {
        var found: [String] = []
        while let item = try next() {
            switch item {
            case .record(let record): found.append(String(decoding: record.payload, as: UTF8.self))
            case .gap: found.append("GAP")
            }
        }
        return found
    }
}
