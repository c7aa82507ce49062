// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import Testing

@testable import Storage

@Suite struct IdentityPoolTests {
    @Test func `two ranges held at once do not overlap`() throws {
        try withTemporaryDirectory { directory in
            let pool = IdentityPool(directory: directory + "/state")
            let first = try pool.allocate(preferredSlot: 7)
            let second = try pool.allocate(preferredSlot: 7)
            #expect(first.base == 0x7000_0000 + 7 * 65_536)
            #expect(first.count == 65_536)
            #expect(second.base == first.base + 65_536)
        }
    }

    @Test func `a range is free again when the last duplicate of its lock is closed`() throws {
        try withTemporaryDirectory { directory in
            let pool = IdentityPool(directory: directory)
            var duplicate: Descriptor?
            do {
                let range = try pool.allocate(preferredSlot: 3)
                duplicate = try range.lock.duplicate()
            }
            do {
                let other = try pool.allocate(preferredSlot: 3)
                #expect(other.base == 0x7000_0000 + 4 * 65_536)
            }
            duplicate = nil
            let again = try pool.allocate(preferredSlot: 3)
            #expect(again.base == 0x7000_0000 + 3 * 65_536)
            _ = duplicate
        }
    }

    @Test func `the search wraps round and the last range ends below systemd's foreign ids`() throws {
        try withTemporaryDirectory { directory in
            let pool = IdentityPool(directory: directory)
            let last = try pool.allocate(preferredSlot: IdentityPool.slotCount - 1)
            let wrapped = try pool.allocate(preferredSlot: IdentityPool.slotCount - 1)
            #expect(last.base + last.count == 0x7FFE_0000)
            #expect(wrapped.base == 0x7000_0000)
        }
    }

    @Test func `when every slot is locked the error says so`() throws {
        try withTemporaryDirectory { directory in
            let pool = IdentityPool(directory: directory)
            let holder = try pool.allocate(preferredSlot: 0)
            for slot in 1..<IdentityPool.slotCount {
                #expect(try tryLock(holder.lock, byte: Int64(slot)))
            }
            #expect(storageCode { _ = try pool.allocate() } == .exhausted)
        }
    }

    @Test func `a directory or file that lets others in is refused`() throws {
        try withTemporaryDirectory { directory in
            try makeDirectory(directory + "/lax", mode: 0o755)
            #expect(storageCode { _ = try IdentityPool(directory: directory + "/lax").allocate() } == .unsafePath)
            try write("", to: directory + "/ids", mode: 0o644)
            #expect(storageCode { _ = try IdentityPool(directory: directory).allocate() } == .unsafePath)
        }
    }

    @Test func `a symlink in place of the directory or the file is refused`() throws {
        try withTemporaryDirectory { directory in
            try makeDirectory(directory + "/real", mode: 0o700)
            try makeSymlink(directory + "/link", to: directory + "/real")
            #expect(storageCode { _ = try IdentityPool(directory: directory + "/link").allocate() } == .system)
            try makeSymlink(directory + "/real/ids", to: directory + "/victim")
            #expect(storageCode { _ = try IdentityPool(directory: directory + "/real").allocate() } == .system)
            #expect(try status(of: directory + "/victim") == nil)
        }
    }

    @Test func `a fifo in place of the file is refused without waiting`() throws {
        try withTemporaryDirectory { directory in
            try makeFifo(directory + "/ids")
            #expect(storageCode { _ = try IdentityPool(directory: directory).allocate() } == .unsafePath)
        }
    }
}
