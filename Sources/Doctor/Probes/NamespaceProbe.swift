// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxKernel
import Storage

/// Attempts in new namespaces, made as the launcher makes them: clone3, id maps written from outside, the rest unshared
/// within.
struct NamespaceProbe {
    let caller: Caller
    var attempts: [AttemptName: Attempt] = [:]
    var idMaps: [FileFacts.IDMap] = []

    init(_ caller: Caller) { self.caller = caller }

    private static let user = UInt64(CLONE_NEWUSER)
    private static let process = UInt64(CLONE_NEWPID)

    /// Makes all of them.
    ///
    /// - Parameter mapped: directories to try id-mapped mounts of; root's alone.
    mutating func run(mapped: [String]) {
        attempts[.clone3] = Self.start(ProbeChild.Request())
        guard works(.clone3) else { return refrain(.userNamespace, "clone3 fails") }
        attempts[.userNamespace] = Self.start(ProbeChild.Request(cloneFlags: Self.user))
        guard works(.userNamespace) else { return refrain(.pidNamespace, "there is no user namespace to try it in") }
        do throws(SystemError) {
            var child = try ProbeChild(
                ProbeChild.Request(
                    cloneFlags: Self.user | Self.process, waits: true, mapsRange: true,
                    attempts: AttemptName.namespaces))
            attempts[.pidNamespace] = .worked()
            attempts[.mapIDs] = map(child.pid)
            guard works(.mapIDs) else { return refrain(.becomeRoot, "its user namespace has no ids") }
            if caller.isPrivileged { idMaps = IDMapProbe.attempts(mapped, namespaceOf: child.pid) }
            let outcome = try child.finish()
            for (name, attempt) in outcome.answers { attempts[name] = attempt }
            judgeTheRest(outcome)
        } catch {
            attempts[.pidNamespace] = attempts[.pidNamespace] ?? .failed(error.errno)
            refrain(.mapIDs, "there are no namespaces to try it in")
        }
    }

    private func works(_ name: AttemptName) -> Bool { attempts[name]?.works ?? false }

    /// Mounts need a mount namespace, and a child that was killed leaves no answer.
    private mutating func judgeTheRest(_ outcome: ProbeChild.Outcome) {
        if !works(.unshareMount) {
            for name in AttemptName.allCases where (AttemptName.makePrivate...AttemptName.pivotRoot).contains(name) {
                attempts[name] = .untried("there is no mount namespace to try it in")
            }
        }
        let last = outcome.answers.last?.name
        guard let next = AttemptName.allCases.first(where: { $0 > last ?? .mountProc && AttemptName.namespaces.contains($0) })
        else { return }
        switch outcome.end {
        case .signaled(let signal):
            attempts[next] = .killed(signal: signal)
            refrain(next, "the child was killed before")
        case nil: refrain(next, "the child did not come back")
        case .exited: break
        }
    }

    /// Says of an attempt and all those after it that have no answer yet why they were not made.
    private mutating func refrain(_ first: AttemptName, _ reason: String) {
        let order = [AttemptName.userNamespace, .pidNamespace, .mapIDs] + AttemptName.allCases.filter(AttemptName.namespaces.contains)
        for name in order.drop(while: { $0 != first }) where attempts[name] == nil { attempts[name] = .untried(reason) }
    }

    /// A child that does nothing but begin.
    static func start(_ request: ProbeChild.Request) -> Attempt {
        do throws(SystemError) {
            var child = try ProbeChild(request)
            _ = try child.finish()
            return .worked()
        } catch { return .failed(error.errno) }
    }

    /// Writes id 0 as the launcher would: with a range as root, else as the one id there is.
    private func map(_ pid: Int32) -> Attempt {
        // The last of root's ranges: no sandbox's files or processes can be this child's, which has none of either.
        let base = IdentityPool.firstID + UInt32(IdentityPool.slotCount - 1) * IdentityPool.idsPerRange
        do throws(SystemError) {
            if caller.isPrivileged {
                try writeText("0 \(base) 65536", to: "/proc/\(pid)/uid_map")
                try writeText("0 \(base) 65536", to: "/proc/\(pid)/gid_map")
            } else {
                try writeText("deny", to: "/proc/\(pid)/setgroups")
                try writeText("0 \(caller.uid) 1", to: "/proc/\(pid)/uid_map")
                try writeText("0 \(caller.gid) 1", to: "/proc/\(pid)/gid_map")
            }
            return .worked()
        } catch { return .failed(error.errno) }
    }
}
