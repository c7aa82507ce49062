// SPDX-License-Identifier: Apache-2.0
import Foundation
import LinuxKernel
import TestHost
import Testing

private let hasLandlock: Bool = if case .abi = LandlockSupport.probe() { true } else { false }
private let areForbidden = HostView.text("/proc/sys/user/max_user_namespaces") == "0\n"

/// Where the kernel gives nobody a user namespace: `run` says so, and `--isolation landlock` runs.
///
/// The number that forbids them counts below each user namespace: root makes one, forbids them there, and nothing of the
/// host's is set. In a machine of `scripts/test-vm --environments no-userns` they are forbidden to everybody.
@Suite(
    .serialized,
    .enabled(if: hasLandlock, "this kernel has no Landlock"),
    .enabled(
        if: areForbidden || isRoot,
        "only root forbids user namespaces: scripts/test-vm --environments no-userns"))
struct WithoutNamespacesTests {
    /// Who runs it there.
    private enum Caller { case root, user }

    private static let nobody = "setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all"

    /// Runs a script in which `"$M"` is the command line under test.
    private static func run(as caller: Caller = .user, _ script: String) throws -> HostProgram.Outcome {
        let become = caller == .user && isRoot ? "exec \(nobody)" : "exec"
        if areForbidden { return try hostShell("\(become) sh -c '\(script)'") }
        return try hostShell(
            """
            unshare --user sleep 600 > /dev/null 2>&1 & p=$!
            while [ "$(readlink /proc/$p/ns/user)" = "$(readlink /proc/self/ns/user)" ]; do sleep 0.01; done
            echo 0 0 65536 > /proc/$p/uid_map; echo 0 0 65536 > /proc/$p/gid_map
            export SCRIPT='\(script)'
            nsenter -t $p -U -S 0 -G 0 sh -c \
                'echo 0 > /proc/sys/user/max_user_namespaces && \(become) sh -c "$SCRIPT"'; status=$?
            { kill $p; wait $p; } 2> /dev/null; exit $status
            """)
    }

    private static func hostShell(_ script: String) throws -> HostProgram.Outcome { try Martinet.hostShell(script) }

    @Test func `run is refused, with both cures`() throws {
        let outcome = try Self.run(#"exec "$M" run -- echo ran"#)
        #expect(outcome.status == 125)
        #expect(outcome.output == "")
        #expect(outcome.errors.contains("no space left on device (ENOSPC)\nhint: "), "\(outcome.errors)")
        #expect(outcome.errors.contains("sysctl user.max_user_namespaces="), "\(outcome.errors)")
        #expect(outcome.errors.contains("or --isolation landlock"), "\(outcome.errors)")
    }

    @Test func `isolation landlock runs an agent, with its input, output, status and a directory of its own`() throws {
        let outcome = try Self.run(
            #"""
            echo typed | "$M" run --isolation landlock --env A=b -- sh -c "read line; echo \$line \$A \$(id -u); \
                echo kept > \$HOME/file && cat \$HOME/file; echo \$HOME; exit 7"; echo status $?
            """#)
        let uid = isRoot ? 65534 : Int(effectiveUID())
        try #require(outcome.lines.count == 4, "\(outcome.output) \(outcome.errors)")
        #expect(outcome.lines[0] == "typed b \(uid)" && outcome.lines[1] == "kept" && outcome.lines[3] == "status 7")
        #expect(outcome.errors == "")
        #expect(!FileManager.default.fileExists(atPath: outcome.lines[2]), "its own directory is gone")
    }

    @Test func `it keeps the agent from files, sockets and processes of the caller's`() throws {
        try Scratch.with { scratch in
            try scratch.write("secret", "swordfish\n", mode: 0o666)
            let outcome = try Self.run(
                #"""
                sleep 60 & "$M" run --isolation landlock -- sh -c "cat \#(scratch["secret"]); \
                    echo x > \#(scratch["secret"]); kill $!; ls /root; \
                    perl -MSocket -e \"socket S, PF_INET, SOCK_STREAM, 0 or die qq(socket: \\\$!)\""; kill -0 $! && echo alive; kill $!
                """#)
            #expect(outcome.lines == ["alive"], "\(outcome.output) \(outcome.errors)")
            #expect(try scratch.read("secret") == "swordfish\n")
            for word in ["secret: Permission denied", "socket: Address family not supported"] {
                #expect(outcome.errors.contains(word), "\(outcome.errors)")
            }
        }
    }

    @Test func `it ends at a time limit, and says what it does without`() throws {
        let outcome = try Self.run(#""$M" run -v --isolation landlock --timeout 1s -- sh -c "sleep 60 & sleep 60""#)
        #expect(outcome.status == 137)
        for words in ["martinet: ended by the time limit of 1s", "no namespaces", "missing: no PID namespace"] {
            #expect(outcome.errors.contains(words), "\(outcome.errors)")
        }
    }

    @Test func `the doctor says that only isolation landlock works`() throws {
        let outcome = try Self.run(#"exec "$M" doctor"#)
        #expect(outcome.status == 1)
        #expect(outcome.output.contains("ok --isolation landlock"), "\(outcome.output)")
        #expect(outcome.output.contains("max_user_namespaces"), "\(outcome.output)")
    }

    @Test(.enabled(if: isRoot, "only root's agents have an id of their own"))
    func `root's agent has an id of its own, or the one that is named where there are few`() throws {
        let script = #""$M" run --isolation landlock -- id -u; "$M" run --isolation landlock --user 1000 -- id -u"#
        let outcome = try Self.run(as: .root, script)
        #expect(outcome.lines.last == "1000", "\(outcome.errors)")
        if areForbidden {
            #expect((Int(outcome.lines.first ?? "") ?? 0) > 65536, "\(outcome.output) \(outcome.errors)")
        } else {
            // The namespace in which they are forbidden here has but 65,536 ids.
            #expect(outcome.errors.contains("user: this user namespace has no id "), "\(outcome.errors)")
            #expect(outcome.errors.contains("hint: name a user that it has with --user"), "\(outcome.errors)")
        }
    }
}
