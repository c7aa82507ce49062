// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// One run of a program with /dev/null as input and output, which is ended when it takes too long.
struct ProgramRun {
    /// `nil` where it had to be ended.
    var status: ExitStatus?
    /// The first 64 KiB of standard error.
    var errors: String
    var duration: Duration

    static func run(
        _ path: String, _ arguments: [String], environment: [String], patience: Duration
    ) throws(SystemError) -> ProgramRun {
        let null = try open("/dev/null", .readWrite)
        let messages = try Pipe()
        var request = SpawnRequest(
            path: path, arguments: [path] + arguments, environment: environment, standardOutput: null.rawValue,
            standardError: messages.writer.rawValue)
        // A terminal's Ctrl-C reaches the caller, whose end ends everything here.
        request.ownProcessGroup = true
        let start = monotonicNow()
        let pid = try spawn(request)
        let reader = messages.intoReader()
        var run = ProgramRun(errors: "", duration: .zero)
        let errors: [UInt8]
        do throws(SystemError) {
            let process = try openProcess(pid)
            let deadline = start + patience
            errors = try collect(reader, process, until: deadline)
            let ended = try poll(
                [(process.rawValue, .readable)], milliseconds: ProbeChild.milliseconds(until: deadline))
            if ended[0].isEmpty {
                try sendSignal(9, to: process)
                _ = try reap(pid)
            } else {
                run.status = try reap(pid)
            }
        } catch {
            if let process = try? openProcess(pid) { _ = try? sendSignal(9, to: process) }
            _ = try? reap(pid)
            throw error
        }
        run.duration = monotonicNow() - start
        run.errors = String(decoding: errors, as: UTF8.self)
        return run
    }

    /// What comes until the program has ended, or nobody can write any more.
    private static func collect(
        _ reader: borrowing Descriptor, _ process: borrowing Descriptor, until deadline: Duration
    ) throws(SystemError) -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < 65536 {
            let ready = try poll(
                [(reader.rawValue, .readable), (process.rawValue, .readable)],
                milliseconds: ProbeChild.milliseconds(until: deadline))
            guard !ready[0].isEmpty else { break }
            let more = try read(reader, upTo: 4096)
            if more.isEmpty { break }
            bytes += more
        }
        return bytes
    }
}
