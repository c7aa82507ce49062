// SPDX-License-Identifier: Apache-2.0

/// A whole number within bounds, with a sign where the bounds have one.
func boundedNumber(_ text: String, _ bounds: ClosedRange<Int64>, _ what: String) throws(SpecError) -> Int64 {
    let negative = text.hasPrefix("-")
    guard let magnitude = plainNumber(Substring(negative ? text.dropFirst() : text[...])), magnitude <= 1 << 40,
        bounds.contains(negative ? -Int64(magnitude) : Int64(magnitude))
    else {
        throw SpecError(
            "\(text.quoted) is not \(what); write a whole number from \(bounds.lowerBound) to \(bounds.upperBound)")
    }
    return negative ? -Int64(magnitude) : Int64(magnitude)
}

/// CPUs or memory nodes: `0-3,5`. Documentation/admin-guide/cgroup-v2.rst, `cpuset.cpus`; cpuset(7), "List format"
public struct NumberList: Sendable, Hashable, CustomStringConvertible {
    /// Sorted, without overlaps.
    public let ranges: [ClosedRange<UInt32>]

    public init(_ text: String) throws(SpecError) {
        var found: [ClosedRange<UInt32>] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
            guard let first = ends.first.flatMap(plainNumber), let last = ends.last.flatMap(plainNumber), first <= last,
                last < 8192
            else {
                throw SpecError("\(text.quoted) is not a list of numbers; write 0-3,5")
            }
            found.append(UInt32(first)...UInt32(last))
        }
        var merged: [ClosedRange<UInt32>] = []
        for range in found.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = merged.last, range.lowerBound <= last.upperBound + 1 {
                merged[merged.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
            } else {
                merged.append(range)
            }
        }
        ranges = merged
    }

    public var description: String {
        ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }.joined(separator: ",")
    }
}

/// A rate for a block device: `PATH:RATE`. The path is the device's, or that of any file or directory on it.
public struct DeviceRate: Sendable, Hashable, CustomStringConvertible {
    public let path: String
    /// Bytes, or operations, a second.
    public let rate: ByteCount

    public init(_ text: String) throws(SpecError) {
        guard let colon = text.utf8.lastIndex(of: UInt8(ascii: ":")), colon != text.utf8.startIndex else {
            throw SpecError("\(text.quoted) is not a device and a rate; write /dev/vda:10MiB")
        }
        path = try hostPath(String(text[..<colon]))
        rate = try ByteCount(String(text[text.utf8.index(after: colon)...]))
        guard rate.bytes > 0 else { throw SpecError("a rate of 0 would stop the agent for good; write 1 or more") }
    }

    public var description: String { "\(path):\(rate)" }
}

/// Rates of block devices, a list for each of what cgroups can hold.
public struct IORates: Sendable, Hashable {
    public var readBytes: [DeviceRate] = []
    public var writeBytes: [DeviceRate] = []
    public var readOperations: [DeviceRate] = []
    public var writeOperations: [DeviceRate] = []
    public init() {}
    public var isEmpty: Bool {
        readBytes.isEmpty && writeBytes.isEmpty && readOperations.isEmpty && writeOperations.isEmpty
    }
}

/// A limit for huge pages of one size: `2MiB:64MiB`.
public struct HugePages: Sendable, Hashable, CustomStringConvertible {
    public let pageSize: ByteCount
    public let limit: ByteCount

    public init(_ text: String) throws(SpecError) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2 else {
            throw SpecError("\(text.quoted) is not a page size and a limit; write 2MiB:64MiB")
        }
        pageSize = try ByteCount(String(parts[0]))
        limit = try ByteCount(String(parts[1]))
        guard pageSize.bytes >= 4096, pageSize.bytes & (pageSize.bytes - 1) == 0 else {
            throw SpecError("\(pageSize) is not a page size; ls /sys/kernel/mm/hugepages shows this machine's")
        }
    }

    public var description: String { "\(pageSize):\(limit)" }
}

/// A device of the host for the agent: `PATH[:INSIDE][:rwm]`, as Docker.
public struct DeviceMount: Sendable, Hashable, CustomStringConvertible {
    public let path: String
    /// Where it appears; below /dev.
    public let target: SandboxPath
    public let mayRead: Bool
    public let mayWrite: Bool
    /// Whether mknod(2) of it is allowed, which takes CAP_MKNOD in the host's user namespace: never inside a sandbox's own.
    public let mayMake: Bool

    public init(_ text: String) throws(SpecError) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        let failure = SpecError("\(text.quoted) is not a device; write /dev/fuse or /dev/fuse:/dev/fuse:rw")
        guard (1...3).contains(parts.count), parts[0].hasPrefix("/dev/") else { throw failure }
        path = try SandboxPath(parts[0]).text
        guard path.hasPrefix("/dev/") else { throw failure }  // "/dev/" is /dev
        var inside = parts[0], access = "rw"
        if parts.count == 3 {
            (inside, access) = (parts[1], parts[2])
        } else if parts.count == 2 {
            if parts[1].hasPrefix("/") { inside = parts[1] } else { access = parts[1] }
        }
        target = try SandboxPath(inside)
        guard target.text.hasPrefix("/dev/") else {
            throw SpecError("\(target) is not below /dev; nodev mounts everywhere else would keep it from working")
        }
        for own in Self.own.map({ "/dev/" + $0 }) {
            if target.text == own || target.text.utf8.starts(with: (own + "/").utf8) {
                throw SpecError("\(own) is the sandbox's own; choose another place than \(target)")
            }
        }
        guard !access.isEmpty, access.utf8.allSatisfy({ "rwm".utf8.contains($0) }),
            Set(access.utf8).count == access.utf8.count
        else {
            throw SpecError("\(access.quoted) is not an access; write r, w, m or some of them together")
        }
        mayRead = access.utf8.contains(UInt8(ascii: "r"))
        mayWrite = access.utf8.contains(UInt8(ascii: "w"))
        mayMake = access.utf8.contains(UInt8(ascii: "m"))
    }

    /// What every sandbox has below /dev, or while it is made.
    private static let own = [
        "null", "zero", "full", "random", "urandom", "tty", "console", "ptmx", "pts", "shm", "mqueue", "fd", "stdin",
        "stdout", "stderr", ".mask", ".nodes", ".generated",
    ]

    public var access: String { (mayRead ? "r" : "") + (mayWrite ? "w" : "") + (mayMake ? "m" : "") }

    public var description: String {
        path + (target.text == path ? "" : ":\(target)") + (access == "rw" ? "" : ":\(access)")
    }
}
