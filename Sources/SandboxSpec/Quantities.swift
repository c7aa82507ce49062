// SPDX-License-Identifier: Apache-2.0

/// A number of bytes.
public struct ByteCount: Sendable, Hashable, Comparable, CustomStringConvertible {
    public let bytes: UInt64
    public init(bytes: UInt64) { self.bytes = bytes }

    private static let binary: [(String, UInt64)] = [
        ("PiB", 1 << 50), ("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10),
    ]
    private static let units: [(String, UInt64)] =
        binary + [
            ("PB", 1_000_000_000_000_000), ("TB", 1_000_000_000_000), ("GB", 1_000_000_000), ("MB", 1_000_000),
            ("kB", 1000), ("KB", 1000),
            // As Docker and systemd read them.
            ("P", 1 << 50), ("T", 1 << 40), ("G", 1 << 30), ("M", 1 << 20), ("K", 1 << 10),
            ("t", 1 << 40), ("g", 1 << 30), ("m", 1 << 20), ("k", 1 << 10), ("b", 1), ("B", 1), ("", 1),
        ]

    /// Reads `512MiB`, `1.5GiB`, `100MB`, `512m` (as Docker: 1,024 each) or plain bytes.
    public init(_ text: String) throws(SpecError) {
        let number = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        let unit = text.dropFirst(number.count)
        // Half a byte is a forgotten unit.
        guard let scale = Self.units.first(where: { $0.0 == unit })?.1, let value = Self.scaled(number, by: scale),
            scale > 1 || !number.contains(".")
        else {
            throw SpecError("\(text.quoted) is not a size; write 512MiB")
        }
        bytes = value
    }

    /// A decimal fraction times a scale, exactly; `nil` for what is not a number or does not fit.
    static func scaled(_ text: Substring, by scale: UInt64) -> UInt64? {
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard let whole = plainNumber(parts[0]) else { return nil }
        let (product, overflow) = whole.multipliedReportingOverflow(by: scale)
        guard !overflow else { return nil }
        guard parts.count == 2 else { return product }
        guard let fraction = plainNumber(parts[1]), parts[1].utf8.count <= 9 else { return nil }
        var divisor: UInt64 = 1
        for _ in 0..<parts[1].utf8.count { divisor *= 10 }
        let (high, low) = fraction.multipliedFullWidth(by: scale)
        let (sum, overflowed) = product.addingReportingOverflow(divisor.dividingFullWidth((high, low)).quotient)
        return overflowed ? nil : sum
    }

    public static func < (a: ByteCount, b: ByteCount) -> Bool { a.bytes < b.bytes }

    /// The shortest exact form: `512MiB`, `1000`.
    public var description: String {
        for (unit, scale) in Self.binary where bytes >= scale && bytes % scale == 0 { return "\(bytes / scale)\(unit)" }
        return "\(bytes)"
    }
}

/// A share of CPUs, in thousandths: 500 is half of one CPU.
public struct CPUCount: Sendable, Hashable, CustomStringConvertible {
    public let milli: UInt64
    public init(milli: UInt64) { self.milli = milli }

    /// Reads `0.5` or `2`: above 0, at most three decimals, at most 8,192.
    public init(_ text: String) throws(SpecError) {
        let decimals = text.split(separator: ".", maxSplits: 1).dropFirst().first?.utf8.count ?? 0
        guard decimals <= 3, let value = ByteCount.scaled(Substring(text), by: 1000), value >= 10, value <= 8_192_000
        else {
            throw SpecError("\(text.quoted) is not a number of CPUs; write 0.5 or 2 (from 0.01, three decimals)")
        }
        milli = value
    }

    public var description: String {
        guard milli % 1000 != 0 else { return "\(milli / 1000)" }
        var fraction = String(milli % 1000)
        while fraction.utf8.count < 3 { fraction = "0" + fraction }
        while fraction.hasSuffix("0") { fraction.removeLast() }
        return "\(milli / 1000).\(fraction)"
    }
}

/// A limit that may be lifted by name.
public enum LimitValue<Value: Sendable & Hashable>: Sendable, Hashable {
    case max
    case value(Value)

    public var value: Value? {
        switch self {
        case .max: nil
        case .value(let value): value
        }
    }
}

/// Reading and writing spans of time as people write them: `10s`, `500ms`, `1m30s`, `1.5h`, and `-5s` where a field may go
/// back.
public enum DurationText {
    private static let units: [(String, UInt64)] = [
        ("ns", 1), ("us", 1000), ("ms", 1_000_000), ("s", 1_000_000_000), ("m", 60_000_000_000),
        ("h", 3_600_000_000_000), ("d", 86_400_000_000_000),
    ]

    public static func parse(_ text: String, allowsNegative: Bool = false) throws(SpecError) -> Duration {
        let failure = SpecError(
            plainNumber(Substring(text)) != nil
                ? "\(text.quoted) has no unit; write \(text)s for seconds"
                : "\(text.quoted) is not a duration; write 10s")
        var rest = Substring(text)
        let negative = allowsNegative && rest.hasPrefix("-")
        if negative { rest = rest.dropFirst() }
        guard !rest.isEmpty else { throw failure }
        var total: UInt64 = 0
        while !rest.isEmpty {
            let number = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
            rest = rest.dropFirst(number.count)
            let unit = rest.prefix { $0.isASCII && $0.isLetter }
            rest = rest.dropFirst(unit.count)
            guard let scale = units.first(where: { $0.0 == unit })?.1, let value = ByteCount.scaled(number, by: scale)
            else {
                throw failure
            }
            let (sum, overflow) = total.addingReportingOverflow(value)
            guard !overflow, sum <= UInt64(Int64.max) else { throw failure }
            total = sum
        }
        return .nanoseconds(negative ? -Int64(total) : Int64(total))
    }

    /// The shortest exact form: `1m30s`.
    public static func print(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let negative = seconds < 0 || attoseconds < 0
        var rest = UInt64(seconds.magnitude) * 1_000_000_000 + UInt64(attoseconds.magnitude / 1_000_000_000)
        if rest == 0 { return "0s" }
        var text = negative ? "-" : ""
        for (unit, scale) in units.reversed() where rest >= scale {
            text += "\(rest / scale)\(unit)"
            rest %= scale
        }
        return text
    }
}
