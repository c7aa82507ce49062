// SPDX-License-Identifier: Apache-2.0

/// What is guarded in every workspace unless `builtin-guards` is false, at any depth.
///
/// A path with a slash means: wherever its first directory is. Paths in the lists are also guarded where nothing is yet: at
/// the top of the workspace, and those with a slash in every such directory that is there when the sandbox starts.
public enum BuiltinGuards {
    /// What an agent could make the user run later: hooks, start-up files, editors' and agents' settings.
    public static let protected =
        [
            ".gitconfig", ".gitmodules", ".bashrc", ".bash_profile", ".bash_login", ".profile", ".zshrc", ".zprofile",
            ".zshenv", ".zlogin", ".envrc", ".ripgreprc", ".mcp.json", ".vscode", ".idea", ".claude/settings.json",
            ".claude/settings.local.json", ".claude/commands", ".claude/agents", ".cursor/mcp.json",
        ] + gitDirectory.map { ".git/" + $0 }

    /// Directories of code that others wrote and the host runs: what an agent could plant there it can do without the names
    /// that `protected` lists, and installing anew takes that nothing in there is mounted on.
    public static let dependencies: Set<String> = ["node_modules", "site-packages"]

    /// What in a git directory makes git run programs, or says where that is. gitrepository-layout(5)
    public static let gitDirectory = ["hooks", "config", "config.worktree", "commondir"]

    /// Protected where it is not a directory: it says where the git directory is.
    public static let protectedFile = ".git"

    /// Git directories of submodules and worktrees, by a file that each has, and what is protected beside that.
    public static let nestedGitDirectories: [(marker: PathGlob, paths: [String])] = [
        (builtin("**/.git/modules/**/HEAD"), gitDirectory),
        (builtin("**/.git/worktrees/*/gitdir"), ["gitdir", "commondir", "config.worktree"]),
    ]

    /// What holds keys and passwords.
    public static let hidden = [
        ".env", "id_rsa", "id_ed25519", "id_ecdsa", "id_dsa", ".netrc", ".git-credentials", ".npmrc", ".pypirc", ".ssh",
        ".gnupg", ".aws/credentials", ".docker/config.json", ".kube/config",
    ]

    /// The same, where they exist when the sandbox starts.
    public static let hiddenGlobs: [PathGlob] = ["**/.env.*", "**/*.pem", "**/*.key"].map(builtin)

    /// Names that those do not mean: the public certificates that HTTP clients bring along (certifi, botocore, grpc),
    /// without which nothing in a virtual environment trusts anybody.
    public static let shown: Set<String> = ["cacert.pem", "ca-bundle.pem", "ca-certificates.pem", "roots.pem"]

    private static func builtin(_ text: String) -> PathGlob { PathGlob(builtin: text) }
}
