// SPDX-License-Identifier: Apache-2.0
import Cgroups
import LinuxKernel
import Storage

/// All that was measured on a machine, before anything is concluded from it.
public struct MachineFacts: Sendable, Equatable {
    public var kernel: KernelRelease
    public var architecture: String
    public var distribution: Distribution
    public var caller: Caller
    /// Kernel settings by sysctl(8)'s names; those that this kernel lacks are not in it.
    public var settings: [String: String] = [:]
    /// Controllers that the kernel's command line turns off. `cgroup_disable=`
    public var disabledControllers: Set<String> = []
    /// Names in /proc/self/ns: the namespaces this kernel was built with.
    public var namespaceTypes: Set<String> = []
    public var attempts: [AttemptName: Attempt] = [:]
    public var identity = IdentityFacts()
    public var cgroups = CgroupFacts()
    /// /sys/kernel/security/lsm; `nil` where securityfs is not mounted.
    public var securityModules: [String]?
    public var files = FileFacts()
    /// Paths of the host's programs, by name.
    public var tools: [String: String] = [:]
    public var run = RunOutcome.untried("nothing was started")

    public init(kernel: KernelRelease, architecture: String, distribution: Distribution, caller: Caller) {
        self.kernel = kernel
        self.architecture = architecture
        self.distribution = distribution
        self.caller = caller
    }

    public subscript(name: AttemptName) -> Attempt {
        get { attempts[name] ?? .untried("an earlier step failed") }
        set { attempts[name] = newValue }
    }
}

/// What an ordinary user may map besides the own id. subuid(5)
public struct IdentityFacts: Sendable, Equatable {
    /// newuidmap(1) or newgidmap(1).
    public struct Tool: Sendable, Equatable {
        public var path: String
        /// Set-uid root, or with file capabilities.
        public var gainsPrivileges: Bool
    }

    public var uids: [SubordinateRange] = []
    public var gids: [SubordinateRange] = []
    public var newuidmap: Tool?
    public var newgidmap: Tool?
    /// What a map tool that failed had to say.
    public var complaint: String?
    /// The first id above all ranges of both files.
    public var firstFree: UInt32 = 100_000
}

public struct CgroupFacts: Sendable, Equatable {
    /// `nil` where /proc told nothing.
    public var layout: CgroupLayout?
    /// Controllers that cannot be used now, and why.
    public var obstacles: [CgroupController: CgroupError] = [:]
    /// What is missing from those that can be used, and what else there is to say of them.
    public var notes: [CgroupController: [String]] = [:]
    /// Whether a v2 cgroup has a control file; files about which nothing could be found out are not in it.
    public var files: [String: Bool] = [:]
    /// Whether a swap device is on.
    public var hasSwap = false
    /// Pressure stall information. Documentation/accounting/psi.rst
    public var countsPressure = false
}

public struct FileFacts: Sendable, Equatable {
    /// A directory that this user keeps state in.
    public enum Directory: Sendable, Equatable {
        case usable(String)
        /// It is made when it is needed.
        case absent(String)
        case unusable(String, reason: String)
        /// No environment variable names it; what it would be by convention, if that is there.
        case unset(conventional: String?)
    }

    /// An id-mapped mount that was made of a directory, and dropped.
    public struct IDMap: Sendable, Equatable {
        public var path: String
        public var fileSystem: String
        public var attempt: Attempt
    }

    /// Where init is, or was looked for.
    public var initPath: String?
    public var initSearched: [String] = []
    /// Whether init starts and refuses to run by hand, as it should.
    public var initStarts = Attempt.untried("it was not found")
    public var state = Directory.unset(conventional: nil)
    public var idMaps: [IDMap] = []
    /// Project quotas of the file system that durable things are on.
    public var projectQuota = Attempt.untried("no directory to ask")
    public var quotaPath = "/var/lib"
    public var quotaFileSystem = ""
    public var hasLoopControl = false
}

/// The end of a real run.
public enum RunOutcome: Sendable, Equatable {
    case worked(milliseconds: Int)
    /// The exit status, and what was said on standard error.
    case failed(status: Int32, message: String, hint: String?)
    case hung(seconds: Int)
    case untried(String)

    var works: Bool {
        if case .worked = self { true } else { false }
    }
}
