// SPDX-License-Identifier: Apache-2.0
import Foundation

/// Directories of one test process, all removed when it ends.
enum TemporaryTree {
    /// Others can look into it, as they can into most directories of a host: what an agent cannot reach, it cannot
    /// reach because of the sandbox.
    private static let root: String = {
        var template = Array("/tmp/martinet-security-XXXXXX".utf8CString)
        precondition(mkdtemp(&template) != nil, "no temporary directory")
        let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        chmod(path, 0o755)
        atexit { try? FileManager.default.removeItem(atPath: TemporaryTree.root) }
        return path
    }()

    nonisolated(unsafe) private static var count = 0  // tests here are serialized

    /// A new, empty directory.
    static func makeDirectory(_ name: String) -> String {
        count += 1
        let path = "\(root)/\(count)-\(name)"
        precondition(mkdir(path, 0o755) == 0, "make \(path)")
        return path
    }

    /// The same directory for every caller; made when it is first asked for. Without a name: the one above all.
    static func shared(_ name: String) -> String {
        let path = name.isEmpty ? root : "\(root)/\(name)"
        mkdir(path, 0o755)
        return path
    }

    static func write(_ text: String, to path: String) {
        precondition(FileManager.default.createFile(atPath: path, contents: Data(text.utf8)), "write \(path)")
    }

    static func read(_ path: String) -> String? {
        FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
    }

    /// Every name below a directory with its type, size, owner and link target: what must be the same afterwards.
    static func listing(_ path: String) -> [String] {
        var lines: [String] = []
        let all = [""] + (FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? [])
        for name in all {
            var found = stat()
            let full = name.isEmpty ? path : "\(path)/\(name)"
            guard lstat(full, &found) == 0 else { continue }
            let link = (try? FileManager.default.destinationOfSymbolicLink(atPath: full)) ?? ""
            lines.append(
                "\(name) \(String(found.st_mode, radix: 8)) \(found.st_size) \(found.st_uid) \(found.st_mtim.tv_sec)."
                    + "\(found.st_mtim.tv_nsec) \(link)")
        }
        return lines.sorted()
    }
}

var isRoot: Bool { geteuid() == 0 }
