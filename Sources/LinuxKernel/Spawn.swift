// SPDX-License-Identifier: Apache-2.0
import CLinux

/// A program to start on the host, with exactly the environment and descriptors named here.
public struct SpawnRequest: Sendable {
    /// Path of the program; `PATH` is not searched.
    public var path: String
    /// The arguments, the program's own name first.
    public var arguments: [String]
    /// The whole environment, as `NAME=value`.
    public var environment: [String]
    /// What the program reads from; `nil` is /dev/null.
    public var standardInput: Int32?
    public var standardOutput: Int32
    public var standardError: Int32
    /// Starts the program in a process group of its own, numbered as its pid.
    public var ownProcessGroup = false

    public init(path: String, arguments: [String], environment: [String], standardOutput: Int32, standardError: Int32) {
        self.path = path
        self.arguments = arguments
        self.environment = environment
        self.standardOutput = standardOutput
        self.standardError = standardError
    }
}

/// Starts a program and returns its pid, which the caller must `reap`.
///
/// The program gets descriptors 0 to 2 only, an empty signal mask and every signal's default action. A program that cannot
/// be executed is an error here, not an exit status.
/// - Throws: `ENOENT`, `EACCES` and the like from execve(2); `EINVAL` for a NUL byte in a string.
/// - SeeAlso: posix_spawn(3); `posix_spawn_file_actions_addclosefrom_np` needs glibc 2.34
public func spawn(_ request: SpawnRequest) throws(SystemError) -> Int32 {
    for text in request.arguments + request.environment + [request.path] where text.utf8.contains(0) {
        throw SystemError("spawn", .invalid, request.path)
    }
    // Above 2, so that putting one in its place cannot overwrite another.
    let input = try openInput(request)
    let output = try copyAboveStandard(request.standardOutput)
    let error = try copyAboveStandard(request.standardError)

    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, input.rawValue, 0)
    posix_spawn_file_actions_adddup2(&actions, output.rawValue, 1)
    posix_spawn_file_actions_adddup2(&actions, error.rawValue, 2)
    posix_spawn_file_actions_addclosefrom_np(&actions, 3)

    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    sigfillset(&signals)
    posix_spawnattr_setsigdefault(&attributes, &signals)
    var flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
    if request.ownProcessGroup {
        posix_spawnattr_setpgroup(&attributes, 0)
        flags |= POSIX_SPAWN_SETPGROUP
    }
    posix_spawnattr_setflags(&attributes, Int16(flags))

    var pid: pid_t = 0
    let code = withCStrings(request.arguments) { arguments in
        withCStrings(request.environment) { environment in
            posix_spawn(&pid, request.path, &actions, &attributes, arguments, environment)
        }
    }
    if code != 0 { throw SystemError("spawn", Errno(rawValue: code), request.path) }
    return pid
}

/// A pipe, close-on-exec at both ends. pipe2(2)
public struct Pipe: ~Copyable, Sendable {
    public var reader: Descriptor
    public var writer: Descriptor

    public init() throws(SystemError) {
        var pair: (Int32, Int32) = (0, 0)
        try withAddress(&pair) { pair throws(SystemError) in
            _ = try kernel("pipe", nil, Int(SYS_pipe2), pair, Int(O_CLOEXEC))
        }
        reader = Descriptor(owning: pair.0)
        writer = Descriptor(owning: pair.1)
    }

    /// Keeps the reading end and closes the other.
    public consuming func intoReader() -> Descriptor { reader }
}

private func openInput(_ request: SpawnRequest) throws(SystemError) -> Descriptor {
    guard let given = request.standardInput else {
        let null = try open("/dev/null")
        return null.rawValue > 2 ? null : try null.duplicate()
    }
    return try copyAboveStandard(given)
}

/// A second descriptor, numbered 3 or higher. fcntl(2), `F_DUPFD_CLOEXEC`
private func copyAboveStandard(_ descriptor: Int32) throws(SystemError) -> Descriptor {
    Descriptor(
        owning: Int32(
            try kernel(
                "fcntl F_DUPFD_CLOEXEC", "descriptor \(descriptor)", Int(SYS_fcntl), Int(descriptor),
                Int(F_DUPFD_CLOEXEC), 3)))
}

/// Calls `body` with a null-terminated array of C strings.
private func withCStrings<Result>(
    _ texts: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
) -> Result {
    let copies: [UnsafeMutablePointer<CChar>?] = texts.map { strdup($0) } + [nil]
    defer { for copy in copies { free(copy) } }
    return body(copies)
}
