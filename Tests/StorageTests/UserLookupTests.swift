// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import Testing

@testable import Storage

@Suite struct UserLookupTests {
    static let passwd = "root:x:0:0::/root:\nanna:x:1001:1002::/home/anna:\n"

    @Test func `a name is resolved with home and supplementary groups`() throws {
        try withTemporaryDirectory { root in
            try write(Self.passwd, to: root + "/etc/passwd")
            try write("wheel:x:10:anna\nanna:x:1002:\n", to: root + "/etc/group")
            let rootfs = try open(root, [.directory, .pathOnly])
            let anna = ResolvedUser(uid: 1001, gid: 1002, home: "/home/anna", supplementaryGroups: [10])
            #expect(try UserLookup.resolve(name: "anna", inRootfs: rootfs) == anna)
            #expect(try UserLookup.describe(uid: 1001, inRootfs: rootfs) == anna)
            #expect(try UserLookup.resolve(group: "wheel", inRootfs: rootfs) == 10)
            #expect(storageCode { _ = try UserLookup.resolve(name: "ben", inRootfs: rootfs) } == .notFound)
        }
    }

    @Test func `a link to an absolute path resolves inside the root, not on the host`() throws {
        try withTemporaryDirectory { directory in
            try write("anna:x:0:0::/outside:\n", to: directory + "/host/passwd")
            let root = directory + "/root"
            try write("anna:x:7:7::/inside:\n", to: root + directory + "/host/passwd")
            try makeDirectories(root + "/etc")
            try makeSymlink(root + "/etc/passwd", to: directory + "/host/passwd")
            let rootfs = try open(root, [.directory, .pathOnly])
            #expect(try UserLookup.resolve(name: "anna", inRootfs: rootfs).uid == 7)
        }
    }

    @Test func `a link that climbs out stays inside`() throws {
        try withTemporaryDirectory { directory in
            try write("anna:x:0:0::/outside:\n", to: directory + "/passwd")
            try makeDirectories(directory + "/root/etc")
            try makeSymlink(directory + "/root/etc/passwd", to: "../../../../../../" + directory + "/passwd")
            let rootfs = try open(directory + "/root", [.directory, .pathOnly])
            #expect(storageCode { _ = try UserLookup.resolve(name: "anna", inRootfs: rootfs) } == .notFound)
        }
    }

    @Test func `a fifo or directory in place of the file is refused without waiting`() throws {
        try withTemporaryDirectory { root in
            try makeDirectories(root + "/etc")
            try makeFifo(root + "/etc/passwd")
            let rootfs = try open(root, [.directory, .pathOnly])
            #expect(storageCode { _ = try UserLookup.resolve(name: "anna", inRootfs: rootfs) } == .unsafePath)
            try remove(root + "/etc/passwd")
            try makeDirectory(root + "/etc/passwd")
            #expect(storageCode { _ = try UserLookup.resolve(name: "anna", inRootfs: rootfs) } == .unsafePath)
        }
    }

    @Test func `a file longer than a mebibyte is refused`() throws {
        try withTemporaryDirectory { root in
            try write(Self.passwd + String(repeating: "#", count: 1 << 20), to: root + "/etc/passwd")
            let rootfs = try open(root, [.directory, .pathOnly])
            #expect(storageCode { _ = try UserLookup.resolve(name: "anna", inRootfs: rootfs) } == .malformed)
        }
    }

    @Test func `the overlay's upper file wins over the lower one, and is only used where it exists`() throws {
        try withTemporaryDirectory { directory in
            try write(Self.passwd, to: directory + "/lower/etc/passwd")
            try makeDirectories(directory + "/upper/etc")
            let lower = try open(directory + "/lower", [.directory, .pathOnly])
            let upper = try open(directory + "/upper", [.directory, .pathOnly])
            let upperNumber = upper.rawValue
            #expect(
                try UserLookup.resolve(name: "anna", inRootfs: lower, overlayUpper: upperNumber).uid == 1001)
            try write("anna:x:2002:2::/new:\n", to: directory + "/upper/etc/passwd")
            #expect(
                try UserLookup.resolve(name: "anna", inRootfs: lower, overlayUpper: upperNumber).uid == 2002)
        }
    }

    @Test(.enabled(if: effectiveUID() == 0, "making a whiteout on disk needs CAP_MKNOD"))
    func `a whiteout in the upper layer hides the lower file`() throws {
        try withTemporaryDirectory { directory in
            try write(Self.passwd, to: directory + "/lower/etc/passwd")
            try makeDirectories(directory + "/upper/etc")
            let pipe = try Pipe()
            let pid = try spawn(
                SpawnRequest(
                    path: "/usr/bin/mknod", arguments: ["mknod", directory + "/upper/etc/passwd", "c", "0", "0"],
                    environment: [], standardOutput: pipe.writer.rawValue, standardError: pipe.writer.rawValue))
            try #require(try reap(pid) == .exited(0))
            let lower = try open(directory + "/lower", [.directory, .pathOnly])
            let upper = try open(directory + "/upper", [.directory, .pathOnly])
            let number = upper.rawValue
            #expect(
                storageCode { _ = try UserLookup.resolve(name: "anna", inRootfs: lower, overlayUpper: number) }
                    == .notFound)
        }
    }
}
