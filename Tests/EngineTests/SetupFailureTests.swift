// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxKernel
import SandboxSpec
import SetupProgram
import Testing

@testable import Engine

/// A failed step in words.
@Suite struct SetupFailureTests {
    private static func error(_ instruction: Instruction, _ errno: Int32) -> EngineError {
        error([.joinSessionKeyring, instruction], index: 1, errno)
    }

    private static func error(_ instructions: [Instruction], index: UInt32, _ errno: Int32) -> EngineError {
        let program = SetupProgram(
            instructions: instructions, descriptorCount: 0, slotCount: 1, slotNames: [Slot(0): "overlay"])
        return SetupFailure(program: program, index: index, errno: Errno(rawValue: errno)).error(SandboxSpec())
    }

    @Test func `a step is named as explain names it, with the kernel's answer`() {
        let error = Self.error(.attach(Slot(0), path: "/data", create: .directory), EINVAL)
        #expect(error.code == .setupFailed)
        #expect(error.description == "attach #0 (overlay) on /data (directory): invalid argument (EINVAL)")
    }

    private static func execution(_ errno: Int32) -> EngineError {
        error(.execute(arguments: ["./solve", "x"], environment: [], searchPath: []), errno)
    }

    @Test func `a program that is not there is 127`() {
        for errno in [ENOENT, ENOTDIR] {
            #expect(Self.execution(errno).code == .notFound)
            #expect(Self.execution(errno).exitStatus == 127)
        }
        #expect(Self.execution(ENOENT).message == "execute ./solve: no such file or directory (ENOENT)")
        #expect(Self.execution(ENOENT).hint?.contains("interpreter") == true)
    }

    @Test func `a program that cannot be executed is 126`() {
        for errno in [EACCES, ENOEXEC, EPERM, ENOMEM, E2BIG, EISDIR, ELOOP] {
            #expect(Self.execution(errno).code == .notExecutable)
            #expect(Self.execution(errno).exitStatus == 126)
        }
        #expect(Self.execution(EACCES).message == "execute ./solve: permission denied (EACCES)")
        #expect(Self.execution(EACCES).hint != nil && Self.execution(ENOEXEC).hint != nil)
        #expect(Self.execution(EACCES).hint != Self.execution(ENOEXEC).hint)
    }

    @Test func `where a cure is known it is named`() {
        let cures: [(Instruction, Int32, String)] = [
            (.createFileSystem(Slot(0), type: "proc", options: [], attributes: 0), EPERM, "unmasked"),
            (.createFileSystem(Slot(0), type: "sysfs", options: [], attributes: 0), EPERM, "unmasked"),
            (.createFileSystem(Slot(0), type: "overlay", options: [], attributes: 0), ENOSPC, "larger --disk"),
            (.createFileSystem(Slot(0), type: "overlay", options: [], attributes: 0), EDQUOT, "larger --disk"),
            (.setNice(-5), EACCES, "CAP_SYS_NICE"), (.setOOMScoreAdjustment(-5), EACCES, "CAP_SYS_RESOURCE"),
            (.createFileSystem(Slot(0), type: "overlay", options: [], attributes: 0), EINVAL, "5.11"),
            (.attach(Slot(0), path: "/a", create: .file), EXDEV, "/a would have to be made"),
            (.makeDirectory(path: "/a", mode: 0, uid: 0, gid: 0), EXDEV, "/a would have to be made"),
            (.attach(Slot(0), path: "/a", create: .file), EISDIR, "/a is a file on one side"),
            (.attach(Slot(0), path: "/a", create: .directory), ENOTDIR, "/a is a file on one side"),
            (.cloneHostTree(Slot(0), path: "/a", device: 1, inode: 1, recursive: true), ESTALE, "/a was replaced"),
            (.setWorkingDirectory(path: "/a"), ENOENT, "/a does not exist"),
            (.setWorkingDirectory(path: "/a"), ELOOP, "link of /proc"),
            (.setWorkingDirectory(path: "/a"), EACCES, "may not enter /a"),
            (.setResourceLimit(resource: 7, soft: 1, hard: 1), EPERM, "ulimit -H"),
            (.joinSessionKeyring, EDQUOT, "/proc/key-users"),
            (.setIdentity(uid: 5, gid: 5, groups: nil), EINVAL, "not mapped"),
            (.requireFileSystem(path: "/proc", magic: 1), ESTALE, "/proc of the root file system is a symlink"),
            (.requireFileSystem(path: "/proc", magic: 1), ENOENT, "make it a directory"),
            (.openGuards(Slot(0)), EINVAL, "fs.dir-notify-enable"),
            (.requireMounted(path: ".env"), ESTALE, "/workspace/.env was replaced"),
            (.guardName(path: ".env", action: .hide, holdsGuards: false), EMFILE, "ulimit -n"),
            (.guardName(path: ".env", action: .hide, holdsGuards: false), ENOENT, ".env was replaced"),
            (.writeFile(path: "/a", mode: 0, uid: 0, gid: 0, contents: []), ENOSPC, "--disk"),
        ]
        for (instruction, errno, text) in cures {
            let hint = Self.error(instruction, errno).hint
            #expect(hint?.contains(text) == true, "\(instruction): \(hint ?? "none")")
        }
        #expect(Self.error(.pivotRoot, EINVAL).hint == nil)
    }

    @Test func `an injected failure names the step that it stands before`() {
        let program: [Instruction] = [.fail(errno: 5), .pivotRoot]
        #expect(Self.error(program, index: 0, EIO).message == "pivot_root(\".\", \".\"): input/output error (EIO)")
        #expect(Self.error([.fail(errno: 5)], index: 0, EIO).message == "fail with errno 5: input/output error (EIO)")
    }

    @Test func `an index outside the program is init's failure, not a crash`() {
        for index: UInt32 in [1, 2, 0x7fff_ffff, .max - 1] {
            let error = Self.error([.pivotRoot], index: index, EIO)
            #expect(error.code == .initFailed)
            #expect(error.message == "init could not run step \(index): input/output error (EIO)")
        }
        let outside = Self.error([.pivotRoot], index: .max, EPERM)
        #expect(outside.code == .initFailed)
        #expect(
            outside.message
                == "init could not check its namespaces or read its program: operation not permitted (EPERM)")
        let early = SetupFailure(program: nil, index: 0, errno: Errno(rawValue: EIO)).error(SandboxSpec())
        #expect(early.code == .initFailed)
    }

    @Test func `an errno that no kernel has is printed as a number`() {
        #expect(Self.error(.pivotRoot, 4096).message == "pivot_root(\".\", \".\"): errno 4096")
        #expect(Self.error(.pivotRoot, -1).message == "pivot_root(\".\", \".\"): errno -1")
    }
}
