// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import SandboxSpec

/// The options of `run` and `explain`, as ArgumentParser knows them: for its help, man page and completions, and for its
/// words about mistakes. Names and help come from `SpecField`, and a test compares the two lists. What the options say is
/// always read by `FlagParser`, so that there is one reading.
struct SpecOptions: ParsableArguments {
    @Option(
        name: .customLong("spec"),
        help: ArgumentHelp("A YAML or JSON file to begin with; - is standard input", valueName: "FILE"))
    var specFile: String?

    @OptionGroup(title: "Agent") var agent: AgentOptions
    @OptionGroup(title: "Files") var files: FileOptions
    @OptionGroup(title: "Confinement") var confinement: ConfinementOptions
    @OptionGroup(title: "Limits") var limits: LimitOptions
    @OptionGroup(title: "Report") var report: ReportOptions
    @OptionGroup(title: "Detached") var detached: DetachedOptions

    @Argument(
        parsing: .remaining,
        help: ArgumentHelp("The program, looked up in the sandbox's PATH, and its arguments", valueName: "COMMAND"))
    var command: [String] = []

    /// The options of this process's command line.
    static func flags() throws -> FlagParser.Parsed {
        guard let parsed = FlagParser.parse(CommandLine.arguments.dropFirst(2)) else {
            throw ValidationError("A value that begins with '-' is written --flag=VALUE.")
        }
        return parsed
    }
}

/// What runs, and as whom.
struct AgentOptions: ParsableArguments {
    @Option(name: .field("name"), help: .field("name")) var name: String?
    @Option(name: .field("user"), help: .field("user")) var user: String?
    @Option(name: .field("group"), help: .field("group")) var group: [String] = []
    @Option(name: .field("workdir"), help: .field("workdir")) var workdir: String?
    @Option(name: .field("env"), help: .field("env")) var env: [String] = []
    @Option(name: .field("secret"), help: .field("secret")) var secret: [String] = []
    @Option(name: .field("secret-file"), help: .field("secret-file")) var secretFile: [String] = []
    @Flag(name: .field("tty"), help: .field("tty")) var tty = false
    @Flag(name: .field("interactive"), help: .field("interactive")) var interactive = false
    @Option(name: .field("stdin"), help: .field("stdin")) var stdin: String?
    @Option(name: .field("hostname"), help: .field("hostname")) var hostname: String?
    @Flag(name: .field("linger"), help: .field("linger")) var linger = false
}

/// What the agent sees of files.
struct FileOptions: ParsableArguments {
    @Option(name: .field("rootfs"), help: .field("rootfs")) var rootfs: String?
    @Option(name: .field("overlay"), help: .field("overlay")) var overlay: String?
    @Flag(name: .field("read-only"), help: .field("read-only")) var readOnly = false
    @Option(name: .field("bind"), help: .field("bind")) var bind: [String] = []
    @Option(name: .field("tmpfs"), help: .field("tmpfs")) var tmpfs: [String] = []
    @Option(name: .field("device"), help: .field("device")) var device: [String] = []
    @Option(name: .field("workspace"), help: .field("workspace")) var workspace: String?
    @Option(name: .field("protect"), help: .field("protect")) var protect: [String] = []
    @Option(name: .field("hide"), help: .field("hide")) var hide: [String] = []
    @Option(name: .field("show"), help: .field("show")) var show: [String] = []
    @Flag(name: .field("no-builtin-guards"), help: .field("no-builtin-guards")) var noBuiltinGuards = false
}

/// What the agent may ask of the kernel.
struct ConfinementOptions: ParsableArguments {
    @Option(name: .field("cap"), help: .field("cap")) var cap: [String] = []
    @Option(name: .field("seccomp"), help: .field("seccomp")) var seccomp: String?
    @Option(name: .field("landlock"), help: .field("landlock")) var landlock: String?
    @Option(name: .field("isolation"), help: .field("isolation")) var isolation: String?
    @Flag(name: .field("audit"), help: .field("audit")) var audit = false
    @Option(name: .field("net"), help: .field("net")) var net: String?
    @Option(name: .field("join"), help: .field("join")) var join: [String] = []
    @Option(name: .field("time-offset"), help: .field("time-offset")) var timeOffset: [String] = []
    @Option(name: .field("waive"), help: .field("waive")) var waive: [String] = []
}

/// How much of the machine the agent may use.
struct LimitOptions: ParsableArguments {
    @Option(name: .field("memory"), help: .field("memory")) var memory: String?
    @Option(name: .field("swap"), help: .field("swap")) var swap: String?
    @Option(name: .field("memory-high"), help: .field("memory-high")) var memoryHigh: String?
    @Option(name: .field("cpus"), help: .field("cpus")) var cpus: String?
    @Option(name: .field("cpu-weight"), help: .field("cpu-weight")) var cpuWeight: String?
    @Option(name: .field("cpuset"), help: .field("cpuset")) var cpuset: String?
    @Option(name: .field("cpuset-mems"), help: .field("cpuset-mems")) var cpusetMems: String?
    @Option(name: .field("cpu-time"), help: .field("cpu-time")) var cpuTime: String?
    @Option(name: .field("nice"), help: .field("nice")) var nice: String?
    @Option(name: .field("pids"), help: .field("pids")) var pids: String?
    @Option(name: .field("timeout"), help: .field("timeout")) var timeout: String?
    @Option(name: .field("disk"), help: .field("disk")) var disk: String?
    @Option(name: .field("inodes"), help: .field("inodes")) var inodes: String?
    @Option(name: .field("output"), help: .field("output")) var output: String?
    @Option(name: .field("io-read"), help: .field("io-read")) var ioRead: [String] = []
    @Option(name: .field("io-write"), help: .field("io-write")) var ioWrite: [String] = []
    @Option(name: .field("io-read-ops"), help: .field("io-read-ops")) var ioReadOps: [String] = []
    @Option(name: .field("io-write-ops"), help: .field("io-write-ops")) var ioWriteOps: [String] = []
    @Option(name: .field("io-weight"), help: .field("io-weight")) var ioWeight: String?
    @Option(name: .field("hugetlb"), help: .field("hugetlb")) var hugetlb: [String] = []
    @Option(name: .field("oom-score-adj"), help: .field("oom-score-adj")) var oomScoreAdj: String?
    @Option(name: .field("rlimit"), help: .field("rlimit")) var rlimit: [String] = []
}

/// What is told about a run after its end. `explain` takes and ignores them.
struct ReportOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Write the verdict as JSON to standard error, to descriptor FD or to FILE", valueName: "json[=FD|FILE]"))
    var report: String?
    @Option(help: ArgumentHelp("Write the smallest system-call profile that the run needed", valueName: "FILE"))
    var learn: String?
    @Flag(help: "Say how the run ended, what it used and what held it; also -v before anything but SRC:DST")
    var verbose = false
}

/// What is asked of a sandbox that goes on without its caller. `explain` takes and ignores them.
struct DetachedOptions: ParsableArguments {
    @Flag(name: .shortAndLong, help: "Let it run without waiting for its end, and print its id")
    var detach = false
    @Flag(name: .customLong("rm"), help: "Remove it, its log and its verdict when it has ended; without -d always so")
    var remove = false
    @Option(
        help: ArgumentHelp(
            "Start the agent again when it fails, at most N times; takes -d", valueName: "no|on-failure[:N]"))
    var restart: String?
    @Option(
        name: .shortAndLong, help: ArgumentHelp("A word of yours to find it by; takes -d", valueName: "KEY[=VALUE]"))
    var label: [String] = []
    @Option(help: ArgumentHelp("How much of the latest output is kept (16MiB); takes -d", valueName: "SIZE"))
    var logSize: String?
}

extension NameSpecification {
    /// All spellings of a field's flag.
    fileprivate static func field(_ flag: String) -> NameSpecification {
        guard let field = SpecField.named(flag) else { preconditionFailure("--\(flag) is no field's flag") }
        var names = [field.flag] + field.aliases
        let short = field.short.map { [NameSpecification.Element.customShort($0)] } ?? []
        let first = names.removeFirst()
        return NameSpecification(short + [.customLong(first)] + names.map { .customLong($0) })
    }
}

extension ArgumentHelp {
    fileprivate static func field(_ flag: String) -> ArgumentHelp {
        guard let field = SpecField.named(flag) else { preconditionFailure("--\(flag) is no field's flag") }
        return ArgumentHelp("\(field.help)", valueName: field.isSwitch ? nil : field.metavar)
    }
}
