// SPDX-License-Identifier: Apache-2.0
import SetupProgram
import Testing

/// Numbers on the wire stay what they are: a line here is never changed, only added.
@Suite struct OpcodeTests {
    private static let numbers: [UInt16: Opcode] = [
        1: .unshareNamespaces, 2: .setTimeOffsets, 3: .joinSessionKeyring, 4: .setHostname, 5: .raiseLoopback,
        6: .setPropagation, 7: .joinCgroup,
        16: .createFileSystem, 17: .cloneHostTree, 18: .cloneTree, 19: .setMountAttributes, 20: .attachRoot,
        21: .attach,
        22: .enterRoot, 23: .pivotRoot, 24: .detachOldRoot, 25: .makeDirectory, 26: .writeFile, 27: .makeSymlink,
        28: .bindOntoItself, 29: .mask, 30: .makeMask, 32: .setRootAttributes, 33: .writeControlFile,
        34: .closeSlot, 35: .unmount, 36: .setAttributesAt, 37: .keepRoom, 41: .guardName,
        42: .requireFileSystem, 43: .requireMounted, 44: .openGuards,
        48: .openTerminal, 49: .watchMemory, 50: .setDeadline, 51: .startAgent, 52: .setOOMScoreAdjustment,
        55: .watchCPUTime, 56: .watchDisk,
        53: .outliveLauncher, 54: .holdSlot, 57: .serve, 58: .keepLog, 59: .logStream, 60: .keepInput,
        61: .restartAgent,
        64: .newSession, 65: .setStandardDescriptors, 66: .setResourceLimit, 68: .dropBoundingCapabilities,
        69: .setIdentity, 70: .setCapabilities, 71: .setWorkingDirectory, 72: .setUmask, 73: .resetSignals,
        74: .setNoNewPrivileges, 75: .installFilter, 76: .closeDescriptors, 77: .execute, 78: .setSecurebits,
        79: .setNice,
        80: .createRuleset, 81: .allowPath, 82: .allowDescriptor, 83: .allowPort, 84: .restrictSelf,
        85: .setParentDeathSignal,
        255: .fail,
    ]

    @Test func `every opcode has its own number for good, and no other number is one`() {
        for number in 0...UInt16.max { #expect(Opcode(rawValue: number) == Self.numbers[number], "\(number)") }
    }

    @Test func `without namespaces no instruction runs that could touch what is the host's`() {
        let allowed: Set<Opcode> = [
            .joinCgroup, .joinSessionKeyring, .closeSlot, .watchMemory, .setDeadline, .startAgent,
            .setOOMScoreAdjustment, .holdSlot, .watchCPUTime, .createRuleset, .allowDescriptor, .allowPort, .newSession,
            .setStandardDescriptors, .setResourceLimit, .dropBoundingCapabilities, .setIdentity, .setCapabilities,
            .setSecurebits, .setNice, .setWorkingDirectory, .setUmask, .resetSignals, .setNoNewPrivileges,
            .setParentDeathSignal, .restrictSelf, .installFilter, .closeDescriptors, .execute, .fail,
        ]
        for opcode in Self.numbers.values {
            #expect(opcode.runsWithoutNamespaces == allowed.contains(opcode), "\(opcode)")
        }
    }

    private static let records: [UInt16: RecordKind] = [
        1: .program, 2: .programPart, 3: .signal, 4: .terminate,
        16: .exec, 17: .execPart, 18: .signalExec, 19: .queryProgram, 20: .takeInput, 21: .closeInput,
        22: .queryProcesses, 23: .endRestarts, 32: .openPath,
        64: .failed, 65: .descriptor, 66: .started, 67: .exited, 68: .stopped,
        80: .execStarted, 81: .execExited, 82: .agentProgram, 83: .processes, 84: .refused, 85: .done,
    ]

    @Test func `every record kind has its own number for good, and no other number is one`() {
        for number in 0...UInt16.max { #expect(RecordKind(rawValue: number) == Self.records[number], "\(number)") }
    }

    @Test func `numbers inside records stay what they are`() {
        #expect([SignalScope.agent, .agentGroup, .everyone].map(\.rawValue) == [0, 1, 2])
        #expect(
            [EndReason.agentEnded, .deadline, .memory, .terminated, .cpuTime, .output].map(\.rawValue) == [
                0, 1, 2, 3, 4, 5,
            ])
        #expect([GuardAction.pin, .protect, .hide].map(\.rawValue) == [0, 1, 2])
        #expect([TargetKind.mustExist, .directory, .file].map(\.rawValue) == [0, 1, 2])
        #expect([DescriptorPurpose.terminal, .listener, .input, .file].map(\.rawValue) == [1, 2, 3, 4])
        #expect([LogStream.standardOutput, .standardError, .terminal].map(\.rawValue) == [1, 2, 3])
        #expect(RecordLayout.magic == 0x3152_544D && RecordLayout.version == 1)
        #expect(ProgramHeader.magic == 0x3150_544D && ProgramHeader.version == 1 && ProgramHeader.size == 56)
    }
}
