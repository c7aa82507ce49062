// SPDX-License-Identifier: Apache-2.0

/// A user as /etc/passwd has it.
public struct UserRecord: Sendable, Equatable {
    public var name: String
    public var uid: UInt32
    public var gid: UInt32
    public var home: String
}

/// The text of an /etc/passwd, which may be a hostile rootfs's.
///
/// A name is looked up byte by byte, and the first line that begins with it counts, as in the C library. A line that breaks
/// the rules is passed over until it is the one asked for: then it is an error, so that garbage never becomes id 0.
/// passwd(5)
public struct PasswdFile: Sendable {
    let table: AccountTable

    public init(text: String) { table = AccountTable(text: text) }

    /// The user of that name; `nil` where no line has it.
    ///
    /// - Throws: `.malformed` where the name looks like a number or is no name, or its line is broken.
    public func user(named name: String) throws(StorageError) -> UserRecord? {
        guard let line = try table.line(named: name, in: "passwd") else { return nil }
        guard let user = Self.record(line) else { throw AccountTable.broken(name, "passwd") }
        return user
    }

    /// The first well-formed user with that id: its home and name.
    public func user(withID uid: UInt32) -> UserRecord? {
        for line in table.lines {
            if let user = Self.record(line), user.uid == uid { return user }
        }
        return nil
    }

    private static func record(_ line: Substring.UTF8View) -> UserRecord? {
        let fields = AccountTable.fields(line)
        guard fields.count == 7, let name = AccountTable.validName(fields[0]),
            let uid = AccountTable.identity(fields[2]), let gid = AccountTable.identity(fields[3])
        else { return nil }
        return UserRecord(name: name, uid: uid, gid: gid, home: String(Substring(fields[5])))
    }
}

/// A group as /etc/group has it.
public struct GroupRecord: Sendable, Equatable {
    public var name: String
    public var gid: UInt32
    public var members: [String]
}

/// The text of an /etc/group, under the same rules as `PasswdFile`. group(5)
public struct GroupFile: Sendable {
    let table: AccountTable

    public init(text: String) { table = AccountTable(text: text) }

    /// The group of that name; `nil` where no line has it.
    ///
    /// - Throws: `.malformed` where the name looks like a number or is no name, or its line is broken.
    public func group(named name: String) throws(StorageError) -> GroupRecord? {
        guard let line = try table.line(named: name, in: "group") else { return nil }
        guard let group = Self.record(line) else { throw AccountTable.broken(name, "group") }
        return group
    }

    /// The groups that list the user as a member, without `primary`, in the file's order, at most 65,536 (NGROUPS_MAX).
    /// Broken lines give no group.
    public func supplementaryGroups(of user: String, primary: UInt32) -> [UInt32] {
        var found: [UInt32] = []
        var seen: Set<UInt32> = [primary]
        for line in table.lines {
            guard let group = Self.record(line), !seen.contains(group.gid),
                group.members.contains(where: { $0.utf8.elementsEqual(user.utf8) })
            else { continue }
            seen.insert(group.gid)
            found.append(group.gid)
            if found.count == 65_536 { break }
        }
        return found
    }

    private static func record(_ line: Substring.UTF8View) -> GroupRecord? {
        let fields = AccountTable.fields(line)
        guard fields.count == 4, let name = AccountTable.validName(fields[0]),
            let gid = AccountTable.identity(fields[2])
        else { return nil }
        let members = fields[3].split(separator: UInt8(ascii: ",")).map { String(Substring($0)) }
        return GroupRecord(name: name, gid: gid, members: members)
    }
}

/// Lines of fields between colons, taken apart as bytes: Swift's characters would join a colon with a combining mark after
/// it, and compare names that only look alike as equal.
struct AccountTable: Sendable {
    let text: String

    var lines: [Substring.UTF8View] { text[...].utf8.split(separator: UInt8(ascii: "\n")) }

    /// The first line whose first field is the name.
    func line(named name: String, in file: String) throws(StorageError) -> Substring.UTF8View? {
        guard Self.validName(name[...].utf8) != nil else {
            let isNumber = !name.isEmpty && name.utf8.allSatisfy { (0x30...0x39).contains($0) }
            throw StorageError(
                .malformed, "look up in /etc/\(file)", name,
                isNumber ? "it is a number, not a name" : "it is not a name",
                hint: "give a number for an id, or a name that begins with a letter")
        }
        return lines.first { Self.fields($0)[0].elementsEqual(name.utf8) }
    }

    static func broken(_ name: String, _ file: String) -> StorageError {
        StorageError(
            .malformed, "look up in /etc/\(file)", name, "its line is broken or its id is out of range",
            hint: "repair the line in the root file system, or give the number: --user UID:GID")
    }

    static func fields(_ line: Substring.UTF8View) -> [Substring.UTF8View] {
        line.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    }

    /// A user or group name: no control byte, colon, comma, slash or blank; not `+` or `-` first (NIS); no number, which
    /// would be taken for an id. At most 256 bytes.
    static func validName(_ name: Substring.UTF8View) -> String? {
        guard (1...256).contains(name.count), let first = name.first, !"+-".utf8.contains(first) else { return nil }
        guard name.allSatisfy({ $0 > 0x20 && $0 != 0x7F && !":,/".utf8.contains($0) }) else { return nil }
        guard !(0x30...0x39).contains(first) || !name.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return String(Substring(name))
    }

    /// An id in decimal digits, without sign, blank or needless zero; at most 2³²−2, since 2³²−1 means "unchanged".
    static func identity(_ digits: Substring.UTF8View) -> UInt32? {
        guard (1...10).contains(digits.count), digits.first != 0x30 || digits.count == 1 else { return nil }
        var value: UInt64 = 0
        for digit in digits {
            guard (0x30...0x39).contains(digit) else { return nil }
            value = value * 10 + UInt64(digit - 0x30)
        }
        return value < UInt64(UInt32.max) ? UInt32(value) : nil
    }
}
