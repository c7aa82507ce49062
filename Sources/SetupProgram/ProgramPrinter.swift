// SPDX-License-Identifier: Apache-2.0

extension SetupProgram {
    /// The program as `martinet explain` prints it: a numbered line a step. Secrets are not shown.
    public var text: String {
        var lines: [String] = []
        for index in 0..<descriptorCount { lines.append("descriptor \(name(Slot(index)))") }
        let width = String(instructions.count).count
        for (index, instruction) in instructions.enumerated() {
            let number = String(index)
            let padding = String(repeating: " ", count: width - number.count)
            let indent = instruction.opcode.runsInAgent && index > agentStart ? "  agent: " : "  "
            lines.append("\(padding)\(number)\(indent)\(describe(instruction))")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private var agentStart: Int { instructions.firstIndex { $0.opcode == .startAgent } ?? instructions.count }

    private func name(_ slot: Slot) -> String {
        guard let name = slotNames[slot] else { return "#\(slot.index)" }
        return "#\(slot.index) (\(Self.printable(name)))"
    }

    /// One step in words, as it is also used in messages: action, object, particulars.
    public func describe(_ instruction: Instruction) -> String { Self.printable(words(instruction)) }

    private func words(_ instruction: Instruction) -> String {
        switch instruction {
        case .joinCgroup(let slot): "join the cgroup of \(name(slot))"
        case .unshareNamespaces(let flags): "unshare \(Self.namespaces(flags))"
        case .setTimeOffsets(let monotonic, let boottime):
            "set clock offsets monotonic \(monotonic) ns, boottime \(boottime) ns"
        case .joinSessionKeyring: "join a session keyring of its own"
        case .setHostname(let name): "set host name \(name)"
        case .raiseLoopback: "bring up loopback"
        case .setPropagation(let flags):
            flags == K.MS_PRIVATE ? "make every mount private" : "set mount propagation \(flags)"
        case .openTerminal(let slot, let uid, let gid, let rows, let columns):
            "open a terminal of \(rows) x \(columns) for \(uid):\(gid) as \(name(slot))"
        case .holdSlot(let slot): "hold \(name(slot)) as long as init lives"
        case .watchMemory(let slot): "watch \(name(slot)) for the end of memory"
        case .setDeadline(let nanoseconds): "end everything after \(Self.seconds(nanoseconds))"
        case .watchCPUTime(let slot, _, let nanoseconds, _):
            "end everything after \(Self.seconds(nanoseconds)) of CPU time by \(name(slot))"
        case .watchDisk(let path): "measure the file system of \(path) at the end"
        case .serve(let listener, let verdict): "serve \(name(listener)), and leave the verdict in \(name(verdict))"
        case .keepLog(let first, let second, let capacity, _, let limit):
            "keep a log in \(name(first)) and \(name(second)), \(capacity) bytes each"
                + (limit == .max ? "" : "; end everything after \(limit) bytes of output")
        case .logStream(let slot, let stream): "log \(name(slot)) as \(stream)"
        case .keepInput(let slot): "keep \(name(slot)) open"
        case .restartAgent(let most):
            "start the agent again if it fails\(most == .max ? "" : ", at most \(most) times")"
        case .startAgent(let mode):
            switch mode {
            case .copied: "start the agent (fork)"
            case .sharingMemory: "start the agent (vfork)"
            case .supervised: "start the agent (fork), and hand over the listener of its filter"
            }
        case .setOOMScoreAdjustment(let value): "set oom_score_adj \(value) for the agent"
        case .outliveLauncher: "go on if the launcher dies"
        case .landlock(let step): step.words(name)
        case .fail(let errno): "fail with errno \(errno)"
        default: describeMount(instruction) ?? describeAgent(instruction)
        }
    }

    private func describeMount(_ instruction: Instruction) -> String? {
        switch instruction {
        case .createFileSystem(let slot, let type, let options, let attributes):
            "mount \(type)\(Self.list(options + Self.attributes(attributes))) as \(name(slot))"
        case .cloneHostTree(let slot, let path, _, _, _): "copy the host's \(path) as \(name(slot))"
        case .cloneTree(let slot, let path): "copy \(path) as \(name(slot))"
        case .setMountAttributes(let slot, let set, let clear, _):
            "set \(name(slot)) \(Self.change(set, clear))"
        case .attachRoot(let slot): "attach \(name(slot)) over /"
        case .attach(let slot, let path, let create):
            "attach \(name(slot)) on \(path)\(create == .mustExist ? "" : create == .file ? " (file)" : " (directory)")"
        case .enterRoot(let path): "enter \(path)"
        case .pivotRoot: "pivot_root(\".\", \".\")"
        case .detachOldRoot: "detach the old root"
        case .makeDirectory(let path, let mode, let uid, let gid):
            "make directory \(path) \(Self.octal(mode)) \(uid):\(gid)"
        case .writeFile(let path, let mode, let uid, let gid, let contents, let secret):
            "write \(path) \(Self.octal(mode)) \(uid):\(gid), \(secret ? "<redacted>" : "\(contents.count) bytes")"
        case .makeSymlink(let path, let target): "make symlink \(path) -> \(target)"
        case .bindOntoItself(let path, let set, let clear, let optional):
            "bind \(path) onto itself \(Self.change(set, clear))\(optional ? ", if it exists" : "")"
        case .makeMask(let path): "make masks in \(path)"
        case .mask(let path, let optional): "mask \(path)\(optional ? ", if it exists" : "")"
        case .setRootAttributes(let set, let clear): "set the root \(Self.change(set, clear))"
        case .writeControlFile(let path, let text, let optional):
            "write \"\(text)\" to \(path)\(optional ? ", if that may be" : "")"
        case .openGuards(let slot): "guard names in \(name(slot)), whenever they appear"
        case .requireMounted(let path): "check that something is mounted on \(path)"
        case .guardName(let path, let action, _): "\(action) \(path)"
        case .requireFileSystem(let path, let magic): "check that \(path) is \(Self.fileSystem(magic))"
        case .closeSlot(let slot): "close \(name(slot))"
        case .unmount(let path): "unmount \(path)"
        case .setAttributesAt(let path, let set, let clear): "set the mount on \(path) \(Self.change(set, clear))"
        case .keepRoom(let path, let count): "keep room for \(count) files in \(path)"
        default: nil
        }
    }

    private func describeAgent(_ instruction: Instruction) -> String {
        switch instruction {
        case .newSession(let terminal): terminal.map { "new session, on terminal \(name($0))" } ?? "new session"
        case .setStandardDescriptors(let input, let output, let error):
            "set standard descriptors \(name(input)), \(name(output)), \(name(error))"
        case .setResourceLimit(let resource, let soft, let hard):
            "set resource limit \(Self.resource(resource)) \(Self.limit(soft)):\(Self.limit(hard))"
        case .dropBoundingCapabilities(let keep, _):
            keep == 0 ? "empty the bounding set" : "reduce the bounding set to \(Self.hexadecimal(keep))"
        case .setIdentity(let uid, let gid, let groups):
            "become \(uid):\(gid)\(groups.map { " groups \($0)" } ?? "")"
        case .setCapabilities(let effective, _, _, let ambient):
            effective == 0 && ambient == 0
                ? "drop all capabilities"
                : "set capabilities \(Self.hexadecimal(effective)), ambient \(Self.hexadecimal(ambient))"
        case .setSecurebits(let bits): "set securebits \(bits.text)"
        case .setNice(let value): "set nice \(value)"
        case .setWorkingDirectory(let path): "change directory to \(path)"
        case .setUmask(let mode): "set umask \(Self.octal(mode))"
        case .resetSignals: "reset signals"
        case .setNoNewPrivileges: "set no_new_privs"
        case .setParentDeathSignal(let signal): "end by signal \(signal) when init does"
        case .installFilter(let flags, let instructions, let name):
            "install system-call filter \(name.isEmpty ? "" : "\(name), ")\(instructions.count / 8) instructions"
                + Self.filterFlags(flags)
        case .closeDescriptors(let first): "close descriptors from \(first)"
        case .execute(let arguments, let environment, let path, let secrets):
            "execute \(arguments.map(Self.quoted).joined(separator: " ")) with "
                + environment.map { Self.variable($0, secrets) }.joined(separator: " ")
                + (path.isEmpty ? "" : ", looked up in \(path.joined(separator: ":"))")
        default: "\(instruction.opcode)"
        }
    }

    // MARK: Words for numbers

    /// seccomp(2), SECCOMP_FILTER_FLAG_*
    private static func filterFlags(_ flags: UInt32) -> String {
        let names: [(UInt32, String)] = [
            (1 << 1, "log"), (1 << 2, "spec_allow"), (1 << 3, "new_listener"), (1 << 5, "wait_killable_recv"),
        ]
        let shown = names.filter { flags & $0.0 != 0 }.map(\.1)
        return shown.isEmpty ? "" : ", flags " + shown.joined(separator: ",")
    }

    private static func namespaces(_ flags: UInt64) -> String {
        let names: [(UInt64, String)] = [
            (K.CLONE_NEWUSER, "user"), (K.CLONE_NEWPID, "pid"), (K.CLONE_NEWNS, "mount"), (K.CLONE_NEWNET, "network"),
            (K.CLONE_NEWUTS, "uts"), (K.CLONE_NEWIPC, "ipc"), (K.CLONE_NEWCGROUP, "cgroup"), (K.CLONE_NEWTIME, "time"),
        ]
        return names.filter { flags & $0.0 != 0 }.map(\.1).joined(separator: ", ")
    }

    private static func attributes(_ flags: UInt64) -> [String] {
        let names: [(UInt64, String)] = [
            (K.MOUNT_ATTR_RDONLY, "ro"), (K.MOUNT_ATTR_NOSUID, "nosuid"), (K.MOUNT_ATTR_NODEV, "nodev"),
            (K.MOUNT_ATTR_NOEXEC, "noexec"),
        ]
        return names.filter { flags & $0.0 != 0 }.map(\.1)
    }

    private static func change(_ set: UInt64, _ clear: UInt64) -> String {
        (attributes(set) + attributes(clear).map { "-" + $0 }).joined(separator: ",")
    }

    private static func list(_ words: [String]) -> String { words.isEmpty ? "" : " (\(words.joined(separator: ",")))" }

    static func octal(_ mode: UInt32) -> String { "0" + String(mode, radix: 8) }
    private static func hexadecimal(_ bits: UInt64) -> String { "0x" + String(bits, radix: 16) }
    private static func limit(_ value: UInt64) -> String { value == .max ? "unlimited" : "\(value)" }

    private static func fileSystem(_ magic: UInt64) -> String {
        switch magic {
        case K.PROC_SUPER_MAGIC: "proc"
        case K.DEVPTS_SUPER_MAGIC: "devpts"
        default: "file system \(hexadecimal(magic))"
        }
    }

    private static func seconds(_ nanoseconds: UInt64) -> String {
        let milliseconds = nanoseconds / 1_000_000
        return milliseconds % 1000 == 0 ? "\(milliseconds / 1000) s" : "\(milliseconds) ms"
    }

    private static let resources = [
        "cpu", "fsize", "data", "stack", "core", "rss", "nproc", "nofile", "memlock", "as", "locks", "sigpending",
        "msgqueue", "nice", "rtprio", "rttime",
    ]
    private static func resource(_ number: UInt32) -> String {
        Int(number) < resources.count ? resources[Int(number)] : "\(number)"
    }

    private static func variable(_ text: String, _ secrets: Set<String>) -> String {
        let name = text.prefix { $0 != "=" }
        return secrets.contains(String(name)) ? "\(name)=<redacted>" : quoted(text)
    }

    /// Without what a terminal would obey: the host's paths may hold any byte, and so may texts that were asked for.
    private static func printable(_ text: String) -> String {
        func isObeyed(_ scalar: Unicode.Scalar) -> Bool {
            switch scalar.value {
            // Controls, and marks that turn the direction of writing round.
            case 0..<0x20, 0x7f..<0xa0, 0x200e...0x200f, 0x2028...0x202e, 0x2066...0x2069: true
            default: false
            }
        }
        guard text.unicodeScalars.contains(where: isObeyed) else { return text }
        var result = ""
        for scalar in text.unicodeScalars {
            if isObeyed(scalar) {
                result += "\\x" + String(scalar.value, radix: 16)
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// As a shell would need it; control characters are escaped.
    private static func quoted(_ text: String) -> String {
        let plain = text.utf8.allSatisfy { byte in
            (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a || byte >= 0x2b && byte <= 0x3a || byte == 0x3d
                || byte == 0x5f
                || byte == 0x40 || byte == 0x25
        }
        if plain, !text.isEmpty { return text }
        var result = "'"
        for scalar in text.unicodeScalars {
            switch scalar {
            case "'": result += "'\\''"
            case _ where scalar.value < 0x20 || scalar.value == 0x7f: result += "\\x" + String(scalar.value, radix: 16)
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "'"
    }
}
