// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxKernel
import Testing

/// Who closes what. Each test is a process of its own, whose descriptors nobody else opens.
@Suite struct DescriptorTests {
    /// What this process has open, apart from the directory that is being read, and from what its run time opens and
    /// closes when it likes.
    private static func open() throws -> [String: String] {
        var found: [String: String] = [:]
        for entry in try entries(of: LinuxKernel.open("/proc/self/fd", .directory)) {
            guard let target = try? readSymlink("/proc/self/fd/\(entry.name)"), !target.hasPrefix("anon_inode:[") else {
                continue
            }
            found[entry.name] = target
        }
        return found
    }

    private static func expectNothingLeft(_ body: () throws -> Void) throws {
        let before = try open()
        try body()
        let after = try open()
        for (number, target) in after where before[number] != target { Issue.record("\(number) left: \(target)") }
        for (number, target) in before where after[number] != target { Issue.record("\(number) gone: \(target)") }
    }

    @Test func `a descriptor is closed at its owner's end`() async {
        await #expect(processExitsWith: .success) {
            try DescriptorTests.expectNothingLeft {
                let file = try LinuxKernel.open("/dev/null")
                let second = try file.duplicate()
                let third = try duplicate(file.rawValue)
                #expect(third.rawValue >= 10)
                #expect(Set([file.rawValue, second.rawValue, third.rawValue]).count == 3)
                #expect(try DescriptorTests.open().values.count { $0 == "/dev/null" } >= 3)
            }
        }
    }

    @Test func `a released descriptor stays open until its new owner's end`() async {
        await #expect(processExitsWith: .success) {
            try DescriptorTests.expectNothingLeft {
                let raw = try LinuxKernel.open("/dev/null").release()
                #expect(try status(raw: raw).kind == .characterDevice)
                _ = Descriptor(owning: raw)
                #expect(try DescriptorTests.open()["\(raw)"] == nil)
            }
        }
    }

    @Test func `a table closes what it still has, in order`() async {
        await #expect(processExitsWith: .success) {
            try DescriptorTests.expectNothingLeft {
                var table = DescriptorTable()
                let none = table.removeLast() == nil
                #expect(none)
                let raws = try (0..<3).map { index in
                    let file = try LinuxKernel.open("/dev/null")
                    let raw = file.rawValue
                    #expect(table.append(file) == index)
                    return raw
                }
                #expect(table.rawValues == raws)
                guard let last = table.removeLast() else { throw SystemError("removeLast", .noEntry) }
                #expect(table.rawValues == Array(raws.prefix(2)))
                #expect(last.rawValue == raws[2])
                #expect(try status(of: last).kind == .characterDevice)
            }
        }
    }

    @Test func `calls that fail leave nothing open`() async {
        await #expect(processExitsWith: .success) {
            try DescriptorTests.expectNothingLeft {
                #expect(errnoThrown { _ = try LinuxKernel.open("/nonexistent") } == .noEntry)
                #expect(errnoThrown { _ = try readAll(LinuxKernel.open("/proc/self/maps"), limit: 8) } == .fileTooLarge)
                #expect(errnoThrown { _ = try readText("/proc") } == .isDirectory)
                let request = SpawnRequest(
                    path: "/nonexistent", arguments: ["x"], environment: [], standardOutput: 1, standardError: 2)
                #expect(errnoThrown { _ = try spawn(request) } == .noEntry)
            }
        }
    }

    @Test func `everything is close-on-exec from birth`() async {
        await #expect(processExitsWith: .success) {
            let pipe = try Pipe()
            let sockets = try RecordSockets()
            let event = try makeEventDescriptor()
            let signals = try makeSignalDescriptor(SignalSet([SIGUSR1]))
            let process = try openProcess(processID())
            let file = try LinuxKernel.open("/dev/null")
            let handle = try LinuxKernel.open("/", .pathOnly, at: .workingDirectory, resolving: .noSymlinks)
            let second = try file.duplicate()
            let third = try duplicate(file.rawValue)
            for raw in [
                pipe.reader.rawValue, pipe.writer.rawValue, sockets.near.rawValue, sockets.far.rawValue, event.rawValue,
                signals.rawValue, process.rawValue, file.rawValue, handle.rawValue, second.rawValue, third.rawValue,
            ] {
                #expect(mt_syscall(Int(SYS_fcntl), Int(raw), Int(F_GETFD), 0, 0, 0, 0) == 1, "\(raw)")
            }
        }
    }

    /// The run time opens descriptors of its own when it likes, and takes the lowest that is free: 0 is never left free here.
    @Test func `zero is a descriptor like any other`() async {
        await #expect(processExitsWith: .success) {
            let pipe = try Pipe()
            #expect(mt_syscall(Int(SYS_dup3), Int(pipe.writer.rawValue), 0, 0, 0, 0, 0) == 0)
            let reader = pipe.intoReader()
            let zero = Descriptor(owning: 0)
            try writeAll(zero, [7])
            #expect(try read(reader, upTo: 2) == [7])
            _ = consume zero
            #expect(try read(reader, upTo: 2) == [])  // its end was the last writer's
        }
    }
}
