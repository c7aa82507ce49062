// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// Who an agent will be, as a root file system's own files say.
public struct ResolvedUser: Sendable, Equatable {
    public var uid: UInt32
    public var gid: UInt32
    /// The home directory as written there; empty where the file gives none.
    public var home: String
    /// Groups that list the user as a member.
    public var supplementaryGroups: [UInt32]
}

/// Looks names up in a root file system's /etc/passwd and /etc/group, which may be hostile.
///
/// The files are opened beneath the root's descriptor, where symlinks resolve as if it were `/`; only regular files of at
/// most 1 MiB count, and nothing there can make the caller wait. With an overlay the upper layer's file wins, and a
/// whiteout there hides the lower one; an upper `etc` marked opaque is not looked at.
public enum UserLookup {
    /// The user of that name.
    ///
    /// - Parameters:
    ///   - rootfs: the root file system, or an overlay's lower layer.
    ///   - overlayUpper: the overlay's upper directory, a descriptor borrowed for the call.
    /// - Throws: `.notFound`, `.malformed`, `.unsafePath` where a file is not a regular one, `.system`.
    public static func resolve(
        name: String, inRootfs rootfs: borrowing Descriptor, overlayUpper: Int32? = nil
    ) throws(StorageError) -> ResolvedUser {
        let passwd = PasswdFile(text: try read("etc/passwd", rootfs, overlayUpper) ?? "")
        guard let user = try passwd.user(named: name) else {
            throw StorageError(
                .notFound, "look up user", name, "the root file system's /etc/passwd has no such name",
                hint: "give a number: --user UID:GID")
        }
        let groups = GroupFile(text: try read("etc/group", rootfs, overlayUpper) ?? "")
        return ResolvedUser(
            uid: user.uid, gid: user.gid, home: user.home,
            supplementaryGroups: groups.supplementaryGroups(of: name, primary: user.gid))
    }

    /// What the files say about a number: its first line's group, home and memberships; `nil` where no line has it.
    public static func describe(
        uid: UInt32, inRootfs rootfs: borrowing Descriptor, overlayUpper: Int32? = nil
    ) throws(StorageError) -> ResolvedUser? {
        let passwd = PasswdFile(text: try read("etc/passwd", rootfs, overlayUpper) ?? "")
        guard let user = passwd.user(withID: uid) else { return nil }
        let groups = GroupFile(text: try read("etc/group", rootfs, overlayUpper) ?? "")
        return ResolvedUser(
            uid: uid, gid: user.gid, home: user.home,
            supplementaryGroups: groups.supplementaryGroups(of: user.name, primary: user.gid))
    }

    /// The id of the group of that name.
    public static func resolve(
        group name: String, inRootfs rootfs: borrowing Descriptor, overlayUpper: Int32? = nil
    ) throws(StorageError) -> UInt32 {
        let groups = GroupFile(text: try read("etc/group", rootfs, overlayUpper) ?? "")
        guard let group = try groups.group(named: name) else {
            throw StorageError(
                .notFound, "look up group", name, "the root file system's /etc/group has no such name",
                hint: "give a number: --user UID:GID")
        }
        return group.gid
    }

    private static func read(
        _ path: String, _ rootfs: borrowing Descriptor, _ upper: Int32?
    ) throws(StorageError) -> String? {
        if let upper {
            switch try readLayer(path, upper) {
            case .text(let text): return text
            case .hidden: return nil
            case .absent: break
            }
        }
        if case .text(let text) = try readLayer(path, rootfs.rawValue) { return text }
        return nil
    }

    private enum LayerFile {
        case text(String)
        case absent
        /// An overlay's whiteout: deleted, whatever the lower layer has.
        case hidden
    }

    private static func readLayer(_ path: String, _ root: Int32) throws(StorageError) -> LayerFile {
        let subject = "/" + path + " of the root file system"
        do throws(SystemError) {
            // A handle first: opening a device or a fifo that someone put there must not do anything.
            let handle = try open(
                path, [.pathOnly], at: .descriptor(root), resolving: [.inRoot, .noMagicLinks])
            let facts = try status(of: handle)
            if facts.kind == .characterDevice && facts.specialDevice == 0 { return .hidden }
            if facts.kind == .regular {
                let file = try open("/proc/self/fd/\(handle.rawValue)", [.nonBlocking, .noControllingTerminal])
                return .text(String(decoding: try readAll(file, limit: 1 << 20), as: UTF8.self))
            }
        } catch where error.errno == .noEntry || error.errno == .notDirectory {
            return .absent
        } catch where error.errno == .fileTooLarge {
            throw StorageError(.malformed, "read", subject, "it is longer than 1 MiB")
        } catch {
            throw StorageError("read", subject, error)
        }
        throw StorageError(.unsafePath, "read", subject, "it is not a regular file")
    }
}
