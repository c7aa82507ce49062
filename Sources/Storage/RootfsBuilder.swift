// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// Builds root file systems with debootstrap.
///
/// The work is done in a directory beside the target, which takes the target's name at the end: a build that fails or is
/// interrupted leaves nothing. debootstrap runs in mount and PID namespaces of its own, so that no mount of it reaches the
/// host and nothing it started outlives it. Signatures are always checked.
public struct RootfsBuilder: Sendable {
    /// The caller's `PATH`.
    public var searchPath: String?
    /// Proxy variables of the caller, `NAME=value`; others are not passed on.
    public var environment: [String]

    static let proxyVariables = ["http_proxy", "https_proxy", "ftp_proxy", "no_proxy"]
    static let tailLength = 20

    public init(searchPath: String? = nil, environment: [String] = []) {
        self.searchPath = searchPath
        self.environment = environment
    }

    /// Builds one. Blocks the calling thread for the length of the build, and takes over SIGHUP, SIGINT and SIGTERM.
    ///
    /// - Throws: `.malformed`, `.notPermitted` without root, `.exists`, `.toolMissing`, `.toolFailed` with the end of the
    ///   log, `.interrupted`, `.system`.
    public func build(
        _ request: RootfsRequest, progress: (RootfsProgress) -> Void = { _ in }
    ) throws(StorageError) {
        try request.validate()
        guard effectiveUID() == 0 else {
            throw StorageError(
                .notPermitted, "build", request.target, "debootstrap sets owners and makes devices, which takes root",
                hint: "sudo martinet rootfs build \(request.target)")
        }
        let (parentPath, name) = splitLast(request.target)
        guard !["", ".", ".."].contains(name) else {
            throw StorageError(.malformed, "build", request.target, "the path does not end in a name")
        }
        let parent = try reporting("open", parentPath) { () throws(SystemError) in
            try open(parentPath, [.directory])
        }
        try Self.requireFree(name, in: parent, request.target)
        let command = try makeCommand(request)

        try Self.removeStale(name, in: parent)
        let partial = name + Self.partialMark + Self.randomSuffix()
        try reporting("make directory", partial) { () throws(SystemError) in
            try makeDirectory(partial, at: .descriptor(parent.rawValue))
        }
        do throws(StorageError) {
            let directory = try reporting("open", partial) { () throws(SystemError) in
                let directory = try open(partial, [.directory, .noFollow], at: .descriptor(parent.rawValue))
                try changeMode(directory, 0o755)  // whatever the umask is: users inside must pass through it
                return directory
            }
            let isOurs = try reporting("lock", partial) { () throws(SystemError) in try tryLock(directory) }
            guard isOurs else {
                throw StorageError(.inUse, "build", request.target, "another build of it is under way")
            }
            try run(command, in: directory, request, progress)
            try Self.removeArchives(in: directory)
            try RootfsFiles.write(in: directory)
            try reporting("rename to", request.target) { () throws(SystemError) in
                // Replaces an empty directory, and fails on one that has filled meanwhile.
                try rename(
                    partial, to: name, at: .descriptor(parent.rawValue), toBase: .descriptor(parent.rawValue))
            }
        } catch {
            throw Self.removePartial(partial, in: parent, after: error)
        }
        progress(RootfsProgress(stage: .finished, fraction: 1))
    }

    // MARK: - The command

    /// Everything but the target and what follows it.
    private func makeCommand(_ request: RootfsRequest) throws(StorageError) -> CommandRun {
        let debootstrap = try ExecutableSearch.require("debootstrap", searchPath: searchPath, package: "debootstrap")
        let unshare = try ExecutableSearch.require("unshare", searchPath: searchPath, package: "util-linux")
        let setpriv = try ExecutableSearch.require("setpriv", searchPath: searchPath, package: "util-linux")
        var arguments = [
            // Ends with this process, and everything below ends with it.
            setpriv, "--pdeathsig", "KILL", unshare, "--mount", "--propagation", "private", "--pid", "--fork",
            "--kill-child", "--mount-proc", "--", debootstrap, "--variant=\(request.variant)", "--force-check-gpg",
        ]
        if let architecture = request.architecture { arguments.append("--arch=\(architecture)") }
        if !request.include.isEmpty { arguments.append("--include=" + request.include.joined(separator: ",")) }
        return CommandRun(path: setpriv, arguments: arguments, environment: buildEnvironment())
    }

    private func buildEnvironment() -> [String] {
        var variables = [
            "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C",
            "DEBIAN_FRONTEND=noninteractive",
        ]
        let proxies = environment.filter { entry in
            Self.proxyVariables.contains { entry.lowercased().hasPrefix($0 + "=") }
        }
        variables += proxies
        if !proxies.contains(where: { $0.lowercased().hasPrefix("http_proxy=") }), let proxy = configuredProxy() {
            variables.append("http_proxy=" + proxy)
        }
        return variables
    }

    private func configuredProxy() -> String? {
        guard let path = ExecutableSearch.find("apt-config", searchPath: searchPath) else { return nil }
        var text = ""
        let command = CommandRun(
            path: path, arguments: [path, "dump", "Acquire::http::Proxy"],
            environment: ["PATH=/usr/bin:/bin", "LC_ALL=C"])
        guard let outcome = try? command.run(onLine: { text += $0 + "\n" }), outcome == .ended(.exited(0)) else {
            return nil
        }
        return aptProxy(fromDump: text)
    }

    /// What apt on this host fetches from. Files that cannot be read say nothing.
    static func hostSources(directory: String = "/etc/apt") -> AptSources {
        var sources = AptSources()
        if let text = try? readText(directory + "/sources.list") { sources.add(list: text) }
        guard let folder = try? open(directory + "/sources.list.d", [.directory]),
            let names = try? entries(of: folder)
        else { return sources }
        for name in names.map(\.name).sorted() {
            guard name.hasSuffix(".list") || name.hasSuffix(".sources"),
                let text = try? readText(name, at: .descriptor(folder.rawValue))
            else { continue }
            if name.hasSuffix(".list") { sources.add(list: text) } else { sources.add(deb822: text) }
        }
        return sources
    }

    private func run(
        _ command: CommandRun, in directory: borrowing Descriptor, _ request: RootfsRequest,
        _ progress: (RootfsProgress) -> Void
    ) throws(StorageError) {
        let mirror =
            request.mirror
            ?? Self.hostSources().mirror(forSuite: request.suite, architecture: request.architecture)
        // By descriptor as far as can be: debootstrap takes a path.
        let path = try reporting("find path of", request.target) { () throws(SystemError) in
            try readSymlink("/proc/self/fd/\(directory.rawValue)")
        }
        var command = command
        command.arguments += [request.suite, path, mirror]
        var messages = DebootstrapMessages()
        var tail: [String] = []
        let outcome: CommandRun.Outcome
        do throws(SystemError) {
            outcome = try command.run { line in
                tail.append(line)
                if tail.count > Self.tailLength { tail.removeFirst() }
                // The finish is this type's to announce: archives and the name are still to do.
                if let update = messages.progress(from: line), update.stage != .finished { progress(update) }
            }
        } catch {
            throw StorageError("run debootstrap for", request.target, error)
        }
        switch outcome {
        case .ended(.exited(0)): return
        case .interrupted(let signal):
            throw StorageError(.interrupted, "build", request.target, "interrupted by signal \(signal)")
        case .ended(let status):
            throw Self.failure(status, request, mirror, tail, log: Self.logTail(in: directory))
        }
    }

    // MARK: - Failure

    static func failure(
        _ status: ExitStatus, _ request: RootfsRequest, _ mirror: String, _ tail: [String], log: [String]
    ) -> StorageError {
        let errors = tail.filter { $0.hasPrefix("E: ") }.map { String($0.dropFirst(3)) }
        let cause =
            errors.isEmpty ? "debootstrap ended with status \(status.shellCode)" : errors.joined(separator: "; ")
        let last = (log.isEmpty ? tail : log).suffix(5).joined(separator: " | ")
        let hint: String
        if cause.contains("No such script") {
            hint = "the suite is unknown to debootstrap: check its name, or install a newer debootstrap"
        } else if cause.contains("Couldn't find these debs") {
            hint = "the suite \(request.suite) has no such package"
        } else if tail.contains(where: { !$0.hasPrefix("I: ") && ($0.contains("keyring") || $0.contains("signature")) })
        {
            hint = "install the distribution's keys: apt-get install debian-archive-keyring ubuntu-keyring"
        } else {
            hint = "the mirror was \(mirror); the log ended: \(last)"
        }
        return StorageError(.toolFailed, "build \(request.suite) in", request.target, cause, hint: hint)
    }

    /// The last lines of debootstrap's own log, where dpkg's messages go.
    private static func logTail(in directory: borrowing Descriptor) -> [String] {
        guard
            let file = try? openBeneath(
                "debootstrap/debootstrap.log", [.nonBlocking, .noControllingTerminal], directory.rawValue),
            (try? status(of: file))?.kind == .regular, let bytes = try? readAll(file, limit: 16 << 20)
        else { return [] }
        var splitter = LineSplitter(limit: CommandRun.lineLimit)
        return Array((splitter.take(bytes) + splitter.finish()).suffix(tailLength))
    }

    /// Removes what there is of a failed build and gives the error to throw.
    private static func removePartial(
        _ name: String, in parent: borrowing Descriptor, after error: StorageError
    ) -> StorageError {
        var error = error
        // Processes that were just killed may still finish a call that makes a file.
        for attempt in 0..<10 {
            do throws(StorageError) {
                try TreeRemoval.remove(name, in: parent)
                return error
            } catch let leftover {
                if attempt == 9 {
                    error.hint = [error.hint, "\(name) was left behind: \(leftover)"].compactMap(\.self).joined(
                        separator: "; ")
                }
                _ = try? poll([], milliseconds: 50)
            }
        }
        return error
    }

    // MARK: - Directories

    private static func requireFree(
        _ name: String, in parent: borrowing Descriptor, _ target: String
    ) throws(StorageError) {
        let number = parent.rawValue
        let isFree = try reporting("look at", target) { () throws(SystemError) in
            guard let facts = try status(of: name, at: .descriptor(number)) else { return true }
            guard facts.kind == .directory else { return false }
            return try byteEntries(of: try open(name, [.directory, .noFollow], at: .descriptor(number))).isEmpty
        }
        if isFree { return }
        throw StorageError(
            .exists, "build", target, "it is there and is not an empty directory",
            hint: "name a directory that does not exist")
    }

    /// Removes the packages' own files, which a third of a small root file system would be.
    private static func removeArchives(in directory: borrowing Descriptor) throws(StorageError) {
        let number = directory.rawValue
        try reporting("clean", "var/cache/apt/archives") { () throws(SystemError) in
            guard let archives = try openBeneath("var/cache/apt/archives", [.directory], number) else { return }
            for entry in try byteEntries(of: archives) where entry.name.repairedText.hasSuffix(".deb") {
                try LinuxKernel.remove(entry.name, directory: false, in: archives)
            }
        }
    }

    private static let partialMark = ".partial-"
    private static let suffixLength = 8

    /// Removes what builds of the same directory left that were killed. One that is under way has locked its directory.
    private static func removeStale(_ name: String, in parent: borrowing Descriptor) throws(StorageError) {
        let number = parent.rawValue
        let names = try reporting("look for what earlier builds left of", name) { () throws(SystemError) in
            try entries(of: try open(".", [.directory], at: .descriptor(number))).map(\.name)
        }
        for leftover in names where leftover.hasPrefix(name + partialMark) {
            guard leftover.utf8.count == name.utf8.count + partialMark.utf8.count + suffixLength else { continue }
            let isStale = try reporting("lock", leftover) { () throws(SystemError) in
                do throws(SystemError) {
                    return try tryLock(open(leftover, [.directory, .noFollow], at: .descriptor(number)))
                } catch where error.errno == .noEntry || error.errno == .notDirectory || error.errno == .tooManyLinks {
                    return false
                } catch { throw error }
            }
            if isStale { try TreeRemoval.remove(leftover, in: parent) }
        }
    }

    private static func randomSuffix() -> String {
        String((0..<suffixLength).map { _ in "abcdefghijklmnopqrstuvwxyz0123456789".randomElement() ?? "x" })
    }
}
