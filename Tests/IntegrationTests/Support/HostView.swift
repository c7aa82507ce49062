// SPDX-License-Identifier: Apache-2.0
import Foundation
import LinuxKernel
import TestHost

/// What the host can see of a sandbox's processes and cgroups. Answers are `nil` or empty for what has gone meanwhile.
enum HostView {
    static func text(_ path: String) -> String? { (try? readText(path)) ?? nil }

    static func names(_ directory: String) -> [String] {
        guard let directory = try? open(directory, .directory) else { return [] }
        return ((try? entries(of: directory)) ?? []).map(\.name)
    }

    static func children(of pid: Int32) -> [Int32] {
        names("/proc/\(pid)/task").flatMap { task in
            (text("/proc/\(pid)/task/\(task)/children") ?? "").split(separator: " ").compactMap { Int32($0) }
        }
    }

    /// Init: a child that is PID 1 of a namespace of its own, or is about to be.
    static func initProcess(of pid: Int32) -> Int32? {
        children(of: pid).first { child in
            guard let status = text("/proc/\(child)/status"),
                let line = status.split(separator: "\n").first(where: { $0.hasPrefix("NSpid:") })
            else { return false }
            return line.split(separator: "\t").count == 3
        }
    }

    /// The letter of /proc/PID/stat. proc(5)
    static func state(of pid: Int32) -> Character? {
        text("/proc/\(pid)/stat")?.split(separator: ")").last?.first { $0 != " " }
    }

    /// KiB of memory that a process has in use; 0 for what is gone. /proc/PID/status, `VmRSS`
    static func residentKiB(_ pid: Int32) -> Int {
        let line = text("/proc/\(pid)/status")?.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        return line.flatMap { Int($0.filter(\.isNumber)) } ?? 0
    }

    /// Pids of processes with a text in their command line.
    static func processes(mentioning text: String) -> [Int32] {
        names("/proc").compactMap { Int32($0) }.filter { pid in
            Self.text("/proc/\(pid)/cmdline")?.contains(text) == true && state(of: pid) != "Z"
        }
    }

    /// Cgroups of sandboxes with a name, whichever the hierarchy.
    static func cgroups(named name: String) -> [String] {
        SandboxCgroups.all().filter { $0.contains("/martinet/\(name)-") }
    }

    /// The contents of a control file of a sandbox's cgroup, by its v1 or v2 name.
    static func control(_ files: [String], ofSandbox name: String) -> String? {
        for cgroup in cgroups(named: name) {
            for file in files {
                if let value = text("\(cgroup)/\(file)") {
                    return value.trimmingCharacters(in: .whitespacesAndNewlines)
                }
            }
        }
        return nil
    }
}
