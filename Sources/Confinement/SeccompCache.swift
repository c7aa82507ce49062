// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// Compiled filters, kept in a directory by content: compiling takes milliseconds, a hit some microseconds.
///
/// A cache that cannot be used, for whatever reason, costs time and nothing else: the filter is compiled again. What is
/// read must have been written by this user into a directory only they can write to, and carry the whole key.
public struct SeccompCache: Hashable, Sendable {
    /// The directory's path. It is made, with mode 0700, when the first filter is stored; its parent must exist.
    public var directory: String

    public init(directory: String) {
        self.directory = directory
    }

    /// The filter for a source, from the cache or compiled and stored.
    ///
    /// - Returns: an array of `struct sock_filter` as bytes.
    /// - Throws: what `SeccompCompiler.compile` throws.
    public func filter(for source: SeccompSource) throws(ConfinementError) -> [UInt8] {
        let key = source.cacheKey
        if let filter = load(key: key) { return filter }
        let filter = try SeccompCompiler.compile(source.profile)
        store(filter, key: key)
        return filter
    }

    /// The file's name within the directory.
    func fileName(key: String) -> String {
        ContentHash.digits(ContentHash.of(key.utf8)) + ".bpf"
    }

    /// The filter stored under a key, or `nil` where there is none that can be trusted.
    func load(key: String) -> [UInt8]? {
        do throws(SystemError) {
            guard let directory = try openDirectory() else { return nil }
            // Without O_NONBLOCK a fifo of that name would hang us.
            let file = try open(
                fileName(key: key), [.readOnly, .noFollow, .nonBlocking], at: .descriptor(directory.rawValue))
            let status = try status(of: file)
            guard status.kind == .regular, status.uid == effectiveUID(), status.permissions == 0o600 else { return nil }
            guard status.size > 0, status.size <= CachedFilter.maximumSize else { return nil }
            return CachedFilter.decode(try read(file, upTo: Int(status.size)), key: key)
        } catch {
            return nil
        }
    }

    /// Stores a filter under a key, in the place of anything that lies there. Failures are ignored.
    ///
    /// The file has no name until it is complete, so a crash leaves nothing. It is not synchronized to the disk: a file
    /// that a power failure tore fails its checksum and is replaced.
    func store(_ filter: [UInt8], key: String) {
        do throws(SystemError) {
            if try status(of: directory) == nil { try makeDirectory(directory, mode: 0o700) }
            guard let directory = try openDirectory() else { return }
            let base = PathBase.descriptor(directory.rawValue)
            let file = try open(".", [.unnamed, .writeOnly], mode: 0o600, at: base)
            try writeAll(file, CachedFilter.encode(filter, key: key))
            do throws(SystemError) {
                try link(file, as: fileName(key: key), at: base)
            } catch {
                guard error.errno == .exists else { throw error }
                try remove(fileName(key: key), at: base)
                try link(file, as: fileName(key: key), at: base)
            }
        } catch {
            return
        }
    }

    /// The directory, or `nil` where others than this user could have put files into it.
    private func openDirectory() throws(SystemError) -> Descriptor? {
        let opened = try open(directory, [.readOnly, .directory, .noFollow])
        let status = try status(of: opened)
        guard status.uid == effectiveUID(), status.permissions & 0o022 == 0 else { return nil }
        return opened
    }
}
