// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// Finds programs of the host by name.
public enum ExecutableSearch {
    /// Where distributions put programs; the administrator's too, which a user's `PATH` often lacks.
    public static let systemDirectories = [
        "/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin",
    ]

    /// The path of the first executable regular file of that name; `nil` where there is none.
    ///
    /// - Parameter searchPath: a `PATH`, looked through first; parts that are not absolute are passed over.
    public static func find(_ name: String, searchPath: String? = nil) -> String? {
        let given = (searchPath ?? "").split(separator: ":").map(String.init).filter { $0.hasPrefix("/") }
        for directory in given + systemDirectories {
            let path = directory + "/" + name
            guard let facts = try? status(of: path, followingSymlinks: true), facts.kind == .regular,
                facts.permissions & 0o111 != 0
            else { continue }
            return path
        }
        return nil
    }

    /// The path of a program, or the error that names the package to install.
    static func require(_ name: String, searchPath: String?, package: String) throws(StorageError) -> String {
        if let path = find(name, searchPath: searchPath) { return path }
        throw StorageError(
            .toolMissing, "find program", name, "it is not installed", hint: "apt-get install \(package)")
    }
}
