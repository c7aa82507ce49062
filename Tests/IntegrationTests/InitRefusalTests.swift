// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import Testing

/// Init started by hand must not touch a mount: it runs nowhere but where its launcher puts it.
@Suite struct InitRefusalTests {
    private static let refusal = "martinet-init: only martinet starts this program; nothing was done\n"
    private static let program = Martinet.path + "-init"

    @Test func `Init started by hand does nothing and ends with 125`() throws {
        let before = try readText("/proc/self/mountinfo")
        let outcome = try HostProgram([Self.program]).wait()
        #expect(outcome.status == 125)
        #expect(outcome.errors == Self.refusal)
        #expect(try readText("/proc/self/mountinfo") == before)
    }

    @Test(.enabled(if: effectiveUID() == 0, "unshare without a user namespace is root's"))
    func `Init as PID 1 of a PID namespace, without its launcher's socket, does nothing either`() throws {
        let before = try readText("/proc/self/mountinfo")
        let outcome = try HostProgram(["/usr/bin/unshare", "--pid", "--fork", Self.program]).wait()
        #expect(outcome.status == 125)
        #expect(outcome.errors == Self.refusal)
        #expect(try readText("/proc/self/mountinfo") == before)
    }
}
