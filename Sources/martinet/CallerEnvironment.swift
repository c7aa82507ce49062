// SPDX-License-Identifier: Apache-2.0
// `environ` is a global variable of C's; this program changes it nowhere.
@preconcurrency import Glibc

/// The environment that this program was started with. environ(7)
enum CallerEnvironment {
    static func read() -> [String: String] {
        var variables: [String: String] = [:]
        var entry: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?> = environ
        while let text = entry.pointee {
            entry += 1
            guard let equals = strchr(text, 0x3d) else { continue }
            let name = UnsafeRawBufferPointer(start: text, count: equals - text)
            let key = String(decoding: name, as: UTF8.self)
            // Of two entries with one name, getenv(3) answers the first.
            if variables[key] == nil { variables[key] = String(cString: equals + 1) }
        }
        return variables
    }
}
