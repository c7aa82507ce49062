// SPDX-License-Identifier: Apache-2.0
import Testing

/// How one attempt went.
enum Attempt: Equatable, CustomStringConvertible {
    case succeeded(Int)
    case failed(String)

    var description: String {
        switch self {
        case .succeeded(let value): "succeeded (\(value))"
        case .failed(let errno): errno
        }
    }
}

/// What an attack program printed: `name result errno-name`, a line an attempt.
struct AttemptReport {
    private(set) var attempts: [String: Attempt] = [:]
    private let text: String

    init(_ text: String, context: String? = nil) {
        self.text = context ?? text
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count == 3, let result = Int(words[1]) else { continue }
            attempts[String(words[0])] = words[2] == "OK" ? .succeeded(result) : .failed(String(words[2]))
        }
    }

    subscript(_ name: String) -> Attempt? { attempts[name] }

    /// Expects these attempts to have failed, each with one of the errnos. None may be missing.
    func expectFailure(_ names: [String], _ errnos: String..., sourceLocation: SourceLocation = #_sourceLocation) {
        for name in names {
            guard case .failed(let errno) = attempts[name], errnos.contains(errno) else {
                Issue.record(
                    "\(name): \(word(name)), expected \(errnos.joined(separator: " or "))\n\(text)",
                    sourceLocation: sourceLocation)
                continue
            }
        }
    }

    /// Expects this attempt to have succeeded, with a certain result if one is given.
    func expectSuccess(_ names: String..., result: Int? = nil, sourceLocation: SourceLocation = #_sourceLocation) {
        for name in names {
            guard case .succeeded(let value) = attempts[name], result == nil || result == value else {
                Issue.record(
                    "\(name): \(word(name)), expected success \(result.map(String.init) ?? "")\n\(text)",
                    sourceLocation: sourceLocation)
                continue
            }
        }
    }

    private func word(_ name: String) -> String { attempts[name]?.description ?? "not attempted" }

    /// All names, or those with a prefix.
    func names(_ prefix: String = "") -> [String] { attempts.keys.filter { $0.hasPrefix(prefix) }.sorted() }
}
