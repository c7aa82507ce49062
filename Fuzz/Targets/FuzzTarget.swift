// SPDX-License-Identifier: Apache-2.0

/// A reader of bytes that somebody else chose, under fuzzing: it gets any bytes at all, and must neither trap nor break
/// what it promises.
///
/// `Driver` hands these to libFuzzer; `FuzzTests` runs them over the kept corpora with every `make test`.
struct FuzzTarget: Sendable {
    let name: String
    /// Reads the bytes. What it throws is a finding.
    let run: @Sendable ([UInt8]) throws(Violation) -> Void

    static let all: [FuzzTarget] =
        wireTargets + specTargets + quantityTargets + seccompTargets + hostFileTargets + storageTargets
        + detachedTargets

    static func named(_ name: String) -> FuzzTarget? { all.first { $0.name == name } }
}

/// A promise that was broken.
struct Violation: Error, CustomStringConvertible {
    let description: String
}

func require(_ holds: Bool, _ promise: @autoclosure () -> String) throws(Violation) {
    guard holds else { throw Violation(description: promise()) }
}

/// Runs what promises to succeed.
func requireSuccess<Value>(
    _ promise: @autoclosure () -> String, _ body: () throws -> Value
) throws(Violation) -> Value {
    do { return try body() } catch { throw Violation(description: "\(promise()): \(error)") }
}

/// Runs a reader; `nil` where it refuses, in words that a terminal can show.
func reading<Value, Refusal: Error & CustomStringConvertible>(
    _ body: () throws(Refusal) -> Value
) throws(Violation) -> Value? {
    do throws(Refusal) { return try body() } catch {
        try requireVisible(error.description)
        return nil
    }
}

/// What goes to a terminal or a log must hold nothing that a terminal obeys.
func requireVisible(_ text: String, except allowed: Unicode.Scalar = "\n") throws(Violation) {
    let isVisible = text.unicodeScalars.allSatisfy { $0 == allowed || !$0.properties.isControl }
    try require(isVisible, "a message holds control characters: \(text.debugDescription)")
}

extension Unicode.Scalar.Properties {
    fileprivate var isControl: Bool { generalCategory == .control }
}

extension [UInt8] {
    /// The bytes as text, repaired where they are not UTF-8, as files and arguments are read.
    var text: String { String(decoding: self, as: UTF8.self) }

    /// The parts between zero bytes, at most so many.
    func parts(atMost count: Int) -> [[UInt8]] {
        split(separator: 0, maxSplits: count - 1, omittingEmptySubsequences: false).map(Array.init)
    }
}
