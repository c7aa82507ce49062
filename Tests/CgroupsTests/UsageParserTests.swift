// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Cgroups

/// What was read from the files of real cgroups, unless it says otherwise.
@Suite struct UsageParserTests {
    @Test func `v2's io_stat`() throws {
        // Linux 6.12, a virtio disk
        let usage = IOUsage.ofStat("254:0 rbytes=1318912 wbytes=10493952 rios=22 wios=163 dbytes=0 dios=0\n")
        #expect(usage.map(\.device) == [BlockDeviceNumber(major: 254, minor: 0)])
        #expect(usage.first?.readBytes == 1_318_912)
        #expect(usage.first?.writtenBytes == 10_493_952)
        #expect(usage.first?.readOperations == 22)
        #expect(usage.first?.writeOperations == 163)
    }

    @Test func `io_stat with the cost model's words, and with disks that were not used`() {
        // The form of Documentation/admin-guide/cgroup-v2.rst and of kernels that print unused disks without numbers
        let usage = IOUsage.ofStat(
            """
            7:7 7:6 8:0 rbytes=90430464 wbytes=299008000 rios=8950 wios=1252 dbytes=50331648 dios=3021
            7:5
            259:0 rbytes=1459200 wbytes=0 rios=192 wios=0 dbytes=0 dios=0 cost.vrate=100.00 cost.usage=1286

            """)
        #expect(usage.map(\.device.description) == ["7:7", "259:0"])
        #expect(usage.last?.readBytes == 1_459_200)
        #expect(IOUsage.ofStat("") == [])
    }

    @Test func `v1's blkio counters`() {
        // Linux 6.18, two disks with limits, of which one was used
        let usage = IOUsage.ofBlkio(
            bytes: """
                7:0 Read 0
                7:0 Write 0
                7:0 Sync 0
                7:0 Async 0
                7:0 Discard 0
                7:0 Total 0
                254:0 Read 208896
                254:0 Write 2097152
                254:0 Sync 2306048
                254:0 Async 0
                254:0 Discard 0
                254:0 Total 2306048
                Total 2306048

                """,
            operations: """
                7:0 Read 0
                7:0 Write 0
                7:0 Sync 0
                7:0 Async 0
                7:0 Discard 0
                7:0 Total 0
                254:0 Read 6
                254:0 Write 32
                254:0 Sync 38
                254:0 Async 0
                254:0 Discard 0
                254:0 Total 38
                Total 38

                """)
        #expect(usage.map(\.device.description) == ["7:0", "254:0"])
        #expect(usage[0].readBytes == 0 && usage[0].writtenBytes == 0)
        #expect(usage[0].readOperations == 0 && usage[0].writeOperations == 0)
        #expect(usage[1].readBytes == 208_896 && usage[1].writtenBytes == 2_097_152)
        #expect(usage[1].readOperations == 6 && usage[1].writeOperations == 32)
        #expect(IOUsage.ofBlkio(bytes: "Total 0\n", operations: "Total 0\n") == [])
    }

    @Test func `pressure files`() throws {
        // Linux 6.12
        let pressure = try #require(
            PressureStall(
                """
                some avg10=22.52 avg60=4.43 avg300=0.94 total=3215890
                full avg10=22.50 avg60=4.40 avg300=0.90 total=3215000

                """))
        #expect(pressure.some.average10 == 22.52)
        #expect(pressure.some.average60 == 4.43)
        #expect(pressure.some.average300 == 0.94)
        #expect(pressure.some.total == .microseconds(3_215_890))
        #expect(pressure.full?.average10 == 22.5)
        #expect(pressure.full?.total == .microseconds(3_215_000))
        // CPU before Linux 5.13
        let some = try #require(PressureStall("some avg10=0.00 avg60=0.00 avg300=0.00 total=75280113\n"))
        #expect(some.full == nil)
    }

    @Test(arguments: [
        "", "some\n", "full avg10=0.00 avg60=0.00 avg300=0.00 total=0", "some avg10=x avg60=0 avg300=0 total=0",
        "some avg10=0.00 avg60=0.00 avg300=0.00", "some avg10=0.00 avg60=0.00 avg300=0.00 total=-1",
        // Blanks alone ended the launcher, the fuzzer found.
        " ", "\n  \n",
    ])
    func `what is no pressure file gives nothing`(text: String) {
        #expect(PressureStall(text) == nil)
    }

    @Test func `files of keys and numbers`() {
        let stat = flatKeyed(
            """
            usage_usec 1050901
            user_usec 844842
            system_usec 206059
            nice_usec 0
            nr_periods 61
            nr_throttled 48
            throttled_usec 3679592
            nr_bursts 0
            burst_usec 0

            """)
        #expect(stat.count == 9)
        #expect(stat["throttled_usec"] == 3_679_592)
        #expect(flatKeyed("oom_kill_disable 0\nunder_oom 0\noom_kill 3\n")["oom_kill"] == 3)
        #expect(flatKeyed("a\nb \n c 1\nd 1 2\ne -1\nf 99999999999999999999\n\ng 5") == ["g": 5])
    }
}
