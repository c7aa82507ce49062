// SPDX-License-Identifier: Apache-2.0
//
// Compiled twice: by the host (SetupProgram) and by init (MartinetInit, Embedded Swift).

/// How init writes the log of what the agent wrote, and the host reads it. All numbers are little-endian.
///
/// Two files, each up to half of what may be kept. A file begins with its header: magic (u32), version (u32), generation
/// (u64). Records follow, each a header and its payload, without padding: length of the payload (u32), stream (u8), flags
/// (u8), zero (u16), nanoseconds since 1970 (u64), bytes dropped before this record (u64).
///
/// Init writes one file until the next record would not fit into its half, truncates the other, and begins that with the
/// generation after this one's. So the file of the higher generation is the newer, and a reader whose file has another
/// generation than a moment ago has been overtaken.
public enum LogLayout {
    public static let magic: UInt32 = 0x314C_544D  // "MTL1"
    public static let version: UInt32 = 1
    public static let fileHeaderSize = 16
    public static let recordHeaderSize = 24
    /// The longest payload of one record: what a pipe holds.
    public static let largestPayload = 65536
    /// Set in the flags of a record whose line or write was cut to fit.
    public static let cutFlag: UInt8 = 1
    /// The generation of the first file that is written.
    public static let firstGeneration: UInt64 = 1
}

/// Where the agent wrote.
public enum LogStream: UInt8, Sendable {
    case standardOutput = 1
    case standardError = 2
    case terminal = 3
}
