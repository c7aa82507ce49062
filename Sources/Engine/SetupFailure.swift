// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import SandboxSpec
import SetupProgram

/// A step that failed inside, put into words: the instruction, the errno, and the cure where one is known.
struct SetupFailure {
    let program: SetupProgram?
    let index: UInt32
    let errno: Errno

    func error(_ spec: SandboxSpec) -> EngineError {
        guard let program, program.instructions.indices.contains(Int(index)) else {
            if index == RecordLayout.noInstruction, errno.name == "ETIMEDOUT" {
                return EngineError(
                    .initFailed, "init could not end everything that the agent started: some of it still runs",
                    hint: "with a cgroup (v2) it would: systemd-run --user --scope -p Delegate=yes martinet run …")
            }
            let what =
                index == RecordLayout.noInstruction ? "check its namespaces or read its program" : "run step \(index)"
            let isUnreadable = errno.name == "EBADMSG"
            return EngineError(
                .initFailed, "init could not \(what): \(errno)",
                hint: isUnreadable ? "is martinet-init of the same version as martinet? install both together" : nil)
        }
        var instruction = program.instructions[Int(index)]
        // An injected failure stands in for the instruction that it precedes.
        if case .fail = instruction, Int(index) + 1 < program.instructions.count {
            instruction = program.instructions[Int(index) + 1]
        }
        if case .execute(let arguments, _, _, _) = instruction { return executionError(arguments.first ?? "") }
        let words = program.describe(instruction)
        return EngineError(.setupFailed, "\(words): \(errno)", hint: hint(instruction, spec))
    }

    private var ownNice: Int32 { (try? niceValue()) ?? 0 }

    private func executionError(_ name: String) -> EngineError {
        switch errno {
        case .noEntry, .notDirectory:
            EngineError(
                .notFound, "execute \(name): \(errno)",
                hint: "the program, or the interpreter it names, is not in the sandbox; paths are those inside")
        default:
            EngineError(
                .notExecutable, "execute \(name): \(errno)",
                hint: errno == .permissionDenied
                    ? "it is not executable for the agent, or a directory above it is closed to the agent"
                    : errno.name == "ENOEXEC"
                        ? "it is neither a program of this machine nor a script with #! line" : nil)
        }
    }

    private func hint(_ instruction: Instruction, _ spec: SandboxSpec) -> String? {
        switch (instruction, errno) {
        case (.createFileSystem(_, "proc", _, _), .notPermitted), (.createFileSystem(_, "sysfs", _, _), .notPermitted):
            "the caller's own /proc or /sys is partly hidden, as in a container: run that with unmasked paths"
        case (.createFileSystem(_, "overlay", _, _), .noSpace), (.createFileSystem(_, "overlay", _, _), .quotaExceeded):
            "the overlay that is kept is full: a larger --disk makes room, or remove what is in its upper directory"
        case (.createFileSystem(_, "overlay", _, _), _):
            "overlay in a user namespace needs Linux 5.11, of id-mapped layers (as root) 5.19, and a file system with xattrs below it"
        case (.attach(_, let path, _), .permissionDenied):
            "\(path) is missing in the root file system, in a directory of somebody else's; make an empty one there"
        case (.attach(_, let path, _), .crossDevice), (.makeDirectory(let path, _, _, _), .crossDevice):
            "\(path) would have to be made in a directory of the host; make it there, or choose another place"
        case (.attach(_, let path, _), .notDirectory), (.attach(_, let path, _), .isDirectory):
            "\(path) is a file on one side and a directory on the other"
        case (.attach(_, let path, _), .tooManyLinks):
            "\(path) of the root file system is a symlink into /proc or /sys, to the root, or one of a loop; make it a directory"
        case (.cloneHostTree(_, let path, _, _, _), _) where errno.name == "ESTALE":
            "\(path) was replaced while the sandbox was starting"
        case (.requireFileSystem(let path, _), _):
            "\(path) of the root file system is a symlink to where something else is mounted; make it a directory"
        case (.openGuards, .invalid):
            "guards take dnotify: sysctl fs.dir-notify-enable=1; a kernel without CONFIG_DNOTIFY runs only with "
                + "--no-builtin-guards and no --protect or --hide"
        case (.requireMounted(let path), _):
            "/workspace/\(path) was replaced while the sandbox was starting, or symlinks lead elsewhere meanwhile"
        case (.guardName, _) where errno.name == "EMFILE":
            "every directory with a guarded name is kept open: ulimit -n 4096"
        case (.guardName(let path, _, _), .noEntry), (.guardName(let path, _, _), .tooManyLinks):
            "\(path) was replaced while the sandbox was starting; try again"
        case (.setWorkingDirectory(let path), .noEntry): "\(path) does not exist in the sandbox"
        case (.setWorkingDirectory(let path), .tooManyLinks):
            "\(path) leads through a link of /proc that is no path, or through too many"
        case (.setWorkingDirectory(let path), .permissionDenied): "the agent may not enter \(path)"
        case (.setResourceLimit, .notPermitted): "a hard limit cannot be above the caller's own: ulimit -H -a"
        case (.setNice, .permissionDenied):
            "a value below the caller's own takes CAP_SYS_NICE, or RLIMIT_NICE (ulimit -e): choose \(ownNice) or more"
        case (.setOOMScoreAdjustment, .permissionDenied):
            "a value below the caller's own takes CAP_SYS_RESOURCE over the host: choose a higher one"
        case (.startAgent(.supervised), .notPermitted):
            "audit and learn take a descriptor from the agent's process, which kernel.yama.ptrace_scope=3 forbids"
        case (.joinSessionKeyring, _): "the caller's key quota is used up: /proc/key-users"
        case (.setIdentity, .invalid): "that id is not mapped: this user has no range of ids for it"
        case (_, .noSpace): "the disk limit is too small for what the sandbox itself needs: --disk"
        default: nil
        }
    }
}
