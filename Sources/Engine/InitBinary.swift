// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// The init program: beside this program in a build directory, in `../libexec/martinet` once installed.
public enum InitBinary {
    static let name = "martinet-init"

    /// Where it is looked for, nearest first.
    ///
    /// - Parameter program: the absolute path of `martinet`.
    public static func places(beside program: String) -> [String] {
        guard let slash = program.lastIndex(of: "/") else { return [] }
        let directory = program[..<slash]
        return ["\(directory)/\(name)", "\(directory)/../libexec/martinet/\(name)"]
    }

    /// Opens it, for execveat(2). Never from a path that the environment could name.
    static func open() throws(EngineError) -> Descriptor {
        // Test bundles may run from the toolchain's directories: their builds lie beside the working directory.
        if let path = buildDirectory {
            return try launching { () throws(SystemError) in try LinuxKernel.open("\(path)/\(name)", [.pathOnly]) }
        }
        let own = try launching { () throws(SystemError) in try readSymlink("/proc/self/exe") }
        guard own.contains("/") else {
            throw EngineError(.launchFailed, "find this program's directory in \(own)")
        }
        var tried: [String] = []
        for path in places(beside: own) {
            do throws(SystemError) { return try LinuxKernel.open(path, [.pathOnly]) } catch
                where error.errno == .noEntry
            {
                tried.append(path)
            } catch { throw EngineError(error) }
        }
        throw EngineError(
            .launchFailed, "find \(name): not at \(tried.joined(separator: ", "))",
            hint: "make install puts it in PREFIX/libexec/martinet")
    }

    /// Set by test processes only, in code, while nothing is launched; before every other place then.
    nonisolated(unsafe) static var buildDirectory: String?
}
