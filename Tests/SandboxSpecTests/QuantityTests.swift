// SPDX-License-Identifier: Apache-2.0
import SandboxSpec
import Testing

@Suite struct QuantityTests {
    @Test(
        arguments: [
            ("0", 0), ("1000", 1000), ("512MiB", 512 << 20), ("512M", 512 << 20), ("512m", 512 << 20), ("1k", 1024),
            ("1kB", 1000), ("1KB", 1000), ("2g", 2 << 30), ("1.5GiB", 3 << 29), ("0.5KiB", 512), ("100MB", 100_000_000),
            ("3b", 3), ("1TiB", 1 << 40), ("1PB", 1_000_000_000_000_000), ("18446744073709551615", UInt64.max),
        ] as [(String, UInt64)])
    func `Sizes are read with their units`(text: String, bytes: UInt64) throws {
        #expect(try ByteCount(text).bytes == bytes)
    }

    @Test(
        arguments: [
            "", "MiB", "12 parsecs", "-1", "+1", "1 MiB", " 1", "1e3", "0x10", "1mib", "1.MiB", ".5MiB", "1..5",
            "1.5.5k",
            "18446744073709551616", "17179869184GiB", "99999999999999999999", "１", "1\u{0}", "1MiB\n",
        ])
    func `What is not a size is refused`(text: String) {
        #expect(throws: SpecError.self) { try ByteCount(text) }
    }

    @Test(arguments: [0, 1, 1000, 1024, 1025, 512 << 20, 3 << 29, 1 << 40, 1 << 50, UInt64.max] as [UInt64])
    func `A printed size reads back`(bytes: UInt64) throws {
        #expect(try ByteCount(ByteCount(bytes: bytes).description).bytes == bytes)
    }

    @Test(arguments: [("0.5", 500), ("2", 2000), ("1.25", 1250), ("0.01", 10), ("8192", 8_192_000), ("1.500", 1500)])
    func `CPUs are read in thousandths and print back`(text: String, milli: UInt64) throws {
        let count = try CPUCount(text)
        #expect(count.milli == milli)
        #expect(try CPUCount(count.description) == count)
    }

    @Test(arguments: ["0", "0.001", "-1", "1.2345", "8193", "half", "", "1,5", "1e1", "max"])
    func `What is not a number of CPUs is refused`(text: String) {
        #expect(throws: SpecError.self) { try CPUCount(text) }
    }

    @Test(
        arguments: [
            ("10s", Duration.seconds(10)), ("500ms", .milliseconds(500)), ("1m30s", .seconds(90)),
            ("1.5h", .seconds(5400)),
            ("2d", .seconds(172_800)), ("1us", .microseconds(1)), ("7ns", .nanoseconds(7)), ("0s", .zero),
        ])
    func `Durations are read with their units and print back`(text: String, duration: Duration) throws {
        #expect(try DurationText.parse(text) == duration)
        #expect(try DurationText.parse(DurationText.print(duration)) == duration)
    }

    @Test(arguments: ["", "10", "s", "-1s", "1 s", "1y", "1.s", "9999999999d", "1e3s", "٣s"])
    func `What is not a duration is refused`(text: String) {
        #expect(throws: SpecError.self) { try DurationText.parse(text) }
    }

    @Test func `Offsets go back where a field may`() throws {
        #expect(try DurationText.parse("-1m5s", allowsNegative: true) == .seconds(-65))
        #expect(DurationText.print(.seconds(-65)) == "-1m5s")
        #expect(throws: SpecError.self) { try DurationText.parse("-", allowsNegative: true) }
        #expect(throws: SpecError.self) { try DurationText.parse("--1s", allowsNegative: true) }
    }

    @Test func `Resource limits have a soft and a hard part`() throws {
        let both = try ResourceLimit("NOFILE=10:20")
        #expect(both.resource == .nofile && both.soft == .value(10) && both.hard == .value(20))
        let one = try ResourceLimit("core=unlimited")
        #expect(one.soft == .max && one.hard == .max && one.description == "core=max")
        for text in ["nofile", "nofile=", "nofile=2:1", "nofile=max:1", "nofile=1:2:3", "nofile=-1", "=1", "files=1"] {
            #expect(throws: SpecError.self, "\(text)") { try ResourceLimit(text) }
        }
    }

    @Test func `Resources have the kernel's numbers`() {
        #expect(ResourceName.cpu.number == 0 && ResourceName.nofile.number == 7 && ResourceName.rttime.number == 15)
    }

    @Test func `Capabilities are all 41, by either spelling`() throws {
        #expect(CapabilityName.names.count == 41)
        #expect(try CapabilityName("CAP_SYS_ADMIN").number == 21)
        #expect(try CapabilityName("sys_admin").number == 21)
        #expect(try CapabilityName("checkpoint_restore").number == 40)
        for name in CapabilityName.names {
            #expect(try CapabilityName(CapabilityName(name).description).description == "CAP_\(name)")
        }
        for text in ["", "ALL", "CAP_", "CAP_CAP_CHOWN", "21", "chown "] {
            #expect(throws: SpecError.self, "\(text)") { try CapabilityName(text) }
        }
    }
}
