// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import Testing

@testable import Storage

@Suite struct RootfsBuilderTests {
    static let isRoot = effectiveUID() == 0
    static let hasTools = ["unshare", "setpriv"].allSatisfy { ExecutableSearch.find($0) != nil }

    /// A debootstrap that does what the script says, found before the real one. `$TARGET` is the directory to build.
    static func withScript(
        _ script: String, _ body: (_ directory: String, _ builder: RootfsBuilder) throws -> Void
    ) throws {
        try withTemporaryDirectory { directory in
            let prologue = "#!/bin/sh\nfor a; do case $a in -*) ;; *) break ;; esac; shift; done\nTARGET=$2\n"
            try write(prologue + script, to: directory + "/bin/debootstrap", mode: 0o755)
            try body(directory, RootfsBuilder(searchPath: directory + "/bin"))
        }
    }

    @Test(arguments: ["", "-x", ".x", "a b", "a,b", "A", "a/b", "a;b", "é", "--foreign", "a\n"])
    func `a suite, package or architecture that is not a name is refused`(name: String) {
        var request = RootfsRequest(target: "/x", suite: name)
        #expect(storageCode { try request.validate() } == .malformed)
        request = RootfsRequest(target: "/x")
        request.include = ["git", name]
        #expect(storageCode { try request.validate() } == .malformed)
        request = RootfsRequest(target: "/x")
        request.architecture = name
        #expect(storageCode { try request.validate() } == .malformed)
    }

    @Test(arguments: ["ftp://a/b", "http://", "http://a b", "-x", "http://a/`id`", "file://a", "http://é"])
    func `a mirror that is not a URL is refused`(mirror: String) {
        var request = RootfsRequest(target: "/x")
        request.mirror = mirror
        #expect(storageCode { try request.validate() } == .malformed)
    }

    @Test func `usual values pass, and an unknown variant does not`() throws {
        var request = RootfsRequest(target: "/x", suite: "bookworm")
        request.include = ["g++-12", "libstdc++6", "python3.11"]
        request.mirror = "http://[::1]:3142/debian"
        request.architecture = "arm64"
        try request.validate()
        request.variant = "minibase"
        #expect(storageCode { try request.validate() } == .malformed)
    }

    @Test(.enabled(if: isRoot && hasTools, "building needs root, unshare and setpriv"))
    func `a finished build takes the target's name, without package archives`() throws {
        let script = """
            mkdir -p $TARGET/usr $TARGET/var/cache/apt/archives; echo x > $TARGET/var/cache/apt/archives/a.deb
            echo "$@" > $TARGET/arguments; env > $TARGET/environment; echo $$ > $TARGET/pid
            echo "I: Retrieving a 1"; echo "I: Unpacking a..." >&2; printf "I: Configuring a..."
            """
        try Self.withScript(script) { directory, builder in
            var builder = builder
            builder.environment = ["HTTP_PROXY=http://p", "LD_PRELOAD=/x.so", "http_proxy=http://q"]
            try makeDirectory(directory + "/debian")
            var request = RootfsRequest(target: directory + "/debian/", suite: "trixie")
            request.mirror = "file:///mirror"
            var stages: [RootfsProgress.Stage] = []
            try builder.build(request) { stages.append($0.stage) }
            #expect(stages == [.retrieving, .unpacking, .configuring, .finished])
            #expect(try status(of: directory + "/debian/usr") != nil)
            #expect(try status(of: directory + "/debian")?.permissions == 0o755)
            #expect(try status(of: directory + "/debian/var/cache/apt/archives/a.deb") == nil)
            let arguments = try #require(try readText(directory + "/debian/arguments"))
            #expect(arguments.hasPrefix("trixie \(directory)/debian.partial-"))
            #expect(arguments.hasSuffix(" file:///mirror\n"))
            let environment = try #require(try readText(directory + "/debian/environment"))
            #expect(environment.contains("http_proxy=http://q\n"))
            #expect(!environment.contains("LD_PRELOAD"))
            // It was alone in a PID namespace, so its own number is small.
            #expect(try readText(directory + "/debian/pid") == "1\n")
            #expect(try Set(entries(of: open(directory, [.directory])).map(\.name)) == ["bin", "debian"])
        }
    }

    @Test(.enabled(if: isRoot && hasTools, "building needs root, unshare and setpriv"))
    func `what every sandbox has its own of is there, and nothing of the host's`() throws {
        // As debootstrap does it, and as an image might: a symlink that leads out of the tree.
        let script = """
            mkdir -p $TARGET/etc; echo host-of-ours > $TARGET/etc/hostname; ln -s ../../victim $TARGET/etc/resolv.conf
            """
        try Self.withScript(script) { directory, builder in
            try write("untouched", to: directory + "/victim")
            try builder.build(RootfsRequest(target: directory + "/debian"))
            #expect(try readText(directory + "/debian/etc/hostname") == "localhost\n")
            #expect(try readText(directory + "/debian/etc/hosts")?.hasPrefix("127.0.0.1\tlocalhost\n") == true)
            #expect(try status(of: directory + "/debian/etc/resolv.conf")?.kind == .regular)
            #expect(try status(of: directory + "/debian/etc/resolv.conf")?.permissions == 0o644)
            #expect(try readText(directory + "/victim") == "untouched")
        }
    }

    @Test(.enabled(if: isRoot && hasTools, "building needs root, unshare and setpriv"))
    func `what a killed build left is removed by the next, and nothing else`() throws {
        try Self.withScript("mkdir $TARGET/usr") { directory, builder in
            let stale = directory + "/debian.partial-abcdefgh"
            try write("half", to: stale + "/usr/bin/half")
            // Of a build that is under way, of another directory, and of a longer name.
            let others = ["debian.partial-inbuild1", "debian2.partial-abcdefgh", "debian.partial-abcdefghi"]
            for name in others { try makeDirectory(directory + "/" + name) }
            let underWay = try open(directory + "/" + others[0], [.directory])
            #expect(try tryLock(underWay))
            try builder.build(RootfsRequest(target: directory + "/debian"))
            #expect(
                try Set(entries(of: open(directory, [.directory])).map(\.name)) == Set(others + ["bin", "debian"]))
            _ = underWay
        }
    }

    @Test(.enabled(if: isRoot && hasTools, "building needs root, unshare and setpriv"))
    func `a failed build says why and leaves nothing, neither files nor mounts`() throws {
        let script = """
            mkdir -p $TARGET/proc $TARGET/a/b $TARGET/debootstrap; mount -t tmpfs none $TARGET/proc
            echo "dpkg: error: disk on fire" > $TARGET/debootstrap/debootstrap.log
            echo "E: Couldn't download packages: foo"; exit 1
            """
        try Self.withScript(script) { directory, builder in
            do {
                try builder.build(RootfsRequest(target: directory + "/debian"))
                Issue.record("no error")
            } catch let error as StorageError {
                #expect(error.code == .toolFailed)
                #expect(error.cause == "Couldn't download packages: foo")
                #expect(error.hint?.contains("dpkg: error: disk on fire") == true)
            }
            #expect(try entries(of: open(directory, [.directory])).map(\.name) == ["bin"])
            #expect(try readText("/proc/self/mountinfo")?.contains(directory) == false)
        }
    }

    @Test(.enabled(if: isRoot && hasTools, "building needs root, unshare and setpriv"))
    func `a target with something in it, or a file, is refused before anything runs`() throws {
        try Self.withScript("touch $TARGET.ran") { directory, builder in
            try write("", to: directory + "/full/file")
            try makeSymlink(directory + "/link", to: directory + "/bin")
            for name in ["full", "full/file", "link"] {
                let target = directory + "/" + name
                #expect(storageCode { try builder.build(RootfsRequest(target: target)) } == .exists)
            }
            #expect(try Set(entries(of: open(directory, [.directory])).map(\.name)) == ["bin", "full", "link"])
        }
    }

    @Test(.enabled(if: !isRoot, "root may build"))
    func `without root the cure is named`() {
        #expect(storageCode { try RootfsBuilder().build(RootfsRequest(target: "/x")) } == .notPermitted)
    }

    @Test func `failures name what to do`() {
        let request = RootfsRequest(target: "/x", suite: "nosuch")
        func hint(_ tail: [String]) -> String? {
            RootfsBuilder.failure(.exited(1), request, "http://m", tail, log: []).hint
        }
        #expect(
            hint(["E: No such script: /usr/share/debootstrap/scripts/nosuch"])?.contains("suite is unknown") == true)
        #expect(
            hint(["I: Valid Release signature", "E: Couldn't find these debs: foo"])
                == "the suite nosuch has no such package")
        #expect(hint(["W: keyring file not available", "E: x"])?.contains("debian-archive-keyring") == true)
        #expect(hint(["E: anything"])?.contains("http://m") == true)
    }
}
