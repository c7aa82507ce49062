// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

extension CgroupLayout {
    /// Reads this machine's layout: three small files, and nothing is written.
    ///
    /// - Throws: `.layoutUnreadable`, where /proc is not mounted.
    public static func probe() throws(CgroupError) -> CgroupLayout {
        var layout = CgroupLayout(
            mountinfo: try contents("/proc/self/mountinfo"), membership: try contents("/proc/self/cgroup"))
        if let unified = layout.unified {
            let file = unified.mountPoint + "/cgroup.controllers"
            layout.setUnifiedControllers(String(decoding: try contents(file), as: UTF8.self))
        }
        return layout
    }

    private static func contents(_ path: String) throws(CgroupError) -> [UInt8] {
        do throws(SystemError) {
            let file = try open(path)
            return try readAll(file, limit: 16 << 20)
        } catch {
            throw CgroupError(.layoutUnreadable, path, cause: error)
        }
    }
}
