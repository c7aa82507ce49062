// SPDX-License-Identifier: Apache-2.0

extension SpecField {
    /// How much of the machine the agent may use: the section `limits` of a document.
    static let limits: [SpecField] = [
        SpecField(
            "memory", in: "limits", short: "m", metavar: "SIZE|max", "Memory, as 512MiB", .sizeLimit,
            .text(
                set: { (spec, text) throws(SpecError) in
                    spec.limits.memory = text == "max" ? .max : .value(try ByteCount(text))
                },
                get: { text($0.limits.memory) })),
        SpecField(
            "swap", in: "limits", metavar: "SIZE|max", "Swap on top of memory (0)", .sizeLimit,
            .text(
                set: { (spec, text) throws(SpecError) in
                    spec.limits.swap = text == "max" ? .max : .value(try ByteCount(text))
                },
                get: { text($0.limits.swap) })),
        SpecField(
            "cpus", in: "limits", metavar: "NUMBER|max", "CPU time, in CPUs: 0.5 is half of one", .cpus,
            .text(
                set: { (spec, text) throws(SpecError) in
                    spec.limits.cpus = text == "max" ? .max : .value(try CPUCount(text))
                },
                get: { text($0.limits.cpus) })),
        SpecField(
            "pids", in: "limits", metavar: "NUMBER|max", "Processes and threads alive at once", .count,
            .text(
                set: { (spec, text) throws(SpecError) in
                    guard let count = plainNumber(Substring(text)) else {
                        guard text == "max" else {
                            throw SpecError("\(text.quoted) is not a number of processes; write 32 or max")
                        }
                        spec.limits.pids = .max
                        return
                    }
                    spec.limits.pids = .value(count)
                },
                get: { text($0.limits.pids) })),
        SpecField(
            "timeout", in: "limits", metavar: "DURATION", "Wall-clock time, as 10s; then everything is killed",
            .duration,
            .text(
                set: { (spec, text) throws(SpecError) in spec.limits.timeout = try DurationText.parse(text) },
                get: { $0.limits.timeout.map(DurationText.print) })),
        SpecField(
            "disk", in: "limits", metavar: "SIZE", "Size of what is writable in memory", .size,
            .text(
                set: { (spec, text) throws(SpecError) in spec.limits.disk = try ByteCount(text) },
                get: { $0.limits.disk?.description })),
        SpecField(
            "rlimit", in: "limits", aliases: ["ulimit"], metavar: "NAME=SOFT[:HARD]",
            "A limit of each process, as nofile=1024", .resource,
            .map(
                keys: ResourceName.allCases.map(\.rawValue), takesNull: false,
                add: { (spec, name, value, _) throws(SpecError) in
                    guard let value else {
                        throw SpecError("\(name.quoted) is not a resource limit; write nofile=1024:4096")
                    }
                    spec.limits.rlimits.append(try ResourceLimit(name: name, value: value))
                },
                get: { $0.limits.rlimits.map { ($0.resource.rawValue, $0.valueText) } })),
    ]

    private static func text<Value: CustomStringConvertible>(_ limit: LimitValue<Value>?) -> String? {
        switch limit {
        case nil: nil
        case .max: "max"
        case .value(let value): value.description
        }
    }
}
