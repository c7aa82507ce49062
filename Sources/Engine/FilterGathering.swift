// SPDX-License-Identifier: Apache-2.0
import Confinement
import LinuxKernel
import SandboxSpec
import SetupProgram

extension Launcher {
    /// The filter's instructions, compiled or from the cache; with them, where refusals are to be reported, a filter that
    /// asks the supervisor about those.
    func gatherFilter(
        _ spec: SandboxSpec, capabilities: CapabilitySet, kernel: HostProbe.KernelVersion,
        into inputs: inout LaunchInputs
    ) throws(EngineError) {
        guard
            let source = try filterSource(
                spec, capabilities: capabilities, kernel: kernel, isLandlocked: inputs.landlock != nil,
                alone: inputs.landlockAlone)
        else {
            guard !options.learns else {
                throw EngineError(
                    .invalidSpec, "learn: unconfined makes no profile to learn from", hint: "use --seccomp default")
            }
            return
        }
        if options.learns, spec.linger {
            throw EngineError(
                .invalidSpec, "learn: a sandbox that outlives its launcher has nobody to tell what it calls",
                hint: "leave linger or learn out")
        }
        do throws(ConfinementError) {
            inputs.filter = try SeccompCache(directory: options.filterCache).filter(for: source)
        } catch { throw EngineError(error) }
        inputs.filterName = spec.seccomp.text
        inputs.filterFlags = source.flags.rawValue
        inputs.filterAsks = spec.audit || options.learns
    }

    /// Which filter is meant; `nil` for none.
    private func filterSource(
        _ spec: SandboxSpec, capabilities: CapabilitySet, kernel: HostProbe.KernelVersion, isLandlocked: Bool,
        alone: LandlockAlone?
    ) throws(EngineError) -> SeccompSource? {
        let source: SeccompSource
        switch spec.seccomp {
        case .unconfined: return nil
        case .strict: source = .strict
        case .default:
            // A set-uid file in a directory of the host's would outlive the sandbox, and be the host's.
            let sharesDirectory =
                spec.workspace != nil || spec.binds.contains { !$0.readOnly } || spec.isolation == .landlock
            source = .default(capabilities: capabilities, denySetuidBits: sharesDirectory)
        case .file(let path):
            do throws(ConfinementError) {
                let version = KernelVersion(major: kernel.major, minor: kernel.minor)
                source = .custom(
                    try OCIProfile(path: path).resolved(capabilities: capabilities, kernel: version).profile)
            } catch {
                throw EngineError(.invalidSpec, "seccomp: \(error)")
            }
        }
        if let alone {
            return .custom(
                source.profile.standingAlone(
                    abi: alone.abi, usesNetwork: spec.network == .host, sharesIdentity: alone.sharesIdentity))
        }
        // Guards and read-only mounts are to hold also where mounting would be allowed.
        guard isLandlocked, capabilities.contains(.sysAdmin) else { return source }
        return .custom(source.profile.refusingMounts())
    }

    /// The filter that asks, in the place of the one that decides, and who answers it.
    func supervise(
        _ inputs: inout LaunchInputs, _ spec: SandboxSpec, mapping: borrowing IdentityMapping,
        kernel: HostProbe.KernelVersion
    ) throws(EngineError) -> Supervisor? {
        guard inputs.filterAsks else { return nil }
        let base =
            options.learns
            ? try filterSource(
                spec, capabilities: CapabilitySet(rawValue: inputs.capabilities), kernel: kernel,
                isLandlocked: inputs.landlock != nil, alone: inputs.landlockAlone) : nil
        do throws(ConfinementError) {
            let filter = try NotifyingFilter(
                inputs.filter, notifying: options.learns ? .everything : .denials(),
                alwaysOn: spec.audit ? PathCalls.names : [])
            inputs.filter = filter.program.bytes
            return Supervisor(
                filter, paths: spec.audit ? pathAudit(inputs.identity, mapping) : nil,
                learner: base.map { ProfileLearner(base: $0.profile) })
        } catch { throw EngineError(error) }
    }

    /// `nil` where the agent's ids on the host are not known.
    private func pathAudit(_ identity: AgentIdentity, _ mapping: borrowing IdentityMapping) -> PathAudit? {
        switch mapping.kind {
        case .ownRange(let base):
            PathAudit(
                identity: FileSystemIdentity(
                    uid: base + identity.uid, gid: base + identity.gid, groups: identity.groups.map { base + $0 }))
        // The agent is the caller, on the host.
        case .subordinate, .single: PathAudit(identity: nil)
        case .host(let uid):
            PathAudit(
                identity: uid == effectiveUID()
                    ? nil : FileSystemIdentity(uid: uid, gid: identity.gid, groups: identity.groups))
        case .joined: nil
        }
    }
}
