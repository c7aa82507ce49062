// SPDX-License-Identifier: Apache-2.0

// What the system-call filter has to refuse for Landlock's sake.
extension SeccompProfile {
    /// The same profile with every call about mounts refused, whatever capability would open it.
    ///
    /// In a Landlock domain the kernel refuses to mount, move and unmount. It does not refuse mount_setattr(2), which makes a
    /// read-only mount writable, nor open_tree(2), whose copy of a directory comes without what is mounted inside: both
    /// would undo a sandbox's guards. None of these calls is of use without those that Landlock refuses anyway.
    /// - SeeAlso: landlock(7), "Filesystem topology modification"; security/landlock/fs.c
    public func refusingMounts() -> SeccompProfile {
        var profile = self
        profile.rules.insert(Rule(.errno(.notPermitted), Self.mountCalls), at: 0)
        return profile
    }

    static let mountCalls = DefaultRules.names(
        """
        fsconfig fsmount fsopen fspick mount mount_setattr move_mount open_tree open_tree_attr pivot_root umount2
        """)
}
