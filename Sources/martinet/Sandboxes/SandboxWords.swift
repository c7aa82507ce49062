// SPDX-License-Identifier: Apache-2.0
import Engine
import LinuxKernel
import SandboxSpec

/// A sandbox in the words of lists, which are Docker's.
struct SandboxWords {
    let entry: SandboxEntry
    let now: Timestamp

    /// `Up 5 minutes`, `Exited (3) 2 hours ago`
    var status: String {
        let since = entry.status.flatMap { status in
            (status.ended ?? status.started).map { Self.span(now.since($0)) }
        }
        switch entry.state {
        case .created: return "Created"
        case .starting: return "Starting"
        case .running: return "Up \(since ?? "")"
        case .paused: return "Up \(since ?? "") (Paused)"
        case .exited: return "Exited (\(exitStatus ?? "?"))" + (since.map { " \($0) ago" } ?? "")
        case .dead: return "Dead"
        case .gone: return "Gone"
        }
    }

    var exitStatus: String? {
        guard case .map(let entries)? = entry.status?.verdict?.value,
            case .number(let text)? = entries.first(where: { $0.key == "exit-status" })?.value.value
        else { return nil }
        return text
    }

    /// The command in quotes, at most so many characters of it.
    func command(_ limit: Int?) -> String {
        let text = (entry.status?.command ?? []).joined(separator: " ")
        guard let limit, text.count > limit else { return "\"\(text)\"" }
        return "\"\(text.prefix(limit - 1))…\""
    }

    var age: String { entry.status.map { "\(Self.span(now.since($0.created))) ago" } ?? "" }

    var labels: String {
        (entry.status?.labels ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
    }

    /// What `--format` can name, and JSON shows.
    func node(isCut: Bool) -> SpecNode {
        let status = entry.status
        func text(_ value: String?) -> SpecNode { SpecNode(value.map { .string($0) } ?? .null) }
        func number(_ value: (some BinaryInteger)?) -> SpecNode { SpecNode(value.map { .number("\($0)") } ?? .null) }
        let id = entry.sandbox.id
        let fields: [(String, SpecNode)] = [
            ("ID", text(isCut ? id.short : id.text)), ("Name", text(entry.displayName)),
            ("Names", text(entry.displayName)), ("Command", text(command(isCut ? 20 : nil))),
            ("CreatedAt", text(status?.created.description)), ("RunningFor", text(age)),
            ("StartedAt", text(status?.started?.description)), ("EndedAt", text(status?.ended?.description)),
            ("State", text(entry.state.rawValue)), ("Status", text(self.status)), ("Labels", text(labels)),
            ("ExitCode", SpecNode(exitStatus.map { .number($0) } ?? .null)), ("Pid", number(status?.initProcess?.pid)),
            ("User", text(status?.user)), ("Rootfs", text(status?.rootfs)),
            ("Owner", number(entry.sandbox.store.owner)), ("Problem", text(entry.problem)),
        ]
        return SpecNode(.map(fields.map { SpecNode.Entry(key: $0.0, value: $0.1) }))
    }

    /// About how long: `5 seconds`, `3 minutes`, `2 days`.
    static func span(_ duration: Duration) -> String {
        let seconds = max(0, duration.components.seconds)
        let units: [(Int64, String, Int64)] = [
            (1, "second", 60), (60, "minute", 60), (3600, "hour", 48), (86_400, "day", 14), (604_800, "week", 9),
            (2_592_000, "month", 24), (31_536_000, "year", .max),
        ]
        for (scale, name, end) in units where seconds / scale < end {
            let count = seconds / scale
            return "\(count) \(name)\(count == 1 ? "" : "s")"
        }
        return "an age"
    }
}
