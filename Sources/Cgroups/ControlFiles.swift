// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// The control files of one cgroup, beneath a directory descriptor that someone else owns and outlives this value.
struct ControlFiles {
    let descriptor: Int32
    /// The cgroup's absolute path, for messages.
    let path: String

    /// Writes a value in one write, as the kernel wants it.
    func write(_ value: String, to file: String) throws(SystemError) {
        try writeText(value, to: file, at: .descriptor(descriptor))
    }

    /// Whether this kernel has the file.
    func has(_ file: String) -> Bool { mayAccess(file, [], at: .descriptor(descriptor)) }

    /// The text of a file; `nil` where this kernel does not have it.
    func text(_ file: String) throws(CgroupError) -> String? {
        do throws(SystemError) {
            return try readText(file, at: .descriptor(descriptor))
        } catch {
            throw CgroupError(.readFailed, "\(path)/\(file)", cause: error)
        }
    }

    /// The number in a file; `nil` where the file is missing or holds a word such as `max`.
    func number(_ file: String) throws(CgroupError) -> UInt64? {
        guard let text = try text(file) else { return nil }
        return UInt64(text.prefix { !$0.isWhitespace })
    }

    /// The number after a key in a file of `key number` lines; `nil` where file or key is missing.
    func number(_ key: String, in file: String) throws(CgroupError) -> UInt64? { try keyed(file)?[key] }

    /// The numbers of a file of `key number` lines, by key; `nil` where this kernel does not have it.
    func keyed(_ file: String) throws(CgroupError) -> [String: UInt64]? { try text(file).map(flatKeyed) }
}

/// The numbers in a text of `key number` lines, by key. Other lines are skipped: later kernels add some.
/// Documentation/admin-guide/cgroup-v2.rst, "Flat keyed"
func flatKeyed(_ text: String) -> [String: UInt64] {
    var numbers: [String: UInt64] = [:]
    for line in text.split(separator: "\n") {
        let words = line.split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 2, let number = UInt64(decimal: words[1]) else { continue }
        numbers[String(words[0])] = number
    }
    return numbers
}
