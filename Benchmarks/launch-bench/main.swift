// SPDX-License-Identifier: Apache-2.0
import Engine
import Glibc
import LinuxKernel
import SandboxSpec

// Launches and reaps `/bin/true` again and again with the engine, in this one process: what launch-floor.c does in C.
//
//   launch-bench [--runs N] [--warm-up N] [--samples]
//
// Or starts `/bin/true` in a running sandbox over one connection, with nothing to read and nowhere to write:
//
//   launch-bench --exec NAME [--runs N] [--warm-up N] [--samples]
//
// Or keeps sandboxes alive, says `ready`, and ends them when standard input ends:
//
//   launch-bench --alive N

/// The number after a flag, or a default.
func number(_ flag: String, otherwise value: Int) -> Int {
    guard let index = CommandLine.arguments.firstIndex(of: flag), index + 1 < CommandLine.arguments.count,
        let number = Int(CommandLine.arguments[index + 1]), number >= 0
    else { return value }
    return number
}

/// A sandbox that an array can hold.
final class Held {
    private var sandbox: RunningSandbox
    init(_ sandbox: consuming RunningSandbox) { self.sandbox = sandbox }
    func end() { sandbox.abandon() }
}

func keepAlive(_ count: Int) throws(EngineError) {
    var spec = SandboxSpec()
    spec.command = ["/bin/sleep", "100000"]
    spec.standardInput = .none
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    limit.rlim_cur = limit.rlim_max
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    var held: [Held] = []
    let start = monotonicNow()
    for _ in 0..<count { held.append(Held(try Launcher().start(spec))) }
    print("ready \(count) \(Int((monotonicNow() - start) / .milliseconds(1)))")
    fflush(nil)
    var byte: UInt8 = 0
    while read(0, &byte, 1) > 0 {}
    let ending = monotonicNow()
    for each in held { each.end() }
    print("ended \(count) \(Int((monotonicNow() - ending) / .milliseconds(1)))")
}

/// The text after a flag.
func text(_ flag: String) -> String? {
    guard let index = CommandLine.arguments.firstIndex(of: flag), index + 1 < CommandLine.arguments.count else {
        return nil
    }
    return CommandLine.arguments[index + 1]
}

func launchAgainAndAgain() throws(EngineError) {
    var spec = SandboxSpec()
    spec.command = ["/bin/true"]
    spec.standardInput = .none
    try measure("launches") { () throws(EngineError) in try Launcher().start(spec).wait().exitStatus }
}

func execAgainAndAgain(in name: String) throws(EngineError) {
    let environment = getenv("MARTINET_STATE_DIR").map { ["MARTINET_STATE_DIR": String(cString: $0)] } ?? [:]
    let store = try SandboxStore(path: SandboxStore.defaultPath(environment))
    let connection = try store.find(name).connect()
    let null = open("/dev/null", O_RDWR | O_CLOEXEC)
    let request = ExecRequest(command: ["/bin/true"])
    try measure("execs") { () throws(EngineError) in
        try connection.exec(request, streams: StandardStreams(input: null, output: null, error: null))?.exitStatus ?? -1
    }
}

/// Times what ends with the status 0, and prints the times.
func measure(_ what: String, _ body: () throws(EngineError) -> Int32) throws(EngineError) {
    let runs = number("--runs", otherwise: 200)
    var microseconds: [Double] = []
    for index in -number("--warm-up", otherwise: 20)..<runs {
        let start = monotonicNow()
        let status = try body()
        let time = monotonicNow() - start
        guard status == 0 else { throw EngineError(.initFailed, "/bin/true ended with \(status)") }
        if index >= 0 { microseconds.append(time / .microseconds(1)) }
    }
    if CommandLine.arguments.contains("--samples") {
        for sample in microseconds { print(sample) }
    } else if !microseconds.isEmpty {
        microseconds.sort()
        print(
            "launch-bench: median \(Int(microseconds[runs / 2])) µs, min \(Int(microseconds[0])) µs, "
                + "p90 \(Int(microseconds[runs * 9 / 10])) µs, \(runs) \(what)")
    }
}

do throws(EngineError) {
    let alive = number("--alive", otherwise: 0)
    if alive > 0 {
        try keepAlive(alive)
    } else if let name = text("--exec") {
        try execAgainAndAgain(in: name)
    } else {
        try launchAgainAndAgain()
    }
} catch {
    print("launch-bench: \(error)")
    exit(1)
}
