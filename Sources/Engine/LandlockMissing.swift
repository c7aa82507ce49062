// SPDX-License-Identifier: Apache-2.0
import SandboxSpec
import SetupProgram

/// What an agent without namespaces can do that one with namespaces cannot, in words: for whoever relies on it.
struct LandlockMissing {
    let spec: SandboxSpec
    let inputs: LaunchInputs
    let alone: LandlockAlone

    private var abi: UInt32 { alone.abi }
    private var hasFilter: Bool { !inputs.filter.isEmpty }

    var words: [String] {
        var words = [
            "no PID namespace: names and command lines of all processes can be read",
            "no mount namespace: names and attributes of files elsewhere can be looked at, not what is in them",
        ]
        if spec.network == .none {
            words.append("no network namespace: addresses and connections of the host can be read, none can be used")
        }
        if alone.sharesIdentity {
            let name = inputs.identity.name
            words.append("the uid and groups of \(name): modes and times of that user's other files can be changed")
            if abi < 6 { words.append("signals reach other processes of \(name) (Landlock ABI 6, Linux 6.12)") }
        }
        if spec.network == .host, abi < 6, !hasFilter {
            words.append("abstract sockets of the host can be reached (Landlock ABI 6, Linux 6.12)")
        }
        if !hasFilter {
            if spec.network != .host {
                words.append(
                    "no network namespace: TCP is refused, but by MPTCP, TCP Fast Open and UDP the network can be used")
            }
            if abi < 9 { words.append("Unix sockets can be reached by their paths (Landlock ABI 9, Linux 7.1)") }
            words.append("no IPC namespace: System V objects and message queues of the host can be reached")
        }
        words.append("what is written is limited by the disk alone")
        if let closedWords { words.append("no mounts over guarded files: " + closedWords) }
        return words
    }

    /// Where nothing can be made, and the cure.
    var closedWords: String? {
        guard !inputs.closedDirectories.isEmpty else { return nil }
        let shown = inputs.closedDirectories.prefix(8).map { $0.isEmpty ? "the workspace itself" : $0 }
        let rest = inputs.closedDirectories.count > 8 ? " and \(inputs.closedDirectories.count - 8) more" : ""
        return
            "nothing can be made or removed in \(shown.joined(separator: ", "))\(rest), where guarded names are or could be; "
            + "--no-builtin-guards, without --hide and --protect, opens it"
    }
}
