// SPDX-License-Identifier: Apache-2.0
import Confinement
import LinuxKernel
import SandboxSpec
import SetupProgram

/// What is made of Landlock for one sandbox, on this kernel.
struct LandlockChoice: Sendable, Equatable {
    /// `nil`: the agent is not restricted.
    let policy: LandlockPolicy?
    let level: LandlockLevel

    /// - Throws: `.unavailable` where the kernel has less than was asked for; and where it has none, for an isolation that
    ///   consists of it.
    init(_ spec: SandboxSpec, _ support: LandlockSupport) throws(EngineError) {
        guard spec.landlock != .off else {
            self.init(none: .off)
            return
        }
        guard case .abi(let abi) = support else {
            let reason = support.reason ?? .notBuilt
            // Absent, or forbidden, is an answer; that the kernel could not say is none.
            if case .refused(let errno) = support, errno != .notPermitted, errno != .permissionDenied {
                throw Self.unavailable("ask for Landlock's ABI (\(errno.name))", reason)
            }
            guard case .atLeast(let wanted) = spec.landlock else {
                guard spec.isolation == .namespaces else { throw Self.unavailable("isolation landlock", reason) }
                self.init(none: reason)
                return
            }
            throw Self.unavailable("landlock: ABI \(wanted) was asked for", reason)
        }
        if case .atLeast(let wanted) = spec.landlock, abi < wanted {
            let cure = LandlockPolicy.kernel(bringing: wanted).map { "Linux \($0) has it; " } ?? ""
            throw EngineError(
                .unavailable, "landlock: ABI \(wanted) was asked for, and this kernel has \(abi)",
                hint: cure + "--landlock auto takes what there is")
        }
        switch spec.isolation {
        case .namespaces:
            // A second wall is not worth what programs would no longer do; who asks for it by number has it.
            if abi == 1, spec.landlock == .auto {
                self.init(none: .forbidsMoving)
                return
            }
            let sharesNetwork = spec.network == .host || spec.join.contains { $0.type == .network }
            self.init(.besideNamespaces(abi: abi, sharesNetwork: sharesNetwork))
        case .landlock: self.init(.alone(abi: abi, usesNetwork: spec.network == .host))
        }
    }

    private init(none reason: LandlockLevel.Reason) {
        policy = nil
        level = .none(reason)
    }

    private init(_ policy: LandlockPolicy) {
        self.policy = policy
        level = policy.level
    }

    private static func unavailable(_ what: String, _ reason: LandlockLevel.Reason) -> EngineError {
        EngineError(.unavailable, "\(what): \(reason)", hint: reason.cure)
    }

    /// The policy of an isolation that consists of it.
    func requiredPolicy() throws(EngineError) -> LandlockPolicy {
        guard let policy else { throw EngineError(.unavailable, "isolation landlock: \(level)") }
        return policy
    }

    /// The masks for the compiler; the standard descriptors are given by slot and number.
    func inputs(
        audits: Bool, standard: StandardDescriptors?, raws: [Int32]?
    ) throws(EngineError) -> LandlockInputs? {
        guard let policy else { return nil }
        var inputs = LandlockInputs(
            handledFiles: policy.handledFiles.rawValue, read: policy.rights(.read).rawValue,
            change: policy.rights(.change).rawValue, write: policy.rights(.write).rawValue,
            control: policy.rights(.control).rawValue)
        inputs.handledNetwork = policy.handledNetwork.rawValue
        inputs.scopes = policy.scopes.rawValue
        inputs.restrictFlags = policy.restrictFlags(audits: audits)
        if let standard, let raws {
            let slots = [standard.input, standard.output, standard.error]
            for (slot, raw) in zip(slots, raws) {
                let access = try launching { () throws(SystemError) in try policy.rights(toReopen: raw) }
                guard !access.isEmpty else { continue }
                inputs.descriptors.append(LandlockInputs.DescriptorRule(slot, access: access.rawValue))
            }
        }
        return inputs
    }
}

extension LandlockPolicy {
    /// What it takes to open a standard descriptor's file again through /dev/stdin and its like, no wider than it is open
    /// now. Its path is the host's, where no other rule reaches. Pipes and sockets take no rule.
    func rights(toReopen raw: Int32) throws(SystemError) -> LandlockFileAccess {
        let access: LandlockFileAccess
        switch try statusIfOpen(raw).kind {
        case .regular: access = rights(.write, isDirectory: false).union(.readFile)
        case .characterDevice: access = rights(.control, isDirectory: false).union(.readFile)
        default: return []
        }
        let mode = try accessMode(raw: raw)
        var denied: LandlockFileAccess = []
        if mode == .writeOnly { denied = .readFile }
        if mode == .readOnly { denied = [.writeFile, .truncate] }
        return access.subtracting(denied)
    }
}
