// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import SandboxSpec

/// A moment, to the nanosecond: 1678 to 2262. Written as RFC 3339 has it, in UTC: `2026-03-01T12:00:00.000000001Z`.
public struct Timestamp: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// Since 1970.
    public let nanoseconds: Int64

    public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// clock_gettime(2), `CLOCK_REALTIME`
    public static func now() -> Timestamp { Timestamp(nanoseconds: realTimeNanoseconds()) }

    public static func < (a: Timestamp, b: Timestamp) -> Bool { a.nanoseconds < b.nanoseconds }

    /// The time that passed since another, zero if that is later: clocks are set back.
    public func since(_ earlier: Timestamp) -> Duration {
        let (difference, overflow) = nanoseconds.subtractingReportingOverflow(earlier.nanoseconds)
        return overflow || difference < 0 ? .zero : .nanoseconds(difference)
    }

    public var description: String {
        let day = 86_400 * 1_000_000_000 as Int64
        let days = nanoseconds >= 0 ? nanoseconds / day : (nanoseconds + 1) / day - 1
        // Not by a product, which would overflow on the first day of all.
        let remainder = nanoseconds % day
        let rest = remainder >= 0 ? remainder : remainder + day
        let (year, month, dayOfMonth) = Self.date(days)
        let seconds = rest / 1_000_000_000
        let date = "\(Self.padded(year, 4))-\(Self.padded(month, 2))-\(Self.padded(dayOfMonth, 2))"
        let time = [seconds / 3600, seconds / 60 % 60, seconds % 60].map { Self.padded($0, 2) }
        return "\(date)T\(time.joined(separator: ":")).\(Self.padded(rest % 1_000_000_000, 9))Z"
    }

    /// Reads RFC 3339: a date, `T`, a time, a fraction if any, and `Z` or an offset. `nil` for anything else.
    public init?(_ text: String) {
        var bytes = Array(text.utf8)[...]
        func number(_ count: Int) -> Int64? {
            guard bytes.count >= count,
                let value = plainNumber(Substring(String(decoding: bytes.prefix(count), as: UTF8.self)))
            else { return nil }
            bytes = bytes.dropFirst(count)
            return Int64(value)
        }
        func take(_ character: Character) -> Bool {
            guard bytes.first == character.asciiValue else { return false }
            bytes = bytes.dropFirst()
            return true
        }
        guard let year = number(4), take("-"), let month = number(2), take("-"), let day = number(2),
            take("T") || take("t") || take(" "), let hour = number(2), take(":"), let minute = number(2), take(":"),
            let second = number(2), (1...12).contains(month), day >= 1, day <= Self.daysOfMonth(month, year),
            hour <= 23,
            minute <= 59, second <= 60
        else { return nil }
        var fraction: Int64 = 0
        if take(".") {
            let digits = bytes.prefix { (0x30...0x39).contains($0) }
            guard (1...9).contains(digits.count), let value = number(digits.count) else { return nil }
            fraction = (digits.count..<9).reduce(value) { value, _ in value * 10 }
        }
        var offset: Int64 = 0
        if !take("Z") && !take("z") {
            let sign: Int64 = bytes.first == 0x2d ? -1 : 1
            guard take("+") || take("-"), let hours = number(2), take(":"), let minutes = number(2), hours <= 23,
                minutes <= 59
            else { return nil }
            offset = sign * (hours * 3600 + minutes * 60)
        }
        guard bytes.isEmpty else { return nil }
        let seconds = Self.days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset
        let (product, tooLarge) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, overflow) = product.addingReportingOverflow(fraction)
        guard !tooLarge, !overflow else { return nil }
        nanoseconds = sum
    }

    /// Reads what `--since` and `--until` take: RFC 3339, a date alone, seconds since 1970, or how long ago, as `10m`.
    public init(option text: String, now: Timestamp = .now()) throws(SpecError) {
        if let moment = Timestamp(text) ?? Timestamp(text + "T00:00:00Z") ?? Timestamp(text + "Z") {
            self = moment
        } else if let seconds = plainNumber(Substring(text)), seconds < 9_223_372_036 {
            self.init(nanoseconds: Int64(seconds) * 1_000_000_000)
        } else if let ago = try? DurationText.parse(text) {
            let (seconds, attoseconds) = ago.components
            let (difference, overflow) = now.nanoseconds.subtractingReportingOverflow(
                seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
            self.init(nanoseconds: overflow ? .min : difference)
        } else {
            throw SpecError(
                "\(text.quoted) is not a time; write 2026-03-01T12:00:00Z, 2026-03-01, seconds since 1970, or 10m for ten "
                    + "minutes ago")
        }
    }

    private static func padded(_ number: Int64, _ width: Int) -> String {
        let digits = "\(number)"
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }

    private static func daysOfMonth(_ month: Int64, _ year: Int64) -> Int64 {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Days from 1970-01-01, in the Gregorian calendar. Years begin in March here, so that leap days end them.
    private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = shifted / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func date(_ days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let part = (5 * dayOfYear + 2) / 153
        let month = part < 10 ? part + 3 : part - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * part + 2) / 5 + 1)
    }
}
