// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import SetupProgram

/// What init wrote at the agent's end, for whoever comes to read it: its `exited` record, as on the socket, and after it the
/// time in nanoseconds since 1970 (u64, little-endian).
///
/// Init may have been killed between any two bytes: what is not whole is no verdict.
struct VerdictFile {
    static let name = "verdict"
    let exit: ExitRecord
    var ended: Timestamp?

    /// Reads the record; the time may be missing. `nil` for anything that is not exactly that.
    init?(_ bytes: [UInt8]) {
        guard bytes.count >= RecordLayout.headerSize else { return nil }
        let length = bytes[8..<12].reversed().reduce(0) { $0 << 8 | Int($1) }
        guard length <= bytes.count, bytes.count == length || bytes.count == length + 8 else { return nil }
        guard case .exited(let record)? = try? ControlMessage(Array(bytes[..<length])) else { return nil }
        exit = record
        guard bytes.count > length else { return }
        let time = bytes[length...].reversed().reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
        ended = Int64(exactly: time).map { Timestamp(nanoseconds: $0) }
    }

    /// Reads the file; `nil` without a verdict. A time that cannot be is replaced by the file's own.
    static func read(in directory: borrowing StoreDirectory, started: Timestamp?) -> VerdictFile? {
        guard let bytes = (try? directory.contents(name, limit: 4096)) ?? nil, var file = VerdictFile(bytes) else {
            return nil
        }
        // A little after now: two processors' clocks.
        let latest = realTimeNanoseconds() + 1_000_000_000
        if let ended = file.ended, ended.nanoseconds <= latest, started.map({ $0 <= ended }) ?? true { return file }
        let modified = try? LinuxKernel.status(of: name, at: directory.base)?.modified
        file.ended = modified.flatMap { $0 }.map { Timestamp(nanoseconds: $0 * 1_000_000_000) }
        return file
    }
}
