// SPDX-License-Identifier: Apache-2.0
import CLinux

/// Takes an exclusive lock on an open file without waiting; false where another holds it. flock(2)
public func tryLock(_ descriptor: borrowing Descriptor) throws(SystemError) -> Bool {
    do throws(SystemError) {
        try kernel(
            "flock", "descriptor \(descriptor.rawValue)", Int(SYS_flock), Int(descriptor.rawValue),
            Int(LOCK_EX | LOCK_NB))
        return true
    } catch where error.errno == .again {
        return false
    } catch {
        throw error
    }
}

/// Takes an exclusive lock on an open file, waiting for at most so long; false where another holds it to the end of that.
/// flock(2)
public func lock(_ descriptor: borrowing Descriptor, within patience: Duration) throws(SystemError) -> Bool {
    // Looked at again and again: the kernel's own waiting ends by a signal alone.
    let deadline = monotonicNow() + patience
    var delay = Duration.microseconds(50)
    while try !tryLock(descriptor) {
        if monotonicNow() >= deadline { return false }
        blockThread(for: delay)
        delay = min(delay * 2, .milliseconds(10))
    }
    return true
}

/// Takes an exclusive lock on one byte of an open file without waiting; false where another open file holds it.
///
/// The lock belongs to the open file description: it survives fork, exec and descriptor passing, and ends when the last
/// descriptor is closed. fcntl(2), `F_OFD_SETLK`, Linux 3.15
public func tryLock(_ descriptor: borrowing Descriptor, byte: Int64) throws(SystemError) -> Bool {
    var request = flock()
    request.l_type = Int16(F_WRLCK)
    request.l_whence = Int16(SEEK_SET)
    request.l_start = off_t(byte)
    request.l_len = 1
    do throws(SystemError) {
        let setLock = 37  // F_OFD_SETLK
        let raw = descriptor.rawValue
        try withAddress(&request) { request throws(SystemError) in
            _ = try kernel("fcntl F_OFD_SETLK", "descriptor \(raw)", Int(SYS_fcntl), Int(raw), setLock, request)
        }
        return true
    } catch where error.errno == .again || error.errno == .permissionDenied {
        return false
    } catch {
        throw error
    }
}
