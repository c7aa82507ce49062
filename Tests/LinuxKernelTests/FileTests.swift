// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxKernel
import Testing

/// Files and directories.
@Suite struct FileTests {
    @Test func `each kind of file is told by its status, without following a symlink unless asked`() throws {
        try withTemporaryDirectory { directory in
            let base = directory.base
            try directory.write("four", to: "file")
            try makeDirectory("folder", mode: 0o751, at: base)
            try makeSymlink("link", to: "file", at: base)
            try makeSymlink("dangling", to: "nowhere", at: base)
            #expect(try status(of: "file", at: base)?.kind == .regular)
            #expect(try status(of: "file", at: base)?.size == 4)
            #expect(try status(of: "file", at: base)?.permissions == 0o600)
            #expect(try status(of: "folder", at: base)?.kind == .directory)
            #expect(try status(of: "folder", at: base)?.permissions == 0o751)
            #expect(try status(of: "link", at: base)?.kind == .symlink)
            #expect(try status(of: "link", at: base, followingSymlinks: true)?.kind == .regular)
            #expect(try status(of: "dangling", at: base)?.kind == .symlink)
            #expect(try status(of: "dangling", at: base, followingSymlinks: true) == nil)
            #expect(try status(of: "nothing", at: base) == nil)
            #expect(try status(of: "file/below", at: base) == nil)
            #expect(try readSymlink("link", at: base) == "file")
        }
        #expect(try status(of: "/dev/null")?.kind == .characterDevice)
        #expect(try status(of: "/dev/null")?.specialDevice == 0x103)
        let pipe = try Pipe()
        #expect(try status(of: pipe.reader).kind == .fifo)
        let sockets = try RecordSockets()
        #expect(try status(of: sockets.near).kind == .socket)
    }

    @Test func `a directory's entries are its names and kinds, every time it is read`() throws {
        try withTemporaryDirectory { directory in
            let base = directory.base
            for index in 0..<700 { try directory.write("", to: "a-rather-long-name-for-a-file-\(index)") }
            try makeDirectory("folder", at: base)
            try makeSymlink(".link", to: "x", at: base)
            for _ in 0..<2 {
                let found = try entries(of: directory)
                #expect(found.count == 702)
                #expect(Set(found.map(\.name)).count == 702)
                #expect(found.first { $0.name == "folder" }?.kind == .directory)
                #expect(found.first { $0.name == ".link" }?.kind == .symlink)
                #expect(found.first { $0.name == "a-rather-long-name-for-a-file-699" }?.kind == .regular)
            }
        }
    }

    @Test func `the entries of a file are an error`() throws {
        let file = try open("/etc/passwd")
        do throws(SystemError) {
            _ = try entries(of: file)
            Issue.record("listed")
        } catch { #expect(error.errno == .notDirectory) }
    }

    @Test func `a file is read whole or not at all`() throws {
        try withTemporaryDirectory { directory in
            let base = directory.base
            let text = String(repeating: "0123456789", count: 1000)
            try directory.write(text, to: "file")
            #expect(try readText("file", at: base) == text)
            #expect(try readText("file", at: base, limit: 10_000) == text)
            let refused = errnoThrown { _ = try readText("file", at: base, limit: 9_999) }
            #expect(refused == .fileTooLarge)
            #expect(try readText("nothing", at: base) == nil)
            try directory.write("", to: "file")
            #expect(try readText("file", at: base) == "")
        }
    }

    @Test func `a control file must exist, and is written at its beginning`() throws {
        try withTemporaryDirectory { directory in
            let base = directory.base
            let absent = errnoThrown { try writeText("1", to: "limit", at: base) }
            #expect(absent == .noEntry)
            try directory.write("max\n", to: "limit")
            try writeText("5", to: "limit", at: base)
            #expect(try readText("limit", at: base) == "5ax\n")
        }
    }

    @Test func `files are renamed, linked from nowhere, and removed`() throws {
        try withTemporaryDirectory { directory in
            let base = directory.base
            let file = try open(".", [.writeOnly, .unnamed], mode: 0o640, at: base)
            try writeAll(file, Array("born whole".utf8))
            #expect(try entries(of: directory).isEmpty)
            try link(file, as: "named", at: base)
            try changeMode(file, 0o600)
            #expect(try readText("named", at: base) == "born whole")
            #expect(try status(of: "named", at: base)?.permissions == 0o600)
            try directory.write("older", to: "other")
            try rename("named", to: "other", at: base, toBase: base)
            #expect(try readText("other", at: base) == "born whole")
            let isDirectory = errnoThrown { try remove("other", directory: true, at: base) }
            #expect(isDirectory == .notDirectory)
            try remove("other", at: base)
            #expect(try entries(of: directory).isEmpty)
        }
    }

    @Test func `a path-only handle changes the mode of what it names`() throws {
        try withTemporaryDirectory { directory in
            try directory.write("", to: "file")
            let handle = try open("file", .pathOnly, at: directory.base)
            try changeMode(ofPath: handle, 0o400)
            #expect(try status(of: handle).permissions == 0o400)
        }
    }

    @Test func `a lock on a byte is one open file's, until its last descriptor is closed`() throws {
        try withTemporaryDirectory { directory in
            let base = directory.base
            try directory.write("", to: "ids")
            var first: Descriptor? = try open("ids", .readWrite, at: base)
            let second = try open("ids", .readWrite, at: base)
            #expect(try lock(first, 7))
            #expect(try lock(first, 7))  // its own lock does not stand in its way
            #expect(try !tryLock(second, byte: 7))
            #expect(try tryLock(second, byte: 8))
            #expect(try !lock(first, 8))
            let copy = try duplicate(of: first)
            first = nil
            #expect(try !tryLock(second, byte: 7))
            _ = consume copy
            let isFree = try eventually { try tryLock(second, byte: 7) }
            #expect(isFree)
        }
    }

    @Test func `a lock on a whole file is one open file's`() throws {
        try withTemporaryDirectory { directory in
            try directory.write("", to: "lock")
            let first = try open("lock", .readWrite, at: directory.base)
            let second = try open("lock", at: directory.base)
            #expect(try tryLock(first))
            #expect(try tryLock(first))
            #expect(try !tryLock(second))
            _ = consume first
            let isFree = try eventually { try tryLock(second) }
            #expect(isFree)
        }
    }

    private func lock(_ file: borrowing Descriptor?, _ byte: Int64) throws -> Bool {
        switch file {
        case .some(let file): try tryLock(file, byte: byte)
        case .none: false
        }
    }

    private func duplicate(of file: borrowing Descriptor?) throws -> Descriptor? {
        switch file {
        case .some(let file): try file.duplicate()
        case .none: nil
        }
    }
}
