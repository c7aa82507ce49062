// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import Testing

@testable import Storage

@Suite struct OverlayStoreTests {
    @Test func `an absent directory is made with its parts, and found again`() throws {
        try withTemporaryDirectory { directory in
            do {
                let store = try OverlayStore.open(directory + "/state/")
                try write("kept", to: directory + "/state/upper/file")
                #expect(try status(of: store.upper).inode == status(of: directory + "/state/upper")?.inode)
                #expect(try status(of: store.work).inode == status(of: directory + "/state/work")?.inode)
            }
            #expect(try status(of: directory + "/state")?.permissions == 0o700)
            #expect(try status(of: directory + "/state/upper")?.permissions == 0o755)
            #expect(try status(of: directory + "/state/work")?.permissions == 0o700)
            let store = try OverlayStore.open(directory + "/state")
            #expect(try readText("file", at: .descriptor(store.upper.rawValue)) == "kept")
        }
    }

    @Test func `one sandbox at a time, until the last duplicate of the lock is closed`() throws {
        try withTemporaryDirectory { directory in
            let path = directory + "/state"
            var duplicate: Descriptor?
            do {
                let store = try OverlayStore.open(path)
                duplicate = try store.lock.duplicate()
            }
            #expect(storageCode { _ = try OverlayStore.open(path) } == .inUse)
            duplicate = nil
            #expect(storageCode { _ = try OverlayStore.open(path) } == nil)
            _ = duplicate
        }
    }

    @Test func `an empty directory is closed to others; one with something in it must be already`() throws {
        try withTemporaryDirectory { directory in
            try makeDirectory(directory + "/empty", mode: 0o755)
            #expect(storageCode { _ = try OverlayStore.open(directory + "/empty") } == nil)
            #expect(try status(of: directory + "/empty")?.permissions == 0o700)
            try makeDirectories(directory + "/used/upper")
            #expect(storageCode { _ = try OverlayStore.open(directory + "/used") } == .unsafePath)
            #expect(try status(of: directory + "/used/work") == nil)
        }
    }

    @Test func `a symlink or a file in its place is refused`() throws {
        try withTemporaryDirectory { directory in
            try makeDirectory(directory + "/real", mode: 0o700)
            try makeSymlink(directory + "/link", to: directory + "/real")
            try write("", to: directory + "/file")
            #expect(storageCode { _ = try OverlayStore.open(directory + "/link") } == .unsafePath)
            #expect(storageCode { _ = try OverlayStore.open(directory + "/link/") } == .unsafePath)
            #expect(storageCode { _ = try OverlayStore.open(directory + "/file") } == .unsafePath)
            #expect(try status(of: directory + "/real/lock") == nil)
        }
    }

    @Test(arguments: ["upper", "work", "lock"])
    func `a symlink in place of a part is refused and nothing behind it is touched`(part: String) throws {
        try withTemporaryDirectory { directory in
            try makeDirectory(directory + "/victim", mode: 0o700)
            try makeDirectory(directory + "/state", mode: 0o700)
            let target = part == "lock" ? directory + "/victim/new" : directory + "/victim"
            try makeSymlink(directory + "/state/" + part, to: target)
            #expect(storageCode { _ = try OverlayStore.open(directory + "/state") } == .system)
            #expect(try status(of: directory + "/victim/new") == nil)
        }
    }

    @Test(.enabled(if: effectiveUID() == 0, "giving a directory away needs CAP_CHOWN"))
    func `a directory of another user is refused`() throws {
        try withTemporaryDirectory { directory in
            try makeDirectory(directory + "/state", mode: 0o700)
            try changeOwner(try open(directory + "/state", [.directory]), uid: 4242, gid: 4242)
            #expect(storageCode { _ = try OverlayStore.open(directory + "/state") } == .unsafePath)
        }
    }

    @Test func `file systems that cannot be an upper layer are known by name`() {
        #expect(OverlayStore.unusableFileSystem(0x794C_7630) == "overlayfs")
        #expect(OverlayStore.unusableFileSystem(0xFF53_4D42) == "SMB")
        #expect(OverlayStore.unusableFileSystem(Int(Int32(bitPattern: 0xFF53_4D42))) == "SMB")
        #expect(OverlayStore.unusableFileSystem(0xEF53) == nil)
        #expect(OverlayStore.unusableFileSystem(0x0102_1994) == nil)
    }
}
