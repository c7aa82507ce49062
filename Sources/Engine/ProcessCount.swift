// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// Counts the processes and threads that a user has now: RLIMIT_NPROC counts all of them, not the sandbox's alone, where no
/// user namespace sets the sandbox apart. setrlimit(2)
func processCount(ofUser uid: UInt32) -> UInt64 {
    guard let directory = try? open("/proc", [.directory]), let names = try? entries(of: directory) else { return 0 }
    var count: UInt64 = 0
    for name in names.map(\.name) where name.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) {
        guard let status = try? readText("\(name)/status", at: .descriptor(directory.rawValue)) else { continue }
        var owner: Substring?
        var threads: UInt64 = 0
        for line in status.split(separator: "\n") {
            let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
            guard words.count > 1 else { continue }
            if words[0] == "Uid:" { owner = words[1] }
            if words[0] == "Threads:" { threads = UInt64(words[1]) ?? 0 }
        }
        if let owner, UInt32(owner) == uid { count += threads }
    }
    return count
}
