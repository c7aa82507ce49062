// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// One file or directory of a workspace, open, and what an agent may do with it and all below it.
public struct WorkspacePiece: ~Copyable {
    public enum Access: Sendable, Equatable {
        /// List its names.
        case list
        case read
        /// Read, change, make and remove.
        case change
    }

    public let descriptor: Descriptor
    /// Relative to the workspace; empty for the workspace itself.
    public let path: String
    public let isDirectory: Bool
    public let access: Access

    /// Keeps only what a rule is about.
    public consuming func intoDescriptor() -> Descriptor { descriptor }
}

/// Guards without mounts: allows a workspace piece by piece, so that what is guarded is in none of them.
///
/// Rules that only allow, as Landlock's, cannot take anything out of a directory again. So a directory with something guarded
/// in it is not allowed as a whole; what is in it is, one by one, as it is now. In such a *closed* directory nothing can be
/// made, removed or renamed, which also keeps everything from coming into being under a guarded name that is free: no
/// placeholders are needed. Where a hidden directory lies in one, its names cannot be listed either, since to list a
/// directory is to list all below it.
public struct WorkspacePieces: ~Copyable {
    /// More rules than this are refused: each takes a descriptor.
    public static let mostEntries = 512

    private var entries: [Record] = []
    private var descriptors = DescriptorTable()
    /// Directories in which nothing can be made or removed; empty for a workspace without guards, `""` is its top.
    public private(set) var closed: [String] = []

    private struct Record {
        var path: String
        var isDirectory: Bool
        var access: WorkspacePiece.Access
    }

    /// Opens what the plan leaves.
    ///
    /// - Parameters:
    ///   - workspace: the open directory; path-only is enough.
    ///   - plan: what is guarded in it now.
    /// - Throws: `.exhausted` for more than `mostEntries`, `.system`.
    public init(_ workspace: borrowing Descriptor, plan: GuardPlan) throws(StorageError) {
        var actions: [PathKey: GuardPlan.Action] = [:]
        var closed: Set<PathKey> = []
        var hiddenDirectories: [String] = []
        for step in plan.steps {
            closed.formUnion(([""] + ancestors(of: step.path)).map { PathKey($0) })
            switch step {
            case .match(let match):
                actions[match.path] = match.action
                if match.action == .hide, match.kind == .directory { hiddenDirectories.append(match.path) }
            case .placeholder(let placeholder): actions[placeholder.path] = placeholder.action
            case .pin: break
            }
        }
        self.closed = closed.map(\.path).sorted()
        let raw = workspace.rawValue
        let top = try reporting("open", "workspace") { () throws(SystemError) in
            try open(".", [.directory], at: .descriptor(raw))
        }
        guard !closed.isEmpty else {
            try append(top, "", isDirectory: true, .change)
            return
        }
        try allow(
            top, "", Plan(actions: actions, closed: closed, hiddenDirectories: hiddenDirectories), mayList: false,
            isProtected: false)
    }

    private struct Plan {
        var actions: [PathKey: GuardPlan.Action]
        var closed: Set<PathKey>
        var hiddenDirectories: [String]

        func hidesDirectory(below path: String) -> Bool {
            hiddenDirectories.contains { path.isEmpty || PathBytes.isBelow($0, path) }
        }
    }

    /// - Parameters:
    ///   - mayList: whether the names in it can be listed already, by a rule further up.
    ///   - isProtected: whether something further up is to be read only.
    private mutating func allow(
        _ directory: borrowing Descriptor, _ path: String, _ plan: Plan, mayList: Bool, isProtected: Bool
    ) throws(StorageError) {
        let lists = mayList || !plan.hidesDirectory(below: path)
        if lists, !mayList {
            let copy = try reporting("open", path) { () throws(SystemError) in try directory.duplicate() }
            try append(copy, path, isDirectory: true, .list)
        }
        let names = try reporting("list", "workspace/" + path) { () throws(SystemError) in
            try byteEntries(of: directory)
        }
        for entry in names {
            let name = path.isEmpty ? entry.name.repairedText : path + "/" + entry.name.repairedText
            let action = entry.name.text == nil ? nil : plan.actions[name]
            if action == .hide { continue }
            guard let child = try openEntry(entry.name, in: directory, name) else { continue }
            let kind = try reporting("look at", name) { () throws(SystemError) in try status(of: child).kind }
            let isReadOnly = isProtected || action == .protect
            switch kind {
            case .directory where entry.name.text != nil && plan.closed.contains(name):
                let readable = try reporting("open", "workspace/" + name) { () throws(SystemError) in
                    try open(".", [.directory], at: .descriptor(child.rawValue))
                }
                try allow(readable, name, plan, mayList: lists, isProtected: isReadOnly)
            case .directory, .regular, .fifo:
                try append(child, name, isDirectory: kind == .directory, isReadOnly ? .read : .change)
            // What a symlink leads to has its own rule; a socket takes none, and a device is none of a workspace's.
            case .symlink, .socket, .characterDevice, .blockDevice: break
            }
        }
    }

    /// A handle on one name; `nil` where it is gone.
    private func openEntry(
        _ name: ByteName, in directory: borrowing Descriptor, _ path: String
    ) throws(StorageError) -> Descriptor? {
        do throws(SystemError) {
            return try open(
                name, [.pathOnly, .noFollow], in: directory, resolving: [.beneath, .noMagicLinks])
        } catch where error.errno == .noEntry {
            return nil
        } catch {
            throw StorageError("open", "workspace/" + path, error)
        }
    }

    private mutating func append(
        _ descriptor: consuming Descriptor, _ path: String, isDirectory: Bool, _ access: WorkspacePiece.Access
    ) throws(StorageError) {
        guard entries.count < Self.mostEntries else {
            throw StorageError(
                .exhausted, "guard", "workspace", "more than \(Self.mostEntries) files lie beside guarded ones",
                hint: "--no-builtin-guards allows the workspace as a whole")
        }
        descriptors.append(descriptor)
        entries.append(Record(path: path, isDirectory: isDirectory, access: access))
    }

    /// Takes the last entry; `nil` when none is left.
    public mutating func removeLast() -> WorkspacePiece? {
        guard let record = entries.popLast(), let descriptor = descriptors.removeLast() else { return nil }
        return WorkspacePiece(
            descriptor: descriptor, path: record.path, isDirectory: record.isDirectory, access: record.access)
    }

    public var count: Int { entries.count }
}
