// SPDX-License-Identifier: Apache-2.0
import Confinement
import LinuxKernel

/// What a system call wants of a path, as its registers say.
struct PathRequest: Equatable {
    enum Need: Equatable {
        /// Opening or executing what is there; where it may be made, writing its directory does as well.
        case file(AccessModes, mayMake: Bool)
        /// Changing the directory that the name is in.
        case entry
    }
    /// In words, before the path: `open for writing`.
    var verb: String
    /// The address of the path, and the directory descriptor that it begins at.
    var address: UInt64
    var directory: Int32
    var need: Need
}

/// The calls that are about paths, and where in their arguments those are. Man pages, section 2, of each.
enum PathCalls {
    static let names = [
        "open", "openat", "openat2", "creat", "execve", "execveat", "truncate", "mkdir", "mkdirat", "rmdir", "unlink",
        "unlinkat", "symlink", "symlinkat", "mknod", "mknodat", "link", "linkat", "rename", "renameat", "renameat2",
        "chdir",
    ]

    private static let workingDirectory: Int32 = -100  // AT_FDCWD

    /// The paths a call is about.
    ///
    /// - Parameter flagsOfOpenat2: reads the first word of `struct open_how` at an address.
    static func requests(
        _ name: String, _ arguments: [UInt64], flagsOfOpenat2: (UInt64) -> UInt64?
    ) -> [PathRequest] {
        func at(_ directory: Int, _ path: Int, _ verb: String, _ need: PathRequest.Need) -> PathRequest {
            PathRequest(
                verb: verb, address: arguments[path],
                directory: directory < 0
                    ? workingDirectory : Int32(truncatingIfNeeded: arguments[directory]), need: need)
        }
        func opening(_ directory: Int, _ path: Int, _ flags: UInt64) -> [PathRequest] {
            let modes: AccessModes =
                switch flags & 3 {
                case 0: .read
                case 1: .write
                default: [.read, .write]
                }
            let words = modes == .read ? "read" : modes == .write ? "write" : "read and write"
            // O_PATH asks for nothing.
            if flags & 0o10000000 != 0 { return [] }
            let truncates: AccessModes = flags & 0o1000 != 0 ? .write : []
            return [at(directory, path, words, .file(modes.union(truncates), mayMake: flags & 0o100 != 0))]
        }
        switch name {
        case "open": return opening(-1, 0, arguments[1])
        case "openat": return opening(0, 1, arguments[2])
        case "openat2": return flagsOfOpenat2(arguments[2]).map { opening(0, 1, $0) } ?? []
        case "creat": return [at(-1, 0, "write", .file(.write, mayMake: true))]
        case "execve": return [at(-1, 0, "execute", .file(.execute, mayMake: false))]
        case "execveat": return [at(0, 1, "execute", .file(.execute, mayMake: false))]
        case "truncate": return [at(-1, 0, "truncate", .file(.write, mayMake: false))]
        case "chdir": return [at(-1, 0, "enter", .file(.execute, mayMake: false))]
        case "mkdir": return [at(-1, 0, "make directory", .entry)]
        case "mkdirat": return [at(0, 1, "make directory", .entry)]
        case "rmdir", "unlink": return [at(-1, 0, "remove", .entry)]
        case "unlinkat": return [at(0, 1, "remove", .entry)]
        case "symlink": return [at(-1, 1, "make link", .entry)]
        case "symlinkat": return [at(1, 2, "make link", .entry)]
        case "mknod": return [at(-1, 0, "make node", .entry)]
        case "mknodat": return [at(0, 1, "make node", .entry)]
        case "link": return [at(-1, 1, "make link", .entry)]
        case "linkat": return [at(2, 3, "make link", .entry)]
        case "rename": return [at(-1, 0, "rename", .entry), at(-1, 1, "rename to", .entry)]
        case "renameat", "renameat2": return [at(0, 1, "rename", .entry), at(2, 3, "rename to", .entry)]
        default: return []
        }
    }
}
