// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Engine

/// The id map of a user with a subordinate range. user_namespaces(7), subuid(5)
@Suite struct IDMapLineTests {
    private static func map(agent: UInt32, start: UInt32 = 100_000, count: UInt32) -> [IDMapLine] {
        IDMapLine.map(agent: agent, own: 1001, rangeStart: start, rangeCount: count)
    }

    @Test func `the agent is the user, and the range lies around it`() {
        #expect(
            Self.map(agent: 1000, count: 65536) == [
                IDMapLine(inside: 0, outside: 100_000, count: 1000),
                IDMapLine(inside: 1000, outside: 1001, count: 1),
                IDMapLine(inside: 1001, outside: 101_000, count: 64535),
            ])
    }

    @Test func `an agent that is root has the range above it`() {
        #expect(
            Self.map(agent: 0, count: 65536) == [
                IDMapLine(inside: 0, outside: 1001, count: 1), IDMapLine(inside: 1, outside: 100_000, count: 65535),
            ])
    }

    @Test func `an agent that is the last id has the range below it`() {
        #expect(
            Self.map(agent: 65535, count: 65536) == [
                IDMapLine(inside: 0, outside: 100_000, count: 65535), IDMapLine(inside: 65535, outside: 1001, count: 1),
            ])
    }

    @Test func `a range that ends below the agent leaves a gap`() {
        #expect(
            Self.map(agent: 1000, count: 10) == [
                IDMapLine(inside: 0, outside: 100_000, count: 10), IDMapLine(inside: 1000, outside: 1001, count: 1),
            ])
    }

    @Test func `a range that ends at the agent has nothing above it`() {
        #expect(
            Self.map(agent: 10, count: 10) == [
                IDMapLine(inside: 0, outside: 100_000, count: 10), IDMapLine(inside: 10, outside: 1001, count: 1),
            ])
    }

    @Test(
        "whatever the range, ids are mapped once, from inside it, and root and the agent exist",
        arguments: [0, 1, 2, 999, 1000, 1001, 65534, 65535] as [UInt32],
        [1, 2, 999, 1000, 1001, 65535, 65536, 1_000_000])
    func mapsOnce(agent: UInt32, count: UInt32) {
        let lines = Self.map(agent: agent, count: count)
        var next: UInt64 = 0
        var used: UInt64 = 0
        for line in lines {
            #expect(line.count > 0)
            #expect(UInt64(line.inside) >= next)
            next = UInt64(line.inside) + UInt64(line.count)
            if line.inside == agent {
                #expect(line.outside == 1001 && line.count == 1)
                continue
            }
            #expect(UInt64(line.outside) == 100_000 + used)
            used += UInt64(line.count)
        }
        #expect(next <= 65536)
        #expect(used <= UInt64(count))
        #expect(lines.first?.inside == 0)
        #expect(lines.contains { $0.inside == agent })
    }
}
