// SPDX-License-Identifier: Apache-2.0

/// What has been read from and written to one disk. `nil` is what the kernel does not count.
public struct IOUsage: Sendable, Equatable {
    public var device: BlockDeviceNumber
    public var readBytes: UInt64?
    public var writtenBytes: UInt64?
    public var readOperations: UInt64?
    public var writeOperations: UInt64?

    init(device: BlockDeviceNumber) { self.device = device }

    /// v2's `io.stat`: `254:0 rbytes=1024 wbytes=0 rios=1 wios=0 dbytes=0 dios=0`, a line a disk. Disks that were not used
    /// have a line without numbers, or none.
    static func ofStat(_ text: String) -> [IOUsage] {
        text.split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ")
            guard let first = words.first, let device = BlockDeviceNumber(first) else { return nil }
            var usage = IOUsage(device: device)
            for word in words.dropFirst() {
                let pair = word.split(separator: "=", maxSplits: 1)
                guard pair.count == 2, let value = UInt64(decimal: pair[1]) else { continue }
                switch pair[0] {
                case "rbytes": usage.readBytes = value
                case "wbytes": usage.writtenBytes = value
                case "rios": usage.readOperations = value
                case "wios": usage.writeOperations = value
                default: break  // discards, and what the cost model adds
                }
            }
            return usage.isEmpty ? nil : usage
        }
    }

    /// v1's `blkio.throttle.io_service_bytes` and `io_serviced`: `254:0 Read 1024`, a line a disk and a direction. Disks that
    /// were not used have lines of zeros, or none.
    static func ofBlkio(bytes: String, operations: String) -> [IOUsage] {
        var found: [IOUsage] = []
        func add(
            _ text: String,
            _ fields: (read: WritableKeyPath<IOUsage, UInt64?>, write: WritableKeyPath<IOUsage, UInt64?>)
        ) {
            for line in text.split(separator: "\n") {
                let words = line.split(separator: " ")
                guard words.count == 3, let device = BlockDeviceNumber(words[0]), let value = UInt64(decimal: words[2])
                else { continue }
                let field: WritableKeyPath<IOUsage, UInt64?>
                switch words[1] {
                case "Read": field = fields.read
                case "Write": field = fields.write
                default: continue  // Sync, Async, Discard, Total
                }
                let index = found.firstIndex { $0.device == device } ?? found.endIndex
                if index == found.endIndex { found.append(IOUsage(device: device)) }
                found[index][keyPath: field] = value
            }
        }
        add(bytes, (\.readBytes, \.writtenBytes))
        add(operations, (\.readOperations, \.writeOperations))
        return found
    }

    private var isEmpty: Bool {
        readBytes == nil && writtenBytes == nil && readOperations == nil && writeOperations == nil
    }
}
