// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import Storage

/// Placeholder files in a workspace, known by their inodes: only what is still the same is ever removed.
public struct KeptPlaceholders: Sendable, Equatable {
    /// The workspace, and its identity when it was opened.
    public var directory: String
    public var device: UInt64
    public var inode: UInt64
    public var files: [CreatedPlaceholder]

    public init(directory: String, device: UInt64, inode: UInt64, files: [CreatedPlaceholder]) {
        self.directory = directory
        self.device = device
        self.inode = inode
        self.files = files
    }

    /// Removes those that are still what was made. A workspace that is not there any more has none.
    func remove() {
        guard let workspace = try? open(directory, [.directory, .pathOnly]), let found = try? status(of: workspace),
            found.device == device, found.inode == inode
        else { return }
        Placeholders.remove(files, in: workspace)
    }
}
