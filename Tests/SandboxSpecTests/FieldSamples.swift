// SPDX-License-Identifier: Apache-2.0
import SandboxSpec
import Testing

/// A valid value of each field, as flags and as JSON (which is YAML too).
struct FieldSample: Sendable {
    let path: String
    let flags: [String]
    let json: String

    /// The document that holds the value alone.
    var document: String {
        let parts = path.split(separator: ".")
        return parts.count == 2 ? #"{"\#(parts[0])": {"\#(parts[1])": \#(json)}}"# : #"{"\#(path)": \#(json)}"#
    }

    static let all: [FieldSample] = [
        FieldSample(path: "name", flags: ["--name", "job-1"], json: #""job-1""#),
        FieldSample(path: "user", flags: ["-u", "7:staff"], json: #""7:staff""#),
        FieldSample(path: "group", flags: ["--group", "10", "--group=20"], json: #"[10, "20"]"#),
        FieldSample(path: "workdir", flags: ["-w/srv//x/./y"], json: #""/srv/x/y""#),
        FieldSample(path: "env", flags: ["-e", "A=1", "-eB=x=y"], json: #"{"A": 1, "B": "x=y"}"#),
        FieldSample(path: "secret", flags: ["--secret", "T=@f", "--secret=U"], json: #"{"T": "@f", "U": null}"#),
        FieldSample(path: "secret-file", flags: ["--secret-file", "K=@/k"], json: #"{"K": "@/k"}"#),
        FieldSample(path: "tty", flags: ["-t"], json: "true"),
        FieldSample(path: "interactive", flags: ["-i"], json: "true"),
        FieldSample(path: "stdin", flags: ["--stdin=none"], json: #""none""#),
        FieldSample(path: "hostname", flags: ["--hostname", "cell.example"], json: #""cell.example""#),
        FieldSample(path: "linger", flags: ["--linger"], json: "true"),
        FieldSample(path: "rootfs", flags: ["--rootfs", "./debian"], json: #""./debian""#),
        FieldSample(path: "overlay", flags: ["--overlay", "state"], json: #""state""#),
        FieldSample(path: "read-only", flags: ["--read-only"], json: "true"),
        FieldSample(
            path: "bind", flags: ["-v", "/a:/b:ro", "--bind=c:/d", "--volume", "e:/f:rw"],
            json: #"["/a:/b:ro", "c:/d", "e:/f"]"#),
        FieldSample(path: "tmpfs", flags: ["--tmpfs", "/t", "--tmpfs", "/u:1m"], json: #"["/t", "/u:1MiB"]"#),
        FieldSample(
            path: "device", flags: ["--device", "/dev/fuse", "--device=/dev/kvm:/dev/vm:r"],
            json: #"["/dev/fuse:rw", "/dev/kvm:/dev/vm:r"]"#),
        FieldSample(path: "workspace", flags: ["--workspace", "."], json: #"".""#),
        FieldSample(path: "protect", flags: ["--protect", "Makefile"], json: #"["Makefile"]"#),
        FieldSample(path: "hide", flags: ["--hide", "**/*.key"], json: #"["**/*.key"]"#),
        FieldSample(path: "show", flags: ["--show", "node_modules"], json: #"["node_modules"]"#),
        FieldSample(path: "builtin-guards", flags: ["--no-builtin-guards"], json: "false"),
        FieldSample(
            path: "cap", flags: ["--cap", "net_raw", "--cap-add", "CAP_CHOWN"], json: #"["NET_RAW", "chown"]"#),
        FieldSample(path: "seccomp", flags: ["--seccomp", "unconfined"], json: #""unconfined""#),
        FieldSample(path: "landlock", flags: ["--landlock", "4"], json: "4"),
        FieldSample(path: "isolation", flags: ["--isolation=landlock"], json: #""landlock""#),
        FieldSample(path: "audit", flags: ["--audit"], json: "true"),
        FieldSample(path: "net", flags: ["--network", "host"], json: #""host""#),
        FieldSample(
            path: "join", flags: ["--join", "ipc=/proc/7/ns/ipc", "--join=uts=/run/u"],
            json: #"{"ipc": "/proc/7/ns/ipc", "uts": "/run/u"}"#),
        FieldSample(
            path: "time-offset", flags: ["--time-offset", "monotonic=1h", "--time-offset=boottime=-1m5s"],
            json: #"{"monotonic": "60m", "boottime": "-65s"}"#),
        FieldSample(path: "waive", flags: ["--waive", "limits"], json: #"["limits"]"#),
        FieldSample(path: "limits.memory", flags: ["-m", "512m"], json: #""512MiB""#),
        FieldSample(path: "limits.swap", flags: ["--swap", "1000"], json: "1000"),
        FieldSample(path: "limits.memory-high", flags: ["--memory-high", "400m"], json: #""400MiB""#),
        FieldSample(path: "limits.cpus", flags: ["--cpus", "0.5"], json: "0.5"),
        FieldSample(path: "limits.cpu-weight", flags: ["--cpu-weight", "200"], json: "200"),
        FieldSample(path: "limits.cpuset", flags: ["--cpuset-cpus", "5,0-1,1-2"], json: #""0-2,5""#),
        FieldSample(path: "limits.cpuset-mems", flags: ["--cpuset-mems", "0"], json: "0"),
        FieldSample(path: "limits.cpu-time", flags: ["--cpu-time", "1500ms"], json: #""1.5s""#),
        FieldSample(path: "limits.nice", flags: ["--nice", "-5"], json: "-5"),
        FieldSample(path: "limits.pids", flags: ["--pids", "32"], json: "32"),
        FieldSample(path: "limits.timeout", flags: ["--timeout", "1m30s"], json: #""90s""#),
        FieldSample(path: "limits.disk", flags: ["--disk", "1.5GiB"], json: "1610612736"),
        FieldSample(path: "limits.inodes", flags: ["--inodes", "1000"], json: "1000"),
        FieldSample(path: "limits.output", flags: ["--output=1MiB"], json: #""1MiB""#),
        FieldSample(
            path: "limits.io-read", flags: ["--io-read", "/dev/vda:10m", "--device-read-bps=/dev/vdb:1000"],
            json: #"["/dev/vda:10MiB", "/dev/vdb:1000"]"#),
        FieldSample(path: "limits.io-write", flags: ["--io-write", "/srv:a:1k"], json: #"["/srv:a:1KiB"]"#),
        FieldSample(path: "limits.io-read-ops", flags: ["--io-read-ops", "/dev/vda:100"], json: #"["/dev/vda:100"]"#),
        FieldSample(path: "limits.io-write-ops", flags: ["--device-write-iops", "/x:5"], json: #"["/x:5"]"#),
        FieldSample(path: "limits.io-weight", flags: ["--io-weight", "50"], json: "50"),
        FieldSample(path: "limits.hugetlb", flags: ["--hugetlb", "2MiB:64MiB"], json: #"["2m:64m"]"#),
        FieldSample(path: "limits.oom-score-adj", flags: ["--oom-score-adj", "-100"], json: "-100"),
        FieldSample(
            path: "limits.rlimit", flags: ["--rlimit", "nofile=10:20", "--ulimit", "core=unlimited"],
            json: #"{"nofile": "10:20", "core": "max"}"#),
    ]
}

/// The spec that a command line asks for.
func spec(_ arguments: String..., environment: [String: String] = [:]) throws -> SandboxSpec {
    try spec(arguments, environment: environment)
}

func spec(_ arguments: [String], environment: [String: String] = [:]) throws -> SandboxSpec {
    var spec = SandboxSpec()
    let parsed = try #require(FlagParser.parse(arguments), "\(arguments) is not recognised")
    try parsed.apply(to: &spec, callerEnvironment: environment)
    return spec
}

/// What an error of reading says; `nil` where there is none.
func message(_ body: () throws -> Void) -> String? {
    do {
        try body()
        return nil
    } catch {
        return "\(error)"
    }
}
