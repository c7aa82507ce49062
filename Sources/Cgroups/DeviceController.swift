// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// Which devices may be opened and made: `devices.deny` and `devices.allow` on v1, and on v2 an eBPF program that the kernel
/// asks each time (Linux 4.15). A v1 cgroup begins with what the one above may use.
enum DeviceController: LimitController {
    static let controller = CgroupController.devices

    static func isNeeded(for limits: CgroupLimits) -> Bool { limits.devices != nil }

    static func settings(for limits: CgroupLimits, version: CgroupVersion) throws(CgroupError) -> [ControlSetting] {
        guard let rules = limits.devices else { return [] }
        for rule in rules { try check(rule) }
        // On v2 nothing is written: `CgroupPlan.Part.devices` becomes a program.
        guard version == .v1 else { return [] }
        let lines = rules.flatMap(\.linesForV1)
        return [ControlSetting(file: "devices.deny", value: "a")]
            + lines.map { ControlSetting(file: "devices.allow", value: $0) }
    }

    private static func check(_ rule: DeviceRule) throws(CgroupError) {
        if rule.access.isEmpty || !rule.access.isSubset(of: .all) {
            throw CgroupError(
                .invalidLimit, "devices", reason: "the rule for \(rule) allows nothing",
                hint: "allow some of r (read), w (write) and m (mknod), or leave the rule out")
        }
        // 12 bits and 20 bits: include/linux/kdev_t.h
        if (rule.major ?? 0) > 0xfff || (rule.minor ?? 0) > 0xf_ffff {
            throw CgroupError(
                .invalidLimit, "devices", reason: "no device has the numbers of \(rule)",
                hint: "majors go up to 4095, minors up to 1048575")
        }
    }

    static func cure(for refusal: SystemError, of setting: ControlSetting, in files: ControlFiles) -> String? {
        guard refusal.errno == .notPermitted else { return nil }
        return setting.file == "devices.allow"
            ? "the cgroup above, as a container's, does not allow that device itself: leave it out"
            : "it takes CAP_SYS_ADMIN: run as root"
    }

    /// Guards a new v2 cgroup: from here on only what the rules allow, of what the cgroups above allow, can be opened there.
    /// The program goes with the cgroup.
    static func guardDevices(of files: ControlFiles, with rules: [DeviceRule]) throws(CgroupError) {
        do throws(SystemError) {
            try attachProgram(load(rules), to: files.descriptor, as: .cgroupDevice)
        } catch {
            throw failure(error, path: files.path)
        }
    }

    /// Whether this process may guard devices on v2, found out by having the kernel check a program.
    static func checkPermission() throws(CgroupError) {
        do throws(SystemError) {
            _ = try load([])
        } catch {
            throw failure(error, path: "")
        }
    }

    private static func load(_ rules: [DeviceRule]) throws(SystemError) -> Descriptor {
        try loadProgram(DeviceProgram(rules).bytes, type: .cgroupDevice)
    }

    private static func failure(_ cause: SystemError, path: String) -> CgroupError {
        switch cause.errno {
        case .notPermitted:
            CgroupError(
                .controllerUnavailable, controller.rawValue, cause: cause,
                hint: """
                    rules for devices take root's CAP_BPF and CAP_NET_ADMIN; a user's sandbox needs none: nothing it \
                    can mount or make is a device
                    """)
        case .noSystemCall, .invalid:
            CgroupError(
                .controllerUnavailable, controller.rawValue, cause: cause,
                hint: "cgroup v2 guards devices with CONFIG_CGROUP_BPF, which this kernel is built without")
        default: CgroupError(.deviceGuardFailed, path, cause: cause)
        }
    }
}
