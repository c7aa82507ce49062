// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// The CPUs to run on and the memory nodes to allocate from: `cpuset.cpus` and `cpuset.mems`, spelt alike on v1 and v2.
///
/// A v1 cpuset begins with neither and takes no process until it has both, so what was not asked for is copied from above,
/// the `martinet` cgroup included. A v2 cpuset begins with what the one above has; CPUs that are not there it accepts and
/// ignores, so they are looked for here.
enum CPUSetController: LimitController {
    static let controller = CgroupController.cpuset

    static func isNeeded(for limits: CgroupLimits) -> Bool { limits.cpuset != nil || limits.memoryNodes != nil }

    static func settings(for limits: CgroupLimits, version: CgroupVersion) throws(CgroupError) -> [ControlSetting] {
        let asked = [
            ("cpuset.cpus", try normalized(limits.cpuset, "cpuset", example: "0-3,5")),
            ("cpuset.mems", try normalized(limits.memoryNodes, "memory-nodes", example: "0")),
        ]
        return asked.compactMap { file, list in
            if let list { return ControlSetting(file: file, value: list) }
            return version == .v1 ? ControlSetting(file: file, value: "") : nil
        }
    }

    private static func normalized(
        _ text: String?, _ limit: String, example: String
    ) throws(CgroupError) -> String? {
        guard let text else { return nil }
        guard let list = NumberList(text) else {
            throw CgroupError(
                .invalidLimit, limit, reason: "\(CgroupName.printable(text)) is not a list of numbers",
                hint: "write numbers and ranges, as \(example)")
        }
        if list.isEmpty { throw CgroupError(.invalidLimit, limit, reason: "an empty list leaves nothing to run on") }
        return list.description
    }

    static func apply(
        _ setting: ControlSetting, to files: ControlFiles, _ version: CgroupVersion
    ) throws(CgroupError) {
        // Before it is set a v2 cpuset has what the one above has.
        let available = try list(version == .v1 ? "../\(setting.file)" : "\(setting.file).effective", of: files)
        var setting = setting
        if setting.value.isEmpty { setting.value = available.description }
        if let error = refusal(of: setting, available: available) { throw error }
        try write(setting, to: files)
        // Another cpuset may have taken CPUs for itself meanwhile ("partitions"): what counts is what is in effect.
        if version == .v2 {
            let effective = try list("\(setting.file).effective", of: files)
            if let error = refusal(of: setting, available: effective) { throw error }
        }
    }

    /// The error for CPUs or nodes that are not there; `nil` where all are. Pure.
    static func refusal(of setting: ControlSetting, available: NumberList) -> CgroupError? {
        guard let asked = NumberList(setting.value) else { return nil }
        let missing = asked.subtracting(available)
        if missing.isEmpty { return nil }
        let (limit, things) = setting.file == "cpuset.cpus" ? ("cpuset", "CPUs") : ("memory-nodes", "memory nodes")
        return CgroupError(
            .invalidLimit, limit, reason: "\(missing) is not among the \(things) there are",
            hint: available.isEmpty ? "there are none" : "give \(things) of \(available)")
    }

    /// Gives a v1 cgroup all that the one above it has, where it has anything else: nothing, when it is new, and less, after
    /// a CPU was switched off and on again.
    static func fillV1(_ path: String, from above: String, at mount: borrowing Descriptor) throws(SystemError) {
        for file in ["cpuset.cpus", "cpuset.mems"] {
            let place = PathBase.descriptor(mount.rawValue)
            guard let wanted = try readText("\(above)\(file)", at: place) else { continue }
            if try readText("\(path)/\(file)", at: place) == wanted { continue }
            try writeText(String(wanted.prefix { !$0.isNewline }), to: "\(path)/\(file)", at: place)
        }
    }

    private static func list(_ file: String, of files: ControlFiles) throws(CgroupError) -> NumberList {
        guard let text = try files.text(file), let list = NumberList(text) else {
            throw CgroupError(.readFailed, "\(files.path)/\(file)", reason: "it holds no list of numbers")
        }
        return list
    }
}
