// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// A process, told apart from a later one of the same number by when it was started.
public struct ProcessIdentity: Sendable, Equatable {
    public let pid: Int32
    /// In clock ticks since the machine's start. proc_pid_stat(5), field 22
    public let startTime: UInt64

    public init(pid: Int32, startTime: UInt64) {
        self.pid = pid
        self.startTime = startTime
    }

    /// The process that has a number now; `nil` where none has, or /proc does not show it.
    public init?(of pid: Int32) throws(SystemError) {
        guard let text = try Self.statLine(pid), let startTime = Self.startTime(in: text) else { return nil }
        self.init(pid: pid, startTime: startTime)
    }

    /// The running process, for signals and for waiting: readable once it has ended. `nil` where it has.
    ///
    /// Where /proc hides other users' processes (`hidepid`) the number alone tells: taken for running, so that nobody clears
    /// away beneath it.
    public func open() throws(SystemError) -> Descriptor? {
        do throws(SystemError) {
            // First the descriptor: whatever /proc says after it, of this number, is about that process or a later one.
            let process = try openProcess(pid)
            let now = try Self.statLine(pid)
            let raw = process.rawValue
            guard try poll([(raw, .readable)], milliseconds: 0)[0].isEmpty else { return nil }
            if let now, Self.startTime(in: now) != startTime { return nil }
            return process
        } catch where error.errno == .noProcess {
            return nil
        } catch {
            throw error
        }
    }

    private static func statLine(_ pid: Int32) throws(SystemError) -> String? {
        do throws(SystemError) { return try readText("/proc/\(pid)/stat") } catch where error.errno == .noProcess {
            return nil
        } catch {
            throw error
        }
    }

    /// The name in parentheses may hold anything, parentheses and spaces too: fields are counted from the last one.
    static func startTime(in line: String) -> UInt64? {
        guard let end = line.utf8.lastIndex(of: UInt8(ascii: ")")) else { return nil }
        let fields = line.utf8[line.utf8.index(after: end)...].split(separator: UInt8(ascii: " "))
        guard fields.count > 19 else { return nil }
        return UInt64(String(Substring(fields[19])))
    }
}

/// What tells one start of this machine from the next. proc_sys_kernel(5), `random/boot_id`
func currentBootID() throws(SystemError) -> String {
    let text = try readText("/proc/sys/kernel/random/boot_id") ?? ""
    return String(text.prefix { $0 != "\n" })
}
