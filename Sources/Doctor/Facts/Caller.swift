// SPDX-License-Identifier: Apache-2.0

/// Who asks, and from where.
public struct Caller: Sendable, Equatable {
    /// What this process runs in, where it is not the machine itself.
    public enum Container: Sendable, Equatable {
        case docker, podman, kubernetes, lxc
        case other(String)

        var name: String {
            switch self {
            case .docker: "Docker"
            case .podman: "Podman"
            case .kubernetes: "Kubernetes"
            case .lxc: "LXC"
            case .other(let name): name
            }
        }

        init(_ name: String) {
            self =
                switch name {
                case "docker": .docker
                case "podman", "oci": .podman
                case "kubernetes", "kube": .kubernetes
                case "lxc", "lxc-libvirt", "incus": .lxc
                default: .other(name)
                }
        }

        /// How to start it so that sandboxes can be made inside.
        var cure: String {
            switch self {
            case .docker:
                "docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined "
                    + "--security-opt systempaths=unconfined …"
            case .podman: "podman run --security-opt seccomp=unconfined --security-opt unmask=ALL …"
            case .kubernetes:
                "in the pod's spec: hostUsers: false; in the container's securityContext: procMount: Unmasked, "
                    + "seccompProfile: {type: Unconfined}, appArmorProfile: {type: Unconfined}"
            case .lxc: "lxc config set NAME security.nesting true; lxc restart NAME    (on the host)"
            case .other: "start the container without a system-call filter and with /proc and /sys unmasked"
            }
        }
    }

    public var uid: UInt32
    public var gid: UInt32
    /// By /etc/passwd.
    public var name: String?
    /// The effective capabilities. capabilities(7)
    public var capabilities: UInt64
    /// Whether every id means what it says. user_namespaces(7)
    public var isInInitialUserNamespace: Bool
    /// PR_SET_NO_NEW_PRIVS(2const)
    public var hasNoNewPrivileges: Bool
    /// Whether a system-call filter holds this process already.
    public var isFiltered: Bool
    public var container: Container?
    /// Whether / is no mount point: chroot(2).
    public var isInChroot: Bool
    /// Whether systemd runs the machine. sd_booted(3)
    public var usesSystemd: Bool
    /// The absolute path of `martinet`.
    public var program: String

    /// CHOWN, DAC_OVERRIDE, SETGID, SETUID, SYS_CHROOT and SYS_ADMIN: what the launcher takes as root.
    static let neededCapabilities: [(name: String, bit: UInt64)] = [
        ("CHOWN", 0), ("DAC_OVERRIDE", 1), ("SETGID", 6), ("SETUID", 7), ("SYS_CHROOT", 18), ("SYS_ADMIN", 21),
    ]

    var missingCapabilities: [String] {
        Self.neededCapabilities.filter { capabilities & 1 << $0.bit == 0 }.map(\.name)
    }

    /// Whether sandboxes get ranges of ids of their own, as `HostProbe` decides.
    var isPrivileged: Bool { uid == 0 && isInInitialUserNamespace && missingCapabilities.isEmpty }

    /// The name for commands.
    var account: String { name ?? "\(uid)" }
}
