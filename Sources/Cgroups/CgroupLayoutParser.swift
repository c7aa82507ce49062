// SPDX-License-Identifier: Apache-2.0

extension CgroupLayout {
    /// Parses `/proc/self/mountinfo` and `/proc/self/cgroup`. Pure; the v2 hierarchy's controllers are in neither file.
    ///
    /// Lines that do not have the documented form are skipped: they are no cgroup mounts of this kernel's. Named v1
    /// hierarchies (`name=systemd`) carry no controller and are left out. proc_pid_mountinfo(5), cgroups(7)
    init(mountinfo: [UInt8], membership: [UInt8]) {
        let memberships = membership.split(separator: newline).compactMap(Membership.init)
        hierarchies = []
        for line in mountinfo.split(separator: newline) {
            guard let mount = CgroupMount(line) else { continue }
            let own = memberships.first { $0.isIn(mount) }
            let found = CgroupHierarchy(
                version: mount.version, controllers: mount.controllers, mountPoint: mount.point,
                mountRoot: mount.root, ownPath: own?.path)
            let same = hierarchies.firstIndex {
                $0.version == found.version && (found.version == .v2 || $0.controllers == found.controllers)
            }
            // A hierarchy may be mounted several times: the mount that shows all of it is preferred.
            if let same {
                if found.mountRoot == "/" && hierarchies[same].mountRoot != "/" { hierarchies[same] = found }
            } else {
                hierarchies.append(found)
            }
        }
    }
}

private let newline = UInt8(ascii: "\n")
private let space = UInt8(ascii: " ")
private let backslash = UInt8(ascii: "\\")

/// One line of mountinfo that is a cgroup mount: `36 35 0:30 ROOT POINT OPTIONS [TAGS…] - TYPE SOURCE SUPEROPTIONS`.
private struct CgroupMount {
    var version: CgroupVersion
    var controllers: [CgroupController]
    var root: String
    var point: String

    init?(_ line: ArraySlice<UInt8>) {
        // Most lines are other file systems: look at the type before anything is copied.
        guard let separator = Self.separator(in: line), line[separator...].starts(with: " - cgroup".utf8) else {
            return nil
        }
        let tail = line[(separator + 3)...].split(separator: space, omittingEmptySubsequences: false)
        let head = line[..<separator].split(separator: space, maxSplits: 5)
        guard tail.count == 3, head.count == 6 else { return nil }
        root = unescaped(head[3])
        point = unescaped(head[4])
        guard root.first == "/", point.first == "/" else { return nil }
        switch String(decoding: tail[0], as: UTF8.self) {
        case "cgroup2":
            version = .v2
            controllers = []
        case "cgroup":
            version = .v1
            controllers = controllersNamedInV1(tail[2])
            if controllers.isEmpty { return nil }
        default: return nil
        }
    }

    /// The index of ` - `, which ends the optional fields.
    private static func separator(in line: ArraySlice<UInt8>) -> Int? {
        guard line.count > 3 else { return nil }
        return (line.startIndex..<(line.endIndex - 3)).first { index in
            line[index] == space && line[index + 1] == UInt8(ascii: "-") && line[index + 2] == space
        }
    }
}

/// One line of `/proc/self/cgroup`: `ID:CONTROLLERS:PATH`; the path may hold colons.
private struct Membership {
    var controllers: [CgroupController]
    var isUnified: Bool
    var path: String?

    init?(_ line: ArraySlice<UInt8>) {
        let fields = line.split(separator: UInt8(ascii: ":"), maxSplits: 2, omittingEmptySubsequences: false)
        guard fields.count == 3, fields[2].first == UInt8(ascii: "/") else { return nil }
        isUnified = fields[0].elementsEqual("0".utf8) && fields[1].isEmpty
        controllers = controllersNamedInV1(fields[1])
        let isRemoved = fields[2].suffix(10).elementsEqual(" (deleted)".utf8)
        path = isRemoved ? nil : String(decoding: fields[2], as: UTF8.self)
    }

    func isIn(_ mount: CgroupMount) -> Bool {
        mount.version == .v2 ? isUnified : !isUnified && controllers.contains { mount.controllers.contains($0) }
    }
}

/// The controllers in a list such as `rw,cpu,cpuacct`, of those this module knows.
private func controllersNamedInV1(_ list: ArraySlice<UInt8>) -> [CgroupController] {
    list.split(separator: UInt8(ascii: ",")).compactMap {
        CgroupController(nameInV1: String(decoding: $0, as: UTF8.self))
    }
}

/// A mountinfo field with its octal escapes (`\040` is a space) resolved.
private func unescaped(_ field: ArraySlice<UInt8>) -> String {
    guard field.contains(backslash) else { return String(decoding: field, as: UTF8.self) }
    var bytes: [UInt8] = []
    var index = field.startIndex
    while index < field.endIndex {
        let digits = field[(index + 1)...].prefix(3)
        let value = digits.reduce(Int?.some(0)) { sum, digit in
            guard let sum, (0x30...0x37).contains(digit) else { return nil }
            return sum * 8 + Int(digit - 0x30)
        }
        if field[index] == backslash, digits.count == 3, let value, value <= 255 {
            bytes.append(UInt8(value))
            index += 4
        } else {
            bytes.append(field[index])
            index += 1
        }
    }
    return String(decoding: bytes, as: UTF8.self)
}
