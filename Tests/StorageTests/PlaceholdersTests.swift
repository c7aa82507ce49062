// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import Testing

@testable import Storage

@Suite struct PlaceholdersTests {
    static let plan = GuardPlan(placeholders: [
        .init(path: ".git/hooks", isDirectory: true, action: .protect),
        .init(path: ".env", isDirectory: false, action: .hide),
    ])

    @Test func `they are made empty and removed without a trace`() throws {
        try withTemporaryDirectory { directory in
            try makeDirectories(directory + "/.git")
            let workspace = try open(directory, [.directory, .pathOnly])
            let created = try Placeholders.create(in: workspace, plan: Self.plan)
            #expect(created.map(\.path) == [".git/hooks", ".env"])
            #expect(try status(of: directory + "/.git/hooks")?.kind == .directory)
            #expect(try status(of: directory + "/.env")?.size == 0)
            #expect(Placeholders.remove(created, in: workspace) == [])
            #expect(try status(of: directory + "/.git/hooks") == nil)
            #expect(try status(of: directory + "/.env") == nil)
        }
    }

    @Test func `one with contents is removed while it has them`() throws {
        try withTemporaryDirectory { directory in
            let plan = GuardPlan(placeholders: [
                .init(path: "commondir", isDirectory: false, action: .protect, contents: ".\n")
            ])
            let workspace = try open(directory, [.directory, .pathOnly])
            var created = try Placeholders.create(in: workspace, plan: plan)
            #expect(try readText(directory + "/commondir") == ".\n")
            #expect(Placeholders.remove(created, in: workspace) == [])
            created = try Placeholders.create(in: workspace, plan: plan)
            try write("../other\n", to: directory + "/commondir")
            #expect(Placeholders.remove(created, in: workspace) == ["commondir"])
        }
    }

    @Test func `one that was filled or replaced stays`() throws {
        try withTemporaryDirectory { directory in
            try makeDirectories(directory + "/.git")
            let workspace = try open(directory, [.directory, .pathOnly])
            let created = try Placeholders.create(in: workspace, plan: Self.plan)
            try write("#!/bin/sh", to: directory + "/.git/hooks/pre-commit")
            // Held open, so that the file system cannot give the new file the old one's inode.
            let held = try open(directory + "/.env")
            try remove(directory + "/.env")
            try write("", to: directory + "/.env")
            #expect(Placeholders.remove(created, in: workspace).sorted() == [".env", ".git/hooks"])
            #expect(try status(of: directory + "/.env") != nil)
            #expect(try status(of: held).size == 0)
        }
    }

    @Test func `one that was written to stays`() throws {
        try withTemporaryDirectory { directory in
            try makeDirectories(directory + "/.git")
            let workspace = try open(directory, [.directory, .pathOnly])
            let created = try Placeholders.create(in: workspace, plan: Self.plan)
            try write("A=b", to: directory + "/.env")
            #expect(Placeholders.remove(created, in: workspace) == [".env"])
            #expect(try readText(directory + "/.env") == "A=b")
        }
    }

    @Test func `where something appeared meanwhile nothing is kept`() throws {
        try withTemporaryDirectory { directory in
            try makeDirectories(directory + "/.git")
            try write("mine", to: directory + "/.env")
            let workspace = try open(directory, [.directory, .pathOnly])
            #expect(storageCode { _ = try Placeholders.create(in: workspace, plan: Self.plan) } == .changed)
            #expect(try status(of: directory + "/.git/hooks") == nil)
            #expect(try readText(directory + "/.env") == "mine")
        }
    }

    @Test func `a parent or place swapped for a link is never written through`() throws {
        try withTemporaryDirectory { directory in
            try makeDirectories(directory + "/victim")
            try makeDirectories(directory + "/workspace")
            try makeSymlink(directory + "/workspace/.git", to: directory + "/victim")
            let workspace = try open(directory + "/workspace", [.directory, .pathOnly])
            #expect(storageCode { _ = try Placeholders.create(in: workspace, plan: Self.plan) } == .changed)
            try remove(directory + "/workspace/.git")
            try makeDirectories(directory + "/workspace/.git")
            try makeSymlink(directory + "/workspace/.env", to: directory + "/victim/new")
            #expect(storageCode { _ = try Placeholders.create(in: workspace, plan: Self.plan) } == .changed)
            #expect(try entries(of: try open(directory + "/victim", [.directory])).isEmpty)
        }
    }

    @Test(.enabled(if: effectiveUID() == 0, "only root makes files for others"))
    func `they belong to whoever owns the directory`() throws {
        try withTemporaryDirectory { directory in
            try makeDirectories(directory + "/.git")
            try changeOwner(try open(directory + "/.git", [.directory]), uid: 4242, gid: 4343)
            let workspace = try open(directory, [.directory, .pathOnly])
            let created = try Placeholders.create(in: workspace, plan: Self.plan)
            #expect(try status(of: directory + "/.git/hooks")?.uid == 4242)
            #expect(try status(of: directory + "/.git/hooks")?.gid == 4343)
            #expect(Placeholders.remove(created, in: workspace) == [])
        }
    }
}
