// SPDX-License-Identifier: Apache-2.0
import Foundation
import SandboxSpec
import Testing

extension SecurityTests {
    @Suite struct Visibility {
        private static let objects = ["sysv-memory", "sysv-messages", "sysv-semaphores", "posix-memory", "posix-queue"]

        private func spec(_ canary: (key: Int32, port: Int), _ user: AgentUser, sockets: [String] = []) throws
            -> SandboxSpec
        {
            var spec = try Sandbox.spec("visibility", "\(canary.key)", "\(canary.port)", user: user)
            spec.command += sockets
            return spec
        }

        @Test("attack 19: no process and no shared object of the host is visible", arguments: AgentUser.allCases)
        func hostObjects(user: AgentUser) throws {
            try LeakCheck.around {
                let canary = try HostCanary()
                let report = try Sandbox.run(spec((canary.key, canary.port), user)).report
                report.expectSuccess("processes", result: 2)
                report.expectSuccess("foreign-processes", result: 0)
                report.expectFailure(Self.objects, "ENOENT")
                canary.expectUntouched()
            }
        }

        @Test("attack 19: no process and no shared object of another sandbox is visible", arguments: AgentUser.allCases)
        func neighbourObjects(user: AgentUser) throws {
            try LeakCheck.around {
                let key = Int32.random(in: 100_000..<1_000_000_000)
                let neighbour = try Sandbox.start(Sandbox.spec("canary", "\(key)", user: user))
                guard case .succeeded(let port) = try neighbour.untilReady()["ready"], port > 0 else {
                    Issue.record("the neighbour's objects could not be made")
                    _ = neighbour.wait()
                    return
                }
                let report = try Sandbox.run(spec((key, port), user)).report
                report.expectSuccess("processes", result: 2)
                report.expectFailure(Self.objects, "ENOENT")
                report.expectFailure(["host-loopback", "abstract-socket"], "ECONNREFUSED")
                let end = neighbour.wait()
                #expect(end.report["visits"] == .succeeded(0), "\(end.summary)")
                #expect(end.report["intact"] == .succeeded(1), "\(end.summary)")
            }
        }

        @Test(
            "attack 19: in the host's IPC namespace the shared objects are visible",
            .enabled(if: isRoot, "an ordinary user cannot join the host's IPC namespace"))
        func joinedNamespace() throws {
            try LeakCheck.around {
                let canary = try HostCanary()
                var spec = try spec((canary.key, canary.port), .agent)
                spec.join = [NamespaceJoin(type: .ipc, path: "/proc/self/ns/ipc")]
                let report = try Sandbox.run(spec).report
                report.expectSuccess("sysv-memory", "sysv-messages", "sysv-semaphores")
                // The host's /dev/shm is a file system, not a namespace: still not there.
                report.expectFailure(["posix-memory"], "ENOENT")
                canary.expectUntouched()
            }
        }

        /// Sockets by which a program on the host could be asked for anything.
        private static let services = [
            "/run/dbus/system_bus_socket", "/run/docker.sock", "/var/run/docker.sock",
            "/run/containerd/containerd.sock",
            "/run/podman/podman.sock", "/run/systemd/private", "/run/systemd/notify", "/run/user/1000/bus",
            "/run/user/0/bus", "/run/user/1000/wayland-0", "/tmp/.X11-unix/X0", "/run/udev/control",
        ]
        private static let variables = [
            "SSH_AUTH_SOCK", "DBUS_SESSION_BUS_ADDRESS", "DISPLAY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR", "DOCKER_HOST",
            "NOTIFY_SOCKET",
        ]

        @Test(
            "attack 20: sockets of the host's services are absent, and so are the variables that name them",
            arguments: AgentUser.allCases)
        func services(user: AgentUser) throws {
            let directory = TemporaryTree.makeDirectory("service")
            let service = try SocketCanary("\(directory)/socket")
            // And one where such sockets are, if this user may make one there.
            let run = try? SocketCanary("/run/martinet-canary-\(getpid()).socket")
            #expect(run != nil || !isRoot)
            for name in Self.variables { setenv(name, "\(directory)/socket", 1) }
            defer { for name in Self.variables { unsetenv(name) } }
            try LeakCheck.around {
                let paths = Self.services + [service.path] + (run.map { [$0.path] } ?? [])
                var spec = try spec((1, 1), user, sockets: paths)
                let report = try Sandbox.run(spec).report
                report.expectFailure(paths.indices.map { "socket-\($0)" }, "ENOENT")
                spec.command = ["/usr/bin/env"]
                let outcome = try Sandbox.run(spec)
                #expect(outcome.status == 0 && outcome.output.contains("PATH="), "\(outcome.summary)")
                for name in Self.variables { #expect(!outcome.output.contains("\(name)=")) }
                #expect(service.visits == 0 && run?.visits ?? 0 == 0)
            }
        }

        @Test("attack 20: a socket in a bound directory is reached")
        func servicesControl() throws {
            let directory = TemporaryTree.makeDirectory("service")
            let service = try SocketCanary("\(directory)/socket")
            chmod(service.path, 0o777)
            try LeakCheck.around {
                var spec = try spec((1, 1), .agent, sockets: ["/data/socket"])
                spec.binds.append(BindMount(source: directory, target: try SandboxPath("/data"), readOnly: true))
                try Sandbox.run(spec).report.expectSuccess("socket-0")
            }
            #expect(service.visits == 1)
        }

        @Test(
            "attack 37: without a network there is loopback alone, and the host's listeners are refused",
            arguments: AgentUser.allCases)
        func noNetwork(user: AgentUser) throws {
            try LeakCheck.around {
                let canary = try HostCanary()
                let report = try Sandbox.run(spec((canary.key, canary.port), user)).report
                report.expectSuccess("interfaces-but-loopback", result: 0)
                report.expectFailure(["host-loopback", "abstract-socket"], "ECONNREFUSED")
                report.expectFailure(["elsewhere", "metadata-service"], "ENETUNREACH")
                canary.expectUntouched()
            }
        }

        @Test(
            "attack 37: in the host's network, without Landlock, the same listeners answer",
            arguments: AgentUser.allCases)
        func hostNetwork(user: AgentUser) throws {
            try LeakCheck.around {
                let canary = try HostCanary()
                var spec = try spec((canary.key, canary.port), user)
                spec.network = .host
                spec.landlock = .off
                // Not anywhere else than here, though: the test calls on nobody outside.
                spec.command[0] = "\(AttackPrograms.target)/loopback"
                let report = try Sandbox.run(spec).report
                report.expectSuccess("host-loopback", "abstract-socket")
                report.expectFailure(Self.objects.filter { $0 != "posix-queue" }, "ENOENT")
                canary.expectUntouched(visits: 2)
            }
        }
    }
}
