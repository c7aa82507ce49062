// SPDX-License-Identifier: Apache-2.0

/// Turns profiles into the bytes that `seccomp(SECCOMP_SET_MODE_FILTER)` takes: an array of `struct sock_filter`.
///
/// The code looks at the ABI, finds the call's number by binary search over ranges of calls that are decided alike, and
/// looks at arguments last. A call that is allowed whatever its arguments is thus decided by ABI and number alone, and
/// the kernel remembers that and does not run the filter for it again (Linux 5.11).
///
/// libseccomp only knows the names: its own compiler has no order of rules (decision 8), and its code for the default
/// profile is twice as long (decision 11).
public enum SeccompCompiler {
    /// Stands for the output of this compiler: part of every cache key, so that no filter of an older one is used.
    /// A test computes it from a compiled probe and prints the new value when the output has changed.
    public static let revision: UInt64 = 0x96d7_b05a_6115_23da

    /// The kernel's limit on one filter (BPF_MAXINSNS).
    public static let maximumInstructions = 4096

    /// Compiles a profile. See `SeccompCache` for why not to do it at every launch.
    ///
    /// - Returns: instructions of 8 bytes each, in the machine's byte order.
    /// - Throws: `.unknownSystemCall`, `.invalidRule`, `.filterTooLarge`.
    public static func compile(_ profile: SeccompProfile) throws(ConfinementError) -> [UInt8] {
        try program(for: profile).bytes
    }

    /// The same as a value that can be asked.
    public static func program(for profile: SeccompProfile) throws(ConfinementError) -> FilterProgram {
        try profile.validate()
        var graph = FilterGraph()
        var start = graph.answer(profile.foreignArchitectureAction.filterValue)
        // The first architecture, which is nearly always the only one, is looked for first.
        for token in try tokens(of: profile).reversed() {
            let calls = try calls(of: profile, token, in: &graph)
            start = graph.test(.jumpIfEqual, token, yes: calls, no: start)
        }
        start = graph.load(architectureOffset, then: start)
        let code = graph.code(from: start)
        guard code.count <= maximumInstructions else {
            throw ConfinementError(
                .filterTooLarge, subject: "\(code.count) instructions",
                hint: "the kernel takes \(maximumInstructions); use fewer conditional rules")
        }
        return try FilterProgram(code)
    }

    private static let numberOffset: UInt32 = 0
    private static let architectureOffset: UInt32 = 4
    /// __X32_SYSCALL_BIT: an x32 call has x86_64's token and this bit in its number. asm/unistd.h
    private static let x32Bit: UInt32 = 0x4000_0000

    /// The kernel's values of `seccomp_data.arch`, in the profile's order, each once.
    private static func tokens(of profile: SeccompProfile) throws(ConfinementError) -> [UInt32] {
        var tokens: [UInt32] = []
        for architecture in profile.architectures where !tokens.contains(architecture.auditToken) {
            tokens.append(architecture.auditToken)
        }
        return tokens
    }

    /// The code for all calls that carry a token.
    private static func calls(
        of profile: SeccompProfile, _ token: UInt32, in graph: inout FilterGraph
    ) throws(ConfinementError) -> FilterGraph.ID {
        let foreign = graph.answer(profile.foreignArchitectureAction.filterValue)
        func table(
            _ architecture: SeccompProfile.Architecture, _ graph: inout FilterGraph
        ) throws(ConfinementError) -> FilterGraph.ID {
            guard profile.architectures.contains(architecture) else { return foreign }
            let ranges = try CallTable(profile, architecture).ranges
            return search(ranges[...], in: &graph)
        }
        guard token == SeccompProfile.Architecture.x86_64.token else {
            guard let architecture = profile.architectures.first(where: { $0.token == token }) else { return foreign }
            let calls = try table(architecture, &graph)
            return graph.load(numberOffset, then: calls)
        }
        let x32 = try table(.x32, &graph)
        let native = try table(.x86_64, &graph)
        let either = graph.test(.jumpIfGreaterOrEqual, x32Bit, yes: x32, no: native)
        return graph.load(numberOffset, then: either)
    }

    /// A binary search for the range that the number in the accumulator is in.
    private static func search(_ ranges: ArraySlice<CallTable.Range>, in graph: inout FilterGraph) -> FilterGraph.ID {
        let first = ranges.startIndex
        if ranges.count == 1 { return decide(ranges[first], in: &graph) }
        // One number amid others that are decided alike: one comparison in place of two.
        if ranges.count == 3, ranges[first].decidesLike(ranges[first + 2]),
            ranges[first + 1].start + 1 == ranges[first + 2].start
        {
            let around = decide(ranges[first], in: &graph)
            let amid = decide(ranges[first + 1], in: &graph)
            return graph.test(.jumpIfEqual, ranges[first + 1].start, yes: amid, no: around)
        }
        let middle = first + ranges.count / 2
        let below = search(ranges[..<middle], in: &graph)
        let above = search(ranges[middle...], in: &graph)
        return graph.test(.jumpIfGreaterOrEqual, ranges[middle].start, yes: above, no: below)
    }

    private static func decide(_ range: CallTable.Range, in graph: inout FilterGraph) -> FilterGraph.ID {
        graph.decide(range.alternatives, otherwise: range.fallback)
    }
}
