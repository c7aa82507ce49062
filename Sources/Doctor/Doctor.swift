// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxKernel
import Storage

/// Examines the machine for what sandboxes need: `martinet doctor`.
///
/// Works as any user and where everything is broken, changes nothing, and never waits for long: whatever is tried is tried
/// in short-lived children, by the kernel's own answers. What is left of it is what a run leaves: as root, /run/martinet.
public struct Doctor: Sendable {
    /// The path of `martinet`, whose run is the last attempt.
    public var program: String
    /// The caller's environment.
    public var environment: [String: String]

    public init(program: String, environment: [String: String]) {
        self.program = program
        self.environment = environment
    }

    /// Measures, and concludes.
    public func examine() -> Report { Diagnosis.report(measure()) }

    /// All measurements. Blocks the calling thread: 0.1 s, or a minute where children hang.
    func measure() -> MachineFacts {
        let caller = CallerProbe.caller(program: program, environment: environment)
        let release = CallerProbe.text("/proc/sys/kernel/osrelease")?.split(separator: "\n").first.map(String.init)
        let osRelease = CallerProbe.text("/etc/os-release") ?? CallerProbe.text("/usr/lib/os-release") ?? ""
        var facts = MachineFacts(
            kernel: KernelRelease(release ?? "unknown"), architecture: Self.architecture,
            distribution: Distribution(osRelease: osRelease), caller: caller)
        facts.settings = Self.settings()
        facts.disabledControllers = Self.disabledControllers(CallerProbe.text("/proc/cmdline") ?? "")
        facts.namespaceTypes = Self.namespaceTypes()
        facts.securityModules = CallerProbe.text("/sys/kernel/security/lsm")?
            .split(whereSeparator: { $0 == "," || $0 == "\n" }).map(String.init)
        for range in [AttemptName.calls, AttemptName.confinement] {
            facts.attempts.merge(CallProbe.attempts(range)) { $1 }
        }
        facts.cgroups = CgroupFactsProbe.facts(resolves: facts[.openat2].works)
        facts.files = FileProbe.facts(caller, environment: environment)
        for name in ["nft", "debootstrap", "systemd-run"] {
            facts.tools[name] = ExecutableSearch.find(name, searchPath: environment["PATH"])
        }
        attempt(&facts)
        facts.run = RunProbe.run(program: program, environment: environment)
        return facts
    }

    private func attempt(_ facts: inout MachineFacts) {
        let caller = facts.caller
        var namespaces = NamespaceProbe(caller)
        let here = (try? readSymlink("/proc/self/cwd")) ?? "/"
        namespaces.run(mapped: [here, environment["HOME"] ?? "/", "/tmp", "/var/lib", "/dev/shm"])
        facts.attempts.merge(namespaces.attempts) { $1 }
        facts.files.idMaps = namespaces.idMaps
        facts.attempts[.intoCgroup] = CgroupFactsProbe.cloneIntoOwn(facts.cgroups.layout)
        if !caller.isPrivileged {
            let found = IdentityProbe.facts(caller, tries: facts[.userNamespace].works)
            facts.identity = found.facts
            facts.attempts[.mapSubordinateIDs] = found.maps
        }
    }

    private static var architecture: String {
        #if arch(x86_64)
        "x86_64"
        #else
        "aarch64"
        #endif
    }

    /// Settings that decide whether something works. sysctl(8)
    private static func settings() -> [String: String] {
        let names =
            ["user", "pid", "mnt", "net", "uts", "ipc", "cgroup", "time"].map { "user.max_\($0)_namespaces" } + [
                "kernel.unprivileged_userns_clone", Diagnosis.appArmorRule,
                "kernel.apparmor_restrict_unprivileged_unconfined", "kernel.yama.ptrace_scope", "kernel.core_pattern",
                "vm.nr_hugepages",
            ]
        var found: [String: String] = [:]
        for name in names {
            let path = "/proc/sys/" + name.split(separator: ".").joined(separator: "/")
            found[name] = CallerProbe.text(path)?.split(separator: "\n").first.map(String.init)
        }
        return found
    }

    static func disabledControllers(_ commandLine: String) -> Set<String> {
        Set(
            commandLine.split(whereSeparator: \.isWhitespace).filter { $0.hasPrefix("cgroup_disable=") }
                .flatMap { $0.dropFirst("cgroup_disable=".count).split(separator: ",").map(String.init) })
    }

    private static func namespaceTypes() -> Set<String> {
        guard let directory = try? open("/proc/self/ns", .directory), let names = try? entries(of: directory) else {
            return []
        }
        return Set(names.map(\.name))
    }
}
