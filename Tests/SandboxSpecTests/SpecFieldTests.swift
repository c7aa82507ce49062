// SPDX-License-Identifier: Apache-2.0
import SandboxSpec
import Testing

@Suite struct SpecFieldTests {
    @Test func `Every field has a sample, and every sample a field`() {
        #expect(FieldSample.all.map(\.path) == SpecField.all.map(\.path))
    }

    @Test func `No key, flag or letter is taken twice`() {
        let flags = SpecField.all.flatMap { [$0.flag] + $0.aliases } + ["spec", "help", "version"]
        #expect(Set(flags).count == flags.count)
        let shorts = SpecField.all.compactMap(\.short) + ["h"]
        #expect(Set(shorts).count == shorts.count)
        #expect(Set(SpecField.all.map(\.path)).count == SpecField.all.count)
    }

    @Test func `Switches have no metavar, all others have one, and all have a line of help`() {
        for field in SpecField.all {
            #expect(field.metavar.isEmpty == field.isSwitch, "\(field.path)")
            #expect(!field.help.isEmpty && !field.help.contains("\n") && !field.help.hasSuffix("."), "\(field.path)")
        }
    }

    @Test(arguments: FieldSample.all)
    func `Flags, YAML and JSON give the same spec`(sample: FieldSample) throws {
        let asked = try spec(sample.flags)
        #expect(try SandboxSpec(yaml: sample.document) == asked)
        #expect(try SandboxSpec(json: sample.document) == asked)
        #expect((asked != SandboxSpec()) == (sample.path != "interactive"), "the value leaves the spec as it was")
    }

    @Test(arguments: FieldSample.all)
    func `What is written reads back as the same spec`(sample: FieldSample) throws {
        let asked = try spec(sample.flags)
        #expect(try SandboxSpec(yaml: asked.yaml) == asked, "\(asked.yaml)")
        #expect(try SandboxSpec(json: asked.json) == asked, "\(asked.json)")
    }

    @Test func `All fields together read back as the same spec`() throws {
        let asked = try spec(FieldSample.all.flatMap(\.flags) + ["--", "sh", "-c", "echo \"$A\"\n\u{1f600}\u{1b}"])
        #expect(try SandboxSpec(yaml: asked.yaml) == asked)
        #expect(try SandboxSpec(json: asked.json) == asked)
    }

    @Test func `A spec that asks for nothing is written as nothing`() {
        #expect(SandboxSpec().json == "{}\n")
    }

    @Test func `A written spec is what a person would write`() throws {
        let asked = try spec(
            "-m", "512MiB", "--cpus", "2", "-e", "N=1", "-e", "T=true", "--bind", "/a:/b", "-t", "--", "echo", "null")
        #expect(
            asked.yaml == """
                command:
                  - echo
                  - "null"
                env:
                  N: "1"
                  T: "true"
                tty: true
                bind:
                  - "/a:/b"
                limits:
                  memory: 512MiB
                  cpus: 2

                """)
    }
}
