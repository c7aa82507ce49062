// SPDX-License-Identifier: Apache-2.0

/// Which distribution this is, and so how a thing is installed or set. os-release(5)
public struct Distribution: Sendable, Equatable {
    public enum Family: Sendable {
        case debian, fedora, alpine, arch, suse, other
    }

    public var id: String
    public var version: String
    public var family: Family

    /// Reads the text of /etc/os-release.
    public init(osRelease text: String) {
        var fields: [String: String] = [:]
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: "=", maxSplits: 1)
            guard parts.count == 2 else { continue }
            fields[String(parts[0])] = parts[1].filter { $0 != "\"" && $0 != "'" }
        }
        id = fields["ID"] ?? "linux"
        version = fields["VERSION_ID"] ?? ""
        let names = [id] + (fields["ID_LIKE"] ?? "").split(separator: " ").map(String.init)
        family = names.lazy.compactMap { Self.families[$0] }.first ?? .other
    }

    private static let families: [String: Family] = [
        "debian": .debian, "ubuntu": .debian, "fedora": .fedora, "rhel": .fedora, "centos": .fedora,
        "alpine": .alpine, "arch": .arch, "suse": .suse, "opensuse": .suse,
    ]

    /// The command that installs a program, which some package managers look up themselves.
    func installs(_ program: String, debianPackage: String? = nil, otherPackage: String? = nil) -> String {
        switch family {
        case .debian: "apt-get install \(debianPackage ?? program)"
        case .fedora: "dnf install '*/bin/\(program)'"
        case .alpine: "apk add cmd:\(program)"
        case .arch: "pacman -S \(otherPackage ?? program)"
        case .suse: "zypper install \(otherPackage ?? program)"
        case .other: "install the package that has \(program)"
        }
    }

    /// Newer kernels that a release has besides its first, and their versions. Looked up in the archives in 2026.
    private static let newerKernels: [String: (version: String, command: String)] = [
        "debian 11": ("6.1", "apt-get install linux-image-6.1-$(dpkg --print-architecture)"),
        "debian 12": ("6.12", "apt-get install linux-image-6.12-$(dpkg --print-architecture)"),
        "debian 13": (
            "7.0",
            "echo 'deb http://deb.debian.org/debian trixie-backports main' > /etc/apt/sources.list.d/backports.list; "
                + "apt-get update; apt-get install -t trixie-backports linux-image-$(dpkg --print-architecture)"
        ),
        "ubuntu 20.04": ("5.15", "apt-get install linux-generic-hwe-20.04"),
        "ubuntu 22.04": ("6.8", "apt-get install linux-generic-hwe-22.04"),
        "ubuntu 24.04": ("7.0", "apt-get install linux-generic-hwe-24.04"),
    ]

    /// How to get a kernel of at least this version.
    func kernelCure(_ needed: String) -> String {
        guard let newer = Self.newerKernels["\(id) \(version)"], KernelRelease(newer.version) >= KernelRelease(needed)
        else { return "install Linux \(needed) or later, and reboot" }
        return newer.command + "; reboot"
    }

    /// How to boot with a parameter. bootparam(7)
    func bootCure(_ parameter: String) -> String {
        switch family {
        case .debian:
            "add \(parameter) to GRUB_CMDLINE_LINUX in /etc/default/grub; update-grub; reboot"
        case .fedora: "grubby --update-kernel=ALL --args=\"\(parameter)\"; reboot"
        case .alpine: "add \(parameter) to default_kernel_opts in /etc/update-extlinux.conf; update-extlinux; reboot"
        case .arch, .suse, .other: "add \(parameter) to the kernel's command line in the boot loader; reboot"
        }
    }
}
