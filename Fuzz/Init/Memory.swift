// SPDX-License-Identifier: Apache-2.0
import Glibc

/// What init allocates: freed after each input, since a process that exits frees nothing.
enum Memory {
    private nonisolated(unsafe) static var live: Set<UInt> = []

    static func allocate(_ count: Int, _ alignment: Int) -> UnsafeMutableRawPointer {
        var memory: UnsafeMutableRawPointer?
        guard posix_memalign(&memory, max(alignment, 16), max(count, 1)) == 0, let memory else {
            fatalError("no memory")
        }
        live.insert(UInt(bitPattern: memory))
        return memory
    }

    static func free(_ memory: UnsafeMutableRawPointer) {
        guard live.remove(UInt(bitPattern: memory)) != nil else {
            fatalError("a promise is broken: memory is freed that is not allocated")
        }
        Glibc.free(memory)
    }

    static func freeAll() {
        for address in live { Glibc.free(UnsafeMutableRawPointer(bitPattern: address)) }
        live = []
    }
}

extension UnsafeMutableRawPointer {
    static func allocate(byteCount: Int, alignment: Int) -> UnsafeMutableRawPointer {
        Memory.allocate(byteCount, alignment)
    }

    func deallocate() { Memory.free(self) }
}

extension UnsafeMutablePointer {
    static func allocate(capacity: Int) -> UnsafeMutablePointer {
        let count = capacity * MemoryLayout<Pointee>.stride
        return Memory.allocate(count, MemoryLayout<Pointee>.alignment).assumingMemoryBound(to: Pointee.self)
    }

    func deallocate() { Memory.free(UnsafeMutableRawPointer(self)) }
}
