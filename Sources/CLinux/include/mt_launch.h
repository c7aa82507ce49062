// SPDX-License-Identifier: Apache-2.0
//
// The two routines that run between a clone and an exec, or without one: the child that becomes init, and the janitor.
// Both run in the launcher's memory (CLONE_VM) on stacks of their own, so they make raw system calls only: no libc, no
// errno, no Swift.
#ifndef MARTINET_MT_LAUNCH_H
#define MARTINET_MT_LAUNCH_H
#include "clinux.h"

/// The step that a launch failed at. Printed by the host; numbers are for this process only.
enum mt_launch_stage {
    MT_STAGE_NONE = 0,
    MT_STAGE_OWNER,
    MT_STAGE_CLONE,
    MT_STAGE_HELPER,
    MT_STAGE_JOIN,
    MT_STAGE_DESCRIPTORS,
    MT_STAGE_UNSHARE,
    MT_STAGE_RELEASE,
    MT_STAGE_SET_IDS,
    MT_STAGE_CAPABILITIES,
    MT_STAGE_EXECUTE,
};

/// How the child gets to hold its capabilities across exec.
enum mt_launch_identity {
    /// Become uid and gid 0 of the new user namespace.
    MT_IDENTITY_ROOT = 0,
    /// Stay the one id that is mapped; raise every capability as ambient.
    MT_IDENTITY_AMBIENT = 1,
    /// Stay who the launcher is, with what the launcher has: without a user namespace.
    MT_IDENTITY_CALLER = 2,
};

#define MT_MOST_JOINS 8

/// One launch. Lives with its stack in one mapping, which stays until the child has ended.
struct mt_launch {
    // In
    uint64_t clone_flags;
    uint64_t unshare_flags;
    int cgroup;   ///< Directory for CLONE_INTO_CGROUP, or -1. Linux 5.7
    int init;     ///< The init program, opened.
    int socket;   ///< Init's side of the record socket.
    int null;     ///< /dev/null: init's standard descriptors.
    int release;  ///< Read end of a pipe: a byte says that the id maps are written; its end, that the launcher died.
    int identity; ///< enum mt_launch_identity
    int clears_groups;
    int join_count;
    int joins[MT_MOST_JOINS]; ///< Namespaces to join before the user namespace is made, opened.
    unsigned last_capability;
    int has_owner;  ///< Whether a user namespace that is made is to be `owner`'s.
    uint32_t owner; ///< A uid of the launcher's user namespace.
    int fail_stage; ///< Fault injection: the stage that fails with fail_errno instead of being done, or 0.
    int fail_errno;
    // Out
    volatile int stage;
    volatile int error;
    int pid;
    int pidfd;
    int dumpable; ///< Whether the launcher was when it began, and is to stay so. prctl(2), PR_SET_DUMPABLE
};

/// Starts the child. Returns 0 with pid and pidfd set, or -errno with stage set. The caller has all signals blocked.
long mt_launch_start(struct mt_launch *launch, void *stack, size_t stack_size);

/// What the janitor removes when the launcher has died.
enum mt_janitor_kind {
    MT_JANITOR_FREE = 0,
    /// A directory that empties by itself (a cgroup): removed, with patience while it is busy.
    MT_JANITOR_BUSY_DIRECTORY,
    /// A directory that others may be using: removed if empty.
    MT_JANITOR_SHARED_DIRECTORY,
    /// A file of a certain size, or an empty directory, that must still be the one that was made.
    MT_JANITOR_PLACEHOLDER_FILE,
    MT_JANITOR_PLACEHOLDER_DIRECTORY,
    /// A directory that must still be the one that was made, with all that is in it.
    MT_JANITOR_TREE,
};

/// What becomes of init when the launcher has died.
enum mt_janitor_end {
    /// Killed, and all of its PID namespace with it.
    MT_JANITOR_KILL = 0,
    /// Left alone, and waited for.
    MT_JANITOR_LEAVE,
    /// Waited for while it ends what it started, which nobody else could find; killed if it takes too long.
    MT_JANITOR_LET_FINISH,
};

/// Room for a path below the workspace or a cgroup's, with its end.
#define MT_JANITOR_PATH 1280

struct mt_janitor_entry {
    volatile int kind;
    int directory; ///< Descriptor that the path begins at, or AT_FDCWD.
    uint64_t device;
    uint64_t inode; ///< 0: not made yet, so nothing is removed. MT_JANITOR_ANY: the name is nobody else's.
    /// Of a tree: whose what is in its `home` and `tmp` is, if not the launcher's; nothing is removed that this user may not.
    int has_owner;
    uint32_t owner, group;
    int64_t size;   ///< Of a placeholder file; not looked at where the name is nobody else's.
    char path[MT_JANITOR_PATH];
};

#define MT_JANITOR_ANY UINT64_MAX
/// As many as a workspace may have mounts, and cgroups. Pages that no entry is in are never touched.
#define MT_JANITOR_ENTRIES 4352

/// The janitor's memory, shared with the launcher: entries are written before the thing they name is made.
struct mt_janitor {
    volatile int launcher; ///< Process descriptor of the launcher.
    volatile int init;     ///< Process descriptor of init, or -1.
    volatile int end;      ///< enum mt_janitor_end
    struct mt_janitor_entry entries[MT_JANITOR_ENTRIES];
};

/// An entry; Swift does not see arrays as long as this one.
static inline struct mt_janitor_entry *mt_janitor_at(struct mt_janitor *janitor, int index) {
    return &janitor->entries[index];
}

/// Starts the janitor: a process in the launcher's memory and with its descriptors, in a session of its own, that sleeps
/// until the launcher dies. Returns its pid or -errno. The caller has all signals blocked.
long mt_janitor_start(struct mt_janitor *janitor, void *stack, size_t stack_size);

/// Starts a process in a new user namespace that only waits for `pipe` (read end) to end: a namespace whose id maps an
/// id-mapped mount takes must have had a process. Returns its pid or -errno. The caller has all signals blocked.
long mt_user_namespace_start(int pipe, void *stack, size_t stack_size);

enum mt_spawn_mode {
    /// In a copy of the memory; the caller sleeps until the child executes or exits.
    MT_SPAWN_COPIED = 0,
    /// In the caller's memory, on a borrowed stack; the caller sleeps likewise.
    MT_SPAWN_SHARED = 1,
    /// In a copy of the memory, while the caller goes on.
    MT_SPAWN_BESIDE = 2,
};

/// Runs `body(argument)` in a child. Returns its pid or -errno. Used by init to start agents.
long mt_spawn(int (*body)(void *), void *argument, void *stack, size_t stack_size, enum mt_spawn_mode mode);

/// The page through which the agent's process, between fork and exec, tells init what it cannot say in a system call.
struct mt_agent_page {
    /// The instruction that failed, and its errno; 0 while nothing has.
    uint32_t failed_index;
    int32_t failed_errno;
    /// The filter's listener in the agent's process, or -1.
    volatile int32_t listener;
    /// Set by init when it has taken the listener.
    volatile int32_t taken;
};

/// Waits without a system call: under the filter each one may need an answer from whom this is waiting for.
static inline void mt_await_taken(struct mt_agent_page *page) {
    while (!page->taken) {
#if defined(__x86_64__)
        __builtin_ia32_pause();
#else
        __asm__ volatile("yield");
#endif
    }
    __sync_synchronize();
}
static inline int32_t mt_listener(const struct mt_agent_page *page) { return page->listener; }
static inline void mt_offer_listener(struct mt_agent_page *page, int32_t listener) {
    __sync_synchronize();
    page->listener = listener;
}
static inline void mt_take_listener(struct mt_agent_page *page) {
    __sync_synchronize();
    page->taken = 1;
}
static inline int32_t mt_agent_errno(const struct mt_agent_page *page) {
    return *(const volatile int32_t *)&page->failed_errno;
}

#endif
