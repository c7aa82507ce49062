// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Engine
import SandboxSpec
import Testing

extension SecurityTests {
    /// Names and paths that somebody else may have chosen.
    @Suite struct Names {
        private static let hostile = [
            "", ".", "..", "../..", "a/b", "/etc", "a/../b", "a\0b", "a\nb", "\u{1b}[2Jx", "a\u{7f}", "-rf", "a b",
            "a\u{202e}b",
            String(repeating: "a", count: 64 << 10), "..\n", "\u{1b}]0;title\u{7}",
        ]
        private static let plain = ["a", "web-1", "Agent_7.b"]

        /// Refused, in a short message that a terminal can be shown.
        private func expectRefused<Value>(
            _ text: String, sourceLocation: SourceLocation = #_sourceLocation, _ body: (String) throws -> Value
        ) {
            do {
                let value = try body(text)
                Issue.record("\(text.prefix(40).debugDescription) became \(value)", sourceLocation: sourceLocation)
            } catch {
                let message = "\(error)"
                #expect(!message.isEmpty && message.utf8.count < 1000, sourceLocation: sourceLocation)
                let controls = message.unicodeScalars.filter {
                    ($0.value < 0x20 && $0 != "\n") || (0x7f..<0xa0).contains($0.value) || $0.value == 0x202e
                }
                #expect(controls.isEmpty, "\(message.debugDescription)", sourceLocation: sourceLocation)
                // A line end of the name's own does not become one of the message.
                let lines = message.split(separator: "\n")
                #expect(
                    lines.count == 1 || lines.dropFirst().allSatisfy { $0.hasPrefix("hint:") },
                    sourceLocation: sourceLocation)
            }
        }

        @Test("attack 7: hostile names of sandboxes are refused", arguments: hostile)
        func sandboxNames(name: String) {
            expectRefused(name) { try SandboxName($0) }
            expectRefused(name) { try CgroupName($0) }
            expectRefused(name) { try SandboxHostname($0) }
        }

        @Test("attack 7: plain names are taken", arguments: plain)
        func plainNames(name: String) throws {
            #expect(try SandboxName(name).text == name)
            #expect(try CgroupName(name).description == name)
        }

        @Test(
            "attack 7: hostile destinations of mounts are refused",
            arguments: [
                "", "relative", "..", "/..", "/a/../b", "/a\0b", "/a\nb", "/\u{1b}[2J", "/a\u{7f}",
                "/" + String(repeating: "a", count: 64 << 10), "/" + String(repeating: "a", count: 256),
                String(repeating: "/a", count: 32 << 10),
            ])
        func destinations(path: String) {
            expectRefused(path) { try SandboxPath($0) }
            expectRefused(path) { try BindMount("/usr:\($0)") }
            expectRefused(path) { try TmpfsMount($0) }
        }

        @Test(
            "attack 7: destinations that are the sandbox's own are refused",
            arguments: ["/", "/proc", "/sys/fs", "/dev/null", "/run/secrets/x"])
        func ownPlaces(path: String) throws {
            var spec = try Sandbox.spec("descriptors")
            spec.binds.append(BindMount(source: "/usr", target: try SandboxPath(path), readOnly: true))
            let outcome = try Sandbox.run(spec)
            #expect(outcome.error?.code == .invalidSpec, "\(outcome.summary)")
            #expect(outcome.status == 125)
        }

        @Test("attack 7: plain destinations are taken, and come out in their shortest form")
        func plainDestinations() throws {
            #expect(try SandboxPath("/data//set/./1/").text == "/data/set/1")
            #expect(try BindMount("/usr:/data:ro").target.text == "/data")
        }

        @Test(
            "attack 7: paths on the host that hold NUL or never end are refused",
            arguments: ["", "a\0b", String(repeating: "a/", count: 32 << 10)])
        func hostPaths(path: String) {
            expectRefused(path) { try RootfsReference($0) }
            expectRefused(path) { try BindMount("\($0):/data") }
        }

        @Test(
            "attack 7: users that look like numbers and are none, and numbers that are too large, are refused",
            arguments: [
                "", "-1", "+0", "4294967296", "4294967295", "65536", "0x0", "1e3", " 0", "0 ", "0:", ":0", "٠", "a\nb",
                "0\0",
            ])
        func users(text: String) {
            expectRefused(text) { try UserReference($0) }
        }
    }
}
