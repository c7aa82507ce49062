// SPDX-License-Identifier: Apache-2.0
import SandboxSpec
import Storage

extension GuardRules {
    /// What may be read and not changed.
    static func protecting(_ spec: SandboxSpec) -> GuardRules {
        var builtin = GuardRules()
        builtin.add(BuiltinGuards.protected)
        var pointer = GuardPattern(anywhere: BuiltinGuards.protectedFile)
        pointer.literalPath = nil
        pointer.sparesDirectories = true
        builtin.patterns.append(pointer)
        for (marker, paths) in BuiltinGuards.nestedGitDirectories {
            builtin.markers.append(GuardMarker(marker.lastComponent, paths: paths, matches: { marker.matches($0) }))
        }
        let isDependency: @Sendable (String) -> Bool = { path in
            PathBytes.names(path).contains { BuiltinGuards.dependencies.contains($0) }
        }
        return GuardRules(own: spec.protect, builtin: builtin, spec) { isDependency($0) }
    }

    /// What may be neither read nor changed.
    static func hiding(_ spec: SandboxSpec) -> GuardRules {
        var builtin = GuardRules()
        builtin.add(BuiltinGuards.hidden)
        builtin.patterns += BuiltinGuards.hiddenGlobs.map { GuardPattern($0) }
        return GuardRules(own: spec.hide, builtin: builtin, spec) { BuiltinGuards.shown.contains(finalComponent($0)) }
    }

    /// The user's patterns, and the built-in ones but for what these or the user leave out.
    private init(
        own: [PathGlob], builtin: GuardRules, _ spec: SandboxSpec, leavesOut: @escaping @Sendable (String) -> Bool
    ) {
        self.init(own.map { GuardPattern($0) })
        guard spec.builtinGuards else { return }
        let show = spec.show
        let isLeftOut: @Sendable (String) -> Bool = { path in
            leavesOut(path) || show.contains { $0.covers(path) }
        }
        for var pattern in builtin.patterns {
            if let path = pattern.literalPath, isLeftOut(path) { pattern.literalPath = nil }
            patterns.append(pattern.except(isLeftOut))
        }
        for marker in builtin.markers { markers.append(marker.except(isLeftOut)) }
    }

    /// Paths that are guarded at any depth: a name in every directory, several names where the first one is.
    private mutating func add(_ paths: [String]) {
        var marked: [String: [String]] = [:]
        for path in paths {
            guard let slash = path.firstIndex(of: "/") else {
                patterns.append(GuardPattern(anywhere: path))
                continue
            }
            // Also as a plain path: that of the top is looked up whatever its first name is, a symlink too.
            patterns.append(GuardPattern(literal: path))
            marked[String(path[..<slash]), default: []].append(path)
        }
        for (name, paths) in marked.sorted(by: { $0.key < $1.key }) { markers.append(GuardMarker(name, paths: paths)) }
    }
}

extension GuardPattern {
    init(_ glob: PathGlob) {
        self.init(
            literalPath: glob.literalPath, lastName: NameTest(component: glob.lastComponent),
            matches: { glob.matches($0) }, couldMatchBelow: { glob.couldMatchBelow(directory: $0) })
    }

    fileprivate func except(_ isLeftOut: @escaping @Sendable (String) -> Bool) -> GuardPattern {
        var pattern = self
        pattern.matches = { [matches] in matches($0) && !isLeftOut($0) }
        return pattern
    }
}

extension GuardMarker {
    fileprivate func except(_ isLeftOut: @escaping @Sendable (String) -> Bool) -> GuardMarker {
        GuardMarker(name, paths: paths) { [matches] in matches($0) && !isLeftOut($0) }
    }
}

private func finalComponent(_ path: String) -> String {
    path.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(path[path.utf8.index(after: $0)...]) } ?? path
}

extension GuardPattern.NameTest {
    /// What a pattern's last component says about the last name.
    init(component: String) {
        let scalars = component.unicodeScalars
        let wild = scalars.filter { "*?[".unicodeScalars.contains($0) }
        switch String(wild) {
        case "": self = .exact(component)
        case "*" where scalars.first == "*": self = .suffix(String(scalars.dropFirst()))
        case "*" where scalars.last == "*": self = .prefix(String(scalars.dropLast()))
        default: self = .any
        }
    }
}
