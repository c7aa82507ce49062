// SPDX-License-Identifier: Apache-2.0
import SandboxSpec

/// What Landlock is to hold, as the host decided it for this kernel: masks in the kernel's bits. Where in the sandbox they
/// apply is the compiler's to know.
public struct LandlockInputs: Sendable, Equatable {
    public var handledFiles: UInt64
    public var handledNetwork: UInt64 = 0
    public var scopes: UInt64 = 0
    /// To read, list and execute.
    public var read: UInt64
    /// To change, make and remove what is not a device node.
    public var change: UInt64
    /// To write to a file that is there.
    public var write: UInt64
    /// To write to a device and control it.
    public var control: UInt64
    /// Standard descriptors that have a name on the host, which /proc/self/fd leads back to.
    public var descriptors: [DescriptorRule] = []
    public var restrictFlags: UInt32 = 0

    public struct DescriptorRule: Sendable, Equatable {
        public var slot: Slot
        public var access: UInt64
        public init(_ slot: Slot, access: UInt64) {
            self.slot = slot
            self.access = access
        }
    }

    public init(handledFiles: UInt64, read: UInt64, change: UInt64, write: UInt64, control: UInt64) {
        self.handledFiles = handledFiles
        self.read = read
        self.change = change
        self.write = write
        self.control = control
    }
}

extension ProgramCompiler {
    /// The ruleset, without rules yet, that the agent's process restricts itself to.
    mutating func makeRuleset(_ landlock: LandlockInputs) -> Slot {
        let ruleset = makeSlot("Landlock ruleset")
        landlockRuleset = ruleset
        emit(
            .landlock(
                .createRuleset(
                    ruleset, handledFiles: landlock.handledFiles, handledNetwork: landlock.handledNetwork,
                    scopes: landlock.scopes)))
        return ruleset
    }

    /// Makes the ruleset while init may still go everywhere; the agent's process restricts itself to it.
    ///
    /// The rules repeat what the mounts say, in as few words as possible, since each costs a start 4 µs: everything may be
    /// read, and changed where the sandbox is meant to be changed. Rights add up on the way from a file to the root, and a
    /// rule means the file or directory itself, whatever path leads to it.
    mutating func landlock() {
        guard let landlock = inputs.landlock else { return }
        let ruleset = makeRuleset(landlock)
        func allow(_ path: String, _ access: UInt64) {
            emit(.landlock(.allowPath(ruleset: ruleset, path: path, access: access)))
        }
        if isRootWritable {
            // Of an overlay of its own everything is the sandbox's.
            allow("/", landlock.read | landlock.change)
            allow("/dev", landlock.control)
        } else {
            allow("/", landlock.read)
            allow("/proc", landlock.write)
            for (path, access) in deviceRules(landlock) { allow(path, access) }
            for path in changeableDirectories() { allow(path, landlock.change) }
        }
        // mq_open(3) goes by no path that leads through /dev or the root, but through the same root of queues.
        if ownsMessageQueues { allow("/dev/mqueue", landlock.read | landlock.change) }
        for file in changeableFiles() { allow(file, landlock.write) }
        for rule in landlock.descriptors {
            emit(.landlock(.allowDescriptor(ruleset: ruleset, rule.slot, access: rule.access)))
        }
    }

    private var ownsMessageQueues: Bool { !spec.join.contains { $0.type == .ipc } }

    /// Places that are meant to be changed, without those inside another one.
    private func changeableDirectories() -> [String] {
        var paths = ["/tmp"]
        if case .host = inputs.root {
            paths.append(inputs.identity.home)
            if inputs.workspace == nil { paths.append("/workspace") }
        } else {
            paths.append("/run")
        }
        if inputs.workspace != nil { paths.append("/workspace") }
        paths += inputs.binds.filter { !$0.readOnly && $0.isDirectory }.map(\.target)
        paths += spec.tmpfs.map(\.target.text)
        var outermost: [String] = []
        for path in paths where !paths.contains(where: { Self.is(path, below: $0) }) && !outermost.contains(path) {
            outermost.append(path)
        }
        return outermost
    }

    /// Files of the host's that are bound to be written to.
    private func changeableFiles() -> [String] {
        let directories = isRootWritable ? ["/"] : changeableDirectories()
        return inputs.binds.filter { bind in
            !bind.readOnly && !bind.isDirectory && !directories.contains { Self.is(bind.target, below: $0) }
        }.map(\.target)
    }

    /// /dev as a whole, whose names are all of the sandbox's making; one by one where a device may only be read.
    private func deviceRules(_ landlock: LandlockInputs) -> [(String, UInt64)] {
        guard spec.devices.contains(where: { !$0.mayWrite }) else {
            return [("/dev", landlock.change | landlock.control)]
        }
        var rules: [(String, UInt64)] = [("/dev/pts", landlock.control), ("/dev/shm", landlock.change)]
        if terminal != nil { rules.append(("/dev/console", landlock.control)) }
        for device in inputs.devices { rules.append((device.target, landlock.control)) }
        for device in spec.devices {
            let access = device.mayWrite ? landlock.control : landlock.control & ~landlock.write
            if access != 0 { rules.append((device.target.text, access)) }
        }
        return rules
    }

    private static func `is`(_ path: String, below directory: String) -> Bool {
        path != directory && (directory == "/" || path.utf8.starts(with: (directory + "/").utf8))
    }
}
