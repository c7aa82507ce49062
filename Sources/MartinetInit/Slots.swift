// SPDX-License-Identifier: Apache-2.0
import CLinux

/// The descriptors that instructions name by number.
struct Slots {
    private let numbers: UnsafeMutablePointer<Int32>
    private let count: Int

    init(count: Int) {
        numbers = .allocate(capacity: max(count, 1))
        numbers.initialize(repeating: -1, count: max(count, 1))
        self.count = count
    }

    subscript(slot: UInt32) -> Int {
        get throws(StepError) {
            guard Int(slot) < count, numbers[Int(slot)] >= 0 else { throw StepError(EBADF) }
            return Int(numbers[Int(slot)])
        }
    }

    /// Puts a descriptor into an empty slot.
    func fill(_ slot: UInt32, _ descriptor: Int) throws(StepError) {
        guard Int(slot) < count, numbers[Int(slot)] < 0 else {
            close(descriptor)
            throw StepError(EBADSLT)
        }
        numbers[Int(slot)] = Int32(descriptor)
    }

    func empty(_ slot: UInt32) throws(StepError) {
        close(try self[slot])
        numbers[Int(slot)] = -1
    }

    /// Takes a descriptor out of its slot and keeps it open, out of every instruction's reach.
    func hold(_ slot: UInt32) throws(StepError) {
        _ = try self[slot]
        numbers[Int(slot)] = -1
    }

    var capacity: Int { count }

    /// Shows the descriptors of another table under the same numbers, as far as there is room; they stay that table's.
    func borrow(_ other: Slots) {
        for slot in 0..<min(count, other.count) { numbers[slot] = other.numbers[slot] }
    }

    /// Lets go of the table, not of what is in it.
    func free() { numbers.deallocate() }

    /// Closes a slot's descriptor if it has one, unless it is the one to keep.
    func release(_ slot: UInt32, except kept: Int) {
        guard numbers[Int(slot)] >= 0, Int(numbers[Int(slot)]) != kept else { return }
        close(Int(numbers[Int(slot)]))
        numbers[Int(slot)] = -1
    }
}
