// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// CPU time as it is used: `cpuacct.usage` on v1, and on v2 the `cpu.stat` that every cgroup has, without a controller.
enum CPUAccounting: LimitController {
    static let controller = CgroupController.cpuacct

    static func isNeeded(for limits: CgroupLimits) -> Bool { limits.accountsCPU }

    static func settings(for limits: CgroupLimits, version: CgroupVersion) -> [ControlSetting] { [] }

    /// The file that holds the CPU time used.
    static func usageFile(_ version: CgroupVersion) -> String { version == .v1 ? "cpuacct.usage" : "cpu.stat" }

    /// CPU time used, in all, by programs and by the kernel for them. v1 tells the last two apart since Linux 4.7.
    static func times(
        _ files: ControlFiles, _ version: CgroupVersion
    ) throws(CgroupError) -> (all: Duration?, user: Duration?, system: Duration?) {
        switch version {
        case .v1:
            func time(_ file: String) throws(CgroupError) -> Duration? {
                try files.number(file).map { .nanoseconds(Int64(clamping: $0)) }
            }
            return (try time("cpuacct.usage"), try time("cpuacct.usage_user"), try time("cpuacct.usage_sys"))
        case .v2:
            let stat = try files.keyed("cpu.stat") ?? [:]
            func time(_ key: String) -> Duration? { stat[key].map { .microseconds(Int64(clamping: $0)) } }
            return (time("usage_usec"), time("user_usec"), time("system_usec"))
        }
    }
}

/// An open file that tells how much CPU time a sandbox has used, to be read again and again from offset 0 with pread(2):
/// what init holds a limit of CPU time with.
public struct CPUUsageSource: ~Copyable, Sendable {
    public enum Format: Sendable {
        /// `cpuacct.usage` of v1: one number, nanoseconds.
        case nanoseconds
        /// `cpu.stat` of v2: its first line is `usage_usec` and a number, microseconds.
        case usageMicroseconds
    }

    public var descriptor: Descriptor
    public var format: Format

    /// Keeps the descriptor alone.
    public consuming func intoDescriptor() -> Descriptor { descriptor }
}

extension SandboxCgroup {
    /// Opens the file that counts the sandbox's CPU time.
    ///
    /// - Throws: `.controllerUnavailable` where no cgroup counts it: `CgroupLimits.accountsCPU` makes one; `.readFailed`.
    public func cpuUsageSource() throws(CgroupError) -> CPUUsageSource {
        guard let index = cpuAccountingIndex else {
            throw CgroupError(
                .controllerUnavailable, CgroupController.cpuacct.rawValue,
                reason: "this sandbox was made without counting CPU time")
        }
        let files = files(index)
        let version = places[index].version
        let file = CPUAccounting.usageFile(version)
        do throws(SystemError) {
            return CPUUsageSource(
                descriptor: try open(file, at: .descriptor(files.descriptor)),
                format: version == .v1 ? .nanoseconds : .usageMicroseconds)
        } catch {
            throw CgroupError(.readFailed, "\(files.path)/\(file)", cause: error)
        }
    }

    /// Where CPU time is counted: where it was asked for, else in a v1 cgroup of another controller that is mounted together
    /// with cpuacct, or in any v2 one.
    var cpuAccountingIndex: Int? {
        places.firstIndex { $0.controllers.contains(.cpuacct) }
            ?? places.indices.first { places[$0].version == .v2 || files($0).has("cpuacct.usage") }
    }
}
