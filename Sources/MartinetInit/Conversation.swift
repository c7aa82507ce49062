// SPDX-License-Identifier: Apache-2.0
import CLinux

/// What init answers. A record that makes no sense ends its connection, and nothing else.
extension Watch {
    mutating func attendService(_ polled: UnsafeMutablePointer<pollfd>) {
        guard service.isThere else { return }
        for index in 0..<Service.mostStreams where polled[1 + index].revents != 0 { _ = service.take(stream: index) }
        if service.log.isExceeded { end(.output) }
        for index in 0..<Service.mostConnections where polled[1 + Service.mostStreams + index].revents != 0 {
            if !converse(index) { service.end(index) }
        }
        if polled[0].revents != 0 { service.accept() }
    }

    /// Takes one record of a client's; false where the connection is over.
    private mutating func converse(_ index: Int) -> Bool {
        guard let connections = service.connections else { return false }
        let socket = connections[index].socket
        let buffer = UnsafeMutableRawPointer.allocate(byteCount: RecordLayout.largest, alignment: 16)
        defer { buffer.deallocate() }
        let numbers = UnsafeMutablePointer<Int32>.allocate(capacity: RecordLayout.mostDescriptors)
        defer { numbers.deallocate() }
        var taken = 0
        var place = numbers
        var room = RecordLayout.mostDescriptors
        if let receiver = connections[index].receiver { (place, room) = (receiver.place, receiver.room) }
        let count = mt_receive_descriptors(
            Int32(socket), buffer, RecordLayout.largest, place, &room, Int32(MSG_DONTWAIT))
        if count == -Int(EAGAIN) || count == -Int(EINTR) { return true }
        guard count > 0 else { return false }
        defer { for number in 0..<taken { close(Int(numbers[number])) } }
        if connections[index].receiver == nil {
            taken = room
        } else {
            connections[index].receiver?.count(descriptors: room)
        }
        var reader = WireReader(buffer, count: count)
        do throws(WireError) {
            let kind = try RecordHeader(&reader).kind
            switch kind {
            case .exec:
                guard connections[index].receiver == nil else { return false }
                var receiver = ProgramReceiver()
                receiver.firstSlot = try reader.uint32()
                receiver.place.update(from: numbers, count: taken)
                receiver.count(descriptors: taken)
                taken = 0
                connections[index].receiver = receiver
                return receive(reader, buffer, index)
            case .execPart:
                guard connections[index].receiver != nil else { return false }
                return receive(reader, buffer, index)
            default:
                guard taken == 0, connections[index].receiver == nil else { return false }
                return try answer(kind, &reader, connections[index])
            }
        } catch { return false }
    }

    /// Takes a part of a program, and starts what it is for when it is whole.
    private mutating func receive(_ reader: WireReader, _ buffer: UnsafeMutableRawPointer, _ index: Int) -> Bool {
        guard let connections = service.connections, var receiver = connections[index].receiver else { return false }
        let socket = connections[index].socket
        do throws(StepError) {
            let isWhole = try receiver.take(reader, from: buffer)
            connections[index].receiver = receiver
            guard isWhole else { return true }
            let program = try receiver.outline()
            receiver.free()
            connections[index].receiver = nil
            guard connections[index].process == 0, reason == .agentEnded, let starter = service.starter else {
                discard(program)
                return refuse(connections[index].process == 0 ? ESHUTDOWN : EBUSY, socket)
            }
            do throws(AgentStarter.Failure) {
                let process = try starter.start(program, firstSlot: receiver.firstSlot, sendingTo: socket)
                connections[index].process = process
                connections[index].started = monotonicTime()
                var record = OutgoingRecord(.execStarted)
                record.append(UInt32(process))
                return record.send(to: socket, waits: false)
            } catch {
                reportFailure(instruction: error.instruction, errno: error.errno, to: socket)
                return true
            }
        } catch {
            connections[index].receiver = receiver
            return false
        }
    }

    private func discard(_ program: ReceivedProgram) {
        for slot in 0..<program.slots.capacity { program.slots.release(UInt32(slot), except: -1) }
        program.slots.free()
        program.memory.deallocate()
    }

    private mutating func answer(
        _ kind: RecordKind, _ reader: inout WireReader, _ connection: Connection
    ) throws(WireError) -> Bool {
        let socket = connection.socket
        switch kind {
        case .signal:
            let number = try reader.uint32()
            guard let scope = SignalScope(rawValue: try reader.uint32()) else { return false }
            try reader.requireEnd()
            signal(Int(number), scope)
            return done(socket)
        case .signalExec:
            let number = Int(try reader.uint32())
            let group = try reader.flag()
            try reader.requireEnd()
            guard number > 0, number <= 64 else { return false }
            guard connection.process > 0 else { return refuse(ESRCH, socket) }
            _ = mt_syscall(Int(SYS_kill), Int(group ? -connection.process : connection.process), number, 0, 0, 0, 0)
            return done(socket)
        case .terminate:
            try reader.requireEnd()
            _ = done(socket)
            end(.terminated)
            return true
        case .queryProgram:
            let offset = Int(try reader.uint32())
            try reader.requireEnd()
            return sendProgram(from: offset, socket)
        case .takeInput:
            try reader.requireEnd()
            guard service.input >= 0 else { return refuse(ENOENT, socket) }
            var record = OutgoingRecord(.descriptor)
            record.append(DescriptorPurpose.input.rawValue)
            return record.send(to: socket, descriptor: Int32(service.input), waits: false)
        case .closeInput:
            try reader.requireEnd()
            service.closeInput()
            return done(socket)
        case .endRestarts:
            try reader.requireEnd()
            let isDone = done(socket)
            endRestarts()
            return isDone
        case .queryProcesses:
            try reader.requireEnd()
            return sendProcesses(socket)
        case .openPath:
            return open(try OpenPathRecord(&reader), socket)
        default: return false
        }
    }

    private func open(_ request: OpenPathRecord, _ socket: Int) -> Bool {
        guard let starter = service.starter else { return refuse(ENOENT, socket) }
        do throws(StepError) {
            var opening = try PathOpening(request, in: starter.root.root, for: socket)
            try starter.oomScore.raise()
            defer { do throws(StepError) { try starter.oomScore.restore() } catch {} }
            try opening.start()
            return true
        } catch { return refuse(error.errno, socket) }
    }

    private func done(_ socket: Int) -> Bool {
        var record = OutgoingRecord(.done)
        return record.send(to: socket, waits: false)
    }

    private func refuse(_ errno: Int32, _ socket: Int) -> Bool {
        var record = OutgoingRecord(.refused)
        record.append(UInt32(bitPattern: errno))
        return record.send(to: socket, waits: false)
    }

    private func sendProgram(from offset: Int, _ socket: Int) -> Bool {
        guard let starter = service.starter else { return refuse(ENOENT, socket) }
        var program = starter.program
        let total = program.remaining
        guard offset <= total else { return refuse(EINVAL, socket) }
        let head = RecordLayout.headerSize + AgentProgramRecord.headerSize
        let count = min(total - offset, RecordLayout.largest - head)
        do throws(WireError) {
            _ = try program.part(count: offset)
            let part = try program.part(count: count)
            var record = LargeRecord(.agentProgram, size: head + count)
            defer { record.free() }
            record.append(UInt32(total))
            record.append(starter.instructionCount)
            record.append(UInt32(starter.slots.capacity))
            record.append(part)
            return record.send(to: socket)
        } catch { return false }
    }

    /// Init's own /proc shows the sandbox's processes and no others.
    private func sendProcesses(_ socket: Int) -> Bool {
        guard let starter = service.starter else { return refuse(ENOENT, socket) }
        do throws(StepError) {
            let directory = try starter.root.root.open("/proc", O_RDONLY | O_DIRECTORY)
            defer { close(directory) }
            var record = LargeRecord(.processes, size: RecordLayout.largest)
            defer { record.free() }
            try visitProcesses(directory) { if record.hasRoom(for: 4) { record.append(UInt32($0)) } }
            return record.send(to: socket)
        } catch { return refuse(error.errno, socket) }
    }
}
