// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// Disks: `io.max` and weights on v2 (Linux 4.5), `blkio.throttle.*` and `blkio.bfq.weight` on v1.
enum IOController: LimitController {
    static let controller = CgroupController.io

    static func isNeeded(for limits: CgroupLimits) -> Bool { !limits.io.isEmpty || limits.ioWeight != nil }

    static func settings(for limits: CgroupLimits, version: CgroupVersion) throws(CgroupError) -> [ControlSetting] {
        var settings: [ControlSetting] = []
        var seen: Set<BlockDeviceNumber> = []
        for limit in limits.io {
            try check(limit)
            guard seen.insert(limit.device).inserted else {
                throw CgroupError(
                    .invalidLimit, "io", reason: "\(limit.device) is limited twice", hint: "write one limit a disk")
            }
            settings += version == .v1 ? settingsV1(limit) : [settingV2(limit)]
        }
        if let weight = limits.ioWeight { settings.append(try IOWeight.setting(weight, version)) }
        return settings
    }

    private static func check(_ limit: IOLimit) throws(CgroupError) {
        func fail(_ reason: String, _ hint: String) -> CgroupError {
            CgroupError(.invalidLimit, "io", reason: "\(limit.device): \(reason)", hint: hint)
        }
        let bytes = [limit.readBytesPerSecond, limit.writeBytesPerSecond].compactMap { $0 }
        let operations = [limit.readOperationsPerSecond, limit.writeOperationsPerSecond].compactMap { $0 }
        if bytes.isEmpty && operations.isEmpty {
            throw fail("nothing is limited", "give bytes or operations a second, to read or to write")
        }
        // v1 takes 0 for no limit at all, and v2 takes it not.
        if (bytes + operations).contains(0) { throw fail("0 a second would never end", "give at least 1") }
        // v1 keeps the lower 32 bits of a number of operations.
        if operations.contains(where: { $0 > UInt64(UInt32.max) }) {
            throw fail("more than 4294967295 operations a second", "leave that limit out")
        }
    }

    private static func settingV2(_ limit: IOLimit) -> ControlSetting {
        let values = [
            ("rbps", limit.readBytesPerSecond), ("wbps", limit.writeBytesPerSecond),
            ("riops", limit.readOperationsPerSecond), ("wiops", limit.writeOperationsPerSecond),
        ]
        let words = values.compactMap { key, value in value.map { "\(key)=\($0)" } }
        return ControlSetting(file: "io.max", value: ([limit.device.description] + words).joined(separator: " "))
    }

    private static func settingsV1(_ limit: IOLimit) -> [ControlSetting] {
        let values = [
            ("read_bps", limit.readBytesPerSecond), ("write_bps", limit.writeBytesPerSecond),
            ("read_iops", limit.readOperationsPerSecond), ("write_iops", limit.writeOperationsPerSecond),
        ]
        return values.compactMap { name, value in
            value.map { ControlSetting(file: "blkio.throttle.\(name)_device", value: "\(limit.device) \($0)") }
        }
    }

    static func apply(
        _ setting: ControlSetting, to files: ControlFiles, _ version: CgroupVersion
    ) throws(CgroupError) {
        if IOWeight.isWeight(setting) {
            try IOWeight.apply(setting, to: files, version)
        } else {
            try write(setting, to: files)
        }
    }

    static func cure(for refusal: SystemError, of setting: ControlSetting, in files: ControlFiles) -> String? {
        switch refusal.errno {
        case .noEntry: return "this kernel is built without limits of disk access (CONFIG_BLK_DEV_THROTTLING)"
        case .noDevice:
            guard let device = setting.value.split(separator: " ").first.flatMap({ BlockDeviceNumber($0) }) else {
                return nil
            }
            if let disk = device.wholeDisk, disk != device {
                return "\(device) is a part of the disk \(disk), and disks are limited as a whole: limit \(disk)"
            }
            return "there is no disk \(device): lsblk lists them with their numbers"
        default: return nil
        }
    }
}

extension BlockDeviceNumber {
    /// The disk that a partition is of; a whole disk itself; `nil` where no such device is. /sys/dev/block
    public var wholeDisk: BlockDeviceNumber? {
        let path = "/sys/dev/block/\(self)"
        do throws(SystemError) {
            guard try readText("\(path)/dev") != nil else { return nil }
            guard try readText("\(path)/partition") != nil else { return self }
            // The link leads into the disk's own directory: …/block/vda/vda1.
            return try readText("\(path)/../dev").flatMap { BlockDeviceNumber($0.prefix { !$0.isNewline }) }
        } catch {
            return nil
        }
    }

    /// The disk that a path is about: a block device's own, or the one that a file's file system is on.
    ///
    /// - Throws: `.invalidLimit` where that is no single disk, as with overlay, tmpfs, network and btrfs file systems.
    public static func ofDisk(at path: String) throws(CgroupError) -> BlockDeviceNumber {
        do throws(SystemError) {
            guard let found = try status(of: path, followingSymlinks: true) else {
                throw SystemError("stat", .noEntry, path)
            }
            let number = found.kind == .blockDevice ? found.specialDevice : found.device
            if let disk = BlockDeviceNumber(device: number).wholeDisk { return disk }
        } catch {
            throw CgroupError(
                .invalidLimit, "io", cause: error, hint: "lsblk lists the disks: name one, such as /dev/vda")
        }
        throw CgroupError(
            .invalidLimit, "io", reason: "\(CgroupName.printable(path)) is on no single disk",
            hint: "lsblk lists the disks: name one, such as /dev/vda")
    }

    /// From the kernel's packed form. makedev(3)
    init(device: UInt64) {
        self.init(
            major: UInt32(truncatingIfNeeded: (device >> 8) & 0xfff | (device >> 32) & ~0xfff),
            minor: UInt32(truncatingIfNeeded: device & 0xff | (device >> 12) & ~0xff))
    }
}
