// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// How much of Landlock was laid around an agent, for a verdict to say.
public enum LandlockLevel: Sendable, Hashable, CustomStringConvertible {
    /// Nothing, and why.
    case none(Reason)
    /// The kernel's version, and what it holds for this sandbox.
    case reached(abi: UInt32, holds: [String])

    public enum Reason: Sendable, Hashable {
        /// It was asked to be left out.
        case off
        case notBuilt
        case notEnabled
        case refused(Errno)
        /// The first version lets no file be moved to another directory, which too many programs do.
        case forbidsMoving
    }

    /// As a verdict prints it: `ABI 7: files, refer, truncate, ioctl`, or `none: …`.
    public var description: String {
        switch self {
        case .none(let reason): "none: \(reason)"
        case .reached(let abi, let holds): "ABI \(abi): \(holds.joined(separator: ", "))"
        }
    }

    /// The kernel's version, where anything was laid.
    public var abi: UInt32? {
        if case .reached(let abi, _) = self { abi } else { nil }
    }
}

extension LandlockLevel.Reason: CustomStringConvertible {
    public var description: String {
        switch self {
        case .off: "left out as asked"
        case .notBuilt: "this kernel was built without it"
        case .notEnabled: "this kernel was started without it"
        case .refused(let errno): "the kernel's calls for it are refused: \(errno)"
        case .forbidsMoving: "ABI 1 would let no file be moved to another directory"
        }
    }

    /// What an administrator can do, where there is anything.
    public var cure: String? {
        switch self {
        case .off: nil
        case .notBuilt: "a kernel of 5.13 or later with CONFIG_SECURITY_LANDLOCK=y has it"
        case .notEnabled: "add landlock to lsm= on the kernel's command line: lsm=landlock,yama,apparmor,bpf"
        case .refused: "in a container, allow the landlock_* calls in its system-call filter"
        case .forbidsMoving: "--landlock 1 takes it as it is"
        }
    }
}

extension LandlockSupport {
    /// Why there is none; `nil` where there is.
    public var reason: LandlockLevel.Reason? {
        switch self {
        case .abi: nil
        case .notBuilt: .notBuilt
        case .notEnabled: .notEnabled
        case .refused(let errno): .refused(errno)
        }
    }
}
