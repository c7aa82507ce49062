// SPDX-License-Identifier: Apache-2.0
import CLinux
import FuzzerInterface

// What init calls, by CLinux's names.

func mt_syscall(_ number: Int, _ a: Int, _ b: Int, _ c: Int, _ d: Int, _ e: Int, _ f: Int) -> Int {
    let result = kernel.call(number, [a, b, c, d, e, f])
    if kernel.ends { mt_fuzz_leave() }
    return result
}

func mt_receive_descriptors(
    _ socket: Int32, _ bytes: UnsafeMutableRawPointer?, _ length: Int, _ descriptors: UnsafeMutablePointer<Int32>?,
    _ count: UnsafeMutablePointer<Int>, _ flags: Int32
) -> Int {
    kernel.receive(from: Int(socket), bytes, length, descriptors, count)
}

func mt_send_descriptors(
    _ socket: Int32, _ bytes: UnsafeRawPointer?, _ length: Int, _ descriptors: UnsafePointer<Int32>?, _ count: Int,
    _ flags: Int32
) -> Int {
    kernel.said.append(Array(UnsafeRawBufferPointer(start: bytes, count: length)))
    return length
}

/// The agent's process, one after the other with init: until it executes or exits.
func mt_spawn(
    _ body: @convention(c) (UnsafeMutableRawPointer?) -> Int32, _ argument: UnsafeMutableRawPointer?,
    _ stack: UnsafeMutableRawPointer, _ size: Int, _ mode: mt_spawn_mode
) -> Int {
    if let errno = kernel.failure() { return errno }
    let pid = kernel.started()
    var child = Child(body: body, argument: argument)
    let openBefore = kernel.open
    _ = withUnsafeMutablePointer(to: &child) { child in
        mt_fuzz_run(
            { child in
                guard let child = child?.assumingMemoryBound(to: Child.self) else { return }
                _ = child.pointee.body(child.pointee.argument)
            }, child)
    }
    // A process has descriptors of its own.
    kernel.open = openBefore
    return pid
}

private struct Child {
    var body: @convention(c) (UnsafeMutableRawPointer?) -> Int32
    var argument: UnsafeMutableRawPointer?
}

/// The agent's process would wait here for init, which waits for it.
func mt_await_taken(_ page: UnsafeMutablePointer<mt_agent_page>) {}
