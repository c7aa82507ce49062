// SPDX-License-Identifier: Apache-2.0
import CLinux

/// An open descriptor with exactly one owner; closed when the owner ends. 0 is a valid one.
///
/// Everything in this module opens descriptors close-on-exec. `close` is never retried: on Linux the descriptor is gone
/// whatever close(2) answers.
public struct Descriptor: ~Copyable, Sendable {
    public let rawValue: Int32

    /// Takes ownership of an open descriptor.
    public init(owning rawValue: Int32) { self.rawValue = rawValue }

    deinit { _ = mt_syscall(Int(SYS_close), Int(rawValue), 0, 0, 0, 0, 0) }

    /// Gives the descriptor up, open.
    public consuming func release() -> Int32 {
        let value = rawValue
        discard self
        return value
    }

    /// A second descriptor for the same open file. fcntl(2), `F_DUPFD_CLOEXEC`
    public func duplicate() throws(SystemError) -> Descriptor {
        Descriptor(
            owning: Int32(
                try kernel("fcntl F_DUPFD_CLOEXEC", nil, Int(SYS_fcntl), Int(rawValue), Int(F_DUPFD_CLOEXEC), 3)))
    }
}

/// A list of open descriptors with one owner, in order: what a set-up program's descriptor operands index.
///
/// Swift's arrays hold only copyable values, so this holds numbers and closes them at its end.
public struct DescriptorTable: ~Copyable, Sendable {
    public private(set) var rawValues: [Int32] = []

    public init() {}

    deinit { for raw in rawValues { _ = mt_syscall(Int(SYS_close), Int(raw), 0, 0, 0, 0, 0) } }

    public var count: Int { rawValues.count }

    /// Takes ownership and returns the index.
    @discardableResult
    public mutating func append(_ descriptor: consuming Descriptor) -> Int {
        rawValues.append(descriptor.release())
        return rawValues.count - 1
    }

    /// Gives the last descriptor up; `nil` when there is none.
    public mutating func removeLast() -> Descriptor? {
        rawValues.popLast().map { Descriptor(owning: $0) }
    }
}
