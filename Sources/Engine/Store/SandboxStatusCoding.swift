// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import SandboxSpec
import Storage

extension SandboxStatus {
    /// The record as it is written. Every key is always there; what is not known is null.
    public var node: SpecNode {
        SpecNode([
            "version": SpecNode(Self.version), "id": SpecNode(id.text), "name": SpecNode(name?.text),
            "phase": SpecNode(phase.rawValue), "created": SpecNode(created.description),
            "started": SpecNode(started?.description), "ended": SpecNode(ended?.description),
            "boot-id": SpecNode(bootID), "init": initProcess?.node ?? SpecNode(.null), "agent-pid": SpecNode(agentPID),
            "cgroups": SpecNode(cgroups), "placeholders": placeholders?.node ?? SpecNode(.null),
            "confinement": confinement?.node ?? SpecNode(.null), "command": SpecNode(command),
            "labels": Self.node(of: labels), "remove": SpecNode(removesItself),
            "restart": SpecNode(restart.description), "user": SpecNode(user), "rootfs": SpecNode(rootfs),
            "log-capacity": SpecNode(logCapacity), "verdict": verdict ?? SpecNode(.null),
            "loss": SpecNode(loss?.rawValue), "settled": SpecNode(isSettled),
        ])
    }

    /// Reads a record strictly: of this version, with all of its keys and no other.
    ///
    /// - Throws: an error with the path of the field.
    public init(json: [UInt8]) throws(SpecError) {
        var fields = try RecordFields(SpecNode(json: json))
        let version: Int = try fields.required("version") { (node) throws(SpecError) in try node.whole() }
        guard version == Self.version else {
            throw SpecError("\(version) is not \(Self.version), this program's", path: "version")
        }
        let id = try fields.required("id") { (node) throws(SpecError) in
            let text = try node.string()
            guard let id = SandboxID(text) else { throw SpecError("\(text.quoted) is not an id") }
            return id
        }
        let command = try fields.required("command") { (node) throws(SpecError) in try node.strings() }
        let user = try fields.required("user") { (node) throws(SpecError) in try node.string() }
        let rootfs = try fields.required("rootfs") { (node) throws(SpecError) in try node.string() }
        let created = try fields.required("created") { (node) throws(SpecError) in try node.timestamp() }
        let bootID = try fields.required("boot-id") { (node) throws(SpecError) in try node.string() }
        self.init(id: id, command: command, user: user, rootfs: rootfs, created: created, bootID: bootID)
        name = try fields.optional("name") { (node) throws(SpecError) in try SandboxName(node.string()) }
        try readLife(&fields)
        try readBelongings(&fields)
        labels = try fields.required("labels") { (node) throws(SpecError) in try Self.labels(node) }
        removesItself = try fields.required("remove") { (node) throws(SpecError) in try node.boolean() }
        restart = try fields.required("restart") { (node) throws(SpecError) in try RestartPolicy(node.string()) }
        logCapacity = try fields.required("log-capacity") { (node) throws(SpecError) in try node.whole() }
        try fields.requireEnd()
    }

    private mutating func readLife(_ fields: inout RecordFields) throws(SpecError) {
        phase = try fields.required("phase") { (node) throws(SpecError) in try node.word() }
        started = try fields.optional("started") { (node) throws(SpecError) in try node.timestamp() }
        ended = try fields.optional("ended") { (node) throws(SpecError) in try node.timestamp() }
        initProcess = try fields.optional("init") { (node) throws(SpecError) in try ProcessIdentity(node) }
        agentPID = try fields.optional("agent-pid") { (node) throws(SpecError) in try node.whole() }
        verdict = try fields.optional("verdict") { (node) throws(SpecError) in
            _ = try node.map()
            return node
        }
        loss = try fields.optional("loss") { (node) throws(SpecError) in try node.word() }
        isSettled = try fields.required("settled") { (node) throws(SpecError) in try node.boolean() }
    }

    private mutating func readBelongings(_ fields: inout RecordFields) throws(SpecError) {
        cgroups = try fields.required("cgroups") { (node) throws(SpecError) in try node.strings() }
        placeholders = try fields.optional("placeholders") { (node) throws(SpecError) in try KeptPlaceholders(node) }
        confinement = try fields.optional("confinement") { (node) throws(SpecError) in try ConfinementLevel(node) }
    }

    private static func node(of labels: [String: String]) -> SpecNode {
        let keys = labels.keys.sorted()
        return SpecNode(.map(keys.map { SpecNode.Entry(key: $0, value: SpecNode(labels[$0])) }))
    }

    private static func labels(_ node: SpecNode) throws(SpecError) -> [String: String] {
        var labels: [String: String] = [:]
        for entry in try node.map() {
            do throws(SpecError) { labels[entry.key] = try entry.value.string() } catch {
                throw error.within(entry.key.quoted)
            }
        }
        return labels
    }
}

extension ProcessIdentity {
    var node: SpecNode { SpecNode(["pid": SpecNode(pid), "start-time": SpecNode(startTime)]) }

    init(_ node: SpecNode) throws(SpecError) {
        var fields = try RecordFields(node)
        let pid: Int32 = try fields.required("pid") { (node) throws(SpecError) in try node.whole() }
        guard pid > 0 else { throw SpecError("\(pid) is no process", path: "pid") }
        let startTime: UInt64 = try fields.required("start-time") { (node) throws(SpecError) in try node.whole() }
        try fields.requireEnd()
        self.init(pid: pid, startTime: startTime)
    }
}

extension KeptPlaceholders {
    var node: SpecNode {
        SpecNode([
            "directory": SpecNode(directory), "device": SpecNode(device), "inode": SpecNode(inode),
            "files": SpecNode(.list(files.map(\.node))),
        ])
    }

    init(_ node: SpecNode) throws(SpecError) {
        var fields = try RecordFields(node)
        directory = try fields.required("directory") { (node) throws(SpecError) in try node.string() }
        device = try fields.required("device") { (node) throws(SpecError) in try node.whole() }
        inode = try fields.required("inode") { (node) throws(SpecError) in try node.whole() }
        files = try fields.required("files") { (node) throws(SpecError) in
            try node.elements { (node) throws(SpecError) in try CreatedPlaceholder(node) }
        }
        try fields.requireEnd()
    }
}

extension CreatedPlaceholder {
    var node: SpecNode {
        SpecNode([
            "path": SpecNode(path), "device": SpecNode(device), "inode": SpecNode(inode),
            "is-directory": SpecNode(isDirectory), "size": SpecNode(size),
        ])
    }

    init(_ node: SpecNode) throws(SpecError) {
        var fields = try RecordFields(node)
        self.init(
            path: try fields.required("path") { (node) throws(SpecError) in try node.string() },
            device: try fields.required("device") { (node) throws(SpecError) in try node.whole() },
            inode: try fields.required("inode") { (node) throws(SpecError) in try node.whole() },
            isDirectory: try fields.required("is-directory") { (node) throws(SpecError) in try node.boolean() },
            size: try fields.required("size") { (node) throws(SpecError) in try node.whole() })
        try fields.requireEnd()
    }
}

extension ConfinementLevel {
    /// As it is kept: the words of reports, and those of messages beside them.
    var node: SpecNode {
        SpecNode([
            "isolation": SpecNode(isolation.rawValue), "namespaces": SpecNode(namespaces),
            "identity": SpecNode(identity), "capabilities": SpecNode(capabilities), "seccomp": SpecNode(seccomp),
            "landlock-abi": SpecNode(landlock), "landlock": SpecNode(landlockWords), "cgroups": SpecNode(cgroups),
            "missing": SpecNode(missing), "closed": SpecNode(closedWords),
        ])
    }

    init(_ node: SpecNode) throws(SpecError) {
        var fields = try RecordFields(node)
        self.init()
        isolation = try fields.required("isolation") { (node) throws(SpecError) in try node.word() }
        namespaces = try fields.required("namespaces") { (node) throws(SpecError) in try node.strings() }
        identity = try fields.required("identity") { (node) throws(SpecError) in try node.string() }
        capabilities = try fields.required("capabilities") { (node) throws(SpecError) in try node.strings() }
        seccomp = try fields.required("seccomp") { (node) throws(SpecError) in try node.string() }
        landlock = try fields.required("landlock-abi") { (node) throws(SpecError) in try node.whole() }
        landlockWords = try fields.required("landlock") { (node) throws(SpecError) in try node.string() }
        cgroups = try fields.required("cgroups") { (node) throws(SpecError) in try node.strings() }
        missing = try fields.required("missing") { (node) throws(SpecError) in try node.strings() }
        closedWords = try fields.optional("closed") { (node) throws(SpecError) in try node.string() }
        try fields.requireEnd()
    }
}
