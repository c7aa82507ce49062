// SPDX-License-Identifier: Apache-2.0
import Foundation

/// Directories and files of the host's that hostile links lead to: in reach, if anything is, of whoever follows one.
struct HostCanaries {
    /// What is in every file that must not be read.
    static let token = "canary-\(getpid())-\(UInt32.random(in: 0 ... .max))"

    let directory = TemporaryTree.makeDirectory("canaries")
    var file: String { "\(directory)/file" }
    /// A name that does not exist.
    var new: String { "\(directory)/new" }
    /// A file that trees have as a hard link: it may be read there, and not changed.
    let shared = TemporaryTree.makeDirectory("shared") + "/file"
    private var before: [String] = []

    init() {
        TemporaryTree.write(Self.token, to: file)
        mkdir("\(directory)/directory", 0o777)
        chmod("\(directory)/directory", 0o777)
        TemporaryTree.write(Self.token, to: "\(directory)/directory/file")
        // Permissions are not what is to keep anybody from them.
        for path in [directory, file, "\(directory)/directory/file"] { chmod(path, 0o777) }
        TemporaryTree.write("agent:x:1000:1000::/:/shared\n", to: shared)
        chmod(shared, 0o666)
        before = listing()
    }

    /// To be opened by nobody, not even to look.
    var unopened: [String] { [directory, "\(directory)/directory"] }

    /// Whether everything is as it was; the times and names of hard links are not theirs.
    var isUntouched: Bool { listing() == before }

    private func listing() -> [String] {
        TemporaryTree.listing(directory) + [TemporaryTree.read(file) ?? "", TemporaryTree.read(shared) ?? ""]
    }
}
