// SPDX-License-Identifier: Apache-2.0

extension SpecField {
    /// What the agent sees of files.
    static let files: [SpecField] = [
        SpecField(
            "rootfs", metavar: "host|DIR", "The root file system: this machine's programs, or a directory (host)",
            .hostPath,
            .text(
                set: { (spec, text) throws(SpecError) in spec.rootfs = try RootfsReference(text) },
                get: { $0.rootfs == .host ? nil : $0.rootfs.description })),
        SpecField(
            "overlay", metavar: "DIR", "Keep changes to the root file system in this directory", .hostPath,
            .text(
                set: { (spec, text) throws(SpecError) in spec.overlay = try hostPath(text) },
                get: { $0.overlay })),
        SpecField(
            "read-only", "Make the root file system read-only", .switched,
            .boolean(flagMeans: true, set: { $0.readOnly = $1 }, get: { $0.readOnly ? true : nil })),
        SpecField(
            "bind", short: "v", aliases: ["volume"], metavar: "SRC:DST[:ro|:rw]",
            "Show a file or directory of the host in the sandbox", .bind,
            .list(
                add: { (spec, text) throws(SpecError) in spec.binds.append(try BindMount(text)) },
                get: { $0.binds.map(\.description) })),
        SpecField(
            "tmpfs", metavar: "DST[:SIZE]", "An empty file system in memory", .tmpfs,
            .list(
                add: { (spec, text) throws(SpecError) in spec.tmpfs.append(try TmpfsMount(text)) },
                get: { $0.tmpfs.map(\.description) })),
        SpecField(
            "device", metavar: "DEVICE[:DST][:rw]", "A device of the host, as /dev/fuse", .device,
            .list(
                add: { (spec, text) throws(SpecError) in spec.devices.append(try DeviceMount(text)) },
                get: { $0.devices.map(\.description) })),
        SpecField(
            "workspace", metavar: "DIR", "Show a directory of the host, writable, as /workspace", .hostPath,
            .text(
                set: { (spec, text) throws(SpecError) in spec.workspace = try hostPath(text) },
                get: { $0.workspace })),
        SpecField(
            "protect", metavar: "GLOB", "Files of the workspace that may be read but not changed", .glob,
            .list(
                add: { (spec, text) throws(SpecError) in spec.protect.append(try PathGlob(text)) },
                get: { $0.protect.map(\.text) })),
        SpecField(
            "hide", metavar: "GLOB", "Files of the workspace that may not be read", .glob,
            .list(
                add: { (spec, text) throws(SpecError) in spec.hide.append(try PathGlob(text)) },
                get: { $0.hide.map(\.text) })),
        SpecField(
            "show", metavar: "GLOB", "Files and directories of the workspace that the built-in lists do not mean",
            .glob,
            .list(
                add: { (spec, text) throws(SpecError) in spec.show.append(try PathGlob(text)) },
                get: { $0.show.map(\.text) })),
        SpecField(
            "builtin-guards", flag: "no-builtin-guards", "Leave out the built-in lists of protected and hidden files",
            .switched,
            .boolean(flagMeans: false, set: { $0.builtinGuards = $1 }, get: { $0.builtinGuards ? nil : false })),
    ]
}
