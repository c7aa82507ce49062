// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Storage

@Suite struct AptSourcesTests {
    static let debian = """
        # the archive
        Types: deb deb-src
        URIs: http://ftp.fr.debian.org/debian
        Suites: bookworm bookworm-updates
        Components: main
         contrib
        Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

        Types: deb
        URIs: http://security.debian.org/debian-security
        Suites: bookworm-security
        Components: main

        Types: deb
        Enabled: no
        URIs: http://disabled.example/debian
        Suites: trixie trixie-updates
        Components: main
        """

    @Test func `deb822 stanzas are read, continued lines, comments and disabled ones included`() {
        var sources = AptSources()
        sources.add(deb822: Self.debian)
        #expect(
            sources.sources == [
                AptSource(
                    uri: "http://ftp.fr.debian.org/debian", suites: ["bookworm", "bookworm-updates"],
                    components: ["main", "contrib"]),
                AptSource(
                    uri: "http://security.debian.org/debian-security", suites: ["bookworm-security"],
                    components: ["main"]
                ),
            ])
    }

    @Test func `one-line entries are read with options and comments; source archives are not`() {
        var sources = AptSources()
        sources.add(
            list: """
                # deb http://old.example/debian bookworm main
                deb [arch=amd64 signed-by=/a/b.gpg] http://a.example/debian bookworm main contrib # note
                deb-src http://b.example/debian bookworm main
                deb http://c.example/flat ./
                deb [broken http://d.example/debian bookworm main
                nonsense
                """)
        #expect(
            sources.sources == [
                AptSource(uri: "http://a.example/debian", suites: ["bookworm"], components: ["main", "contrib"]),
                AptSource(uri: "http://c.example/flat", suites: ["./"], components: []),
            ])
    }

    @Test func `the host's mirror is used for its suite and for others of its distribution`() {
        var sources = AptSources()
        sources.add(deb822: Self.debian)
        for suite in ["bookworm", "trixie", "sid"] {
            #expect(sources.mirror(forSuite: suite, architecture: nil) == "http://ftp.fr.debian.org/debian")
        }
        #expect(sources.mirror(forSuite: "noble", architecture: nil) == "http://archive.ubuntu.com/ubuntu")
        #expect(sources.mirror(forSuite: "noble", architecture: "arm64") == "http://ports.ubuntu.com/ubuntu-ports")
    }

    @Test func `a third party's archive is not taken for the distribution's`() {
        var sources = AptSources()
        sources.add(
            list: """
                deb https://deb.nodesource.com/node_18.x bookworm main
                deb https://dl.example/mariadb/repo/debian bookworm main
                deb http://mirror.example/debian bookworm main
                deb http://mirror.example/debian bookworm-updates main
                """)
        #expect(sources.mirror(forSuite: "bookworm", architecture: nil) == "http://mirror.example/debian")
    }

    @Test func `without a usable source the distribution's own archive is used`() {
        #expect(AptSources().mirror(forSuite: "bookworm", architecture: nil) == "http://deb.debian.org/debian")
        #expect(AptSources().mirror(forSuite: "newest", architecture: nil) == "http://deb.debian.org/debian")
        var sources = AptSources()
        sources.add(list: "deb mirror+file:/etc/apt/mirrors.txt/ubuntu noble main\n")
        #expect(sources.mirror(forSuite: "noble", architecture: nil) == "http://archive.ubuntu.com/ubuntu")
    }

    @Test func `files of a directory are read by their endings, in order`() throws {
        try withTemporaryDirectory { directory in
            try write("deb http://one.example/debian bookworm main\n", to: directory + "/sources.list")
            try write("deb http://three.example/debian x main\n", to: directory + "/sources.list.d/b.list")
            try write(Self.debian, to: directory + "/sources.list.d/a.sources")
            try write("deb http://no.example/debian x main\n", to: directory + "/sources.list.d/c.list.disabled")
            let sources = RootfsBuilder.hostSources(directory: directory).sources
            #expect(
                sources.map(\.uri) == [
                    "http://one.example/debian", "http://ftp.fr.debian.org/debian",
                    "http://security.debian.org/debian-security", "http://three.example/debian",
                ])
        }
    }

    @Test func `apt's proxy is found`() {
        #expect(aptProxy(fromDump: "Acquire::http::Proxy \"http://p.example:3128\";\n") == "http://p.example:3128")
        #expect(aptProxy(fromDump: "Acquire::http::Proxy \"DIRECT\";\n") == nil)
        #expect(aptProxy(fromDump: "Acquire::http::Proxy \"\";\n") == nil)
        #expect(aptProxy(fromDump: "Acquire::http::Proxy-Auto-Detect \"/x\";\n") == nil)
        #expect(aptProxy(fromDump: "") == nil)
    }
}
