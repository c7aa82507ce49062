// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Cgroups

@Suite struct NumberListTests {
    @Test(arguments: [
        ("0", "0"), ("0-3,5", "0-3,5"), ("5,0-3\n", "0-3,5"), ("1,0,2", "0-2"), ("0-1,1-2,4", "0-2,4"), ("", ""),
        ("\n", ""), ("7-7", "7"), ("0-65535", "0-65535"),
    ])
    func `a list is read as the set it stands for`(text: String, normalized: String) {
        #expect(NumberList(text)?.description == normalized)
    }

    @Test(arguments: [
        "a", "0-", "-1", "1-0", "0,", ",0", "0,,1", "0 1", " 0", "+1", "0-1-2", "65536", "0-4294967295",
        "99999999999999999999", "0-10:1/2", "all", "0\n1", "٣",
    ])
    func `anything else is no list`(text: String) {
        #expect(NumberList(text) == nil)
    }

    @Test(arguments: [
        ("0-7", "0-3", "4-7"), ("0-7", "2-3,5", "0-1,4,6-7"), ("0-1", "0-1", ""), ("0-1", "", "0-1"), ("4", "0-3", "4"),
        ("0-3", "0-63", ""), ("0,2,4", "1-3", "0,4"), ("0-65535", "0", "1-65535"),
    ])
    func `what is missing is named as a list`(asked: String, available: String, missing: String) throws {
        let rest = try #require(NumberList(asked)).subtracting(#require(NumberList(available)))
        #expect(rest.description == missing)
        #expect(rest.isEmpty == missing.isEmpty)
    }

    @Test func `CPUs that are not there are an error that names those that are`() throws {
        let setting = ControlSetting(file: "cpuset.cpus", value: "0-3")
        let error = CPUSetController.refusal(of: setting, available: try #require(NumberList("0-1")))
        #expect(
            error?.description
                == "set limit cpuset: 2-3 is not among the CPUs there are\nhint: give CPUs of 0-1")
        let nodes = ControlSetting(file: "cpuset.mems", value: "1")
        #expect(
            CPUSetController.refusal(of: nodes, available: try #require(NumberList("0")))?.description
                == "set limit memory-nodes: 1 is not among the memory nodes there are\nhint: give memory nodes of 0")
        #expect(CPUSetController.refusal(of: setting, available: try #require(NumberList("0-7"))) == nil)
    }
}
