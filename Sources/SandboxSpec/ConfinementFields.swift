// SPDX-License-Identifier: Apache-2.0

extension SpecField {
    /// What the agent may ask of the kernel, and which namespaces it is in.
    static let confinement: [SpecField] = [
        SpecField(
            "cap", aliases: ["cap-add"], metavar: "CAPABILITY", "A capability the agent keeps (none)", .capability,
            .list(
                add: { (spec, text) throws(SpecError) in spec.capabilities.append(try CapabilityName(text)) },
                get: { $0.capabilities.map(\.description) })),
        SpecField(
            "seccomp", metavar: "PROFILE",
            "The system-call filter: default, strict, unconfined, or a JSON file of Docker's form (default)", .seccomp,
            .text(
                set: { (spec, text) throws(SpecError) in spec.seccomp = try SeccompProfileReference(text) },
                get: { $0.seccomp == .default ? nil : $0.seccomp.text })),
        SpecField(
            "landlock", metavar: "auto|off|ABI", "Landlock around the agent: as far as it goes, or at least ABI (auto)",
            .landlock,
            .text(
                set: { (spec, text) throws(SpecError) in spec.landlock = try LandlockMode(text) },
                get: { $0.landlock == .auto ? nil : $0.landlock.text })),
        SpecField(
            "isolation", metavar: "namespaces|landlock",
            "What keeps the agent apart; landlock is for hosts without user namespaces (namespaces)",
            .choice(["namespaces", "landlock"]),
            .text(
                set: { (spec, text) throws(SpecError) in spec.isolation = try Isolation(named: text) },
                get: { $0.isolation == .namespaces ? nil : $0.isolation.rawValue })),
        SpecField(
            "audit", "Report what was denied, with its arguments", .switched,
            .boolean(flagMeans: true, set: { $0.audit = $1 }, get: { $0.audit ? true : nil })),
        SpecField(
            "net", aliases: ["network"], metavar: "none|host", "The network: loopback only, or the host's (none)",
            .choice(["none", "host"]),
            .text(
                set: { (spec, text) throws(SpecError) in spec.network = try NetworkMode(named: text) },
                get: { $0.network == .none ? nil : $0.network.rawValue })),
        SpecField(
            "join", metavar: "TYPE=PATH", "Join a namespace (net, ipc, uts, cgroup, user) instead of making one",
            .hostPath,
            .map(
                keys: ["net", "ipc", "uts", "cgroup", "user"], takesNull: false,
                add: { (spec, name, value, _) throws(SpecError) in
                    guard let value else {
                        throw SpecError("\(name.quoted) is not a namespace; write net=/proc/PID/ns/net")
                    }
                    spec.join.append(try NamespaceJoin(type: name, path: value))
                },
                get: { $0.join.map { ($0.type.rawValue, $0.path) } })),
        SpecField(
            "time-offset", metavar: "CLOCK=DURATION", "Set the clock monotonic or boottime forward, or with - back",
            .offset,
            .map(
                keys: ["monotonic", "boottime"], takesNull: false,
                add: { (spec, name, value, _) throws(SpecError) in
                    guard let value else { throw SpecError("\(name.quoted) has no offset; write monotonic=1h") }
                    switch name {
                    case "monotonic":
                        spec.timeOffsets.monotonic = try DurationText.parse(value, allowsNegative: true)
                    case "boottime":
                        spec.timeOffsets.boottime = try DurationText.parse(value, allowsNegative: true)
                    default:
                        let near = suggestion(for: name, among: ["monotonic", "boottime"])
                        throw SpecError(
                            "\(name.quoted) is not a clock with an offset; write monotonic or boottime\(near)")
                    }
                },
                get: { spec in
                    [("monotonic", spec.timeOffsets.monotonic), ("boottime", spec.timeOffsets.boottime)]
                        .compactMap { name, offset in offset.map { (name, DurationText.print($0)) } }
                })),
        SpecField(
            "waive", metavar: "limits", "What may be missing without an error", .choice(["limits"]),
            .list(
                add: { (spec, text) throws(SpecError) in spec.waive.insert(try Waiver(named: text)) },
                get: { $0.waive.map(\.rawValue).sorted() })),
    ]
}
