// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// A directory of the store: opened by descriptor, its owner's alone, and written to by steps that can be counted.
struct StoreDirectory: ~Copyable, Sendable {
    let descriptor: Descriptor
    /// For messages.
    let path: String
    private let hook: StoreHook?

    private static let rules: ResolveFlags = [.beneath, .noSymlinks, .noMagicLinks]

    var base: PathBase { .descriptor(descriptor.rawValue) }

    private init(_ descriptor: consuming Descriptor, path: String, hook: StoreHook?) {
        self.descriptor = descriptor
        self.path = path
        self.hook = hook
    }

    /// Opens the state root; makes it where it is missing, its parents not.
    ///
    /// - Parameter owner: whose it must be.
    static func root(
        _ path: String, owner: UInt32, makes: Bool, hook: StoreHook?
    ) throws(EngineError) -> StoreDirectory? {
        if makes {
            do throws(SystemError) { try LinuxKernel.makeDirectory(path, mode: 0o700) } catch
                where error.errno == .exists
            {} catch
                where error.errno == .noEntry
            {
                throw EngineError(
                    .storeFailed, "make the state directory: \(error)", hint: "make its parent directory first")
            } catch { throw EngineError(.storeFailed, "make the state directory: \(error)") }
        }
        do throws(SystemError) {
            let found = try open(path, [.directory, .noFollow], at: .workingDirectory, resolving: [.noMagicLinks])
            let directory = StoreDirectory(found, path: path, hook: hook)
            try directory.requireOwner(owner)
            return directory
        } catch where error.errno == .noEntry && !makes {
            return nil
        } catch { throw Self.unsafe(path, error) }
    }

    /// Opens a directory in this one; makes it where it is missing and that is asked for.
    func directory(_ name: String, owner: UInt32, makes: Bool = false) throws(EngineError) -> StoreDirectory? {
        let inner = "\(path)/\(name)"
        do throws(SystemError) {
            if makes {
                do throws(SystemError) { try makeDirectory(name) } catch where error.errno == .exists {} catch {
                    throw error
                }
            }
            let found = try open(name, [.directory], at: base, resolving: Self.rules)
            let directory = StoreDirectory(found, path: inner, hook: hook)
            try directory.requireOwner(owner)
            return directory
        } catch where error.errno == .noEntry && !makes {
            return nil
        } catch { throw Self.unsafe(inner, error) }
    }

    /// Whatever is in there was put there by its owner.
    private func requireOwner(_ owner: UInt32) throws(SystemError) {
        let found = try status(of: descriptor)
        guard found.uid == owner, found.permissions & 0o077 == 0 else {
            throw SystemError("open", .notPermitted, path)
        }
    }

    private static func unsafe(_ path: String, _ error: SystemError) -> EngineError {
        if error.errno == .notPermitted {
            return EngineError(
                .storeFailed, "use \(path): it belongs to somebody else, or others may enter it",
                hint: "its owner removes it, or: chmod go= \(path)")
        }
        let isLink = error.errno == .tooManyLinks || error.errno == .notDirectory
        return EngineError(
            .storeFailed, "use \(path): \(isLink ? "it is not a directory" : error.errno.description)",
            hint: isLink ? "remove what is there" : nil)
    }

    // MARK: Steps

    /// Before each step that changes something: tests end the process here.
    private func step(_ what: String) { hook?.willWrite(what) }

    /// Makes a directory for its owner alone.
    func makeDirectory(_ name: String) throws(SystemError) {
        step("mkdir \(name)")
        try LinuxKernel.makeDirectory(name, mode: 0o700, at: base)
    }

    func makeSymlink(_ name: String, to target: String) throws(SystemError) {
        step("symlink \(name)")
        try LinuxKernel.makeSymlink(name, to: target, at: base)
    }

    /// Removes a file; one that is not there is fine.
    func remove(_ name: String, directory: Bool = false) throws(SystemError) {
        step("\(directory ? "rmdir" : "unlink") \(name)")
        do throws(SystemError) {
            try LinuxKernel.remove(name, directory: directory, at: base)
        } catch where error.errno == .noEntry {
        } catch { throw error }
    }

    /// Replaces a file, all or nothing. Only under the lock: there is one temporary name.
    func replace(_ name: String, _ bytes: [UInt8]) throws(SystemError) {
        let temporary = "\(name).new"
        step("write \(temporary)")
        let file = try open(
            temporary, [.writeOnly, .create, .truncate], mode: 0o600, at: base, resolving: Self.rules)
        step("fill \(temporary)")
        try writeAll(file, bytes)
        step("rename \(temporary)")
        try LinuxKernel.rename(temporary, to: name, at: base, toBase: base)
    }

    func rename(_ name: String, to new: String) throws(SystemError) {
        step("rename \(name)")
        try LinuxKernel.rename(name, to: new, at: base, toBase: base)
    }

    /// Writes to the end of a file opened for that, all in one where the file system has room.
    func append(_ bytes: [UInt8], to file: borrowing Descriptor) throws(SystemError) {
        step("append")
        try writeAll(file, bytes)
    }

    /// Opens a file, or makes it; it is the owner's alone.
    func openFile(
        _ name: String, _ flags: OpenFlags = [.readOnly, .nonBlocking], makes: Bool = false
    ) throws(SystemError) -> Descriptor {
        if makes { step("make \(name)") }
        return try open(
            name, makes ? flags.union([.create, .noControllingTerminal]) : flags.union(.noControllingTerminal),
            mode: makes ? 0o600 : 0, at: base, resolving: Self.rules)
    }

    /// A file's bytes; `nil` where it is not there.
    func contents(_ name: String, limit: Int = 1 << 20) throws(SystemError) -> [UInt8]? {
        do throws(SystemError) {
            let file = try openFile(name)
            guard try status(of: file).kind == .regular else { throw SystemError("read", .invalid, "\(path)/\(name)") }
            return try readAll(file, limit: limit)
        } catch where error.errno == .noEntry {
            return nil
        } catch { throw error }
    }

    func names() throws(SystemError) -> [DirectoryEntry] {
        // A descriptor of its own: a directory's position is shared by all who use one.
        let again = try open(".", [.directory], at: base, resolving: Self.rules)
        return try entries(of: again)
    }

    func duplicate() throws(SystemError) -> Descriptor { try descriptor.duplicate() }
}

/// What a test wants to be told of. Nothing else sets one.
public struct StoreHook: Sendable {
    /// Called before each step that changes a file or directory of the store.
    let willWrite: @Sendable (String) -> Void

    public init(willWrite: @escaping @Sendable (String) -> Void) { self.willWrite = willWrite }
}
