// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxKernel
import Storage

/// What becomes of init when its launcher has died.
enum EndOfInit: Sendable {
    /// The kernel ends everything in its PID namespace with it.
    case kill
    /// It lingers: it outlives its launcher.
    case leave
    /// It has no PID namespace, and ends by itself what it started.
    case letFinish

    fileprivate var rule: mt_janitor_end {
        switch self {
        case .kill: MT_JANITOR_KILL
        case .leave: MT_JANITOR_LEAVE
        case .letFinish: MT_JANITOR_LET_FINISH
        }
    }
}

/// Removes what a launch leaves on the machine if the launcher is killed: cgroups and placeholder files.
///
/// A process in the launcher's memory, asleep until the launcher's end; it costs no memory of its own and ends with the
/// sandbox. Each thing is entered before it is made. See docs/decisions/0003.
final class Janitor {
    private let memory: UnsafeMutableRawPointer
    private let pid: Int32
    private let launcher: Descriptor
    private static let stackSize = 16384
    private static let size = (MemoryLayout<mt_janitor>.size + 4095) / 4096 * 4096 + stackSize
    private var state: UnsafeMutablePointer<mt_janitor> { memory.assumingMemoryBound(to: mt_janitor.self) }
    private var nextEntry = 0
    /// The entry of the one temporary name there is at a time.
    private var temporary: Int?

    init() throws(EngineError) {
        launcher = try launching { () throws(SystemError) in try openProcess(processID()) }
        memory = try SharedMapping.allocate(Self.size)
        let state = memory.bindMemory(to: mt_janitor.self, capacity: 1)
        state.pointee.launcher = launcher.rawValue
        state.pointee.`init` = -1
        let old = setSignalMask(.all)
        let result = mt_janitor_start(state, memory + (Self.size - Self.stackSize), Self.stackSize)
        setSignalMask(old)
        guard result > 0 else {
            SharedMapping.free(memory, Self.size)
            throw EngineError(SystemError("clone3", Errno(rawValue: Int32(-result)), "the janitor"))
        }
        pid = Int32(result)
    }

    /// Ends the janitor; what is still entered is the caller's to remove.
    deinit {
        _ = mt_syscall(Int(SYS_kill), Int(pid), Int(SIGKILL), 0, 0, 0, 0)
        while mt_syscall(Int(SYS_wait4), Int(pid), 0, 0x4000_0000, 0, 0, 0) == -Int(EINTR) {}
        SharedMapping.free(memory, Self.size)
    }

    /// Names init, and what becomes of it when the launcher has died.
    func watch(_ process: Int32, end: EndOfInit) {
        state.pointee.end = Int32(end.rule.rawValue)
        state.pointee.`init` = process
    }

    /// Enters a cgroup that is about to be made, and the directory above it, which goes when it is empty.
    func enter(cgroup path: String) throws(EngineError) {
        if let slash = path.lastIndex(of: "/") {
            try enter(String(path[..<slash]), MT_JANITOR_SHARED_DIRECTORY, directory: Int32(AT_FDCWD))
        }
        try enter(path, MT_JANITOR_BUSY_DIRECTORY, directory: Int32(AT_FDCWD))
    }

    /// Enters a placeholder that exists under its temporary name: only that one is ever removed.
    func enter(placeholder new: CreatedPlaceholder, in directory: Int32) throws(EngineError) {
        try enter(new.path, Self.kind(new.isDirectory), directory: directory)
        withEntry(nextEntry - 1) { entry in
            entry.pointee.device = new.device
            entry.pointee.size = new.size
            entry.pointee.inode = new.inode
        }
    }

    /// Enters a directory that is about to be made, by a name that nobody else uses; returns its number, for `made`.
    ///
    /// - Parameter owner: who may change what is in its `home` and `tmp`; `nil` for the launcher itself.
    func enter(tree path: String, owner: (uid: UInt32, gid: UInt32)?) throws(EngineError) -> Int {
        try enter(path, MT_JANITOR_TREE, directory: Int32(AT_FDCWD))
        let entry = nextEntry - 1
        withEntry(entry) { entry in
            entry.pointee.has_owner = owner == nil ? 0 : 1
            entry.pointee.owner = owner?.uid ?? 0
            entry.pointee.group = owner?.gid ?? 0
            entry.pointee.inode = .max
        }
        return entry
    }

    /// Notes which directory it is, now that it exists: only that one is ever removed.
    func made(_ entry: Int, device: UInt64, inode: UInt64) {
        withEntry(entry) { entry in
            entry.pointee.device = device
            entry.pointee.inode = inode
        }
    }

    /// Enters a name that nobody else uses, in place of the last such: whatever it turns out to be is removed.
    func enter(temporary path: String, isDirectory: Bool, in directory: Int32) throws(EngineError) {
        guard let entry = temporary else {
            try enter(path, Self.kind(isDirectory), directory: directory)
            temporary = nextEntry - 1
            withEntry(nextEntry - 1) { $0.pointee.inode = .max }
            return
        }
        let bytes = try Self.bytes(path)
        withEntry(entry) { entry in
            entry.pointee.inode = 0  // first: half a path must name nothing
            entry.pointee.kind = Int32(Self.kind(isDirectory).rawValue)
            withUnsafeMutableBytes(of: &entry.pointee.path) { $0.copyBytes(from: bytes) }
            entry.pointee.inode = .max
        }
    }

    private static func kind(_ isDirectory: Bool) -> mt_janitor_kind {
        isDirectory ? MT_JANITOR_PLACEHOLDER_DIRECTORY : MT_JANITOR_PLACEHOLDER_FILE
    }

    private static func bytes(_ path: String) throws(EngineError) -> [UInt8] {
        let bytes = Array(path.utf8) + [0]
        guard bytes.count <= Int(MT_JANITOR_PATH) else {
            throw EngineError(
                .launchFailed, "note \(path) for removal: the name is too long",
                hint: "guarded paths that do not exist may have \(MT_JANITOR_PATH - 64) bytes in all")
        }
        return bytes
    }

    private func enter(_ path: String, _ kind: mt_janitor_kind, directory: Int32) throws(EngineError) {
        let bytes = try Self.bytes(path)
        guard nextEntry < Int(MT_JANITOR_ENTRIES) else {
            throw EngineError(
                .launchFailed, "note \(path) for removal: there are too many",
                hint: "at most \(MT_JANITOR_ENTRIES - 256) guarded paths may be missing in a workspace")
        }
        withEntry(nextEntry) { entry in
            withUnsafeMutableBytes(of: &entry.pointee.path) { $0.copyBytes(from: bytes) }
            entry.pointee.directory = directory
            entry.pointee.kind = Int32(kind.rawValue)  // last: an entry counts from here on
        }
        nextEntry += 1
    }

    private func withEntry(_ index: Int, _ body: (UnsafeMutablePointer<mt_janitor_entry>) -> Void) {
        if let entry = mt_janitor_at(state, Int32(index)) { body(entry) }
    }
}

/// Pages for routines that run on stacks of their own. mmap(2)
enum SharedMapping {
    static func allocate(_ size: Int) throws(EngineError) -> UnsafeMutableRawPointer {
        let address = mt_syscall(
            Int(SYS_mmap), 0, size, Int(PROT_READ | PROT_WRITE), Int(MAP_PRIVATE | MAP_ANONYMOUS), -1, 0)
        guard address > 0, let pointer = UnsafeMutableRawPointer(bitPattern: address) else {
            throw EngineError(SystemError("mmap", Errno(rawValue: Int32(-address)), "\(size) bytes"))
        }
        return pointer
    }

    static func free(_ pointer: UnsafeMutableRawPointer, _ size: Int) {
        _ = mt_syscall(Int(SYS_munmap), Int(bitPattern: pointer), size, 0, 0, 0, 0)
    }
}
