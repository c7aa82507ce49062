// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// Id-mapped mounts of directories, each made detached, seen by nobody, and dropped with its descriptor.
struct IDMapProbe: ~Copyable {
    /// One attempt a file system.
    private(set) var attempts: [FileFacts.IDMap] = []
    /// The trees of those that worked.
    private(set) var trees = DescriptorTable()

    /// - Parameter pid: a process in a user namespace with maps.
    init(_ paths: [String], namespaceOf pid: Int32) {
        var seen: Set<UInt64> = []
        for path in paths {
            do throws(SystemError) {
                guard let found = try status(of: path, followingSymlinks: true), found.kind == .directory,
                    seen.insert(found.device).inserted
                else { continue }
                let directory = try open(path, [.pathOnly, .directory])
                let namespace = try open("/proc/\(pid)/ns/user")
                let type = FileSystemName.of(directory)
                attempts.append(FileFacts.IDMap(path: path, fileSystem: type, attempt: map(directory, namespace)))
            } catch { continue }  // not there, or not root's to open: no directory to keep a workspace in
        }
    }

    private mutating func map(_ directory: borrowing Descriptor, _ namespace: borrowing Descriptor) -> Attempt {
        do throws(SystemError) {
            let tree = try cloneTree(directory, recursive: false)
            try setMountAttributes(tree, set: [], idMap: namespace.rawValue, makingPrivate: true)
            trees.append(tree)
            return .worked()
        } catch { return .failed(error.errno) }
    }
}

/// File systems by their magic numbers. statfs(2)
enum FileSystemName {
    private static let names: [Int: String] = [
        0xEF53: "ext4", 0x5846_5342: "xfs", 0x9123_683E: "btrfs", 0x0102_1994: "tmpfs", 0x794C_7630: "overlay",
        0x6969: "nfs", 0x6573_5546: "fuse", 0x2FC1_2FC1: "zfs", 0x0102_1997: "9p", 0xF2F5_2010: "f2fs",
        0x8584_58F6: "ramfs", 0x7371_7368: "squashfs", 0x4D44: "vfat", 0xE0F5_E1E2: "erofs", 0xFF53_4D42: "cifs",
    ]

    static func of(_ file: borrowing Descriptor) -> String {
        guard let magic = try? fileSystemType(file) else { return "unknown" }
        return names[magic] ?? "0x\(String(magic, radix: 16))"
    }
}
