// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Cgroups

@Suite struct CgroupNameTests {
    @Test(arguments: ["a", "7f3a", "build-1.scope", "agent_2@host:3", "cpus", "memory-hog"])
    func `plain names are accepted`(name: String) throws {
        #expect(try CgroupName(name).description == name)
    }

    @Test(arguments: [
        "", ".", "..", "../../x", "a/b", "/a", ".hidden", "-a", "größe", "a b",
        "cgroup.procs", "memory.max", "blkio.x", "io.max", "tasks", "notify_on_release",
    ])
    func `names that could be anything else are refused`(name: String) {
        let error = #expect(throws: CgroupError.self) { try CgroupName(name) }
        #expect(error?.code == .invalidName)
        #expect(error?.subject == "\"\(name)\"" || name == "größe")
    }

    @Test func `control characters are refused and never printed`() {
        for name in ["a\0b", "a\nb", "\u{1b}[2J", "a\u{9b}b"] {
            let error = #expect(throws: CgroupError.self) { try CgroupName(name) }
            #expect(error?.code == .invalidName)
            let subject = error?.subject.unicodeScalars ?? "\0".unicodeScalars
            #expect(subject.allSatisfy { $0.properties.generalCategory != .control })
        }
    }

    @Test func `a name of 64 KiB is refused with a short message`() {
        let error = #expect(throws: CgroupError.self) { try CgroupName(String(repeating: "a", count: 65536)) }
        #expect((error?.description.utf8.count ?? .max) < 300)
    }

    @Test func `a removable path is a child of martinet`() throws {
        let target = try CgroupRemoval.Target("/sys/fs/cgroup/pids/martinet/a")
        #expect(target.base == "/sys/fs/cgroup/pids")
        #expect(target.path == "/sys/fs/cgroup/pids/martinet/a")
    }

    @Test(arguments: [
        "", "/", "martinet/a", "/martinet/a/..", "/sys/fs/cgroup/pids/martinet", "/sys/fs/cgroup/pids/other/a",
        "/sys/fs/cgroup/../cgroup/martinet/a", "/sys/fs/cgroup/./martinet/a", "/sys/fs/cgroup//martinet/a",
        "/sys/fs/cgroup/martinet/..", "/sys/fs/cgroup/martinet/a/", "/sys/martinet/cgroup.procs",
    ])
    func `no other path is removed`(path: String) {
        let error = #expect(throws: CgroupError.self) { try CgroupRemoval.remove(paths: [path]) }
        #expect(error?.code == .invalidPath || error?.code == .invalidName)
    }

    @Test func `a path with a NUL byte is not removed`() {
        let error = #expect(throws: CgroupError.self) {
            try CgroupRemoval.remove(paths: ["/sys/fs/cgroup\0/martinet/a"])
        }
        #expect(error?.code == .invalidPath)
    }

    @Test func `a directory outside the cgroup file systems is not removed`() throws {
        let error = #expect(throws: CgroupError.self) { try CgroupRemoval.remove(paths: ["/tmp/martinet/a"]) }
        #expect(error?.cause?.errno == .notSupported)
        #expect(error?.code == .removalFailed)
    }

    @Test func `ancestors are listed nearest first, down to the top`() {
        #expect(Delegation.ancestors(of: "a/b/c") == ["a/b/c", "a/b", "a", ""])
        #expect(Delegation.ancestors(of: "") == [""])
    }

    @Test func `messages name action, object, cause and cure`() {
        let error = CgroupError(.invalidLimit, "pids", reason: "0 processes", hint: "give 1")
        #expect(error.description == "set limit pids: 0 processes\nhint: give 1")
    }
}
