// SPDX-License-Identifier: Apache-2.0

extension SpecField {
    /// What runs, as whom, and what it starts with.
    static let identity: [SpecField] = [
        SpecField(
            "name", metavar: "NAME", "The sandbox's name, and its host name unless one is given", .name,
            .text(
                set: { (spec, text) throws(SpecError) in spec.name = try SandboxName(text) },
                get: { $0.name?.text })),
        SpecField(
            "user", short: "u", metavar: "USER[:GROUP]", "Who the agent is inside, by number or name (1000:1000)",
            .user,
            .text(
                set: { (spec, text) throws(SpecError) in spec.user = try UserReference(text) },
                get: { $0.user?.description })),
        SpecField(
            "group", metavar: "GID", "A supplementary group inside", .id,
            .list(
                add: { (spec, text) throws(SpecError) in
                    guard let id = plainNumber(Substring(text)), id <= 65535 else {
                        throw SpecError("\(text.quoted) is not a group's id; write one from 0 to 65535")
                    }
                    spec.groups.append(UInt32(id))
                },
                get: { $0.groups.map { "\($0)" } })),
        SpecField(
            "workdir", short: "w", metavar: "PATH", "Working directory inside (/workspace, or / without a workspace)",
            .sandboxPath,
            .text(
                set: { (spec, text) throws(SpecError) in spec.workdir = try SandboxPath(text) },
                get: { $0.workdir?.text })),
        SpecField(
            "env", short: "e", metavar: "NAME[=VALUE]",
            "A variable of the agent's environment; NAME alone passes yours on",
            .anyText,
            .map(
                keys: [], takesNull: false,
                add: { (spec, name, value, caller) throws(SpecError) in
                    if let value {
                        spec.environment.append(try EnvironmentVariable(name: name, value: value))
                    } else {
                        spec.environment.append(try EnvironmentVariable(name, callerEnvironment: caller ?? [:]))
                    }
                },
                get: { $0.environment.map { ($0.name, $0.value) } })),
        secret(
            "secret", "A secret as environment variable, from a file, or NAME alone from your variable", .environment),
        secret("secret-file", "A secret as /run/secrets/NAME, from a file, or NAME alone from your variable", .file),
        SpecField(
            "tty", short: "t", "Give the agent a terminal of its own", .switched,
            .boolean(flagMeans: true, set: { $0.terminal = $1 }, get: { $0.terminal ? true : nil })),
        SpecField(
            "interactive", short: "i", "With -d: keep standard input open for attach; without it is passed on anyway",
            .switched,
            .boolean(flagMeans: true, set: { _, _ in }, get: { _ in nil })),
        SpecField(
            "stdin", metavar: "inherit|none", "The agent's standard input: yours, or nothing (inherit)",
            .choice(["inherit", "none"]),
            .text(
                set: { (spec, text) throws(SpecError) in spec.standardInput = try StandardInput(named: text) },
                get: { $0.standardInput == .inherit ? nil : $0.standardInput.rawValue })),
        SpecField(
            "hostname", metavar: "NAME", "The host name inside", .hostname,
            .text(
                set: { (spec, text) throws(SpecError) in spec.hostname = try SandboxHostname(text) },
                get: { $0.hostname?.text })),
        SpecField(
            "linger", "Let the sandbox live on when its launcher is killed", .switched,
            .boolean(flagMeans: true, set: { $0.linger = $1 }, get: { $0.linger ? true : nil })),
    ]

    private static func secret(_ key: String, _ help: String, _ delivery: SecretReference.Delivery) -> SpecField {
        SpecField(
            key, metavar: "NAME[=@FILE]", help, .secretSource,
            .map(
                keys: [], takesNull: true,
                add: { (spec, name, value, _) throws(SpecError) in
                    if let value {
                        spec.secrets.append(try SecretReference(name: name, value: value, delivery: delivery))
                    } else {
                        spec.secrets.append(try SecretReference(name, delivery: delivery))
                    }
                },
                get: { spec in
                    spec.secrets.filter { $0.delivery == delivery }.map { secret in
                        switch secret.source {
                        case .file(let path): (secret.name, "@\(path)")
                        case .environment: (secret.name, nil)
                        }
                    }
                }))
    }
}
