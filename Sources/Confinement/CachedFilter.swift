// SPDX-License-Identifier: Apache-2.0

/// The file format of the cache: magic, length of key, length of filter (32 bits each), hash of both (64 bits), key,
/// filter; numbers little-endian.
enum CachedFilter {
    private static let magic = Array("mtseccp1".utf8)
    private static let headerSize = 24
    private static let maximumKeySize = 1 << 20
    private static let maximumFilterSize = SeccompCompiler.maximumInstructions * 8

    static let maximumSize = Int64(headerSize + maximumKeySize + maximumFilterSize)

    static func encode(_ filter: [UInt8], key: String) -> [UInt8] {
        let body = Array(key.utf8) + filter
        var bytes = magic
        bytes.reserveCapacity(headerSize + body.count)
        append(UInt64(body.count - filter.count), size: 4, to: &bytes)
        append(UInt64(filter.count), size: 4, to: &bytes)
        append(ContentHash.of(body), size: 8, to: &bytes)
        return bytes + body
    }

    /// The filter in a file's bytes, or `nil` where anything about them is not as `encode` leaves it.
    static func decode(_ bytes: [UInt8], key: String) -> [UInt8]? {
        guard bytes.count > headerSize, bytes.starts(with: magic) else { return nil }
        let keySize = number(bytes[8..<12])
        let filterSize = number(bytes[12..<16])
        guard keySize <= maximumKeySize, filterSize <= maximumFilterSize, filterSize > 0, filterSize % 8 == 0,
            bytes.count == headerSize + Int(keySize) + Int(filterSize)
        else { return nil }
        // The name is a hash, so the whole key decides: a collision must not hand out another profile's filter.
        let filterStart = headerSize + Int(keySize)
        guard bytes[headerSize..<filterStart].elementsEqual(key.utf8) else { return nil }
        guard ContentHash.of(bytes[headerSize...]) == number(bytes[16..<24]) else { return nil }
        return Array(bytes[filterStart...])
    }

    private static func append(_ value: UInt64, size: Int, to bytes: inout [UInt8]) {
        for index in 0..<size { bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(8 * index))) }
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
