// SPDX-License-Identifier: Apache-2.0
import Foundation
import LinuxKernel
import Testing

@testable import Cgroups

/// A loop device over a file in memory, for as long as a test needs one.
enum LoopDevice {
    static func with(bytes: Int, _ body: (String, BlockDeviceNumber) throws -> Void) throws {
        let file = "/dev/shm/martinet-loop-\(processID())"
        try #require(FileManager.default.createFile(atPath: file, contents: Data(count: bytes)))
        defer { try? FileManager.default.removeItem(atPath: file) }
        let path = try losetup(["--find", "--show", file])
        defer { _ = try? losetup(["--detach", path]) }
        let number = try BlockDeviceNumber.ofDisk(at: path)
        try body(path, number)
    }

    private static func losetup(_ arguments: [String]) throws -> String {
        let process = Process()
        let output = Foundation.Pipe()
        process.executableURL = URL(fileURLWithPath: "/sbin/losetup")
        process.arguments = arguments
        process.standardOutput = output
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "losetup \(arguments)")
        let text = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        return String(text.prefix { !$0.isNewline })
    }
}
