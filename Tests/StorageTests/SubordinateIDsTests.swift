// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import Testing

@testable import Storage

@Suite struct SubordinateIDsTests {
    @Test func `ranges are found by name and by number, in the file's order`() {
        let file = SubordinateIDFile(text: "anna:100000:65536\nben:165536:65536\n1001:300000:10\nanna:400000:5\n")
        #expect(
            file.ranges(forUser: "anna", uid: 1001) == [
                SubordinateRange(start: 100_000, count: 65_536), SubordinateRange(start: 300_000, count: 10),
                SubordinateRange(start: 400_000, count: 5),
            ])
        #expect(file.ranges(forUser: nil, uid: 1001) == [SubordinateRange(start: 300_000, count: 10)])
        #expect(file.ranges(forUser: "carl", uid: 1002) == [])
    }

    @Test(arguments: [
        "anna", "anna:1", "anna:1:2:3", ":1:2", "anna::5", "anna:5:", "anna:0:10", "anna:5:0", "anna:-1:5",
        "anna:+1:5", "anna:0x10:5", "anna: 1:5", "anna:4294967295:1", "anna:4294967290:6",
        "anna:99999999999999999999:5", "anna:1:99999999999999999999", "anna:010:5", "#anna:1:5", "anna:1:5\r",
    ])
    func `a line that breaks the rules lends nothing`(line: String) {
        #expect(SubordinateIDFile(text: line + "\n").ranges(forUser: "anna", uid: 7) == [])
    }

    @Test func `the highest range that fits is taken`() {
        let file = SubordinateIDFile(text: "anna:4294967290:5")
        #expect(
            file.ranges(forUser: "anna", uid: 7) == [SubordinateRange(start: 4_294_967_290, count: 5)])
    }

    @Test func `names that only look alike are different`() {
        let file = SubordinateIDFile(text: "e\u{301}:100000:65536\n")
        #expect(file.ranges(forUser: "\u{E9}", uid: 7) == [])
    }

    @Test func `the host's files are read together, and absent ones lend nothing`() throws {
        try withTemporaryDirectory { directory in
            #expect(try SubordinateIDs.load(uid: 7, directory: directory) == SubordinateIDs(uids: [], gids: []))
            try write("anna:x:7:7::/home/anna:/bin/sh\n", to: directory + "/passwd")
            try write("anna:100000:65536\n", to: directory + "/subuid")
            try write("7:200000:65536\n", to: directory + "/subgid")
            #expect(
                try SubordinateIDs.load(uid: 7, directory: directory)
                    == SubordinateIDs(
                        uids: [SubordinateRange(start: 100_000, count: 65_536)],
                        gids: [SubordinateRange(start: 200_000, count: 65_536)]))
        }
    }

    @Test func `a program is found only as an executable file in an absolute directory`() throws {
        try withTemporaryDirectory { directory in
            try write("", to: directory + "/a/mt-tool", mode: 0o644)
            try makeDirectories(directory + "/b/mt-tool")
            #expect(ExecutableSearch.find("mt-tool", searchPath: "\(directory)/a:\(directory)/b:.") == nil)
            #expect(
                storageCode { _ = try ExecutableSearch.require("mt-tool", searchPath: nil, package: "x") }
                    == .toolMissing)
            try write("", to: directory + "/c/mt-tool", mode: 0o755)
            #expect(
                ExecutableSearch.find("mt-tool", searchPath: "\(directory)/a:\(directory)/c")
                    == directory + "/c/mt-tool")
        }
    }
}
