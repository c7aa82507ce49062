// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxKernel

/// A short-lived child of CLinux's that makes attempts and reports the kernel's answers. It ends with this value, at the
/// latest.
struct ProbeChild: ~Copyable {
    struct Request {
        var cloneFlags: UInt64 = 0
        /// A v2 cgroup to be born in.
        var cgroup: Int32?
        /// Waits for `release` before the first attempt.
        var waits = false
        /// A detached, id-mapped tree for an overlay.
        var layer: Int32?
        /// Becomes root of its user namespace.
        var mapsRange = false
        var attempts: ClosedRange<AttemptName>?
    }

    /// What it reported, in order, and how it ended; `nil` where it had to be ended.
    struct Outcome {
        var answers: [(name: AttemptName, attempt: Attempt)] = []
        var end: ExitStatus?
    }

    /// Long enough for a machine without hardware virtualization; an attempt takes well below a millisecond.
    static let patience = Duration.seconds(10)

    let pid: Int32
    /// How clone3(2) itself ended; where a filter answers ENOSYS for it, clone(2) made the child.
    let clone3: Attempt
    private let process: Descriptor
    private let report: Descriptor
    private var gate: Pipe?
    private var isReaped = false

    /// - Throws: the error of clone3(2), or clone(2), among others.
    init(_ request: Request) throws(SystemError) {
        let records = try Pipe()
        let gate: Pipe? = request.waits ? try Pipe() : nil
        var probe = mt_probe()
        probe.clone_flags = request.cloneFlags
        probe.cgroup = request.cgroup ?? -1
        probe.report = records.writer.rawValue
        switch gate {
        case .some(let pipe): probe.release = pipe.reader.rawValue
        case .none: probe.release = -1
        }
        probe.layer = request.layer ?? -1
        probe.maps_range = request.mapsRange ? 1 : 0
        probe.first = request.attempts?.lowerBound.rawValue ?? 0
        probe.last = request.attempts?.upperBound.rawValue ?? -1
        let old = setSignalMask(.all)
        let result = mt_probe_start(&probe)
        setSignalMask(old)
        guard result == 0 else { throw SystemError("clone", Errno(rawValue: Int32(-result))) }
        pid = probe.pid
        clone3 = probe.clone3 < 0 ? .failed(Errno(rawValue: -probe.clone3)) : .worked()
        process = Descriptor(owning: probe.pidfd)
        report = records.intoReader()
        self.gate = consume gate
    }

    deinit {
        if !isReaped {
            _ = try? sendSignal(SIGKILL, to: process)
            _ = try? LinuxKernel.reap(pid)
        }
    }

    /// Reads all answers and waits for the end.
    mutating func finish() throws(SystemError) -> Outcome {
        if let gate = gate.take() { try writeAll(gate.writer, [1]) }
        var outcome = Outcome()
        var bytes: [UInt8] = []
        let deadline = monotonicNow() + Self.patience
        while true {
            let ready = try poll([(report.rawValue, .readable)], milliseconds: Self.milliseconds(until: deadline))
            if ready[0].isEmpty {
                try sendSignal(SIGKILL, to: process)
                _ = try reap()
                break
            }
            let more = try read(report, upTo: 1024)
            if more.isEmpty {
                outcome.end = try reap()
                break
            }
            bytes += more
        }
        outcome.answers = Self.answers(bytes)
        return outcome
    }

    private mutating func reap() throws(SystemError) -> ExitStatus {
        isReaped = true
        return try LinuxKernel.reap(pid)
    }

    /// `struct mt_probe_record`s. One that names no attempt is none of this child's.
    static func answers(_ bytes: [UInt8]) -> [(name: AttemptName, attempt: Attempt)] {
        bytes.withUnsafeBytes { buffer in
            stride(from: 0, through: buffer.count - 8, by: 8).compactMap { offset in
                let number = buffer.loadUnaligned(fromByteOffset: offset, as: Int32.self)
                let result = buffer.loadUnaligned(fromByteOffset: offset + 4, as: Int32.self)
                guard let name = AttemptName(rawValue: number) else { return nil }
                return (name, result < 0 ? .failed(Errno(rawValue: -result)) : .worked(Int(result)))
            }
        }
    }

    static func milliseconds(until deadline: Duration) -> Int32 {
        let (seconds, attoseconds) = (deadline - monotonicNow()).components
        return Int32(clamping: max(0, seconds * 1000 + attoseconds / 1_000_000_000_000_000))
    }
}
