// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import Storage

/// Shows the progress of a build on standard error: as a bar on a terminal, as a line a stage elsewhere.
final class ProgressDisplay {
    private let isTerminal = terminalSize(2) != nil
    private var last = ""
    private var lastStage: RootfsProgress.Stage?

    func show(_ progress: RootfsProgress) {
        if isTerminal {
            let line = Self.bar(progress, width: Int(terminalSize(2)?.columns ?? 80))
            guard line != last else { return }
            // Back to the first column, and clear what a longer line left.
            write("\r\(line)\u{1b}[K")
            last = line
        } else if progress.stage != lastStage {
            write("\(progress.stage.rawValue)\n")
            lastStage = progress.stage
        }
    }

    /// Leaves the bar as it is and goes to the next line.
    func end() {
        if isTerminal, !last.isEmpty { write("\n") }
        last = ""
    }

    /// `[#########---------------] 38% unpacking libc6`, at most as wide as the terminal.
    static func bar(_ progress: RootfsProgress, width: Int) -> String {
        let length = 24
        let fraction = min(max(progress.fraction ?? 0, 0), 1)
        let done = Int(fraction * Double(length))
        let percent = progress.fraction == nil ? "" : " \(Int(fraction * 100))%"
        let package = progress.package.map { " " + visible($0) } ?? ""
        let line =
            "[" + String(repeating: "#", count: done) + String(repeating: "-", count: length - done) + "]"
            + "\(percent) \(progress.stage.rawValue)\(package)"
        return String(line.prefix(max(width - 1, length)))
    }

    private func write(_ text: String) { try? writeAll(raw: 2, text.utf8) }
}
