// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import SandboxSpec

/// Where a user's sandboxes are written down, for every process of that user to find: a directory each, and their names.
///
/// ```
/// ROOT/sandboxes/ID/   spec.json, status.json, program, verdict, log.0, log.1, init.sock; mode 0700
/// ROOT/names/NAME      a symbolic link to an ID
/// ROOT/events.jsonl    what happened
/// ```
/// Nothing here is trusted for where it lies: all of it is opened beneath the root, whose owner must be this user. Two locks
/// keep writers apart, always taken in this order: a sandbox's, on its directory, and the one of all names. flock(2)
public final class SandboxStore: Sendable {
    /// The root's path.
    public let path: String
    /// Whose sandboxes they are.
    public let owner: UInt32
    /// Whether they are another user's, which root may look at and nothing more: what it did to them it would do at that
    /// user's word.
    public let isForeign: Bool
    let top: StoreDirectory
    let sandboxes: StoreDirectory
    let names: StoreDirectory
    let bootID: String

    /// How long a step waits for another process's, which takes milliseconds.
    public static let patience = Duration.seconds(5)

    /// Opens the store, and makes it where there is none.
    ///
    /// - Throws: `.storeFailed` where it is not this user's alone.
    public convenience init(path: String, hook: StoreHook? = nil) throws(EngineError) {
        try self.init(path: path, owner: effectiveUID(), isForeign: false, hook: hook)
    }

    private init(path: String, owner: UInt32, isForeign: Bool, hook: StoreHook?) throws(EngineError) {
        let makes = !isForeign
        guard let top = try StoreDirectory.root(path, owner: owner, makes: makes, hook: hook),
            let sandboxes = try top.directory("sandboxes", owner: owner, makes: makes),
            let names = try top.directory("names", owner: owner, makes: makes)
        else { throw EngineError(.storeFailed, "use \(path): no sandboxes are kept there") }
        self.path = path
        self.owner = owner
        self.isForeign = isForeign
        self.top = top
        self.sandboxes = sandboxes
        self.names = names
        bootID = try keeping("read the machine's boot id") { () throws(SystemError) in try currentBootID() }
    }

    /// Where this user's store is: `MARTINET_STATE_DIR`, or /run/martinet for root and `$XDG_RUNTIME_DIR/martinet` for
    /// others. Never below the home directory, which an agent may be shown.
    ///
    /// - Throws: `.unavailable` where the environment does not say.
    public static func defaultPath(_ environment: [String: String]) throws(EngineError) -> String {
        if let path = environment["MARTINET_STATE_DIR"] {
            guard path.hasPrefix("/") else {
                throw EngineError(.unavailable, "MARTINET_STATE_DIR=\(path): not an absolute path")
            }
            return path
        }
        if effectiveUID() == 0 { return "/run/martinet" }
        guard let runtime = environment["XDG_RUNTIME_DIR"], runtime.hasPrefix("/") else {
            throw EngineError(
                .unavailable, "find where sandboxes are kept: XDG_RUNTIME_DIR is not set",
                hint: "a login through systemd sets it: export XDG_RUNTIME_DIR=/run/user/\(effectiveUID()); without "
                    + "systemd, MARTINET_STATE_DIR names a directory of your own")
        }
        return "\(runtime)/martinet"
    }

    /// The other users' stores that there are, for root to look at: `/run/user/UID/martinet`.
    public static func foreign() -> [SandboxStore] {
        guard effectiveUID() == 0, let users = try? open("/run/user", [.directory]),
            let found = try? entries(of: users)
        else { return [] }
        return found.compactMap { entry in
            guard let uid = UInt32(entry.name), uid != 0, "\(uid)" == entry.name else { return nil }
            return try? SandboxStore(path: "/run/user/\(uid)/martinet", owner: uid, isForeign: true, hook: nil)
        }.sorted { $0.owner < $1.owner }
    }

    /// Writes a new sandbox down, in the state `created`, and claims its name.
    ///
    /// - Parameter configure: what else is to be written down: labels, whether it removes itself, and so on.
    /// - Throws: `.nameTaken`, `.invalidSpec` where the spec is too large to be kept, `.storeFailed`; nothing is left then.
    public func create(
        _ spec: SandboxSpec, configure: (inout SandboxStatus) -> Void = { _ in }
    ) throws(EngineError) -> StoredSandbox {
        let text = Array(spec.json.utf8)
        guard text.count <= SpecNode.maximumBytes else {
            throw EngineError(.invalidSpec, "keep the spec: \(text.count) bytes of JSON are more than 1 MiB")
        }
        let id = try keeping("choose an id") { () throws(SystemError) in try SandboxID.random() }
        var status = SandboxStatus(id: id, spec: spec, created: .now(), bootID: bootID)
        configure(&status)
        let record = try Self.encode(status)
        let sandbox = StoredSandbox(store: self, id: id)
        // A directory without a status is one that is being made while this lock is held, and a left one otherwise.
        try whileNamesAreLocked { () throws(EngineError) in
            if let name = status.name { try requireFree(name) }
            do throws(EngineError) {
                try keeping("make \(sandbox.path)") { () throws(SystemError) in
                    try sandboxes.makeDirectory(id.text)
                }
                let directory = try sandbox.open()
                try keeping("write the status of \(id)") { () throws(SystemError) in
                    try directory.replace("spec.json", text)
                    try directory.replace("status.json", record)
                }
                if let name = status.name { try claim(name, for: id) }
            } catch {
                try? sandbox.removeFiles()
                throw error
            }
        }
        try? announce(SandboxEvent(.created, status, at: status.created))
        return sandbox
    }

    static func encode(_ status: SandboxStatus) throws(EngineError) -> [UInt8] {
        let bytes = Array(status.node.jsonText.utf8)
        guard bytes.count <= SpecNode.maximumBytes else {
            throw EngineError(.storeFailed, "keep the status of \(status.id): its labels are more than 1 MiB")
        }
        return bytes
    }

    /// Every sandbox by its id, in no order: what there is, whatever state it is in.
    public func all() throws(EngineError) -> [StoredSandbox] {
        let names = try keeping("list \(sandboxes.path)") { () throws(SystemError) in try sandboxes.names() }
        return names.compactMap { SandboxID($0.name) }.map { StoredSandbox(store: self, id: $0) }
    }

    /// Looks at every sandbox, newest first, and settles what has ended; see `StoredSandbox.look`.
    public func list() throws(EngineError) -> [SandboxEntry] {
        let machine = MachineState(bootID: bootID)
        var entries: [SandboxEntry] = []
        for sandbox in try all() {
            // One that goes meanwhile is none; one that cannot be looked at must not hide the others.
            do throws(EngineError) {
                if let entry = try sandbox.look(machine) { entries.append(entry) }
            } catch where error.code == .unknownSandbox {
            } catch {
                entries.append(
                    SandboxEntry(sandbox: sandbox, status: sandbox.status, state: .dead, problem: error.message))
            }
        }
        return entries.sorted {
            let (a, b) = ($0.status?.created.nanoseconds ?? .min, $1.status?.created.nanoseconds ?? .min)
            return a == b ? $0.sandbox.id.text < $1.sandbox.id.text : a > b
        }
    }
}
