// SPDX-License-Identifier: Apache-2.0
import CLinux
import Foundation

/// A listening socket with a path on the host, that counts its callers.
final class SocketCanary {
    let path: String
    private let listener: Int32

    struct Refused: Error { let errno: Int32 }

    init(_ path: String) throws {
        self.path = path
        listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = UInt16(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
        let bound = withUnsafePointer(to: &address) {
            mt_syscall(
                Int(SYS_bind), Int(listener), Int(bitPattern: $0), MemoryLayout<sockaddr_un>.size, 0, 0, 0)
        }
        guard bound == 0, listen(listener, 8) == 0 else {
            close(listener)
            throw Refused(errno: errno)
        }
    }

    /// Makes the file of a socket that nobody listens on any more.
    static func leaveBehind(_ path: String) throws {
        let temporary = "\(TemporaryTree.makeDirectory("socket"))/s"
        let canary = try SocketCanary(temporary)
        try FileManager.default.moveItem(atPath: temporary, toPath: path)
        _ = canary.visits
    }

    /// How many have called since the last time.
    var visits: Int {
        var count = 0
        while true {
            let caller = Int32(mt_syscall(Int(SYS_accept4), Int(listener), 0, 0, Int(SOCK_CLOEXEC.rawValue), 0, 0))
            if caller < 0 { return count }
            close(caller)
            count += 1
        }
    }

    deinit {
        close(listener)
        unlink(path)
    }
}
