// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

extension SandboxCgroup {
    /// Stops every process of the sandbox where it stands, and waits until all do. They cannot notice, and nothing in there
    /// can prevent it. What is killed while frozen ends at once on v2, and on v1 when it is thawed.
    ///
    /// A process that waits for a disk or a network file system cannot be stopped before that answers: after `timeout` the
    /// sandbox is thawed again. Blocks the calling thread. Freezing what is frozen is no error.
    ///
    /// - Throws: `.freezeFailed`; `.controllerUnavailable` where no cgroup of the sandbox can (`CgroupLimits.freezes` makes
    ///   one).
    /// - SeeAlso: Documentation/admin-guide/cgroup-v2.rst, `cgroup.freeze`, Linux 5.2; cgroup-v1/freezer-subsystem.rst
    public func freeze(timeout: Duration = .seconds(10)) throws(CgroupError) {
        let index = try freezerIndex()
        do throws(CgroupError) {
            try change(to: true, index, timeout)
        } catch {
            // The first failure is the one to report.
            do throws(CgroupError) { try change(to: false, index, .zero) } catch {}
            throw error
        }
    }

    /// Lets every process go on. Thawing what is not frozen is no error.
    ///
    /// - Throws: `.freezeFailed`, also where a cgroup further up is frozen; `.controllerUnavailable`
    public func thaw(timeout: Duration = .seconds(10)) throws(CgroupError) {
        try change(to: false, try freezerIndex(), timeout)
    }

    /// Whether every process stands still: not yet, while it is being frozen.
    ///
    /// - Throws: `.readFailed`, `.controllerUnavailable`
    public var isFrozen: Bool {
        get throws(CgroupError) {
            let index = try freezerIndex()
            if let isFrozen = try FreezerController.isFrozen(files(index), places[index].version) { return isFrozen }
            throw CgroupError(
                .readFailed, places[index].path, reason: "the kernel does not say whether it is frozen",
                hint: "cgroup v2 can freeze since Linux 5.2")
        }
    }

    /// Whether a cgroup was made that can be frozen.
    public var canFreeze: Bool { freezerPlace != nil }

    private var freezerPlace: Int? {
        // A v1 freezer first: on a hybrid machine the v2 cgroup need not hold the sandbox's processes.
        places.firstIndex { $0.version == .v1 && $0.controllers.contains(.freezer) }
            ?? places.firstIndex { $0.version == .v2 }
    }

    private func freezerIndex() throws(CgroupError) -> Int {
        if let index = freezerPlace { return index }
        throw CgroupError(
            .controllerUnavailable, CgroupController.freezer.rawValue,
            reason: "this sandbox was made without a cgroup that can be frozen")
    }

    private func change(to frozen: Bool, _ index: Int, _ timeout: Duration) throws(CgroupError) {
        let files = files(index)
        let version = places[index].version
        let request = FreezerController.request(frozen: frozen, version)
        let deadline = monotonicNow() + timeout
        var delay = Duration.microseconds(50)
        var isWritten = false
        while true {
            // v1 tries anew at each write, and processes that were started meanwhile are asked then.
            if !isWritten || version == .v1 {
                do throws(SystemError) { try files.write(request.value, to: request.file) } catch {
                    throw CgroupError(
                        .freezeFailed, "\(files.path)/\(request.file)", cause: error,
                        hint: error.errno == .noEntry && version == .v2 ? "cgroup v2 can freeze since Linux 5.2" : nil)
                }
                isWritten = true
            }
            if try isFrozen == frozen { return }
            if monotonicNow() >= deadline {
                throw CgroupError(
                    .freezeFailed, files.path,
                    reason: frozen ? "not every process has stopped in time" : "it is still frozen",
                    hint: frozen
                        ? "a process waits for a disk or the network: try again later"
                        : "a cgroup above it is frozen: thaw that")
            }
            blockThread(for: delay)
            delay = min(delay * 2, .milliseconds(10))
        }
    }
}
