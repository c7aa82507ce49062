// SPDX-License-Identifier: Apache-2.0
import SandboxSpec

/// Something that happened to a sandbox: a line of the store's `events.jsonl`.
public struct SandboxEvent: Sendable, Equatable {
    public enum Kind: String, Sendable, CaseIterable {
        case created, started, exec, paused, resumed
        /// The kernel ended it for memory.
        case oom
        /// A limit other than memory's ended it, or was met where it failed.
        case limit
        /// What it tried was refused.
        case denied
        /// It ended, with a verdict.
        case exited
        /// It ended without one: init, or whoever was starting it, was killed, or the machine was started anew.
        case killed
        case removed, renamed
    }

    public var time: Timestamp
    public var kind: Kind
    public var id: SandboxID
    /// As lists show it.
    public var name: String
    /// What else is to be said, as texts: `exit-status`, `limit`, `old-name` …
    public var attributes: [String: String]
    public var labels: [String: String]

    public init(
        _ kind: Kind, _ status: SandboxStatus, at time: Timestamp = .now(), attributes: [String: String] = [:]
    ) {
        self.time = time
        self.kind = kind
        self.id = status.id
        name = status.displayName
        self.attributes = attributes
        labels = status.labels
    }

    /// About a sandbox of which only the id is known.
    init(_ kind: Kind, id: SandboxID) {
        time = .now()
        self.kind = kind
        self.id = id
        name = id.short
        attributes = [:]
        labels = [:]
    }

    /// What there is to tell of an end: the limit that was met, and the end. Their times are the end's own, so that they
    /// are known again.
    static func ofEnd(_ status: SandboxStatus) -> [SandboxEvent] {
        let time = status.ended ?? status.created
        if let loss = status.loss {
            return [SandboxEvent(.killed, status, at: time, attributes: ["loss": loss.rawValue])]
        }
        var attributes: [String: String] = [:]
        for key in ["exit-status", "exit-code", "signal", "limit"] {
            switch status.verdict?[key]?.value {
            case .string(let text), .number(let text): attributes[key] = text
            default: break
            }
        }
        let exited = SandboxEvent(.exited, status, at: time, attributes: attributes)
        guard let limit = attributes["limit"] else { return [exited] }
        let kind: Kind = limit == "memory" ? .oom : .limit
        return [SandboxEvent(kind, status, at: time, attributes: ["limit": limit]), exited]
    }

    /// One JSON object on one line, ended by a line feed.
    public var line: String { node.jsonLine + "\n" }

    public var node: SpecNode {
        SpecNode([
            "time": SpecNode(time.description), "event": SpecNode(kind.rawValue), "id": SpecNode(id.text),
            "name": SpecNode(name), "attributes": Self.map(attributes), "labels": Self.map(labels),
        ])
    }

    /// Reads a line strictly.
    public init(json: [UInt8]) throws(SpecError) {
        var fields = try RecordFields(SpecNode(json: json))
        time = try fields.required("time") { (node) throws(SpecError) in try node.timestamp() }
        kind = try fields.required("event") { (node) throws(SpecError) in try node.word() }
        id = try fields.required("id") { (node) throws(SpecError) in
            let text = try node.string()
            guard let id = SandboxID(text) else { throw SpecError("\(text.quoted) is not an id") }
            return id
        }
        name = try fields.required("name") { (node) throws(SpecError) in try node.string() }
        attributes = try fields.required("attributes") { (node) throws(SpecError) in try Self.texts(node) }
        labels = try fields.required("labels") { (node) throws(SpecError) in try Self.texts(node) }
        try fields.requireEnd()
    }

    private static func map(_ texts: [String: String]) -> SpecNode {
        SpecNode(.map(texts.keys.sorted().map { SpecNode.Entry(key: $0, value: SpecNode(texts[$0])) }))
    }

    private static func texts(_ node: SpecNode) throws(SpecError) -> [String: String] {
        var texts: [String: String] = [:]
        for entry in try node.map() {
            do throws(SpecError) { texts[entry.key] = try entry.value.string() } catch {
                throw error.within(entry.key.quoted)
            }
        }
        return texts
    }
}

extension SpecNode {
    /// What stands under a key of a map; `nil` where nothing does, and for what is no map.
    subscript(key: String) -> SpecNode? {
        guard case .map(let entries) = value else { return nil }
        return entries.first { $0.key == key }?.value
    }
}
