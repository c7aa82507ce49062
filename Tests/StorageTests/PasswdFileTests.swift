// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Storage

@Suite struct PasswdFileTests {
    @Test func `a user is found by name and by number`() throws {
        let file = PasswdFile(text: "root:x:0:0:root:/root:/bin/sh\nanna:x:1001:1002:Anna,,,:/home/anna:/bin/sh\n")
        let anna = UserRecord(name: "anna", uid: 1001, gid: 1002, home: "/home/anna")
        #expect(try file.user(named: "anna") == anna)
        #expect(file.user(withID: 1001) == anna)
        #expect(try file.user(named: "root")?.uid == 0)
        #expect(try file.user(named: "ben") == nil)
        #expect(file.user(withID: 7) == nil)
    }

    @Test func `the first line of a name counts, as in the C library`() throws {
        let file = PasswdFile(text: "anna:x:1001:1::/a:\nanna:x:0:0::/b:\n")
        #expect(try file.user(named: "anna")?.uid == 1001)
    }

    @Test(arguments: [
        "agent", "agent:", "agent:x:::::", "agent:x::1000::/:/bin/sh", "agent:x:1000:::/:/bin/sh",
        "agent:x:4294967296:0::/:", "agent:x:4294967295:0::/:", "agent:x:18446744073709551616:0::/:",
        "agent:x:-1:0::/:", "agent:x:+5:0::/:", "agent:x: 5:5::/:", "agent:x:0x5:5::/:", "agent:x:00:0::/:",
        "agent:x:5:4294967296::/:", "agent:x:5:5:extra:field:/:/bin/sh", "agent:x:five:5::/:", "agent:x:٠:0::/:",
    ])
    func `a broken line of the name asked for is an error, never id 0`(line: String) {
        let file = PasswdFile(text: line + "\nagent:x:0:0::/:/bin/sh\n")
        #expect(storageCode { _ = try file.user(named: "agent") } == .malformed)
    }

    @Test(arguments: ["0", "1000", "007", "", "+agent", "-agent", "a:b", "a b", "a\nb", "a/b", "a\u{0}b", "a,b"])
    func `what is no name, or looks like a number, is refused before the file is read`(name: String) {
        let file = PasswdFile(text: "\(name):x:0:0::/:/bin/sh\n")
        #expect(storageCode { _ = try file.user(named: name) } == .malformed)
    }

    @Test func `broken lines of others do not disturb`() throws {
        let file = PasswdFile(text: ":::\n\u{FFFD}\u{1}\n#comment\n+::::::\nanna:x:5:6::/h:\n\n")
        #expect(try file.user(named: "anna")?.gid == 6)
    }

    @Test func `carriage returns and combining marks do not move the borders of lines and fields`() throws {
        // As Swift characters, "\r\n" is one, and a colon joins a combining mark after it.
        let file = PasswdFile(text: "ben:x:5:6::/h:\r\nanna:x:7:8:\u{301}:/h:\r\n")
        #expect(try file.user(named: "anna")?.uid == 7)
        #expect(try PasswdFile(text: "e\u{301}:x:0:0::/:\n").user(named: "\u{E9}") == nil)
    }

    @Test func `supplementary groups are those that list the user, without the primary`() {
        let file = GroupFile(
            text: "root:x:0:\na:x:10:anna\nb:x:11:ben,anna\nc:x:12:annabel\nd:x:10:anna\nbad:x::anna\n")
        #expect(file.supplementaryGroups(of: "anna", primary: 11) == [10])
        #expect(file.supplementaryGroups(of: "anna", primary: 7) == [10, 11])
        #expect(file.supplementaryGroups(of: "carl", primary: 7) == [])
    }

    @Test func `a group is found by name, and a broken one is an error`() throws {
        let file = GroupFile(text: "a:x:10:\nb:x:99999999999:\n")
        #expect(try file.group(named: "a")?.gid == 10)
        #expect(try file.group(named: "c") == nil)
        #expect(storageCode { _ = try file.group(named: "b") } == .malformed)
        #expect(storageCode { _ = try file.group(named: "10") } == .malformed)
    }
}
