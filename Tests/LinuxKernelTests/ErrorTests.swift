// SPDX-License-Identifier: Apache-2.0
import CLinux
import Testing

@testable import LinuxKernel

/// A failed call in words.
@Suite struct ErrorTests {
    @Test func `a message names the call, its subject and the kernel's answer`() {
        let error = #expect(throws: SystemError.self) { _ = try open("/nonexistent/x") }
        #expect(error?.description == "open /nonexistent/x: no such file or directory (ENOENT)")
        #expect(error == SystemError("open", .noEntry, "/nonexistent/x"))
        #expect(SystemError("socketpair", .invalid).description == "socketpair: invalid argument (EINVAL)")
    }

    @Test func `each call is named as users know it`() throws {
        try withTemporaryDirectory { directory in
            try directory.write("", to: "file")
            let base = directory.base
            func text(_ body: () throws -> Void) -> String? {
                do { try body() } catch { return "\(error)" }
                return nil
            }
            #expect(text { try makeDirectory("file", at: base) } == "mkdir file: file exists (EEXIST)")
            #expect(text { try remove("no", at: base) } == "unlink no: no such file or directory (ENOENT)")
            #expect(text { try remove("file", directory: true, at: base) } == "rmdir file: not a directory (ENOTDIR)")
            #expect(text { _ = try readSymlink("file", at: base) } == "readlink file: invalid argument (EINVAL)")
            #expect(text { try makeSymlink("file", to: "x", at: base) } == "symlink file: file exists (EEXIST)")
            #expect(text { _ = try open("file/x", at: base) } == "open file/x: not a directory (ENOTDIR)")
        }
    }

    @Test func `a name that the C library does not know is a number`() {
        #expect(Errno(rawValue: 4096).description == "errno 4096")
        #expect(Errno(rawValue: -5).name == "errno -5")
        #expect(Errno(rawValue: EINVAL).name == "EINVAL")
    }

    @Test func `a description begins small unless its first word is an abbreviation`() {
        #expect(Errno.permissionDenied.description == "permission denied (EACCES)")
        #expect(Errno(rawValue: ELIBSCN).description == ".lib section in a.out corrupted (ELIBSCN)")
        #expect(Errno(rawValue: ENOTRECOVERABLE).description == "state not recoverable (ENOTRECOVERABLE)")
        #expect(Errno(rawValue: ESRMNT).description == "srmount error (ESRMNT)")
    }

    @Test func `a path with NUL is refused before the kernel sees half of it`() throws {
        for body: () throws -> Void in [
            { _ = try open("/etc/passwd\0x") },
            { _ = try open("/etc/passwd\0x", .pathOnly, at: .workingDirectory, resolving: .noSymlinks) },
            { _ = try status(of: "/etc/passwd\0x") },
            { try makeDirectory("/tmp/a\0b") },
            { try rename("/tmp/a\0b", to: "/tmp/c") },
            { try rename("/nonexistent/a", to: "/tmp/c\0") },
            { try makeSymlink("/tmp/a", to: "b\0c") },
            { _ = try open(ByteName([0x61, 0]), .readOnly, in: try open("/tmp", .directory), resolving: .beneath) },
            {
                _ = try spawn(
                    SpawnRequest(
                        path: "/bin/true", arguments: ["a\0"], environment: [], standardOutput: 1, standardError: 2))
            },
        ] { #expect(errnoThrown(by: body) == .invalid) }
        #expect(!mayAccess("/etc/passwd\0x", .read))
        #expect(mayAccess("/etc/passwd", .read))
    }

    @Test func `a descriptor that is not open is a bug and ends the process`() async {
        await #expect(processExitsWith: .failure) { _ = try status(raw: 1_000_000) }
        await #expect(processExitsWith: .failure) { _ = try read(raw: 1_000_000, upTo: 1) }
        await #expect(processExitsWith: .success) {
            #expect(errnoThrown { _ = try statusIfOpen(1_000_000) } == .noEntry)
        }
    }
}
