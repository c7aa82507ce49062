// SPDX-License-Identifier: Apache-2.0
import Engine
import LinuxKernel
import SandboxSpec

/// What `create` and `run -d` were asked for.
struct DetachedRequest {
    private let parsed: FlagParser.Parsed
    private let spec: SandboxSpec
    private let launcher: Launcher

    init(_ parsed: FlagParser.Parsed, _ spec: SandboxSpec, _ launcher: Launcher) {
        self.parsed = parsed
        self.spec = spec
        self.launcher = launcher
    }

    /// What takes `-d`, and was asked for without.
    static func requireNone(_ parsed: FlagParser.Parsed) throws(EngineError) {
        let asked = parsed.detached
        let words = [
            ("restart", asked.restart != nil), ("label", !asked.labels.isEmpty), ("log-size", asked.logSize != nil),
        ]
        guard let found = words.first(where: \.1) else { return }
        throw EngineError(
            .invalidSpec, "\(found.0): only a sandbox that goes on without its caller has one", hint: "add -d")
    }

    /// Writes the sandbox down.
    func create() throws(EngineError) -> StoredSandbox {
        guard parsed.report == nil, parsed.learn == nil, !parsed.isVerbose else {
            throw EngineError(
                .invalidSpec, "report, learn and verbose tell of an end that nobody waits for",
                hint: "martinet wait NAME prints the verdict")
        }
        let directory = try keepingWorkingDirectory()
        var spec = spec.withAbsolutePaths(from: directory)
        // As with Docker: without -i there is nothing to read.
        if !spec.terminal { spec.standardInput = parsed.isInteractive ? .inherit : .none }
        let restart: RestartPolicy
        let labels: [String: String]
        let capacity: UInt64?
        do throws(SpecError) {
            try spec.validate()
            restart = try parsed.detached.restart.map(RestartPolicy.init) ?? .no
            labels = try Self.labels(parsed.detached.labels)
            capacity = try parsed.detached.logSize.map { text throws(SpecError) in try Self.logSize(text) }
        } catch { throw EngineError(error) }
        try StoredSandbox.requireDetachable(spec)
        return try StoreAccess.open().create(spec) { status in
            status.labels = labels
            status.removesItself = parsed.detached.removesItself
            status.restart = restart
            if let capacity { status.logCapacity = capacity }
        }
    }

    /// Starts it, and prints its id; of one that cannot be started nothing stays.
    func run() throws(EngineError) {
        let sandbox = try create()
        do throws(EngineError) {
            try sandbox.start(launcher, terminalSize: terminalSize(0))
        } catch {
            try? sandbox.remove(force: true)
            throw error
        }
        Message.output(sandbox.id.text + "\n")
    }

    private func keepingWorkingDirectory() throws(EngineError) -> String {
        do throws(SystemError) { return try readSymlink("/proc/self/cwd") } catch { throw EngineError(error) }
    }

    private static func labels(_ texts: [String]) throws(SpecError) -> [String: String] {
        var labels: [String: String] = [:]
        for text in texts {
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard !parts[0].isEmpty, text.utf8.count <= 4096, !text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7f })
            else {
                throw SpecError(
                    "label: \(visible(text)) is not KEY or KEY=VALUE without control characters, at most 4 KiB")
            }
            labels[parts[0]] = parts.count == 2 ? parts[1] : ""
        }
        return labels
    }

    private static func logSize(_ text: String) throws(SpecError) -> UInt64 {
        let bytes = try ByteCount(text).bytes
        guard bytes >= 8192, bytes <= 1 << 40 else {
            throw SpecError("log-size: \(text) is not from 8KiB to 1TiB")
        }
        return bytes
    }
}
