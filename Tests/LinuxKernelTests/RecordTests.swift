// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import Testing

/// Records with descriptors over a socket pair. unix(7)
@Suite struct RecordTests {
    @Test func `records keep their boundaries and their order`() throws {
        let sockets = try RecordSockets()
        for record in [[1], [2, 2], [UInt8](repeating: 3, count: 65536)] { try sendRecord(sockets.near, record) }
        for expected in [[1], [2, 2], [UInt8](repeating: 3, count: 65536)] {
            let bytes = try receiveBytes(sockets.far)
            #expect(bytes == expected)
        }
    }

    @Test func `a descriptor arrives open, close-on-exec, and the receiver's own`() throws {
        let sockets = try RecordSockets()
        let pipe = try Pipe()
        try sendRecord(sockets.near, [0], descriptors: [pipe.writer.rawValue])
        let reader = pipe.intoReader()  // the sender's writer is closed; the one on its way holds the pipe open
        #expect(try !isAtEnd(reader, within: 0))
        var table = try receiveTable(sockets.far)
        #expect(table.count == 1)
        #expect(try flags(table.rawValues[0]).contains("flags:\t02000001"))  // O_CLOEXEC | O_WRONLY
        if let writer = table.removeLast() { try writeAll(writer, [42]) }
        #expect(try read(reader, upTo: 8) == [42])
        #expect(try isAtEnd(reader))
    }

    @Test func `253 descriptors go with one record, and 254 do not`() throws {
        let sockets = try RecordSockets()
        let null = try open("/dev/null")
        let many = [Int32](repeating: null.rawValue, count: 254)
        try sendRecord(sockets.near, [0], descriptors: Array(many.prefix(253)))
        let received = try receiveTable(sockets.far, limit: 253)
        #expect(received.count == 253)
        let error = #expect(throws: SystemError.self) { try sendMany(many) }
        #expect(error?.errno == .invalid)
        #expect(error?.description == "sendmsg 1 bytes and 254 descriptors: invalid argument (EINVAL)")
    }

    private func sendMany(_ descriptors: [Int32]) throws {
        let sockets = try RecordSockets()
        try sendRecord(sockets.near, [0], descriptors: descriptors)
    }

    @Test func `a record longer than the room is an error, and its descriptors are closed`() throws {
        try expectRefused(bytes: 100, roomForBytes: 99, descriptors: 1, roomForDescriptors: 8)
    }

    @Test func `more descriptors than there is room for are an error, and all are closed`() throws {
        try expectRefused(bytes: 4, roomForBytes: 64, descriptors: 2, roomForDescriptors: 1)
        try expectRefused(bytes: 4, roomForBytes: 64, descriptors: 253, roomForDescriptors: 0)
    }

    /// Sends writers of one pipe in a record that does not fit: the pipe must be at its end afterwards.
    private func expectRefused(bytes: Int, roomForBytes: Int, descriptors: Int, roomForDescriptors: Int) throws {
        let sockets = try RecordSockets()
        let pipe = try Pipe()
        let writers = [Int32](repeating: pipe.writer.rawValue, count: descriptors)
        try sendRecord(sockets.near, [UInt8](repeating: 7, count: bytes), descriptors: writers)
        try sendRecord(sockets.near, [9])
        let reader = pipe.intoReader()
        do throws(SystemError) {
            _ = try receiveRecord(sockets.far, limit: roomForBytes, descriptorLimit: roomForDescriptors)
            Issue.record("received")
        } catch { #expect(error.errno == .messageTooLong) }
        #expect(try isAtEnd(reader))
        // The rest of a record that was cut is gone: the next one is the next one.
        let next = try receiveBytes(sockets.far)
        #expect(next == [9])
    }

    @Test func `a record that nobody took closes its descriptors with the socket`() throws {
        let sockets = try RecordSockets()
        let pipe = try Pipe()
        try sendRecord(sockets.near, [0], descriptors: [pipe.writer.rawValue])
        let reader = pipe.intoReader()
        #expect(try !isAtEnd(reader, within: 0))
        _ = consume sockets
        #expect(try isAtEnd(reader))
    }

    @Test func `an empty record closes what came with it`() throws {
        let sockets = try RecordSockets()
        let pipe = try Pipe()
        try sendRecord(sockets.near, [], descriptors: [pipe.writer.rawValue])
        let reader = pipe.intoReader()
        let bytes = try receiveBytes(sockets.far)
        #expect(bytes == nil)
        #expect(try isAtEnd(reader))
    }

    @Test func `the end of the other side is nil here, and an error without a signal there`() throws {
        let sockets = try RecordSockets()
        try sendRecord(sockets.far, [5])
        let near = sockets.intoNear()
        let first = try receiveBytes(near)
        #expect(first == [5])
        let second = try receiveBytes(near)
        #expect(second == nil)
        do throws(SystemError) {
            try sendRecord(near, [1])  // SIGPIPE would end this process
            Issue.record("sent")
        } catch { #expect(error.errno == .brokenPipe) }
    }

    @Test func `without waiting, nothing there yet is EAGAIN`() throws {
        let sockets = try RecordSockets()
        do throws(SystemError) {
            _ = try receiveRecord(sockets.near, waiting: false)
            Issue.record("received")
        } catch { #expect(error.errno == .again) }
    }

    private func receiveTable(_ socket: borrowing Descriptor, limit: Int = 8) throws -> DescriptorTable {
        guard let record = try receiveRecord(socket, descriptorLimit: limit) else { return DescriptorTable() }
        return record.intoDescriptors()
    }

    private func receiveBytes(_ socket: borrowing Descriptor) throws -> [UInt8]? {
        guard let record = try receiveRecord(socket) else { return nil }
        return record.bytes
    }

    private func flags(_ raw: Int32) throws -> String { try readText("/proc/self/fdinfo/\(raw)") ?? "" }

    @Test func `what was sent before a close with something unread still arrives`() throws {
        let sockets = try RecordSockets()
        for record in [[1], [2, 3]] as [[UInt8]] { try sendRecord(sockets.far, record) }
        try sendRecord(sockets.near, [9])
        let near = sockets.intoNear()  // closes the other side
        for expected in [[1], [2, 3]] as [[UInt8]] {
            let bytes = try receiveBytes(near)
            #expect(bytes == expected)
        }
        let isOver = try receiveRecord(near) == nil
        #expect(isOver)
    }
}
