// SPDX-License-Identifier: Apache-2.0
import CLinux
import Confinement
import Glibc
import Synchronization

/// A thread that runs under a filter of its own: filters and no_new_privs are a thread's, and end with it. seccomp(2)
final class FilteredThread {
    /// What seccomp(2) returned to the thread: a negative errno, 0, or the listener's descriptor.
    let installed = Atomic<Int>(.min)
    private let filter: [UInt8]
    private let flags: Int
    private let body: (FilteredThread) -> Void
    private var thread = pthread_t()

    /// Starts a thread that installs `filter` and, if the kernel took it, goes on with `body`.
    ///
    /// - Parameter flags: SECCOMP_FILTER_FLAG_*.
    init(filter: [UInt8], flags: Int = 0, _ body: @escaping (FilteredThread) -> Void) {
        self.filter = filter
        self.flags = flags
        self.body = body
        let context = Unmanaged.passRetained(self).toOpaque()
        let status = pthread_create(
            &thread, nil,
            { start in
                Unmanaged<FilteredThread>.fromOpaque(start!).takeRetainedValue().run()
                return nil
            }, context)
        precondition(status == 0, "pthread_create: \(status)")
    }

    func join() { pthread_join(thread, nil) }

    /// Waits, without a call that a filter could stop on the other side, until the filter is in place.
    func waitForFilter() -> Int {
        while installed.load(ordering: .acquiring) == .min { sched_yield() }
        return installed.load(ordering: .acquiring)
    }

    /// Runs `body` under a filter to its end.
    ///
    /// - Returns: what seccomp(2) returned.
    @discardableResult
    static func run(_ filter: [UInt8], _ body: @escaping () -> Void = {}) -> Int {
        let thread = FilteredThread(filter: filter) { _ in body() }
        thread.join()
        return thread.installed.load(ordering: .acquiring)
    }

    private func run() {
        let result = filter.withUnsafeBytes { bytes in
            // The kernel wants whole instructions; it copies them.
            var program = sock_fprog(
                len: UInt16(bytes.count / 8),
                filter: UnsafeMutablePointer(
                    mutating: bytes.baseAddress?.assumingMemoryBound(to: CLinux.sock_filter.self)))
            return withUnsafeMutablePointer(to: &program) { pointer in
                _ = mt_syscall(Int(SYS_prctl), Int(PR_SET_NO_NEW_PRIVS), 1, 0, 0, 0, 0)
                return mt_syscall(
                    Int(SYS_seccomp), Int(SECCOMP_SET_MODE_FILTER), flags, Int(bitPattern: pointer), 0, 0, 0)
            }
        }
        installed.store(result, ordering: .releasing)
        if result >= 0 { body(self) }
    }
}
