// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import SandboxSpec
import Storage

/// Takes sandboxes out of the store: first what the sandbox wrote, then its name, then its status, then its directory. So
/// whatever a removal that is cut short leaves is in the list, under its name or its id, and can be removed.
extension StoredSandbox {
    /// Removes a sandbox that is not alive.
    ///
    /// - Parameter force: kills one that is alive first.
    /// - Throws: `.wrongState` for one that is alive, or that another process holds; `.unknownSandbox` where it is gone.
    public func remove(force: Bool = false) throws(EngineError) {
        let lock = try lock()
        guard let status = try lock.status() else {
            // Made or removed by a process that was killed, or not this version's: nobody knows more about it.
            return try lock.remove(nil)
        }
        if force, status.bootID == store.bootID { try SandboxEnding.kill(status) }
        let settlement = try Settlement.settle(lock)
        if let failure = settlement.failure { throw failure }
        guard let settled = settlement.status else { return }
        if settled.phase == .running || settled.phase == .starting {
            throw EngineError(
                .wrongState, "remove sandbox \(settled.displayName): it is running",
                hint: "stop it first: martinet stop \(settled.displayName); or: martinet rm -f \(settled.displayName)")
        }
        try lock.remove(settled)
    }

    /// Removes everything beside the status, or all of it; the sandbox is held, or is not in the list yet.
    func removeFiles() throws(EngineError) {
        let directory = try open()
        try Self.removeFiles(in: directory, butStatus: false)
        try removeDirectory()
    }

    fileprivate static func removeFiles(
        in directory: borrowing StoreDirectory, butStatus: Bool
    ) throws(EngineError) {
        let path = directory.path
        let found = try keeping("list \(path)") { () throws(SystemError) in try directory.names() }
        for entry in found where !(butStatus && entry.name == "status.json") {
            if entry.kind == .directory {
                // Nobody makes one here.
                do throws(StorageError) { try TreeRemoval.remove(entry.name, in: directory.descriptor) } catch {
                    throw EngineError(error)
                }
            } else {
                try keeping("empty \(path)") { () throws(SystemError) in try directory.remove(entry.name) }
            }
        }
    }

    fileprivate func removeDirectory() throws(EngineError) {
        try keeping("remove \(path)") { () throws(SystemError) in
            try store.sandboxes.remove(id.text, directory: true)
        }
    }
}

extension SandboxLock {
    /// Removes the sandbox, whose processes have ended and whose end is settled.
    ///
    /// - Parameter status: `nil` where nobody knows.
    func remove(_ status: SandboxStatus?) throws(EngineError) {
        let store = sandbox.store
        try StoredSandbox.removeFiles(in: directory, butStatus: true)
        if let name = status?.name {
            try store.whileNamesAreLocked { () throws(EngineError) in try store.release(name, of: sandbox.id) }
        }
        let event = status.map { SandboxEvent(.removed, $0) } ?? SandboxEvent(.removed, id: sandbox.id)
        try store.announce(event)
        // From here on nothing tells its name.
        try keeping("remove the status of \(sandbox.id.short)") { () throws(SystemError) in
            try directory.remove("status.json")
        }
        try sandbox.removeDirectory()
        if status == nil { try store.sweepNames() }
    }
}
