// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxKernel
import Storage

/// Attempts in new namespaces, made as the launcher makes them: cloned, id maps written from outside, the rest unshared
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
        attempts[.clone3] = Self.clone3()
        attempts[.userNamespace] = Self.start(ProbeChild.Request(cloneFlags: Self.user))
        guard works(.userNamespace) else { return refrain(.pidNamespace, "there is no user namespace to try it in") }
        guard caller.isPrivileged else { return tryNamespaces(layer: nil) }
        do throws(SystemError) {
            let owner = try ProbeChild(ProbeChild.Request(cloneFlags: Self.user, waits: true))
            guard map(owner.pid).works else { return tryNamespaces(layer: nil) }
            let maps = IDMapProbe(mapped, namespaceOf: owner.pid)
            idMaps = maps.attempts
            tryNamespaces(layer: maps.trees.rawValues.first)
        } catch { tryNamespaces(layer: nil) }
    }

    /// What the launcher's child and init do.
    ///
    /// - Parameter layer: an id-mapped tree, borrowed.
    private mutating func tryNamespaces(layer: Int32?) {
        do throws(SystemError) {
            var child = try ProbeChild(
                ProbeChild.Request(
                    cloneFlags: Self.user | Self.process, waits: true, layer: layer, mapsRange: caller.isPrivileged,
                    attempts: AttemptName.namespaces))
            attempts[.pidNamespace] = .worked()
            attempts[.mapIDs] = map(child.pid)
            guard works(.mapIDs) else { return refrain(.becomeRoot, "its user namespace has no ids") }
            let outcome = try child.finish()
            for (name, attempt) in outcome.answers { attempts[name] = attempt }
            if layer == nil { attempts[.overlayMapped] = .untried("there is no id-mapped directory to try it with") }
            judgeTheRest(outcome)
        } catch {
            attempts[.pidNamespace] = attempts[.pidNamespace] ?? .failed(error.errno)
            refrain(.mapIDs, "there are no namespaces to try it in")
        }
    }

    private func works(_ name: AttemptName) -> Bool { attempts[name]?.works ?? false }

    /// What each attempt is made with: where that is missing, its own answer says nothing. Earlier ones first.
    private static let needs: [(AttemptName, of: [AttemptName], reason: String)] = [
        (
            .unshareMount, AttemptName.allCases.filter((AttemptName.makePrivate...AttemptName.pivotRoot).contains),
            "there is no mount namespace to try it in"
        ),
        // These show a namespace, and ask for one of the same owner. fs/sysfs/mount.c, ipc/mqueue.c
        (.mountProc, [.openSetting], "there is no proc to open it in"),
        (.unshareNetwork, [.openSetting, .mountSysfs], "there is no network namespace to show"),
        (.unshareCgroup, [.mountCgroup2], "there is no cgroup namespace to show"),
        (.unshareIPC, [.mountMqueue], "there is no IPC namespace to show"),
        (
            .mountTmpfs, [.attach, .tmpfsXattr, .overlay, .overlayOpaque, .overlayMapped, .pivotRoot],
            "there is no tmpfs to try it with"
        ),
        (
            .attach, [.overlay, .overlayOpaque, .overlayMapped, .pivotRoot],
            "there is no mount over the root to try it with"
        ),
        (.overlay, [.overlayOpaque, .overlayMapped], "there is no overlay to try it in"),
    ]

    /// Takes back what says nothing, and answers for a child that was killed.
    private mutating func judgeTheRest(_ outcome: ProbeChild.Outcome) {
        for (need, dependents, reason) in Self.needs where !works(need) {
            for name in dependents { attempts[name] = .untried(reason) }
        }
        let last = outcome.answers.last?.name
        guard
            let next = AttemptName.allCases.first(where: {
                $0 > last ?? .mountProc && AttemptName.namespaces.contains($0)
            })
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
        let order =
            [AttemptName.userNamespace, .pidNamespace, .mapIDs]
            + AttemptName.allCases.filter(AttemptName.namespaces.contains)
        for name in order.drop(while: { $0 != first }) where attempts[name] == nil { attempts[name] = .untried(reason) }
    }

    private static func clone3() -> Attempt {
        do throws(SystemError) {
            let child = try ProbeChild(ProbeChild.Request())
            return child.clone3
        } catch { return .failed(error.errno) }
    }

    /// A child that does nothing but begin.
    static func start(_ request: ProbeChild.Request) -> Attempt {
        do throws(SystemError) {
            var child = try ProbeChild(request)
            _ = try child.finish()
            return .worked()
        } catch { return .failed(error.errno) }
    }

    /// Writes the maps as the launcher would: a range as root, else the one id, for the default agent's.
    private func map(_ pid: Int32) -> Attempt {
        // The last of root's ranges: no sandbox's files or processes can be this child's, which has none of either.
        let base = IdentityPool.firstID + UInt32(IdentityPool.slotCount - 1) * IdentityPool.idsPerRange
        do throws(SystemError) {
            if caller.isPrivileged {
                try writeText("0 \(base) 65536", to: "/proc/\(pid)/uid_map")
                try writeText("0 \(base) 65536", to: "/proc/\(pid)/gid_map")
            } else {
                try writeText("deny", to: "/proc/\(pid)/setgroups")
                try writeText("1000 \(caller.uid) 1", to: "/proc/\(pid)/uid_map")
                try writeText("1000 \(caller.gid) 1", to: "/proc/\(pid)/gid_map")
            }
            return .worked()
        } catch { return .failed(error.errno) }
    }
}
