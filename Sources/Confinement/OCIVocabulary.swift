// SPDX-License-Identifier: Apache-2.0

/// The words of OCI and Docker profiles.
enum OCIVocabulary {
    static let documentKeys = [
        "defaultAction", "defaultErrnoRet", "defaultErrno", "architectures", "archMap", "flags", "listenerPath",
        "listenerMetadata", "syscalls",
    ]
    static let callKeys = ["names", "name", "action", "errnoRet", "errno", "args", "comment", "includes", "excludes"]
    static let argumentKeys = ["index", "value", "valueTwo", "op"]
    static let circumstanceKeys = ["caps", "arches", "minKernel"]
    static let mappingKeys = ["architecture", "subArchitectures"]

    /// Of actions without an errno.
    static let actions: [(name: String, action: SeccompProfile.Action)] = [
        ("SCMP_ACT_ALLOW", .allow), ("SCMP_ACT_LOG", .log), ("SCMP_ACT_KILL", .killThread),
        ("SCMP_ACT_KILL_THREAD", .killThread), ("SCMP_ACT_KILL_PROCESS", .killProcess), ("SCMP_ACT_TRAP", .trap),
    ]
    static let errnoAction = "SCMP_ACT_ERRNO"
    /// Actions that need another process, and what to write instead.
    static let refusedActions: [(name: String, reason: String, hint: String)] = [
        (
            "SCMP_ACT_TRACE", "SCMP_ACT_TRACE waits for a tracer, and a sandbox has none",
            "write SCMP_ACT_ERRNO with errnoRet 38 (ENOSYS), which is what a call gets without one"
        ),
        (
            "SCMP_ACT_NOTIFY", "SCMP_ACT_NOTIFY hands calls to a program outside, and a sandbox has none",
            "write SCMP_ACT_ALLOW or SCMP_ACT_ERRNO"
        ),
    ]
    static var actionNames: [String] { actions.map(\.name) + [errnoAction] + refusedActions.map(\.name) }

    static let comparisons: [(name: String, comparison: SeccompProfile.Comparison)] = [
        ("SCMP_CMP_EQ", .equal), ("SCMP_CMP_NE", .notEqual), ("SCMP_CMP_LT", .less), ("SCMP_CMP_LE", .lessOrEqual),
        ("SCMP_CMP_GT", .greater), ("SCMP_CMP_GE", .greaterOrEqual),
    ]
    static let maskedComparison = "SCMP_CMP_MASKED_EQ"

    /// Flags, and for those that cannot be had the reason.
    static let flags: [(name: String, flag: FilterFlags, refusal: String?)] = [
        // Another thread to synchronize with does not exist between fork and exec.
        ("SECCOMP_FILTER_FLAG_TSYNC", [], nil), ("SECCOMP_FILTER_FLAG_LOG", .log, nil),
        ("SECCOMP_FILTER_FLAG_SPEC_ALLOW", .allowSpeculation, nil),
        ("SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", [], "is for SCMP_ACT_NOTIFY, and a sandbox has no such listener"),
    ]

    /// SCMP_ARCH_*; with what the ABI is here, where this module knows it.
    static let architectures: [(name: String, architecture: SeccompProfile.Architecture?)] =
        [
            ("SCMP_ARCH_X86_64", .x86_64), ("SCMP_ARCH_X86", .x86), ("SCMP_ARCH_X32", .x32),
            ("SCMP_ARCH_AARCH64", .aarch64), ("SCMP_ARCH_ARM", .arm),
        ]
        + DefaultRules.names(
            """
            SCMP_ARCH_LOONGARCH64 SCMP_ARCH_M68K SCMP_ARCH_MIPS SCMP_ARCH_MIPS64 SCMP_ARCH_MIPS64N32 SCMP_ARCH_MIPSEL \
            SCMP_ARCH_MIPSEL64 SCMP_ARCH_MIPSEL64N32 SCMP_ARCH_PARISC SCMP_ARCH_PARISC64 SCMP_ARCH_PPC SCMP_ARCH_PPC64 \
            SCMP_ARCH_PPC64LE SCMP_ARCH_RISCV64 SCMP_ARCH_S390 SCMP_ARCH_S390X SCMP_ARCH_SH SCMP_ARCH_SHEB
            """
        ).map { ($0, nil) }

    /// The names that `includes` and `excludes` know architectures by.
    static let dockerArchitectures = DefaultRules.names(
        """
        386 amd64 arm arm64 loong64 mips mips3l64n32 mips64 mips64le mips64n32 mips64p32 mips64p32le mipsel mipsel64 \
        mipsel64n32 mipsle ppc ppc64 ppc64le riscv64 s390 s390x x32 x86
        """)

    /// Docker's name for this machine's architecture.
    static var dockerNative: String { SeccompProfile.Architecture.native == .x86_64 ? "amd64" : "arm64" }

    /// The other ABIs that a kernel of this machine may have.
    static var foreignABIs: [SeccompProfile.Architecture] {
        SeccompProfile.Architecture.native == .x86_64 ? [.x86, .x32] : [.arm]
    }
}
