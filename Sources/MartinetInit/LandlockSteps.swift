// SPDX-License-Identifier: Apache-2.0
import CLinux

// Landlock: the ruleset is put together by init, which may go to every path, and laid around the agent's process alone.
// landlock(7), Linux 5.13

func createRuleset(_ operands: CreateRulesetOperands, _ slots: Slots) throws(StepError) {
    var attributes = mt_landlock_ruleset(
        handled_access_fs: operands.handledFiles, handled_access_net: operands.handledNetwork, scoped: operands.scopes)
    let ruleset = try withWord(&attributes) { attributes throws(StepError) in
        try sys(Int(SYS_landlock_create_ruleset), attributes, MemoryLayout<mt_landlock_ruleset>.size, 0)
    }
    try slots.fill(operands.slot, ruleset)
}

func allowPath(_ operands: AllowPathOperands, _ slots: Slots, _ root: NewRoot) throws(StepError) {
    let ruleset = try slots[operands.ruleset]
    let path: Int
    do throws(StepError) { path = try root.open(operands.path.start) } catch
        where operands.optional && error.errno == ENOENT
    {
        return
    } catch { throw error }
    defer { close(path) }
    try addRule(ruleset, path, operands.access)
}

/// Allows what a descriptor stands for, wherever it was opened. What no path leads to (an anonymous pipe, a socket, a file
/// in memory) takes no rule and needs none: EBADFD. landlock_add_rule(2)
func allowDescriptor(_ operands: AllowDescriptorOperands, _ slots: Slots) throws(StepError) {
    do throws(StepError) {
        try addRule(try slots[operands.ruleset], try slots[operands.descriptor], operands.access)
    } catch where error.errno == EBADFD {} catch { throw error }
}

private func addRule(_ ruleset: Int, _ parent: Int, _ access: UInt64) throws(StepError) {
    var rule = mt_landlock_path_beneath(allowed_access: access, parent_fd: Int32(parent))
    try withWord(&rule) { rule throws(StepError) in
        try sys(Int(SYS_landlock_add_rule), ruleset, Int(MT_LANDLOCK_RULE_PATH_BENEATH), rule, 0)
    }
}

func allowPort(_ operands: AllowPortOperands, _ slots: Slots) throws(StepError) {
    var rule = mt_landlock_net_port(allowed_access: operands.access, port: UInt64(operands.port))
    let ruleset = try slots[operands.ruleset]
    try withWord(&rule) { rule throws(StepError) in
        try sys(Int(SYS_landlock_add_rule), ruleset, Int(MT_LANDLOCK_RULE_NET_PORT), rule, 0)
    }
}

/// Restricts the calling process, and what it will start, for good. It takes no_new_privs.
func restrictSelf(_ operands: RestrictSelfOperands, _ slots: Slots) throws(StepError) {
    try sys(Int(SYS_landlock_restrict_self), try slots[operands.ruleset], Int(operands.flags))
}
