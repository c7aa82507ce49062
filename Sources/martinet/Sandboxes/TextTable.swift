// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// Rows of texts in columns, each as wide as its widest.
struct TextTable {
    private var rows: [[String]]

    init(_ titles: [String]) { rows = [titles] }

    /// Adds a row; its texts may be anybody's.
    mutating func add(_ cells: [String]) { rows.append(cells.map(visible)) }

    var text: String {
        let widths = (rows.first ?? []).indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            let cells = zip(row, widths).map { cell, width in
                cell + String(repeating: " ", count: width - cell.count)
            }
            var line = cells.joined(separator: "   ")
            while line.hasSuffix(" ") { line.removeLast() }
            return line + "\n"
        }.joined()
    }
}
