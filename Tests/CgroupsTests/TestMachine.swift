// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import Testing

@testable import Cgroups

/// What this machine offers the tests: root on any version, or a user with a delegated v2 subtree.
enum TestMachine {
    static let layout = try? CgroupLayout.probe()
    static let all = CgroupLimits(memory: 64 << 20, millicpus: 500, pids: 16)

    static var isRoot: Bool { effectiveUID() == 0 }

    /// Whether a cgroup with all limits can be made here, found out by making one.
    static let hasCgroups: Bool = {
        guard let layout else { return false }
        do throws(CgroupError) {
            try SandboxCgroup.create(name: "probe-\(processID())", limits: all, layout: layout).remove()
            return true
        } catch {
            return false
        }
    }()

    static func name(_ purpose: String) -> String { "test-\(purpose)-\(processID())" }

    /// Whether the tests of real cgroups can run. Root is not asked to prove it first: there a failure to make one is a
    /// failed test, not a skipped one.
    static let canTest: Bool = {
        guard isRoot else { return hasCgroups }
        let places = layout?.hierarchies.map(\.mountPoint) ?? []
        return !places.isEmpty && places.allSatisfy { mayAccess($0, .write) }
    }()

    /// The directories below any `martinet` that a sandbox of this user can be under, whose name fits.
    static func leftovers(where fits: (String) -> Bool) -> [String] {
        (layout?.hierarchies ?? []).flatMap { hierarchy in
            Delegation.ancestors(of: hierarchy.ownDirectory ?? "").flatMap { ancestor in
                let parent = "\(hierarchy.mountPoint)/\(ancestor)/martinet"
                let names = (try? entries(of: open(parent, [.directory]))) ?? []
                return names.filter { $0.kind == .directory && fits($0.name) }.map { "\(parent)/\($0.name)" }
            }
        }
    }

    static func exists(_ path: String) -> Bool { (try? status(of: path)) != nil }

    /// The layouts that a feature of both versions is tested on: this machine's, and on a hybrid one for root also its v2
    /// hierarchy alone, which freezes, counts CPU time and guards devices without a controller.
    static let variants: [LayoutVariant] = {
        guard let layout else { return [] }
        let own = LayoutVariant(name: layout.kind.rawValue, layout: layout)
        guard layout.kind == .hybrid, isRoot, let unified = layout.unified else { return [own] }
        return [own, LayoutVariant(name: "v2 of hybrid", layout: CgroupLayout(hierarchies: [unified]))]
    }()

    static func has(_ controllers: CgroupController...) -> Bool {
        guard let layout else { return false }
        return canTest && controllers.allSatisfy { CgroupSupport(layout: layout)[$0]?.isUsable == true }
    }

    /// A directory of its own on a disk, for as long as `body` runs; `nil` where this user can write to none.
    static let diskDirectory: String? = ["/var/tmp", "/scratch", "/tmp"].first {
        mayAccess($0, [.write, .execute]) && (try? BlockDeviceNumber.ofDisk(at: $0)) != nil
    }
}

struct LayoutVariant: Sendable, CustomTestStringConvertible {
    var name: String
    var layout: CgroupLayout
    var testDescription: String { name }
}

/// Whether `attempt` gives a number within `tolerance` (a part of one) of `expected`, in one of a few attempts: other work on
/// the machine can only spoil a measurement, not make a limit look held that is not. All numbers are in the message.
func expectNear(
    _ expected: Double, within tolerance: Double, attempts: Int = 5, _ what: String,
    sourceLocation: SourceLocation = #_sourceLocation, _ attempt: () throws -> Double
) rethrows {
    var found: [Double] = []
    while found.count < attempts {
        found.append(try attempt())
        if abs(found[found.count - 1] - expected) <= expected * tolerance {
            print("measured: \(what): \(found), expected \(expected) within \(tolerance * 100) %")
            return
        }
    }
    Issue.record("\(what): \(found), expected \(expected) within \(tolerance * 100) %", sourceLocation: sourceLocation)
}

extension Duration {
    var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
