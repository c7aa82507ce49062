// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// A run of host ids that /etc/subuid or /etc/subgid lends to a user.
public struct SubordinateRange: Sendable, Equatable {
    public var start: UInt32
    public var count: UInt32

    public init(start: UInt32, count: UInt32) {
        self.start = start
        self.count = count
    }
}

/// The text of /etc/subuid or /etc/subgid: lines `owner:start:count`, the owner a name or a uid. subuid(5)
public struct SubordinateIDFile: Sendable, Equatable {
    struct Line: Sendable, Equatable {
        var owner: String
        var range: SubordinateRange
    }

    let lines: [Line]

    /// Takes the text apart. Lines that are not `owner:start:count`, whose range is empty, holds id 0 or passes 2³²−2 are
    /// passed over, as newuidmap(1) would refuse them.
    public init(text: String) {
        lines = text.utf8.split(separator: UInt8(ascii: "\n")).compactMap { line in
            let fields = AccountTable.fields(line)
            guard fields.count == 3, !fields[0].isEmpty, let start = AccountTable.identity(fields[1]),
                let count = AccountTable.identity(fields[2]), start > 0, count > 0,
                UInt64(start) + UInt64(count) <= UInt64(UInt32.max)
            else { return nil }
            return Line(
                owner: String(Substring(fields[0])), range: SubordinateRange(start: start, count: count))
        }
    }

    /// The ranges lent to a user, by name or by number, in the file's order.
    ///
    /// - Parameter user: the name; `nil` where the uid has none.
    public func ranges(forUser user: String?, uid: UInt32) -> [SubordinateRange] {
        lines.filter { line in
            line.owner.utf8.elementsEqual(String(uid).utf8)
                || (user.map { line.owner.utf8.elementsEqual($0.utf8) } ?? false)
        }.map(\.range)
    }
}

/// What an ordinary user may map into a user namespace besides the own id: ranges, and the programs that write the maps.
public struct SubordinateIDs: Sendable, Equatable {
    public var uids: [SubordinateRange]
    public var gids: [SubordinateRange]

    /// Reads the host's files; a file that does not exist lends nothing.
    ///
    /// The user's name is looked up in /etc/passwd; users of a directory service are found by uid alone.
    /// - Throws: `.system`; `.malformed` where a file is longer than 1 MiB.
    public static func load(uid: UInt32, directory: String = "/etc") throws(StorageError) -> SubordinateIDs {
        let passwd = PasswdFile(text: try text(directory + "/passwd"))
        let name = passwd.user(withID: uid)?.name
        let uids = SubordinateIDFile(text: try text(directory + "/subuid"))
        let gids = SubordinateIDFile(text: try text(directory + "/subgid"))
        return SubordinateIDs(
            uids: uids.ranges(forUser: name, uid: uid), gids: gids.ranges(forUser: name, uid: uid))
    }

    private static func text(_ path: String) throws(StorageError) -> String {
        do throws(SystemError) {
            return try readText(path, limit: 1 << 20) ?? ""
        } catch where error.errno == .fileTooLarge {
            throw StorageError(.malformed, "read", path, "it is longer than 1 MiB")
        } catch {
            throw StorageError("read", path, error)
        }
    }
}

/// The set-uid programs of shadow that write a user's id maps. newuidmap(1), newgidmap(1)
public struct IDMapTools: Sendable, Equatable {
    public var newuidmap: String
    public var newgidmap: String

    /// Finds both.
    ///
    /// - Throws: `.toolMissing`, with the package to install.
    public static func find(searchPath: String? = nil) throws(StorageError) -> IDMapTools {
        IDMapTools(
            newuidmap: try ExecutableSearch.require("newuidmap", searchPath: searchPath, package: "uidmap"),
            newgidmap: try ExecutableSearch.require("newgidmap", searchPath: searchPath, package: "uidmap"))
    }
}
