// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import Testing

@testable import Storage

@Suite struct TreeRemovalTests {
    @Test func `a tree goes, and what its links lead to stays`() throws {
        try withTemporaryDirectory { directory in
            try write("kept", to: directory + "/victim/file")
            for path in ["a/b/c/d/1", "a/b/c/2", "a/b/3", "a/4", "x/y/z/5"] {
                try write("", to: directory + "/tree/" + path)
            }
            try makeSymlink(directory + "/tree/link", to: directory + "/victim")
            try makeSymlink(directory + "/tree/a/b/link", to: "../../../victim")
            try makeSymlink(directory + "/tree/a/b/c/file", to: directory + "/victim/file")
            try makeFifo(directory + "/tree/a/fifo")
            try TreeRemoval.remove(directory + "/tree/")
            #expect(try status(of: directory + "/tree") == nil)
            #expect(try readText(directory + "/victim/file") == "kept")
        }
    }

    @Test func `a link is removed itself, and nothing is no error`() throws {
        try withTemporaryDirectory { directory in
            try write("kept", to: directory + "/victim/file")
            try makeSymlink(directory + "/link", to: directory + "/victim")
            try TreeRemoval.remove(directory + "/link")
            #expect(try status(of: directory + "/link") == nil)
            #expect(try readText(directory + "/victim/file") == "kept")
            try TreeRemoval.remove(directory + "/link")
            try TreeRemoval.remove(directory + "/no/such/parent")
        }
    }

    @Test func `a path four thousand directories deep is removed`() throws {
        try withTemporaryDirectory { directory in
            try makeDirectory(directory + "/tree")
            var current = try open(directory + "/tree", [.directory])
            for level in 0..<4000 {
                try makeDirectory("directory", at: .descriptor(current.rawValue))
                if level % 100 == 0 {
                    _ = try open("file", [.writeOnly, .create], mode: 0o600, at: .descriptor(current.rawValue))
                }
                current = try open("directory", [.directory], at: .descriptor(current.rawValue))
            }
            try TreeRemoval.remove(directory + "/tree")
            #expect(try status(of: directory + "/tree") == nil)
        }
    }

    @Test func `names that are not UTF-8, look like ours, or begin with a dash go too`() throws {
        try withTemporaryDirectory { directory in
            for name in [".removing-1", ".removing-2", "-rf", "a\nb"] {
                try write("", to: directory + "/tree/\(name)/x/y/file")
            }
            try moveToBytes(directory + "/tree/-rf/x/y", "file", [0xFF, 0xFE])
            try moveToBytes(directory + "/tree/-rf/x", "y", [0x80])
            try moveToBytes(directory + "/tree", "-rf", [0xC3])
            try TreeRemoval.remove(directory + "/tree")
            #expect(try status(of: directory + "/tree") == nil)
        }
    }

    @Test func `directories without permissions are opened up by their owner`() throws {
        try withTemporaryDirectory { directory in
            try write("", to: directory + "/tree/work/work/inner/deep/file")
            for path in ["/tree/work/work/inner/deep", "/tree/work/work/inner", "/tree/work/work"] {
                try changeMode(try open(directory + path, [.directory]), 0)
            }
            try TreeRemoval.remove(directory + "/tree")
            #expect(try status(of: directory + "/tree") == nil)
        }
    }

    @Test(arguments: ["", ".", "..", "/", "a/..", "a/."])
    func `a path that does not end in a name is refused`(path: String) {
        #expect(storageCode { try TreeRemoval.remove(path) } == .malformed)
    }

    @Test func `paths are split at the last name`() {
        #expect(splitLast("/a/b/") == ("/a", "b"))
        #expect(splitLast("a") == (".", "a"))
        #expect(splitLast("/a") == ("/", "a"))
        #expect(splitLast("a//b//") == ("a/", "b"))
    }
}
