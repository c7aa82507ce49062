// SPDX-License-Identifier: Apache-2.0

/// System calls in words, for reports.
public enum SystemCallWords {
    /// A call's name; its number where it has none here.
    public static func name(of data: SeccompData) -> String {
        guard data.architecture == SeccompProfile.Architecture.native.token,
            let name = SystemCallNumbers.name(of: data.number, on: .native)
        else { return "call \(data.number) of ABI \(String(data.architecture, radix: 16))" }
        return name
    }
}
