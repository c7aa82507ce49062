// SPDX-License-Identifier: Apache-2.0

extension Diagnosis {
    /// Programs of the host, all of them for something besides `run` with default settings.
    var tools: [Finding] {
        // What takes root is of no use to anybody else.
        if facts.caller.isPrivileged {
            return [
                tool("nft", package: "nftables", effect: "bridged networks cannot be set up", source: "nft(8)"),
                tool(
                    "debootstrap", package: "debootstrap", effect: "martinet rootfs build does not work",
                    source: "debootstrap(8)"),
            ]
        }
        guard facts.caller.usesSystemd, facts.cgroups.layout?.kind == .v2 else { return [] }
        return [
            tool(
                "systemd-run", package: "systemd", effect: "no cgroup can be delegated to a command",
                source: "systemd-run(1)")
        ]
    }

    private func tool(_ name: String, package: String, effect: String, source: String) -> Finding {
        let path = facts.tools[name]
        return Finding(
            name, .tools, name, path == nil ? .missing : .ok, path ?? "not installed", effect: effect,
            cure: facts.distribution.installs(name, debianPackage: package, otherPackage: package), source: source)
    }
}
