// SPDX-License-Identifier: Apache-2.0

/// The lines of a map of ids. user_namespaces(7)
struct IDMapTable {
    private var lines: [(inner: UInt32, outer: UInt32, count: UInt32)] = []

    init(_ text: String) {
        for line in text.split(separator: "\n") {
            let numbers = line.split(separator: " ").compactMap { UInt32($0) }
            if numbers.count == 3 { lines.append((numbers[0], numbers[1], numbers[2])) }
        }
    }

    /// The id outside of one inside.
    func outer(of inner: UInt32) -> UInt32? {
        for line in lines where inner >= line.inner && inner - line.inner < line.count {
            return line.outer &+ (inner - line.inner)
        }
        return nil
    }
}
