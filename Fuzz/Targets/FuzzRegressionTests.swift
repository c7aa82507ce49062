// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import Testing

/// The targets of the fuzzer on their kept corpora: what was found once, and what reaches all code that was reached.
@Suite struct FuzzRegressionTests {
    private static let corpora =
        "\(#filePath)".split(separator: "/").dropLast(2).map { "/\($0)" }.joined() + "/Corpus"

    private static func names(_ path: String) throws -> [String] {
        try entries(of: open(path, .directory)).map(\.name).sorted()
    }

    @Test("readers keep their promises on the kept inputs", arguments: FuzzTarget.all.map(\.name))
    func keepsPromises(_ name: String) throws {
        let target = try #require(FuzzTarget.named(name))
        let directory = "\(Self.corpora)/\(name)"
        let names = try Self.names(directory)
        #expect(names.count >= 3, "a corpus without inputs shows nothing")
        for name in names {
            let bytes = try readAll(open("\(directory)/\(name)"))
            do throws(Violation) { try target.run(bytes) } catch { Issue.record("\(directory)/\(name): \(error)") }
        }
    }

    @Test func `every corpus has a target, and every target a name of its own`() throws {
        let ofInit = ["init-runs", "launcher-records", "service-requests"]
        let names = FuzzTarget.all.map(\.name) + ofInit
        #expect(try Self.names(Self.corpora) == names.sorted())
        #expect(Set(names).count == names.count)
    }

    @Test func `a broken promise is an error`() {
        var count = 0
        do throws(Violation) { try require(false, "held") } catch { count += 1 }
        do throws(Violation) { try requireVisible("a\u{1b}[2Jb") } catch { count += 1 }
        #expect(count == 2)
    }
}
