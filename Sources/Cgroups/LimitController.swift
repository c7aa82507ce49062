// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// What one controller knows: when it is needed, how each cgroup version spells its limits, and how they are put into
/// effect. A new controller is a file of its own and an entry in `limitControllers`.
protocol LimitController {
    static var controller: CgroupController { get }
    static func isNeeded(for limits: CgroupLimits) -> Bool
    /// What to write, in order. Pure.
    static func settings(for limits: CgroupLimits, version: CgroupVersion) throws(CgroupError) -> [ControlSetting]
    /// Puts one setting into effect in a new cgroup. A single write where nothing more is said.
    static func apply(
        _ setting: ControlSetting, to files: ControlFiles, _ version: CgroupVersion
    ) throws(CgroupError)
    /// What helps where the kernel refused a setting; `nil` where nothing is known.
    static func cure(for refusal: SystemError, of setting: ControlSetting, in files: ControlFiles) -> String?
}

/// In the order in which they are planned and written.
var limitControllers: [any LimitController.Type] {
    [
        MemoryController.self, CPUController.self, CPUSetController.self, PidsController.self, IOController.self,
        HugeTLBController.self, DeviceController.self, CPUAccounting.self, FreezerController.self,
    ]
}

extension LimitController {
    static func apply(
        _ setting: ControlSetting, to files: ControlFiles, _ version: CgroupVersion
    ) throws(CgroupError) {
        try write(setting, to: files)
    }

    static func cure(for refusal: SystemError, of setting: ControlSetting, in files: ControlFiles) -> String? { nil }

    /// One write to one file, whose refusal is an error.
    static func write(_ setting: ControlSetting, to files: ControlFiles) throws(CgroupError) {
        do throws(SystemError) {
            try files.write(setting.value, to: setting.file)
        } catch where error.errno == .noEntry && setting.necessity == .whereKnown {
        } catch {
            throw CgroupError(
                .limitRefused, "\(setting.value) to \(files.path)/\(setting.file)", cause: error,
                hint: cure(for: error, of: setting, in: files))
        }
    }
}

/// One value to write to one control file of a new cgroup.
public struct ControlSetting: Sendable, Equatable {
    /// Whether a kernel without the file is an error.
    public enum Necessity: Sendable {
        case always
        /// Only where the machine has swap.
        case withSwap
        /// No: what the file adds is more than was asked for.
        case whereKnown
    }

    public var file: String
    /// Empty: what the cgroup above has in its file of the same name (v1 cpusets, which begin with nothing).
    public var value: String
    public var necessity: Necessity = .always

    /// Puts the setting into effect, as the controller does whose file it is: its first word says which.
    func apply(to files: ControlFiles, _ version: CgroupVersion) throws(CgroupError) {
        let word = String(file.prefix { $0 != "." })
        guard
            let owner = limitControllers.first(where: {
                $0.controller.rawValue == word || $0.controller.nameInV1 == word
            })
        else { throw CgroupError(.limitRefused, "\(value) to \(files.path)/\(file)", reason: "no controller has it") }
        try owner.apply(self, to: files, version)
    }
}
