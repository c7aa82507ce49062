// SPDX-License-Identifier: Apache-2.0

/// How far a root file system under construction is.
public struct RootfsProgress: Sendable, Equatable {
    public enum Stage: String, Sendable, CaseIterable {
        /// Fetching the list of packages and choosing among them.
        case resolving
        /// Downloading and checking packages.
        case retrieving
        /// Unpacking the essential ones by hand.
        case extracting
        /// dpkg unpacks.
        case unpacking
        /// dpkg runs the packages' scripts.
        case configuring
        case finished
    }

    public var stage: Stage
    /// From 0 to 1, never falling; `nil` while the number of packages is not known yet.
    public var fraction: Double?
    /// The package in hand, without version and architecture.
    public var package: String?

    public init(stage: Stage, fraction: Double? = nil, package: String? = nil) {
        self.stage = stage
        self.fraction = fraction
        self.package = package
    }
}

/// Reads debootstrap's messages, line by line. debootstrap(8)
///
/// It says no totals, so the packages retrieved are counted, and each later stage is measured against their number. The
/// shares are those of the time each stage takes once downloading is over.
struct DebootstrapMessages {
    private var retrieved: Set<String> = []
    private var counts: [RootfsProgress.Stage: Int] = [:]
    private var highest: Double?

    /// What a line says about progress; `nil` where it says nothing.
    mutating func progress(from line: String) -> RootfsProgress? {
        guard line.hasPrefix("I: ") else { return nil }
        let words = line.dropFirst(3).split(separator: " ")
        guard let verb = words.first else { return nil }
        if line.hasPrefix("I: Base system installed successfully") {
            return RootfsProgress(stage: .finished, fraction: 1)
        }
        // Packages come as "Retrieving NAME VERSION" and "Unpacking NAME:ARCH..."; other messages have other word counts.
        switch (verb, words.count) {
        case ("Retrieving", 3), ("Validating", 3):
            let package = String(words[1])
            retrieved.insert(package)
            return RootfsProgress(stage: .retrieving, package: package)
        case ("Retrieving", _), ("Validating", _), ("Checking", _), ("Valid", _), ("Resolving", _), ("Found", _):
            return retrieved.isEmpty ? RootfsProgress(stage: .resolving) : nil
        case ("Extracting", 2): return advance(.extracting, words[1])
        case ("Unpacking", 2): return advance(.unpacking, words[1])
        case ("Configuring", 2): return advance(.configuring, words[1])
        default: return nil
        }
    }

    private mutating func advance(_ stage: RootfsProgress.Stage, _ word: Substring) -> RootfsProgress? {
        guard word.hasSuffix("...") else { return nil }
        let package = word.dropLast(3).prefix { $0 != ":" }
        let (start, share): (Double, Double) =
            switch stage {
            case .extracting: (0, 0.2)
            case .unpacking: (0.2, 0.4)
            default: (0.6, 0.4)
            }
        counts[stage, default: 0] += 1
        if !retrieved.isEmpty {
            let part = min(1, Double(counts[stage] ?? 0) / Double(retrieved.count))
            highest = max(highest ?? 0, start + share * part)
        }
        return RootfsProgress(stage: stage, fraction: highest, package: String(package))
    }
}
