// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxKernel
import Testing

@testable import Confinement

private let source = SeccompSource.default(capabilities: [], denySetuidBits: false)
private let key = "a key\n"
private let filter: [UInt8] = [6, 0, 0, 0, 0, 0, 0xff, 0x7f]

/// A cache in a directory of its own, which is gone afterwards with all that is in it.
private func withCache(_ body: (SeccompCache) throws -> Void) throws {
    var template = Array("/tmp/martinet-seccomp-XXXXXX".utf8CString)
    try #require(mkdtemp(&template) != nil)
    let parent = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let cache = SeccompCache(directory: parent + "/cache")
    defer {
        for name in names(cache) { try? remove(cache.directory + "/" + name) }
        try? remove(cache.directory, directory: true)
        do { try remove(parent, directory: true) } catch { Issue.record("left behind: \(error)") }
    }
    try body(cache)
}

private func names(_ cache: SeccompCache) -> [String] {
    guard let directory = try? open(cache.directory, [.directory]) else { return [] }
    return ((try? entries(of: directory)) ?? []).map(\.name).filter { $0 != "." && $0 != ".." }
}

private func path(_ cache: SeccompCache) -> String {
    cache.directory + "/" + cache.fileName(key: key)
}

private func overwrite(_ cache: SeccompCache, with bytes: [UInt8]) throws {
    try writeAll(try open(path(cache), [.writeOnly, .truncate]), bytes)
}

@Suite struct `The seccomp cache` {
    @Test func `stores what it compiles and returns the same from then on`() throws {
        try withCache { cache throws in
            #expect(cache.load(key: source.cacheKey) == nil)
            let compiled = try cache.filter(for: source)
            #expect(compiled == (try SeccompCompiler.compile(.default())))
            #expect(cache.load(key: source.cacheKey) == compiled)
            #expect(try cache.filter(for: source) == compiled)
            #expect(names(cache).count == 1)
        }
    }

    @Test func `a hit returns what is stored, without compiling`() throws {
        try withCache { cache throws in
            cache.store(filter, key: source.cacheKey)
            #expect(try cache.filter(for: source) == filter)
        }
    }

    @Test func `makes its directory and its files for this user only`() throws {
        try withCache { cache throws in
            cache.store(filter, key: key)
            #expect(try status(of: cache.directory)?.permissions == 0o700)
            #expect(try status(of: path(cache))?.permissions == 0o600)
        }
    }

    @Test func `a key that only shares the file's name is a miss`() throws {
        try withCache { cache throws in
            cache.store(filter, key: key)
            try rename(path(cache), to: cache.directory + "/" + cache.fileName(key: "b key\n"))
            #expect(cache.load(key: "b key\n") == nil)
        }
    }

    @Test func `any changed, missing or added byte is a miss, and the next store repairs it`() throws {
        try withCache { cache throws in
            cache.store(filter, key: key)
            let good = CachedFilter.encode(filter, key: key)
            var bad = good.indices.map { index in
                var bytes = good
                bytes[index] ^= 1
                return bytes
            }
            bad += good.indices.map { Array(good.prefix($0)) } + [good + [0], good + filter, []]
            for bytes in bad {
                try overwrite(cache, with: bytes)
                #expect(cache.load(key: key) == nil, "\(bytes)")
            }
            cache.store(filter, key: key)
            #expect(cache.load(key: key) == filter)
            #expect(names(cache).count == 1)
        }
    }

    @Test(arguments: [0, 7, 9, 4097 * 8])
    func `a filter of an impossible size is a miss`(size: Int) {
        let bytes = CachedFilter.encode([UInt8](repeating: 0, count: size), key: key)
        #expect(CachedFilter.decode(bytes, key: key) == nil)
    }

    @Test func `a symbolic link is a miss, and a store replaces it without following it`() throws {
        try withCache { cache throws in
            cache.store(filter, key: key)
            let elsewhere = cache.directory + "/elsewhere"
            try rename(path(cache), to: elsewhere)
            try makeSymlink(path(cache), to: "elsewhere")
            #expect(cache.load(key: key) == nil)
            cache.store(filter + filter, key: key)
            #expect(cache.load(key: key) == filter + filter)
            let untouched = try open(elsewhere)
            #expect(try readAll(untouched) == CachedFilter.encode(filter, key: key))
        }
    }

    @Test func `a fifo is a miss and does not block`() throws {
        try withCache { cache throws in
            cache.store(filter, key: key)
            try remove(path(cache))
            try #require(mkfifo(path(cache), 0o600) == 0)
            #expect(cache.load(key: key) == nil)
        }
    }

    @Test(arguments: [0o644, 0o660, 0o666, 0o700, 0o4600] as [UInt32])
    func `a file with any other mode than 0600 is a miss`(mode: UInt32) throws {
        try withCache { cache throws in
            cache.store(filter, key: key)
            try changeMode(try open(path(cache)), mode)
            #expect(cache.load(key: key) == nil)
        }
    }

    @Test(.enabled(if: effectiveUID() == 0, "only root can give files away"))
    func `a file or directory of another user is a miss`() throws {
        try withCache { cache throws in
            cache.store(filter, key: key)
            try changeOwner(try open(path(cache)), uid: 1, gid: 0)
            #expect(cache.load(key: key) == nil)
            try changeOwner(try open(path(cache)), uid: 0, gid: 0)
            #expect(cache.load(key: key) == filter)
            try changeOwner(try open(cache.directory, [.directory]), uid: 1, gid: 0)
            #expect(cache.load(key: key) == nil)
        }
    }

    @Test func `a directory that others can write to is neither read nor written`() throws {
        try withCache { cache throws in
            cache.store(filter, key: key)
            try changeMode(try open(cache.directory, [.directory]), 0o770)
            #expect(cache.load(key: key) == nil)
            cache.store(filter, key: "another key")
            #expect(names(cache).count == 1)
        }
    }

    @Test(arguments: ["/nonexistent/cache", "/proc/self/status", "/proc", "", "nul\0l"])
    func `a directory that cannot be used costs a compilation and no error`(directory: String) throws {
        let cache = SeccompCache(directory: directory)
        #expect(try cache.filter(for: source) == SeccompCompiler.compile(.default()))
    }

    @Test func `a profile that does not compile is an error and leaves nothing`() throws {
        try withCache { cache throws in
            let bad = SeccompProfile(rules: [.init(.allow, ["no_such_call"])], defaultAction: .trap)
            #expect(throws: ConfinementError.self) { try cache.filter(for: .custom(bad)) }
            #expect(names(cache).isEmpty)
        }
    }

    @Test func `profiles that differ have filters of their own`() throws {
        try withCache { cache throws in
            let sources: [SeccompSource] = [
                source, .default(capabilities: .sysAdmin, denySetuidBits: false),
                .default(capabilities: [], denySetuidBits: true),
                .custom(SeccompProfile(rules: [.init(.allow, ["read"])], defaultAction: .killProcess)),
            ]
            for source in sources { _ = try cache.filter(for: source) }
            #expect(names(cache).count == sources.count)
            for source in sources {
                #expect(try cache.filter(for: source) == SeccompCompiler.compile(source.profile))
            }
        }
    }
}
