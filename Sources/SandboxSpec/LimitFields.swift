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
            "memory-high", in: "limits", metavar: "SIZE|max",
            "Memory above which the agent is slowed down and its pages reclaimed (cgroup v2)", .sizeLimit,
            .text(
                set: { (spec, text) throws(SpecError) in
                    spec.limits.memoryHigh = text == "max" ? .max : .value(try ByteCount(text))
                },
                get: { text($0.limits.memoryHigh) })),
        SpecField(
            "cpus", in: "limits", metavar: "NUMBER|max", "CPU time, in CPUs: 0.5 is half of one", .cpus,
            .text(
                set: { (spec, text) throws(SpecError) in
                    spec.limits.cpus = text == "max" ? .max : .value(try CPUCount(text))
                },
                get: { text($0.limits.cpus) })),
        SpecField(
            "cpu-weight", in: "limits", metavar: "1-10000", "Share of busy CPUs against other sandboxes (100)",
            .number(1, 10_000),
            .text(
                set: { (spec, text) throws(SpecError) in
                    spec.limits.cpuWeight = UInt64(try boundedNumber(text, 1...10_000, "a weight"))
                },
                get: { $0.limits.cpuWeight.map(String.init) })),
        SpecField(
            "cpuset", in: "limits", aliases: ["cpuset-cpus"], metavar: "LIST", "The CPUs to run on, as 0-3,5",
            .numberList,
            .text(
                set: { (spec, text) throws(SpecError) in spec.limits.cpuset = try NumberList(text) },
                get: { $0.limits.cpuset?.description })),
        SpecField(
            "cpuset-mems", in: "limits", metavar: "LIST", "The NUMA nodes to take memory from, as 0-1", .numberList,
            .text(
                set: { (spec, text) throws(SpecError) in spec.limits.memoryNodes = try NumberList(text) },
                get: { $0.limits.memoryNodes?.description })),
        SpecField(
            "cpu-time", in: "limits", metavar: "DURATION",
            "CPU time of all processes together, as 2s; then all are killed",
            .duration,
            .text(
                set: { (spec, text) throws(SpecError) in spec.limits.cpuTime = try DurationText.parse(text) },
                get: { $0.limits.cpuTime.map(DurationText.print) })),
        SpecField(
            "nice", in: "limits", metavar: "-20-19", "Nice value of the agent (0); below the caller's takes root",
            .number(-20, 19),
            .text(
                set: { (spec, text) throws(SpecError) in
                    spec.limits.nice = Int32(try boundedNumber(text, -20...19, "a nice value"))
                },
                get: { $0.limits.nice.map(String.init) })),
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
            "inodes", in: "limits", metavar: "NUMBER", "Files and directories in what is writable in memory",
            .wholeCount,
            .text(
                set: { (spec, text) throws(SpecError) in
                    guard let count = plainNumber(Substring(text)) else {
                        throw SpecError("\(text.quoted) is not a number of files; write 100000")
                    }
                    spec.limits.inodes = count
                },
                get: { $0.limits.inodes.map(String.init) })),
        SpecField(
            "output", in: "limits", metavar: "SIZE", "Bytes of standard output and error together; then all are killed",
            .size,
            .text(
                set: { (spec, text) throws(SpecError) in spec.limits.output = try ByteCount(text) },
                get: { $0.limits.output?.description })),
        io(
            "io-read", "device-read-bps", "Bytes a second read from a block device (or the one below a path)",
            \.readBytes),
        io("io-write", "device-write-bps", "Bytes a second written to a block device", \.writeBytes),
        io("io-read-ops", "device-read-iops", "Reads a second from a block device", \.readOperations),
        io("io-write-ops", "device-write-iops", "Writes a second to a block device", \.writeOperations),
        SpecField(
            "io-weight", in: "limits", metavar: "1-10000", "Share of busy block devices against other sandboxes (100)",
            .number(1, 10_000),
            .text(
                set: { (spec, text) throws(SpecError) in
                    spec.limits.ioWeight = UInt64(try boundedNumber(text, 1...10_000, "a weight"))
                },
                get: { $0.limits.ioWeight.map(String.init) })),
        SpecField(
            "hugetlb", in: "limits", metavar: "PAGESIZE:SIZE", "Memory in huge pages of one size, as 2MiB:64MiB",
            .hugePages,
            .list(
                add: { (spec, text) throws(SpecError) in spec.limits.hugePages.append(try HugePages(text)) },
                get: { $0.limits.hugePages.map(\.description) })),
        SpecField(
            "oom-score-adj", in: "limits", metavar: "-1000-1000",
            "Whom the kernel kills first when the machine has no memory left (500); below the caller's takes root",
            .number(-1000, 1000),
            .text(
                set: { (spec, text) throws(SpecError) in
                    spec.limits.oomScoreAdjustment = Int32(try boundedNumber(text, -1000...1000, "an OOM score"))
                },
                get: { $0.limits.oomScoreAdjustment.map(String.init) })),
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

    /// A rate for one block device, given several times for several devices.
    private static func io(
        _ key: String, _ alias: String, _ help: String, _ rates: WritableKeyPath<IORates, [DeviceRate]> & Sendable
    ) -> SpecField {
        SpecField(
            key, in: "limits", aliases: [alias], metavar: "PATH:RATE", help, .deviceRate,
            .list(
                add: { (spec, text) throws(SpecError) in
                    let rate = try DeviceRate(text)
                    guard !spec.limits.io[keyPath: rates].contains(where: { $0.path == rate.path }) else {
                        throw SpecError("\(rate.path.quoted) is given twice")
                    }
                    spec.limits.io[keyPath: rates].append(rate)
                },
                get: { $0.limits.io[keyPath: rates].map(\.description) }))
    }

    private static func text<Value: CustomStringConvertible>(_ limit: LimitValue<Value>?) -> String? {
        switch limit {
        case nil: nil
        case .max: "max"
        case .value(let value): value.description
        }
    }
}
