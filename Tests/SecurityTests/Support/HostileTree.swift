// SPDX-License-Identifier: Apache-2.0
import CLinux
import Foundation
import LinuxKernel
import Storage

/// A root file system made to mislead whoever makes a sandbox of it. Everything about it follows from its number, so that
/// one that broke something can be made again.
///
/// Its links lead to the host for whoever follows them, and whoever makes a second trap below a first must not: every
/// directory is opened beneath the tree's own and through no link, and names are made in what was opened.
struct HostileTree {
    let number: Int
    let path: String
    /// What was done to it, for messages.
    private(set) var traps: [String] = []
    private var numbers: SeededNumbers
    private let owner: UInt32

    /// - Parameters:
    ///   - places: paths inside that a trap may stand at.
    ///   - canaries: what its links lead to on the host.
    init(number: Int, in directory: String, places: [String], canaries: HostCanaries) {
        self.number = number
        path = "\(directory)/tree-\(number)"
        numbers = SeededNumbers(seed: UInt64(number))
        // An ordinary user may make missing mount points only in directories of the user's own.
        owner = isRoot ? numbers.pick([0, Caller.userID, Caller.userID]) : Caller.userID
        makeOrdinary()
        giveAway()
        // Few traps at a time: where everything is wrong, set-up stops at the first.
        for _ in 0..<numbers.pick([1, 1, 1, 2, 2, 3, 5]) {
            let place = pickPlace(places)
            let trap = numbers.pick(Trap.allCases)
            set(trap, at: place, places: places, canaries: canaries)
            traps.append("\(trap.rawValue) at \(place)")
        }
        if numbers.once(in: 2) { giveAway() }
    }

    /// Directories at the top alike, however many paths are below each.
    private mutating func pickPlace(_ places: [String]) -> String {
        let top = numbers.pick(places.filter { $0.dropFirst().allSatisfy { $0 != "/" } })
        return numbers.once(in: 3) ? top : numbers.pick(places.filter { $0 == top || $0.hasPrefix("\(top)/") })
    }

    func remove() throws { try TreeRemoval.remove(path) }

    // MARK: What an ordinary one has

    private mutating func makeOrdinary() {
        mkdir(path, 0o755)
        for name in ["attack", "bin", "data", "dev", "etc", "home", "proc", "run", "sys", "tmp", "var", "workspace"]
        where !numbers.once(in: 12) { mkdir("\(path)/\(name)", 0o755) }
        for name in ["data/inner", "scratch", "usr/bin", "run/secrets", "dev/pts"] where numbers.once(in: 2) {
            makeDirectories(name)
        }
        write("root:x:0:0::/root:/bin/x\nagent:x:1000:1000::/home/agent:/bin/x\n", "etc/passwd")
        write("root:x:0:\nagent:x:1000:\nextra:x:1001:\n", "etc/group")
        for name in ["etc/hosts", "etc/hostname", "etc/resolv.conf"] where !numbers.once(in: 3) {
            write("ordinary\n", name)
        }
    }

    private func makeDirectories(_ name: String) { _ = at(name + "/.") }

    /// A path for one name of the tree, made of an open directory; `nil` where something other than directories is in the
    /// way. Parents are made.
    private func at(_ place: String) -> Place? {
        let parts = place.split(separator: "/").map(String.init)
        guard let last = parts.last, var directory = try? LinuxKernel.open(path, [.pathOnly, .directory]) else {
            return nil
        }
        for part in parts.dropLast() {
            mkdirat(directory.rawValue, part, 0o755)
            guard
                let next = try? LinuxKernel.open(
                    part, [.pathOnly, .directory, .noFollow], at: .descriptor(directory.rawValue),
                    resolving: [.beneath, .noSymlinks])
            else { return nil }
            directory = next
        }
        return Place(directory: directory, name: last)
    }

    /// One name in an open directory.
    private struct Place: ~Copyable {
        let directory: Descriptor
        let name: String
        var path: String { "/proc/self/fd/\(directory.rawValue)/\(name)" }

        /// Whether a directory is there, or could be made, or at least something that is no link.
        func isReal(makingDirectory: Bool = true) -> Bool {
            if makingDirectory { mkdir(path, 0o755) }
            var found = stat()
            return lstat(path, &found) == 0 && found.st_mode & S_IFMT == S_IFDIR
        }
    }

    private func write(_ text: String, _ name: String) { write(Array(text.utf8), name) }

    private func write(_ bytes: [UInt8], _ name: String) {
        switch at(name) {
        case .some(let place): write(bytes, to: place.path)
        case .none: break
        }
    }

    private func write(_ bytes: [UInt8], to path: String) {
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NONBLOCK, 0o644)
        guard file >= 0 else { return }  // a trap is in the way, which is as good
        _ = Glibc.write(file, bytes, bytes.count)
        close(file)
    }

    private func giveAway() {
        guard isRoot, owner != 0 else { return }
        _ = try? HostProcess.run("/usr/bin/chown", ["-hR", "\(owner):\(owner)", path])
    }

    // MARK: Traps

    enum Trap: String, CaseIterable {
        case absolute, relative, toFile, dangling, loop, mutualLoop, longChain, magic, sideways, oddTarget, upwards
        case fifo, socket, device, whiteout, file, directory, missing, hardLink
        case closed, sticky, setuid, oddNames, deep, accounts, attributes
    }

    private mutating func set(_ trap: Trap, at place: String, places: [String], canaries: HostCanaries) {
        let found: Place? = at(place)
        switch found {
        case .some(let found): set(trap, at: place, found, places: places, canaries: canaries)
        case .none: break
        }
    }

    private mutating func set(
        _ trap: Trap, at place: String, _ found: borrowing Place, places: [String], canaries: HostCanaries
    ) {
        let target = found.path
        switch trap {
        case .accounts: break
        case .closed, .sticky, .setuid, .oddNames, .deep, .attributes:  // of what is there
            guard found.isReal() else { return }
        default: try? TreeRemoval.remove(found.name, in: found.directory)
        }
        switch trap {
        case .absolute: link(canaries.directory, target)
        case .relative: link(String(repeating: "../", count: 40) + canaries.directory.dropFirst(), target)
        case .toFile: link(canaries.file, target)
        case .dangling: link(numbers.pick([canaries.new, "/no/such", "nothing", "\(canaries.file)/below"]), target)
        case .loop: link(numbers.pick([place, ".", "../.\(place)", String(place.split(separator: "/").last!)]), target)
        case .mutualLoop:
            link("/loop-\(numbers.next() % 3)", target)
            for index in 0..<3 { link(place, "\(path)/loop-\(index)") }
        case .longChain:
            let count = Int.random(in: 2...60, using: &numbers)
            for index in 0..<count {
                link(index + 1 == count ? canaries.directory : "/chain-\(index + 1)", "\(path)/chain-\(index)")
            }
            link("/chain-0", target)
        case .magic:
            link(
                numbers.pick([
                    "/proc/self/fd/\(numbers.next() % 12)", "/proc/1/root\(canaries.directory)",
                    "/proc/self/root\(canaries.file)", "/proc/self/cwd", "/dev/fd/3", "/proc/thread-self/root",
                    "/proc/1/fd/\(numbers.next() % 12)", "/proc/self/exe", "/proc/self/ns/mnt", "/proc/sys/kernel",
                ]), target)
        case .sideways: link(numbers.pick(places), target)
        case .oddTarget: link(oddBytes(numbers.pick([1, 40, 255, 4095])), target)
        case .upwards: link(numbers.pick(["/", "..", ".", "../..", "//", "./.././", "/..", "/../../etc"]), target)
        case .fifo: mkfifo(target, 0o666)
        case .socket: try? SocketCanary.leaveBehind(target)
        case .device:
            let devices: [(kind: mode_t, number: dev_t)] = [
                (S_IFCHR, 0x0103), (S_IFCHR, 0x0500), (S_IFCHR, 0x0101), (S_IFBLK, 0x2a00), (S_IFBLK, 0x2a01),
            ]
            let device = numbers.pick(devices)
            if mknod(target, device.kind | 0o666, device.number) != 0 { mkfifo(target, 0o666) }
        case .whiteout: if mknod(target, S_IFCHR, 0) != 0 { write([], to: target) }
        case .file: write(oddBytes(numbers.pick([0, 1, 5000])), to: target)
        case .directory: mkdir(target, 0o755)
        case .missing: break
        case .hardLink: Glibc.link(canaries.shared, target)
        case .closed: change(target, numbers.pick([0o000, 0o111, 0o200, 0o444]))
        case .sticky: change(target, numbers.pick([0o1777, 0o1000, 0o3770]))
        case .setuid: change(target, numbers.pick([0o4755, 0o2755, 0o6777]))
        case .oddNames: makeOddNames(in: target)
        case .deep: makeDeep(in: target, levels: Int.random(in: 50...400, using: &numbers))
        case .accounts: writeAccounts()
        case .attributes: setAttributes(target)
        }
    }

    private func change(_ target: String, _ mode: mode_t) { chmod(target, mode) }

    private func link(_ to: String, _ target: String) { symlink(to, target) }
    private func link(_ to: [UInt8], _ target: String) {
        _ = (to.map { CChar(bitPattern: $0) } + [0]).withUnsafeBufferPointer { symlink($0.baseAddress!, target) }
    }

    /// Bytes that make terminals, parsers and decoders stumble; no slash and no NUL.
    private mutating func oddBytes(_ count: Int) -> [UInt8] {
        let pieces: [[UInt8]] = [
            [0xff], [0xc0, 0xaf], [0x1b, 0x5b, 0x32, 0x4a], [0x0a], [0x0d], [0x07], [0xe2, 0x80, 0xae], [0x20], [0x2e],
            Array("martinet: ".utf8), Array("%s%n".utf8), [0xcc, 0x81], [0x3a], [0x5c], [0x2c], [0x3d],
        ]
        var bytes: [UInt8] = []
        while bytes.count < count { bytes += numbers.pick(pieces) }
        return Array(bytes.prefix(count))
    }

    private mutating func makeOddNames(in target: String) {
        for length in [1, 17, 255, 255] {
            let name = oddBytes(length)
            let full = Array("\(target)/".utf8) + name + [0]
            _ = full.withUnsafeBufferPointer { bytes in
                bytes.withMemoryRebound(to: CChar.self) { path in
                    numbers.once(in: 2) ? mkdir(path.baseAddress!, 0o755) : mkfifo(path.baseAddress!, 0o644)
                }
            }
        }
        symlink(String(repeating: "x", count: 255), "\(target)/\(String(repeating: "y", count: 255))")
    }

    private func makeDeep(in target: String, levels: Int) {
        var directory = open(target, O_PATH | O_DIRECTORY | O_NOFOLLOW)
        for _ in 0..<levels where directory >= 0 {
            mkdirat(directory, "deep", 0o755)
            let next = openat(directory, "deep", O_PATH | O_DIRECTORY | O_NOFOLLOW)
            close(directory)
            directory = next
        }
        if directory >= 0 { close(directory) }
    }

    private mutating func writeAccounts() {
        let lines: [[UInt8]] = [
            Array("root:x:4294967296:0::/:/x\n".utf8), Array("agent:x:-1:0::/:\n".utf8), Array("agent::::::\n".utf8),
            Array("agent:x:0x0:0:::\n".utf8), Array("agent:x:1000:1000::/../../..:/x\n".utf8),
            Array("agent:x:1000:1000::\u{1b}[2J:/x\n".utf8), Array(":x:0:0:::\n".utf8), oddBytes(300),
            Array("agent:x:1000:1000::\(String(repeating: "/h", count: 5000)):\n".utf8), [0, 0, 0, 10],
            Array("agent:x:70000:70000::/:/x\n".utf8), Array("agent:x:1000:1000::/proc/self/fd/3:/x\n".utf8),
            Array("extra:x:1001:\(String(repeating: "agent,", count: 3000))\n".utf8),
        ]
        for name in ["etc/passwd", "etc/group"] {
            var bytes: [UInt8] = []
            for _ in 0..<Int.random(in: 0...6, using: &numbers) { bytes += numbers.pick(lines) }
            if numbers.once(in: 20) { bytes += [UInt8](repeating: 10, count: 3 << 20) }
            write(bytes, name)
        }
    }

    /// What overlay itself understands. Documentation/filesystems/overlayfs.rst
    private mutating func setAttributes(_ target: String) {
        let values = [
            ("overlay.redirect", "/../../../etc"), ("overlay.redirect", "/proc"), ("overlay.opaque", "y"),
            ("overlay.opaque", "x"), ("overlay.whiteout", "y"), ("overlay.metacopy", ""), ("overlay.origin", "\u{0}"),
        ]
        let (name, value) = numbers.pick(values)
        for space in ["user", "trusted"] {
            "\(space).\(name)".withCString { name in
                target.withCString { target in
                    value.withCString { bytes in
                        _ = mt_syscall(
                            Int(SYS_lsetxattr), Int(bitPattern: target), Int(bitPattern: name), Int(bitPattern: bytes),
                            value.utf8.count, 0, 0)
                    }
                }
            }
        }
    }
}
