// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

extension OCIProfile {
    /// Reads a profile's file.
    ///
    /// - Parameter path: of JSON, at most 1 MiB; errors begin with it.
    /// - Throws: `.unreadableProfile`, `.invalidProfile`.
    public init(path: String) throws(ConfinementError) {
        let bytes: [UInt8]
        do throws(SystemError) {
            // A fifo would wait for somebody who writes; a terminal's device could become ours.
            let file = try open(path, [.readOnly, .nonBlocking, .noControllingTerminal])
            bytes = try readAll(file, limit: 1 << 20)
        } catch where error.errno == .fileTooLarge {
            throw ConfinementError(.unreadableProfile, subject: path, hint: "a profile has at most 1 MiB")
        } catch {
            throw ConfinementError(
                .unreadableProfile, subject: "\(path): \(error.errno)",
                hint: "a profile is a name (see martinet seccomp list) or a file of Docker's JSON")
        }
        do throws(ConfinementError) {
            try self.init(json: bytes)
        } catch {
            var located = error
            located.subject = "\(path):\(error.subject.first?.isNumber == true ? "" : " ")\(error.subject)"
            throw located
        }
    }
}
