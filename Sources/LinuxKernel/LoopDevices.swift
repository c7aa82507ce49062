// SPDX-License-Identifier: Apache-2.0
import CLinux

/// A block device whose contents are a file. loop(4)
public struct LoopDevice: ~Copyable, Sendable {
    /// The device, open. It is the kernel's to take apart when this is closed and nothing is mounted from it any more.
    public let device: Descriptor
    public let number: Int

    /// Attaches a file to a free loop device.
    ///
    /// The device is taken apart with its last user, whoever was killed meanwhile (`LO_FLAGS_AUTOCLEAR`). It holds this very
    /// open file, and with it the file's flock(2): who can lock the file knows that no device has it any more.
    ///
    /// - Parameters:
    ///   - file: open for reading and writing, borrowed.
    ///   - name: for losetup(8) to show, at most 63 bytes of it.
    /// - SeeAlso: `LOOP_CTL_GET_FREE`, Linux 3.1; `LOOP_CONFIGURE`, Linux 5.8. Needs CAP_SYS_ADMIN.
    public static func attach(_ file: borrowing Descriptor, name: String) throws(SystemError) -> LoopDevice {
        let control = try open("/dev/loop-control", .readWrite)
        var attempt = 0
        while true {
            let number = try kernel(
                "ioctl LOOP_CTL_GET_FREE", "/dev/loop-control", Int(SYS_ioctl), Int(control.rawValue),
                Int(LOOP_CTL_GET_FREE))
            let device = try open("/dev/loop\(number)", .readWrite)
            do throws(SystemError) {
                try configure(device, file, name, "/dev/loop\(number)")
                return LoopDevice(device: device, number: number)
            } catch where error.errno == .busy && attempt < 64 {
                attempt += 1  // somebody else was given the same free one
            } catch { throw error }
        }
    }

    private static func configure(
        _ device: borrowing Descriptor, _ file: borrowing Descriptor, _ name: String, _ path: String
    ) throws(SystemError) {
        var configuration = loop_config()
        configuration.fd = UInt32(file.rawValue)
        configuration.info.lo_flags = UInt32(LO_FLAGS_AUTOCLEAR)
        withUnsafeMutableBytes(of: &configuration.info.lo_file_name) { $0.copyBytes(from: name.utf8.prefix(63)) }
        let raw = Int(device.rawValue)
        try withAddress(&configuration) { configuration throws(SystemError) in
            _ = try kernel("ioctl LOOP_CONFIGURE", path, Int(SYS_ioctl), raw, Int(LOOP_CONFIGURE), configuration)
        }
    }
}
