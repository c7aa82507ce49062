// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import Testing

@testable import Storage

/// Whether images can be mounted here: root's loop devices, and ext4.
private let mountsImages: Bool = {
    guard effectiveUID() == 0, (try? open("/dev/loop-control", .readWrite)) != nil,
        let systems = try? readText("/proc/filesystems")
    else { return false }
    return systems.contains("ext4")
}()
private let needsImages: Comment = "root, loop devices and ext4 are needed: modprobe loop ext4"

/// Loop devices with a backing file below a directory.
private func loops(below directory: String) throws -> [String] {
    try entries(of: open("/sys/block", .directory)).map(\.name).filter { name in
        guard name.hasPrefix("loop"), let file = try? readText("/sys/block/\(name)/loop/backing_file") else {
            return false
        }
        return file.hasPrefix(directory)
    }
}

/// Waits a moment for the kernel to take apart what nobody uses any more.
private func expectNoLoops(below directory: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
    for _ in 0..<200 {
        if try loops(below: directory).isEmpty { return }
        _ = try poll([], milliseconds: 10)
    }
    Issue.record("left: \(try loops(below: directory))", sourceLocation: sourceLocation)
}

@Suite(.serialized) struct OverlayLimitTests {
    private static let megabyte: UInt64 = 1 << 20

    /// Fills a directory with one file and returns how many bytes fitted.
    private func fill(_ directory: borrowing Descriptor, _ name: String) throws -> UInt64 {
        let file = try open(name, [.writeOnly, .create], mode: 0o600, at: .descriptor(directory.rawValue))
        let block = [UInt8](repeating: 7, count: 1 << 16)
        while true {
            do throws(SystemError) { try writeAll(file, block) } catch {
                #expect(error.errno == .noSpace)
                return UInt64(try status(of: file).size)
            }
        }
    }

    private func expect(_ bytes: UInt64, near limit: UInt64, sourceLocation: SourceLocation = #_sourceLocation) {
        // The room that a sandbox keeps for the next one is not kept here.
        let bytes = bytes - min(bytes, 80 << 10)
        #expect(bytes > limit - limit / 20 && bytes < limit + limit / 20, "\(bytes)", sourceLocation: sourceLocation)
    }

    @Test(.enabled(if: mountsImages, needsImages), arguments: [1, 5, 63, 64, 200].map { $0 * megabyte })
    func `an image holds what it was made for, within a twentieth`(limit: UInt64) throws {
        try withTemporaryDirectory { directory in
            let mounts = try readText("/proc/self/mountinfo")
            do {
                let store = try OverlayStore.open(directory + "/state", limit: DiskLimit(bytes: limit))
                let isLimited = store.isLimited
                #expect(isLimited)
                #expect(try readText("/proc/self/mountinfo") == mounts)
                #expect(try status(of: directory + "/state/upper") == nil)
                expect(try fill(store.upper, "file"), near: limit)
                #expect(try loops(below: directory).count == 1)
            }
            try expectNoLoops(below: directory)
            #expect(try status(of: directory + "/state/disk.img")?.permissions == 0o600)
        }
    }

    @Test(.enabled(if: mountsImages, needsImages))
    func `what is in an image is there the next time, and it grows`() throws {
        try withTemporaryDirectory { directory in
            let path = directory + "/state"
            var held: UInt64 = 0
            do { held = try fill(OverlayStore.open(path, limit: DiskLimit(bytes: 4 * Self.megabyte)).upper, "first") }
            do {
                // The limit is the image's own also where none is named.
                let store = try OverlayStore.open(path)
                let isLimited = store.isLimited
                #expect(isLimited)
                #expect(try status(of: "first", at: .descriptor(store.upper.rawValue))?.size == Int64(held))
                #expect(try fill(store.upper, "second") < 1 << 16)
            }
            for limit in [6, 40, 41, 300].map({ $0 * Self.megabyte }) {
                let store = try OverlayStore.open(path, limit: DiskLimit(bytes: limit))
                held += try fill(store.upper, "file-\(limit)")
                expect(held, near: limit)
            }
            try expectNoLoops(below: directory)
        }
    }

    @Test(.enabled(if: mountsImages, needsImages))
    func `growing that was broken off goes on where it was`() throws {
        try withTemporaryDirectory { directory in
            let path = directory + "/state"
            do { _ = try OverlayStore.open(path, limit: DiskLimit(bytes: 4 * Self.megabyte)) }
            try expectNoLoops(below: directory)
            // As if the machine had stopped after resize2fs, before the new size was written down.
            let before = try #require(try Ext4Superblock(of: open(path + "/disk.img"))).usableBytes
            do { _ = try OverlayStore.open(path, limit: DiskLimit(bytes: 20 * Self.megabyte)) }
            var record = StoreRecord(kind: .image, limit: DiskLimit(bytes: 4 * Self.megabyte))
            record.usableBefore = before
            let folder = try open(path, .directory)
            try record.write(in: folder.rawValue, path)
            let store = try OverlayStore.open(path, limit: DiskLimit(bytes: 20 * Self.megabyte))
            expect(try fill(store.upper, "file"), near: 20 * Self.megabyte)
            #expect(try readText(path + "/kind") == "kind image\nbytes \(20 << 20)\n")
        }
    }

    @Test(.enabled(if: mountsImages, needsImages))
    func `an image that was begun and not finished is made anew`() throws {
        try withTemporaryDirectory { directory in
            let path = directory + "/state"
            try makeDirectory(path, mode: 0o700)
            try write("half of an image", to: path + "/disk.img.new", mode: 0o600)
            try write("an image without a record", to: path + "/disk.img", mode: 0o600)
            let store = try OverlayStore.open(path, limit: DiskLimit(bytes: 4 * Self.megabyte))
            expect(try fill(store.upper, "file"), near: 4 * Self.megabyte)
            #expect(try status(of: path + "/disk.img.new") == nil)
        }
    }

    @Test(.enabled(if: mountsImages, needsImages))
    func `an image has the inodes it was made for`() throws {
        try withTemporaryDirectory { directory in
            let path = directory + "/state"
            do {
                let store = try OverlayStore.open(
                    path, limit: DiskLimit(bytes: 8 * Self.megabyte, inodes: 1000))
                var made = 0
                while (try? open("\(made)", [.create, .writeOnly], mode: 0o600, at: .descriptor(store.upper.rawValue)))
                    != nil, made < 2000
                { made += 1 }
                #expect((950...1050).contains(made))
            }
            // Its inodes would grow with it.
            #expect(
                storageCode { _ = try OverlayStore.open(path, limit: DiskLimit(bytes: 16 * Self.megabyte)) } == .exists)
            #expect(storageCode { _ = try OverlayStore.open(path, limit: DiskLimit(inodes: 999)) } == .exists)
            #expect(
                storageCode {
                    _ = try OverlayStore.open(path, limit: DiskLimit(bytes: 8 * Self.megabyte, inodes: 1000))
                } == nil)
        }
    }

    @Test(.enabled(if: mountsImages, needsImages))
    func `an image is not made smaller, and is one sandbox's at a time`() throws {
        try withTemporaryDirectory { directory in
            let path = directory + "/state"
            var duplicate: Descriptor?
            do {
                let store = try OverlayStore.open(path, limit: DiskLimit(bytes: 4 * Self.megabyte))
                #expect(storageCode { _ = try OverlayStore.open(path) } == .inUse)
                switch store.image {
                case .some(let image): duplicate = try image.duplicate()
                case .none: Issue.record("there is no image")
                }
            }
            #expect(
                storageCode { _ = try OverlayStore.open(path, limit: DiskLimit(bytes: 2 * Self.megabyte)) } == .exists)
            // The directory is free, but a mount of the image is still somewhere.
            #expect(try loops(below: directory).count == 1)
            let file = try open(path + "/disk.img", .readWrite)
            #expect(try !tryLock(file))
            duplicate = nil
            try expectNoLoops(below: directory)
            #expect(try tryLock(file))
            _ = duplicate
        }
    }

    @Test func `a directory with contents and without a limit gets none`() throws {
        try withTemporaryDirectory { directory in
            let path = directory + "/state"
            try makeDirectories(path)
            do { _ = try OverlayStore.open(path) }
            try write("kept", to: path + "/upper/file")
            #expect(storageCode { _ = try OverlayStore.open(path, limit: DiskLimit(bytes: 4 << 20)) } == .exists)
            #expect(try status(of: path + "/kind") == nil && status(of: path + "/disk.img") == nil)
            let store = try OverlayStore.open(path)
            let isLimited = store.isLimited
            #expect(!isLimited)
            #expect(try readText("file", at: .descriptor(store.upper.rawValue)) == "kept")
        }
    }

    @Test(arguments: [
        "", "kind", "kind image\n", "kind quota\nproject x\n", "kind plain\n", "kind image\nbytes 1\nx 1\n",
    ])
    func `a record of another form is an error, and nothing is touched`(text: String) throws {
        try withTemporaryDirectory { directory in
            let path = directory + "/state"
            try makeDirectory(path, mode: 0o700)
            try write(text, to: path + "/kind", mode: 0o600)
            #expect(storageCode { _ = try OverlayStore.open(path) } == .malformed)
            #expect(storageCode { _ = try OverlayStore.open(path, limit: DiskLimit(bytes: 4 << 20)) } == .malformed)
            #expect(try status(of: path + "/upper") == nil)
        }
    }

    @Test func `records survive being written`() {
        var image = StoreRecord(kind: .image, limit: DiskLimit(bytes: 1 << 40, inodes: 7))
        image.usableBefore = 5
        for record in [
            image, StoreRecord(kind: .image, limit: DiskLimit(bytes: 1)),
            StoreRecord(kind: .quota(project: .max), limit: DiskLimit(inodes: 3)),
            StoreRecord(kind: .quota(project: 0), limit: DiskLimit(bytes: .max)),
        ] {
            #expect(StoreRecord(text: record.text) == record)
        }
    }

    @Test func `what is no superblock is none`() {
        #expect(Ext4Superblock([]) == nil)
        #expect(Ext4Superblock([UInt8](repeating: 0, count: 1024)) == nil)
        #expect(Ext4Superblock([UInt8](repeating: 0xff, count: 1024)) == nil)
        var block = [UInt8](repeating: 0, count: 1024)
        (block[0x38], block[0x39], block[0x18], block[0x5], block[0x150], block[0xD]) = (0x53, 0xEF, 2, 1, 1, 1)
        let found = Ext4Superblock(block)
        #expect(found?.blockSize == 4096 && found?.blocks == 1 << 32 + 256 && found?.freeBlocks == 256)
        // Less is free than ext4 keeps for itself.
        #expect(found?.usableBytes == 0)
        block[0x3A] = 3
        #expect(Ext4Superblock(block)?.hasErrors == true)
    }

    /// The product of free blocks and their size ended the launcher; an image may have been anybody's.
    @Test func `a superblock with numbers that no file system has is none`() {
        var block = [UInt8](repeating: 0, count: 1024)
        (block[0x38], block[0x39], block[0x18]) = (0x53, 0xEF, 6)
        for offset in [0x4, 0x5, 0x6, 0x7, 0x150, 0x151, 0x152, 0x153] { block[offset] = 0xff }
        #expect(Ext4Superblock(block) == nil, "more bytes than can be counted")
        for offset in 0x150...0x153 { block[offset] = 0 }
        #expect(Ext4Superblock(block)?.blocks == UInt64(UInt32.max))
        block[0x158] = 1
        #expect(Ext4Superblock(block) == nil, "more blocks are free than there are")
        block[0x158] = 0
        block[0x10] = 1
        #expect(Ext4Superblock(block) == nil, "more inodes are free than there are")
    }
}
