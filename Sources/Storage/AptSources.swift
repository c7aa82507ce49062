// SPDX-License-Identifier: Apache-2.0

/// One archive that apt fetches binary packages from: one URI with its suites. sources.list(5)
struct AptSource: Sendable, Equatable {
    var uri: String
    var suites: [String]
    var components: [String]
}

/// Reads apt's source lists, and finds in them the mirror to build a root file system from.
struct AptSources: Sendable, Equatable {
    private(set) var sources: [AptSource] = []

    /// Adds the lines of a `.list` file: `deb [options] URI SUITE COMPONENT…`. Lines of another form are passed over.
    mutating func add(list text: String) {
        for line in text.split(whereSeparator: \.isNewline) {
            var words = line.prefix { $0 != "#" }.split(whereSeparator: \.isWhitespace).map(String.init)
            guard words.first == "deb" else { continue }
            words.removeFirst()
            if words.first?.hasPrefix("[") == true {
                guard let end = words.firstIndex(where: { $0.hasSuffix("]") }) else { continue }
                words.removeSubrange(...end)
            }
            guard words.count >= 2 else { continue }
            sources.append(AptSource(uri: words[0], suites: [words[1]], components: Array(words[2...])))
        }
    }

    /// Adds the stanzas of a deb822 `.sources` file. Disabled ones, and those without `Types: deb`, are passed over.
    mutating func add(deb822 text: String) {
        var fields: [String: [String]] = [:]
        var lastName: String?
        func take(into sources: inout [AptSource]) {
            guard fields["types"]?.contains("deb") == true,
                !["no", "false", "0"].contains(fields["enabled"]?.first ?? "yes")
            else { return }
            for uri in fields["uris"] ?? [] {
                sources.append(
                    AptSource(uri: uri, suites: fields["suites"] ?? [], components: fields["components"] ?? []))
            }
        }
        for line in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
            if line.allSatisfy(\.isWhitespace) {
                take(into: &sources)
                fields = [:]
                lastName = nil
            } else if line.first == "#" {
                continue
            } else if line.first == " " || line.first == "\t" {
                guard let lastName else { continue }
                fields[lastName, default: []] += line.split(whereSeparator: \.isWhitespace).map(String.init)
            } else if let colon = line.firstIndex(of: ":") {
                let name = line[..<colon].lowercased()
                fields[name] = line[line.index(after: colon)...].split(whereSeparator: \.isWhitespace).map(String.init)
                lastName = name
            }
        }
        take(into: &sources)
    }

    /// The distributions whose suites are known by name.
    enum Distribution: String, Sendable {
        case debian
        case ubuntu

        /// `nil` for a suite of neither, or one newer than this list.
        init?(suite: String) {
            let debian = [
                "stretch", "buster", "bullseye", "bookworm", "trixie", "forky", "duke", "sid", "stable", "oldstable",
                "testing", "unstable",
            ]
            let ubuntu = ["bionic", "focal", "jammy", "noble", "oracular", "plucky", "questing", "resolute"]
            if debian.contains(suite) {
                self = .debian
            } else if ubuntu.contains(suite) {
                self = .ubuntu
            } else {
                return nil
            }
        }

        /// Whether the path of a mirror is named as this distribution's main archives are.
        func owns(_ uri: String) -> Bool {
            let last = uri.split(separator: "/").last ?? ""
            return self == .debian ? last == "debian" : last == "ubuntu" || last == "ubuntu-ports"
        }
    }

    /// The mirror to fetch a suite from: the host's own for that suite, else the host's own for another suite of the same
    /// distribution, else the distribution's. Archives of third parties are not taken for mirrors.
    func mirror(forSuite suite: String, architecture: String?) -> String {
        let distribution = Distribution(suite: suite) ?? .debian
        let usable = sources.filter {
            ($0.uri.hasPrefix("http://") || $0.uri.hasPrefix("https://")) && distribution.owns($0.uri)
                && $0.components.contains("main")
        }
        let exact = usable.filter { $0.suites.contains(suite) }
        // A third party may name its archive like a distribution's; it does not have the updates suite.
        let official = exact.first { source in
            usable.contains { $0.uri == source.uri && $0.suites.contains(suite + "-updates") }
        }
        let sibling = usable.first { source in
            source.suites.contains { Distribution(suite: $0) == distribution }
                && usable.contains { $0.uri == source.uri && $0.suites.contains { $0.hasSuffix("-updates") } }
        }
        if architecture == nil || distribution == .debian, let found = official ?? sibling ?? exact.first {
            return found.uri
        }
        switch distribution {
        case .debian: return "http://deb.debian.org/debian"
        case .ubuntu:
            let isMain = architecture == nil || architecture == "amd64" || architecture == "i386"
            return isMain ? "http://archive.ubuntu.com/ubuntu" : "http://ports.ubuntu.com/ubuntu-ports"
        }
    }
}

/// The proxy that apt is configured to use for http, from what `apt-config dump` prints; `nil` where there is none.
func aptProxy(fromDump text: String) -> String? {
    for line in text.split(whereSeparator: \.isNewline) where line.lowercased().hasPrefix("acquire::http::proxy ") {
        let value = line.drop { $0 != "\"" }.dropFirst().prefix { $0 != "\"" }
        if !value.isEmpty, value != "DIRECT" { return String(value) }
    }
    return nil
}
