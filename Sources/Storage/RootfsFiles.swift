// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// The files of /etc that every sandbox gets its own of, laid over those of its root file system: they must be there for
/// that, also for a user who could not make them.
///
/// debootstrap copies the host's host name and resolver configuration into what it builds; these take their place.
enum RootfsFiles {
    private static let files = [
        ("hostname", "localhost\n"),
        ("hosts", "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"),
        ("resolv.conf", ""),
    ]

    /// Writes them into a root file system, each a new file, whatever had its name.
    static func write(in root: borrowing Descriptor) throws(StorageError) {
        let number = root.rawValue
        try reporting("write files of", "etc") { () throws(SystemError) in
            do throws(SystemError) {
                try makeDirectory("etc", mode: 0o755, at: .descriptor(number))
            } catch where error.errno == .exists {
            } catch { throw error }
            let etc = try open(
                "etc", [.directory, .noFollow], at: .descriptor(number),
                resolving: [.beneath, .noSymlinks, .noMagicLinks])
            for (name, text) in files { try write(name, text, in: .descriptor(etc.rawValue)) }
        }
    }

    private static func write(_ name: String, _ text: String, in etc: PathBase) throws(SystemError) {
        do throws(SystemError) {
            try LinuxKernel.remove(name, at: etc)
        } catch where error.errno == .noEntry {
        } catch { throw error }
        let file = try open(name, [.writeOnly, .create, .exclusive, .noFollow], mode: 0o644, at: etc)
        try changeMode(file, 0o644)  // whatever the umask is
        try writeAll(file, text.utf8)
    }
}
