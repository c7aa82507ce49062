// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// Shares of a busy disk, which two parts of the kernel can hold: the scheduler BFQ (`io.bfq.weight`, v1 `blkio.bfq.weight`)
/// on the disks it is chosen for, and the cost model (`io.weight`, v2, Linux 5.4) on the disks it is switched on for. A weight
/// that neither looks at has no effect, which is an error here.
enum IOWeight {
    static let costFile = "io.weight"
    static let bfqFile = "io.bfq.weight"
    static let bfqFileV1 = "blkio.bfq.weight"
    static let cure = "modprobe bfq; echo bfq > /sys/block/DISK/queue/scheduler"

    static func setting(_ weight: UInt64, _ version: CgroupVersion) throws(CgroupError) -> ControlSetting {
        guard (1...10_000).contains(weight) else {
            throw CgroupError(
                .invalidLimit, "io-weight", reason: "\(weight) is out of range",
                hint: "give 1 to 10000, where 100 is what everything else has")
        }
        return ControlSetting(file: version == .v1 ? bfqFileV1 : costFile, value: "\(weight)")
    }

    static func isWeight(_ setting: ControlSetting) -> Bool { setting.file == costFile || setting.file == bfqFileV1 }

    /// Writes the weight for whatever divides disks on this machine.
    static func apply(
        _ setting: ControlSetting, to files: ControlFiles, _ version: CgroupVersion
    ) throws(CgroupError) {
        let present = [costFile, bfqFile, bfqFileV1].filter { files.has($0) }
        let targets = Self.targets(
            present: present, bfqDisks: try disksWithBFQ(),
            costModelIsOn: version == .v2 ? try isCostModelOn(files) : false)
        guard !targets.isEmpty else {
            throw CgroupError(
                .controllerUnavailable, "io", reason: "no disk is divided by weights", hint: Self.cure)
        }
        for file in targets {
            if file != costFile, let weight = UInt64(setting.value), weight > 1000 {
                throw CgroupError(
                    .invalidLimit, "io-weight",
                    reason: "\(weight) is more than BFQ, which divides this machine's disks, takes",
                    hint: "give 1 to 1000, where 100 is what everything else has")
            }
            do throws(SystemError) {
                try files.write(setting.value, to: file)
            } catch {
                throw CgroupError(.limitRefused, "\(setting.value) to \(files.path)/\(file)", cause: error)
            }
        }
    }

    /// The files that something looks at. Pure.
    static func targets(present: [String], bfqDisks: [String], costModelIsOn: Bool) -> [String] {
        present.filter { $0 == costFile ? costModelIsOn : !bfqDisks.isEmpty }
    }

    /// The disks whose scheduler is BFQ now.
    static func disksWithBFQ() throws(CgroupError) -> [String] {
        do throws(SystemError) {
            let disks = try entries(of: open("/sys/block", [.directory])).map(\.name)
            var found: [String] = []
            for disk in disks {
                // A disk may go between the two looks, and some have no such file.
                guard let text = try? readText("/sys/block/\(disk)/queue/scheduler") else { continue }
                if isBFQ(chosenIn: text) { found.append(disk) }
            }
            return found
        } catch {
            throw CgroupError(.readFailed, "/sys/block", cause: error)
        }
    }

    /// Whether `none mq-deadline [bfq]` says so. Documentation/block/switching-sched.rst
    static func isBFQ(chosenIn text: String) -> Bool {
        text.split { $0 == " " || $0.isNewline }.contains("[bfq]")
    }

    /// Whether the cost model is switched on for a disk. The topmost cgroup alone has the file; where that is out of sight,
    /// as in a container, nobody can tell, and the answer is no.
    private static func isCostModelOn(_ files: ControlFiles) throws(CgroupError) -> Bool {
        var above = "../"
        while files.has("\(above)cgroup.procs") {
            if let text = try files.text("\(above)io.cost.qos") { return costModelIsOn(in: text) }
            above += "../"
        }
        return false
    }

    /// Whether a line of io.cost.qos, `254:0 enable=1 ctrl=auto …`, says so.
    static func costModelIsOn(in text: String) -> Bool {
        text.split(separator: "\n").contains { $0.split(separator: " ").contains("enable=1") }
    }
}
