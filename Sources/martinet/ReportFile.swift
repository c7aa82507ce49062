// SPDX-License-Identifier: Apache-2.0
import Engine
import LinuxKernel

/// Where a report goes: opened before the run, so that a path that cannot be written to is an error while it helps.
struct ReportFile: ~Copyable {
    private let file: Descriptor
    private let name: String

    /// Reads `json`, `json=FD` or `json=FILE`: standard error, an open descriptor, a file that is made or replaced.
    init(report text: String) throws(EngineError) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard parts[0] == "json", parts.count == 1 || !parts[1].isEmpty else {
            throw EngineError(
                .invalidSpec, "report: \"\(text)\" is not json, json=FD or json=FILE",
                hint: "json alone goes to standard error")
        }
        let place = parts.count == 2 ? parts[1] : "2"
        if let number = Int32(place), "\(number)" == place {
            try self.init(descriptor: number)
        } else {
            try self.init(path: place, field: "report")
        }
    }

    /// Opens a file that is written at the end, and left as it is until then.
    init(path: String, field: String) throws(EngineError) {
        do throws(SystemError) {
            file = try open(path, [.writeOnly, .create, .noControllingTerminal], mode: 0o644)
            name = path
        } catch {
            throw EngineError(.invalidSpec, "\(field): \(error)")
        }
    }

    private init(descriptor: Int32) throws(EngineError) {
        guard (try? statusIfOpen(descriptor)) != nil, let copy = try? duplicate(descriptor),
            (try? isReadOnly(raw: descriptor)) == false
        else {
            throw EngineError(
                .invalidSpec, "report: descriptor \(descriptor) is not open for writing",
                hint: "open it in the calling shell: martinet run --report json=3 … 3>FILE")
        }
        file = copy
        name = "descriptor \(descriptor)"
    }

    /// Writes the text; what was in a regular file before is gone.
    func write(_ text: String) {
        do throws(SystemError) {
            if try status(of: file).kind == .regular, !name.hasPrefix("descriptor ") { try truncate(file, to: 0) }
            try writeAll(file, text.utf8)
        } catch {
            Message.say("write the report to \(name): \(error)")
        }
    }
}
