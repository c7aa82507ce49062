// SPDX-License-Identifier: Apache-2.0
import CLinux
import Confinement
import Glibc

/// The other end of a notifying filter.
enum Supervisor {
    /// Answers every notification until the thread is gone. seccomp_unotify(2)
    static func supervise(_ listener: Int32, _ notifying: NotifyingFilter) -> [SeccompData] {
        var seen: [SeccompData] = []
        defer { close(listener) }
        while true {
            var descriptor = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
            guard poll(&descriptor, 1, 10_000) == 1, descriptor.revents & Int16(POLLIN) != 0 else { return seen }
            var notification = seccomp_notif()
            guard Glibc.ioctl(listener, 0xc050_2100, &notification) == 0 else { return seen }
            let bytes = withUnsafeBytes(of: &notification) { Array($0[16..<16 + SeccompData.size]) }
            guard let call = SeccompData(bytes: bytes) else { return seen }
            seen.append(call)
            var response = seccomp_notif_resp()
            response.id = notification.id
            switch notifying.original.decision(on: call) {
            case .errno(let number): response.error = -number.rawValue
            default: response.flags = UInt32(SECCOMP_USER_NOTIF_FLAG_CONTINUE)
            }
            guard Glibc.ioctl(listener, 0xc018_2101, &response) == 0 else { return seen }
        }
    }
}
