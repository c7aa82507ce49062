// SPDX-License-Identifier: Apache-2.0
import CLinux

/// What inotify(7) tells about a file or directory.
public struct FileEvents: OptionSet, Sendable {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }
    /// Written to, or cut off.
    public static let modified = FileEvents(rawValue: 0x2)
    /// A name came into the directory by a renaming.
    public static let movedIn = FileEvents(rawValue: 0x80)
    /// A name was made in the directory, or taken from it.
    public static let created = FileEvents(rawValue: 0x100)
    public static let deleted = FileEvents(rawValue: 0x200)
}

/// Tells when files change: readable then. inotify_init1(2)
public final class FileWatch: Sendable {
    /// For poll(2).
    public let descriptor: Descriptor

    public init() throws(SystemError) {
        descriptor = Descriptor(
            owning: Int32(try kernel("inotify_init", nil, Int(SYS_inotify_init1), Int(O_NONBLOCK) | Int(O_CLOEXEC))))
    }

    /// Watches what an open descriptor, path-only also, is open on. inotify_add_watch(2) on /proc/self/fd
    public func add(_ file: borrowing Descriptor, _ events: FileEvents) throws(SystemError) {
        let raw = Int(descriptor.rawValue)
        try withPath("inotify_add_watch", "/proc/self/fd/\(file.rawValue)") { path throws(SystemError) in
            _ = try kernel("inotify_add_watch", nil, Int(SYS_inotify_add_watch), raw, path, Int(events.rawValue))
        }
    }

    /// Takes what has been told so far: what is told after this makes the descriptor readable anew. What changed is for the
    /// caller to look at; a queue that overflowed is no different.
    public func clear() throws(SystemError) {
        while true {
            do throws(SystemError) { if try read(descriptor, upTo: 4096).isEmpty { return } } catch
                where error.errno == .again
            { return } catch { throw error }
        }
    }
}
