// SPDX-License-Identifier: Apache-2.0

@testable import Storage

/// What lies in directories that somebody else could have written.
let storageTargets = [
    FuzzTarget(name: "store-records", run: readStoreRecord),
    FuzzTarget(name: "superblock", run: readSuperblock),
]

private func readStoreRecord(_ bytes: [UInt8]) throws(Violation) {
    guard let record = StoreRecord(text: bytes.text) else { return }
    try require(record.text.utf8.elementsEqual(bytes.text.utf8), "the record is another after writing it")
}

/// The 1,024 bytes of an ext4 superblock; shorter inputs are filled up with zeroes.
private func readSuperblock(_ bytes: [UInt8]) throws(Violation) {
    let padded = Array((bytes + [UInt8](repeating: 0, count: 1024)).prefix(1024))
    guard let superblock = Ext4Superblock(padded) else { return }
    try require(superblock.blockSize >= 1024 && superblock.blockSize <= 65536, "blocks of \(superblock.blockSize)")
    _ = superblock.usableBytes
}
