// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import Testing

@testable import Storage

/// Guards without mounts: what is allowed of a workspace, piece by piece.
@Suite struct WorkspacePiecesTests {
    /// The pieces, as `path access`, with a slash behind directories, sorted.
    private static func pieces(_ directory: String, _ plan: GuardPlan) throws -> (pieces: [String], closed: [String]) {
        var pieces = try WorkspacePieces(open(directory, [.directory, .pathOnly]), plan: plan)
        let closed = pieces.closed
        var found: [String] = []
        while let piece = pieces.removeLast() {
            found.append("\(piece.path)\(piece.isDirectory ? "/" : "") \(piece.access)")
            // Open, and what it says to be.
            let facts = try status(of: piece.descriptor)
            let named = try status(of: piece.path.isEmpty ? directory : "\(directory)/\(piece.path)")
            #expect(facts.inode == named?.inode)
        }
        return (found.sorted(), closed)
    }

    @Test func `a workspace without guards is one piece`() throws {
        try withTemporaryDirectory { directory in
            try write("", to: directory + "/a/b")
            let (pieces, closed) = try Self.pieces(directory, GuardPlan())
            #expect(pieces == ["/ change"])
            #expect(closed == [])
        }
    }

    @Test func `what is guarded is in no piece that could change it, and its directories are closed`() throws {
        try withTemporaryDirectory { directory in
            for name in [
                "README", ".env", ".git/config", ".git/HEAD", ".git/objects/x", ".git/hooks/pre-commit", "src/a",
            ] {
                try write("", to: directory + "/" + name)
            }
            let plan = try WorkspaceGuardsTests.plan(
                directory, protect: [".git/config", ".git/hooks", "absent"].map { GuardPattern(literal: $0) },
                hide: [GuardPattern(literal: ".env")])
            let (pieces, closed) = try Self.pieces(directory, plan)
            #expect(
                pieces == [
                    ".git/HEAD change", ".git/config read", ".git/hooks/ read", ".git/objects/ change", "/ list",
                    "README change", "src/ change",
                ])
            #expect(closed == ["", ".git"])
        }
    }

    @Test func `a name that is free and guarded closes its directory without a placeholder`() throws {
        try withTemporaryDirectory { directory in
            try write("", to: directory + "/a/file")
            let plan = try WorkspaceGuardsTests.plan(directory, protect: [GuardPattern(literal: "a/hook")])
            let (pieces, closed) = try Self.pieces(directory, plan)
            #expect(pieces == ["/ list", "a/file change"])
            #expect(closed == ["", "a"])
            #expect(try status(of: directory + "/a/hook") == nil)
        }
    }

    @Test func `a hidden directory's names cannot be listed, nor those of what it lies in`() throws {
        try withTemporaryDirectory { directory in
            try write("", to: directory + "/.ssh/id")
            try write("", to: directory + "/sub/.ssh/id")
            try write("", to: directory + "/sub/file")
            try write("", to: directory + "/other/file")
            let top = try WorkspaceGuardsTests.plan(directory, hide: [GuardPattern(literal: ".ssh")])
            #expect(try Self.pieces(directory, top).pieces == ["other/ change", "sub/ change"])
            let below = try WorkspaceGuardsTests.plan(directory, hide: [GuardPattern(literal: "sub/.ssh")])
            #expect(try Self.pieces(directory, below).pieces == [".ssh/ change", "other/ change", "sub/file change"])
        }
    }

    @Test func `what is hidden in a protected directory stays hidden, and the rest of it read-only`() throws {
        try withTemporaryDirectory { directory in
            try write("", to: directory + "/conf/key")
            try write("", to: directory + "/conf/other")
            try write("", to: directory + "/conf/deep/more")
            let plan = try WorkspaceGuardsTests.plan(
                directory, protect: [GuardPattern(literal: "conf")], hide: [GuardPattern(literal: "conf/key")])
            let (pieces, closed) = try Self.pieces(directory, plan)
            #expect(pieces == ["/ list", "conf/deep/ read", "conf/other read"])
            #expect(closed == ["", "conf"])
        }
    }

    @Test func `symlinks, sockets and devices are no pieces; what a guarded link leads to is guarded`() throws {
        try withTemporaryDirectory { directory in
            try write("", to: directory + "/real")
            try write("", to: directory + "/plain")
            try makeSymlink(directory + "/.env", to: "real")
            try makeSymlink(directory + "/link", to: "plain")
            let plan = try WorkspaceGuardsTests.plan(directory, hide: [GuardPattern(literal: ".env")])
            #expect(try Self.pieces(directory, plan).pieces == ["/ list", "plain change"])
        }
    }

    @Test func `more pieces than descriptors are worth are an error with its cure`() throws {
        try withTemporaryDirectory { directory in
            for index in 0...WorkspacePieces.mostEntries { try write("", to: directory + "/\(index)") }
            let plan = try WorkspaceGuardsTests.plan(directory, protect: [GuardPattern(literal: "0")])
            #expect(storageCode { _ = try Self.pieces(directory, plan) } == .exhausted)
        }
    }
}

/// What of the host is shown as it is.
@Suite struct HostPathsTests {
    @Test func `programs are run, configuration and machine are looked at, devices used`() throws {
        let shown = try HostPaths.shown(usesNetwork: false)
        #expect(shown.contains(HostPath("/usr", .run)))
        #expect(shown.contains(HostPath("/etc/passwd", .look)))
        #expect(shown.contains(HostPath("/proc", .look)))
        #expect(shown.contains(HostPath("/dev/null", .device)))
        #expect(Set(shown.map(\.path)).count == shown.count)
        // Nothing that holds others' files, and no directory with devices or sockets in it.
        for path in ["/", "/etc", "/dev", "/home", "/root", "/run", "/tmp", "/var", "/sys", "/dev/shm"] {
            #expect(!shown.contains { $0.path == path }, "\(path)")
        }
        #expect(shown.allSatisfy { $0.use != .device || $0.path.hasPrefix("/dev/") })
    }

    @Test func `name servers are shown only to who may ask them`() throws {
        #expect(!(try HostPaths.shown(usesNetwork: false).contains { $0.path == "/etc/resolv.conf" }))
        #expect(try HostPaths.shown(usesNetwork: true).contains(HostPath("/etc/resolv.conf", .look)))
    }
}
