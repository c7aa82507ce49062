// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// How an attempt ended.
public enum Attempt: Sendable, Equatable {
    /// The kernel's value: 0 for most.
    case worked(Int = 0)
    case failed(Errno)
    /// Whoever tried was killed for it: a system-call filter's way to refuse.
    case killed(signal: Int32)
    /// Why nothing was tried.
    case untried(String)

    public var works: Bool {
        if case .worked = self { true } else { false }
    }

    public var value: Int? {
        if case .worked(let value) = self { value } else { nil }
    }

    public var errno: Errno? {
        if case .failed(let errno) = self { errno } else { nil }
    }

    /// The answer in words.
    var words: String {
        switch self {
        case .worked: "works"
        case .failed(let errno): errno.description
        case .killed(let signal): "whoever tries it is killed (signal \(signal))"
        case .untried(let reason): "not tried: \(reason)"
        }
    }
}

/// What is attempted. The first ones are made by the child in CLinux, whose `mt_probe_attempt` they are.
public enum AttemptName: Int32, Sendable, Hashable, CaseIterable {
    // System calls
    case openat2, closeRange, pidfdOpen, pidfdSendSignal, faccessat2, fsopen, openTree, moveMount, mountSetattr
    case statxMountID
    // seccomp(2)
    case actionKillProcess, actionKillThread, actionTrap, actionErrno, actionUserNotification, actionTrace, actionLog
    case actionAllow, notificationSizes, flagNewListener, flagWaitKillableReceive, filter, listener
    // landlock(7)
    case landlockABI, landlockRestrict
    // In a new user and PID namespace
    case becomeRoot, unshareMount, unshareNetwork, unshareUTS, unshareIPC, unshareCgroup, unshareTime, makePrivate
    case mountProc, openSetting, mountSysfs, mountCgroup2, mountDevpts, mountMqueue, mountTmpfs, attach, tmpfsXattr
    case overlay, overlayOpaque, overlayMapped, pivotRoot

    // Made by starting a child in some way
    case clone3 = 100
    case userNamespace, pidNamespace, mapIDs, mapSubordinateIDs, intoCgroup

    static let calls = AttemptName.openat2...AttemptName.statxMountID
    static let confinement = AttemptName.actionKillProcess...AttemptName.landlockRestrict
    static let namespaces = AttemptName.becomeRoot...AttemptName.pivotRoot
}

extension AttemptName: Comparable {
    public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}
