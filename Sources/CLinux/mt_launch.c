// SPDX-License-Identifier: Apache-2.0
#include "mt_launch.h"

// Stack protectors read thread-local storage, which a CLONE_VM child shares with its parent: harmless, but needless.
#define CHILD MT_UNINSTRUMENTED __attribute__((noinline, used, optimize("no-stack-protector")))
#ifdef __clang__
#undef CHILD
#define CHILD MT_UNINSTRUMENTED __attribute__((noinline, used, no_stack_protector))
#endif
#define CALL static inline MT_UNINSTRUMENTED long

CALL call0(long n) { return mt_syscall(n, 0, 0, 0, 0, 0, 0); }
CALL call1(long n, long a) { return mt_syscall(n, a, 0, 0, 0, 0, 0); }
CALL call2(long n, long a, long b) { return mt_syscall(n, a, b, 0, 0, 0, 0); }
CALL call3(long n, long a, long b, long c) { return mt_syscall(n, a, b, c, 0, 0, 0); }
CALL call4(long n, long a, long b, long c, long d) { return mt_syscall(n, a, b, c, d, 0, 0); }
CALL call5(long n, long a, long b, long c, long d, long e) { return mt_syscall(n, a, b, c, d, e, 0); }

// clone3(2) whose child calls body(argument) on the stack in `arguments` and exits with what it returns. In assembly,
// because the child must not return through a frame of the parent's.
long mt_clone3(struct clone_args *arguments, size_t size, int (*body)(void *), void *argument);
#if defined(__x86_64__)
__asm__(".text\n.globl mt_clone3\n.hidden mt_clone3\n.type mt_clone3,@function\nmt_clone3:\n"
        "  mov %rdx, %r8\n"
        "  mov %rcx, %r9\n"
        "  mov $435, %eax\n"
        "  syscall\n"
        "  test %rax, %rax\n"
        "  jnz 1f\n"
        "  xor %ebp, %ebp\n"
        "  mov %r9, %rdi\n"
        "  call *%r8\n"
        "  mov %eax, %edi\n"
        "  mov $60, %eax\n"
        "  syscall\n"
        "  hlt\n"
        "1: ret\n.size mt_clone3, .-mt_clone3\n");
#else
__asm__(".text\n.globl mt_clone3\n.hidden mt_clone3\n.type mt_clone3,%function\nmt_clone3:\n"
        "  mov x10, x2\n"
        "  mov x11, x3\n"
        "  mov x8, #435\n"
        "  svc #0\n"
        "  cbnz x0, 1f\n"
        "  mov x29, #0\n"
        "  mov x30, #0\n"
        "  mov x0, x11\n"
        "  blr x10\n"
        "  mov x8, #93\n"
        "  svc #0\n"
        "  brk #1\n"
        "1: ret\n.size mt_clone3, .-mt_clone3\n");
#endif

static CHILD int fail(struct mt_launch *l, int stage, long result) {
    l->error = (int)-result;
    l->stage = stage;
    return 125;
}

// Each stage passes through here, so that a test can make any of them fail.
static inline MT_UNINSTRUMENTED long step(struct mt_launch *l, int stage, long result) {
    return l->fail_stage == stage && result >= 0 ? -l->fail_errno : result;
}

// "EINTR The dup2() or dup3() call was interrupted by a signal": dup(2). Whatever was there is closed by then, or not.
static CHILD long duplicate_onto(int source, int target, int flags) {
    long result;
    do result = call3(SYS_dup3, source, target, flags);
    while (result == -EINTR);
    return result;
}

// Puts the descriptors where init expects them (0-2 null, 3 socket, 4 release, 5 init) and closes all others: a child of
// a launcher with many sandboxes must hold nobody else's pipe open.
static CHILD long arrange_descriptors(struct mt_launch *l) {
    int from[4] = {l->null, l->socket, l->release, l->init};
    for (int i = 0; i < 4; i++) {
        long high = call3(SYS_fcntl, from[i], F_DUPFD_CLOEXEC, 10);
        if (high < 0) return high;
        from[i] = (int)high;
    }
    for (int i = 0; i < 6; i++) {
        int source = i < 3 ? from[0] : from[i - 2];
        long result = duplicate_onto(source, i, i > 3 ? O_CLOEXEC : 0);
        if (result < 0) return result;
    }
    return call3(SYS_close_range, 6, ~0u, 0);
}

static CHILD long raise_ambient(unsigned last) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    long result = call2(SYS_capget, (long)&header, (long)data);
    if (result < 0) return result;
    data[0].inheritable = data[0].permitted;
    data[1].inheritable = data[1].permitted;
    result = call2(SYS_capset, (long)&header, (long)data);
    if (result < 0) return result;
    for (unsigned capability = 0; capability <= last; capability++) {
        uint32_t half = capability < 32 ? data[0].permitted : data[1].permitted;
        if (!(half >> (capability % 32) & 1)) continue;
        result = call5(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0);
        if (result < 0) return result;
    }
    return 0;
}

static CHILD int child(void *argument) {
    struct mt_launch *l = argument;
    static const char *const arguments[] = {"martinet-init", 0};
    static const char *const environment[] = {0};
    char byte = 0;
    long result = step(l, MT_STAGE_DESCRIPTORS, arrange_descriptors(l));
    if (result < 0) return fail(l, MT_STAGE_DESCRIPTORS, result);
    // Made here rather than by clone3: the launcher goes on while the network namespace, the dearest, is being built.
    result = step(l, MT_STAGE_UNSHARE, l->unshare_flags ? call1(SYS_unshare, (long)l->unshare_flags) : 0);
    if (result < 0) return fail(l, MT_STAGE_UNSHARE, result);
    do result = call3(SYS_read, 4, (long)&byte, 1);
    while (result == -EINTR);
    result = step(l, MT_STAGE_RELEASE, result == 0 ? -EPIPE : result);
    if (result < 0) return fail(l, MT_STAGE_RELEASE, result);
    if (l->identity == MT_IDENTITY_ROOT) {
        // Before exec, or exec drops the capabilities of an unmapped uid.
        if (l->clears_groups) result = call2(SYS_setgroups, 0, 0);
        if (result >= 0) result = call3(SYS_setresgid, 0, 0, 0);
        if (result >= 0) result = call3(SYS_setresuid, 0, 0, 0);
        result = step(l, MT_STAGE_SET_IDS, result);
        if (result < 0) return fail(l, MT_STAGE_SET_IDS, result);
        // A change of ids takes it from the memory, which is the launcher's until exec. prctl(2), PR_SET_DUMPABLE
        if (l->dumpable) call2(SYS_prctl, PR_SET_DUMPABLE, 1);
    } else if (l->identity == MT_IDENTITY_AMBIENT) {
        result = step(l, MT_STAGE_CAPABILITIES, raise_ambient(l->last_capability));
        if (result < 0) return fail(l, MT_STAGE_CAPABILITIES, result);
    }
    result = l->fail_stage == MT_STAGE_EXECUTE
                 ? -l->fail_errno
                 : call5(SYS_execveat, 5, (long)"", (long)arguments, (long)environment, AT_EMPTY_PATH);
    return fail(l, MT_STAGE_EXECUTE, result);
}

static CHILD long clone_child(struct mt_launch *l, void *stack, size_t size, uint64_t more_flags) {
    struct clone_args a;
    volatile char *zero = (volatile char *)&a;
    for (size_t i = 0; i < sizeof a; i++) zero[i] = 0;
    a.flags = l->clone_flags | CLONE_VM | CLONE_PIDFD | more_flags;
    if (l->cgroup >= 0) {
        a.flags |= CLONE_INTO_CGROUP;
        a.cgroup = (uint64_t)l->cgroup;
    }
    a.pidfd = (uint64_t)(uintptr_t)&l->pidfd;
    a.exit_signal = more_flags & CLONE_PARENT ? 0 : SIGCHLD;
    a.stack = (uint64_t)(uintptr_t)stack;
    a.stack_size = size;
    long pid = l->fail_stage == MT_STAGE_CLONE ? -l->fail_errno : mt_clone3(&a, sizeof a, child, l);
    if (pid > 0) l->pid = (int)pid;
    else fail(l, MT_STAGE_CLONE, pid);
    return pid;
}

struct helper {
    struct mt_launch *launch;
    void *stack;
    size_t size;
};

// Namespaces of the host can be joined only with the launcher's privileges, so before the user namespace is made: this
// helper joins them and clones init as its own sibling.
static CHILD int join_and_clone(void *argument) {
    struct helper *h = argument;
    struct mt_launch *l = h->launch;
    for (int i = 0; i < l->join_count; i++) {
        long result = step(l, MT_STAGE_JOIN, call2(SYS_setns, l->joins[i], 0));
        if (result < 0) return fail(l, MT_STAGE_JOIN, result);
    }
    return clone_child(l, h->stack, h->size, CLONE_PARENT) < 0 ? 125 : 0;
}

struct standing {
    struct __user_cap_header_struct header;
    struct __user_cap_data_struct capabilities[2];
    long uid, dumpable;
    int death_signal;
    int changed;
};

// What the kernel counts by user (inotify instances, message queues, pending signals, locked memory) it charges to whoever
// made the user namespace too: were that root, an agent could use up root's own. So the namespace is made by a uid of the
// sandbox's own. This thread alone changes, keeps its capabilities, and is itself again when the clone is done.
// user_namespaces(7), "Ownership"; kernel/ucount.c, `inc_ucount`
static long become_owner(const struct mt_launch *l, struct standing *s) {
    s->header.version = _LINUX_CAPABILITY_VERSION_3;
    s->header.pid = 0;
    s->changed = 0;
    s->uid = call0(SYS_geteuid);
    s->dumpable = call1(SYS_prctl, PR_GET_DUMPABLE);
    long result = call2(SYS_prctl, PR_GET_PDEATHSIG, (long)&s->death_signal);
    if (result >= 0) result = call2(SYS_capget, (long)&s->header, (long)s->capabilities);
    if (result >= 0) result = call3(SYS_setresuid, -1, l->owner, -1);
    if (result < 0) return result;
    s->changed = 1;
    // Leaving uid 0 empties the effective set; what is permitted stays, because the saved uid is still 0. capabilities(7)
    return call2(SYS_capset, (long)&s->header, (long)s->capabilities);
}

static CHILD void nap(void) {
    struct timespec millisecond = {0, 1000000};
    call4(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, (long)&millisecond, 0);
}

// Permitted: the real and saved uid, and the permitted set, are what they were. What is left is a kernel short of memory,
// which has a second. A launcher left half changed would be worse than none.
static void become_self(struct standing *s) {
    if (!s->changed) return;
    int tries = 0;
    while (call3(SYS_setresuid, -1, s->uid, -1) < 0 || call2(SYS_capset, (long)&s->header, (long)s->capabilities) < 0) {
        if (tries++ == 1000) __builtin_trap();
        nap();
    }
    // A change of uid takes both from the process. prctl(2)
    if (s->dumpable == 1) call2(SYS_prctl, PR_SET_DUMPABLE, 1);
    if (s->death_signal != 0) call2(SYS_prctl, PR_SET_PDEATHSIG, s->death_signal);
}

static long clone_or_join(struct mt_launch *l, void *stack, size_t size);

long mt_launch_start(struct mt_launch *l, void *stack, size_t size) {
    l->stage = MT_STAGE_NONE;
    l->error = 0;
    l->pid = -1;
    l->pidfd = -1;
    l->dumpable = call1(SYS_prctl, PR_GET_DUMPABLE) == 1;
    if (!l->has_owner) return clone_or_join(l, stack, size);
    struct standing standing;
    long result = become_owner(l, &standing);
    if (l->fail_stage == MT_STAGE_OWNER) result = -l->fail_errno;
    if (result < 0) fail(l, MT_STAGE_OWNER, result);
    else result = clone_or_join(l, stack, size);
    become_self(&standing);
    return result;
}

static long clone_or_join(struct mt_launch *l, void *stack, size_t size) {
    if (l->join_count == 0) {
        long pid = clone_child(l, stack, size, 0);
        return pid < 0 ? pid : 0;
    }
    size_t half = size / 2 & ~(size_t)15;
    struct helper h = {l, stack, half};
    struct clone_args a;
    memset(&a, 0, sizeof a);
    // CLONE_FILES, so that the process descriptor of init lands in the launcher's table.
    a.flags = CLONE_VM | CLONE_VFORK | CLONE_FILES;
    a.stack = (uint64_t)(uintptr_t)stack + half;
    a.stack_size = half;
    long helper = l->fail_stage == MT_STAGE_HELPER ? -l->fail_errno : mt_clone3(&a, sizeof a, join_and_clone, &h);
    if (helper < 0) {
        fail(l, MT_STAGE_HELPER, helper);
        return helper;
    }
    while (call4(SYS_wait4, helper, 0, __WALL, 0) == -EINTR) {}
    return l->pid > 0 ? 0 : -l->error;
}

// Waits for a process's end, and for nothing else: short of memory the kernel may refuse to wait.
static CHILD void await(int process) {
    struct pollfd watched = {process, POLLIN, 0};
    long result;
    while ((result = call5(SYS_ppoll, (long)&watched, 1, 0, 0, 8)) <= 0) {
        if (result != -EINTR) nap();
    }
}

// Only what the launcher made, and only while nothing else is in it: an agent may have moved or filled a placeholder.
static CHILD void remove_placeholder(const struct mt_janitor_entry *e) {
    struct open_how how = {O_PATH | O_NOFOLLOW | O_CLOEXEC, 0, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV};
    struct stat found;
    if (e->inode == 0) return;
    long file = call4(SYS_openat2, e->directory, (long)e->path, (long)&how, sizeof how);
    if (file < 0) return;
    long result = call2(SYS_fstat, file, (long)&found);
    call1(SYS_close, file);
    if (result < 0) return;
    if (e->inode != MT_JANITOR_ANY) {
        if (found.st_dev != e->device || found.st_ino != e->inode) return;
        if (e->kind == MT_JANITOR_PLACEHOLDER_FILE && found.st_size != e->size) return;
    }
    call3(SYS_unlinkat, e->directory, (long)e->path, e->kind == MT_JANITOR_PLACEHOLDER_DIRECTORY ? AT_REMOVEDIR : 0);
}

struct entry_record { // struct linux_dirent64, getdents64(2)
    uint64_t inode;
    int64_t offset;
    unsigned short length;
    unsigned char type;
    char name[];
};

static CHILD int is_dots(const char *name) { return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2])); }

// Opens the directory that a handle is on, and closes the handle; the owner gets the permission if that is missing.
static CHILD long open_handle(long handle) {
    static const char prefix[] = "/proc/self/fd/";
    char path[sizeof prefix + 10], digits[10];
    int count = 0, length = 0;
    for (long rest = handle; rest > 0 || count == 0; rest /= 10) digits[count++] = (char)('0' + rest % 10);
    for (; prefix[length]; length++) path[length] = prefix[length];
    while (count > 0) path[length++] = digits[--count];
    path[length] = 0;
    call3(SYS_fchmodat, AT_FDCWD, (long)path, 0700);
    long opened = call4(SYS_openat, AT_FDCWD, (long)path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    call1(SYS_close, handle);
    return opened;
}

// Opens a subdirectory, by one name and on the same file system.
static CHILD long open_below(long directory, const char *name) {
    struct open_how how = {O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0,
                           RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV};
    long handle = call4(SYS_openat2, directory, (long)name, (long)&how, sizeof how);
    return handle < 0 ? handle : open_handle(handle);
}

// Removes one name if that takes no more than a call; 0 if it did.
static CHILD long remove_name(long directory, const char *name) {
    long result = call3(SYS_unlinkat, directory, (long)name, 0);
    return result < 0 ? call3(SYS_unlinkat, directory, (long)name, AT_REMOVEDIR) : result;
}

// Empties one subdirectory of a tree: what is a directory that is not empty moves up beside it, for a later round. So the
// depth of a tree costs neither stack nor descriptors.
static CHILD int lift(long top, const char *name, unsigned *moved) {
    char buffer[2048] __attribute__((aligned(8)));
    static const char prefix[] = ".removing-";
    int done = 0;
    long child = open_below(top, name), count;
    if (child < 0) return 0;
    while ((count = call3(SYS_getdents64, child, (long)buffer, sizeof buffer)) > 0) {
        for (long at = 0; at < count; at += ((struct entry_record *)(buffer + at))->length) {
            struct entry_record *e = (struct entry_record *)(buffer + at);
            char fresh[sizeof prefix + 8];
            if (is_dots(e->name)) continue;
            if (remove_name(child, e->name) == 0) {
                done = 1;
                continue;
            }
            int length = 0;
            for (; prefix[length]; length++) fresh[length] = prefix[length];
            for (unsigned rest = ++*moved, i = 0; i < 8; i++, rest >>= 4) fresh[length++] = (char)('a' + (rest & 15));
            fresh[length] = 0;
            long result = call5(SYS_renameat2, child, (long)e->name, top, (long)fresh, 1 /* RENAME_NOREPLACE */);
            if (result == -EACCES) {
                long below = open_below(child, e->name); // a directory that moves is written to
                if (below >= 0) call1(SYS_close, below);
                result = call5(SYS_renameat2, child, (long)e->name, top, (long)fresh, 1);
            }
            if (result == 0) done = 1;
        }
    }
    call1(SYS_close, child);
    return call3(SYS_unlinkat, top, (long)name, AT_REMOVEDIR) == 0 || done;
}

// Removes all that is in a directory. Nothing outside can be reached: no symlink is followed and no file system entered.
static CHILD void empty(long top) {
    char buffer[2048] __attribute__((aligned(8)));
    unsigned moved = 0;
    int progress = 1;
    while (progress) {
        long count;
        progress = 0;
        call3(SYS_lseek, top, 0, SEEK_SET);
        while ((count = call3(SYS_getdents64, top, (long)buffer, sizeof buffer)) > 0) {
            for (long at = 0; at < count; at += ((struct entry_record *)(buffer + at))->length) {
                struct entry_record *entry = (struct entry_record *)(buffer + at);
                if (is_dots(entry->name)) continue;
                if (remove_name(top, entry->name) == 0 || lift(top, entry->name, &moved)) progress = 1;
            }
        }
    }
}

// Who this is to files: what the agent may not remove, root must not remove for it. setfsuid(2), of this thread alone
static CHILD void become_to_files(uint32_t uid, uint32_t gid) {
    call2(SYS_setgroups, 0, 0);
    call1(SYS_setfsgid, gid);
    call1(SYS_setfsuid, uid);
}

// A directory that is entered, not opened to be read: the agent of an ordinary user may have closed it.
static CHILD long open_entry(const struct mt_janitor_entry *e) {
    int flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    return call4(SYS_openat, e->directory, (long)e->path, flags, 0);
}

// Only what the launcher made: by device and inode, once those are known.
static CHILD void remove_tree(const struct mt_janitor_entry *e) {
    static const char *const inner[] = {"home", "tmp"};
    struct stat found;
    if (e->inode == 0) return;
    long handle = open_entry(e);
    if (handle < 0) return;
    int is_ours = call2(SYS_fstat, handle, (long)&found) == 0
        && (e->inode == MT_JANITOR_ANY || (found.st_dev == e->device && found.st_ino == e->inode));
    if (!is_ours) {
        call1(SYS_close, handle);
        return;
    }
    long top = open_handle(handle);
    if (top < 0) return;
    for (unsigned i = 0; e->has_owner && i < sizeof inner / sizeof *inner; i++) {
        long directory = open_below(top, inner[i]);
        if (directory < 0) continue;
        long self = call1(SYS_setfsuid, -1), group = call1(SYS_setfsgid, -1);
        become_to_files(e->owner, e->group);
        empty(directory);
        become_to_files((uint32_t)self, (uint32_t)group);
        call1(SYS_close, directory);
        call3(SYS_unlinkat, top, (long)inner[i], AT_REMOVEDIR);
    }
    if (!e->has_owner) empty(top);
    call1(SYS_close, top);
    call3(SYS_unlinkat, e->directory, (long)e->path, AT_REMOVEDIR);
}

// The launcher's table is the janitor's alone now. What it does not need it closes: an init that still waits for its id
// maps must see the end of its pipe, and whoever reads the launcher's output the end of that.
static CHILD void close_needless(const struct mt_janitor *j) {
    for (int descriptor = 0; descriptor < 4096; descriptor++) {
        int needed = descriptor == j->init;
        for (int i = 0; i < MT_JANITOR_ENTRIES && !needed; i++) {
            int kind = j->entries[i].kind;
            if (kind == MT_JANITOR_FREE) break; // entries are taken in order
            needed = j->entries[i].directory == descriptor;
        }
        if (!needed) call1(SYS_close, descriptor);
    }
}

// Writes to a control file in each of the cgroups; where a cgroup has no such file, nothing.
static CHILD void write_control(const struct mt_janitor *j, const char *file, const char *value, size_t length) {
    for (int i = 0; i < MT_JANITOR_ENTRIES; i++) {
        const struct mt_janitor_entry *e = &j->entries[i];
        if (e->kind != MT_JANITOR_BUSY_DIRECTORY) continue;
        long directory = open_entry(e);
        if (directory < 0) continue;
        long state = call4(SYS_openat, directory, (long)file, O_WRONLY | O_CLOEXEC, 0);
        if (state >= 0) {
            call3(SYS_write, state, (long)value, (long)length);
            call1(SYS_close, state);
        }
        call1(SYS_close, directory);
    }
}

// A cgroup v1 freezer keeps what is killed until it is thawed. Only a freezer has the file.
static CHILD void thaw(const struct mt_janitor *j) {
    static const char file[] = "freezer.state", value[] = "THAWED";
    write_control(j, file, value, sizeof value - 1);
}

static CHILD long read_number(const char *text, long length, long *at) {
    long value = 0, begin = *at;
    while (*at < length && text[*at] >= '0' && text[*at] <= '9') value = value * 10 + (text[(*at)++] - '0');
    if (*at == begin || *at == length) return -1; // cut off at the end of the buffer, or no number
    return value;
}

// Whether a process is listed; with pid 0, kills those that are and returns whether there were any.
static CHILD int look_through(long directory, long pid) {
    char text[2048];
    static const char file[] = "cgroup.procs";
    long list = call4(SYS_openat, directory, (long)file, O_RDONLY | O_CLOEXEC, 0);
    long length = list < 0 ? 0 : call3(SYS_read, list, (long)text, sizeof text);
    int found = 0;
    if (list >= 0) call1(SYS_close, list);
    for (long at = 0; at < length; at++) {
        long number = read_number(text, length, &at);
        if (number <= 0) continue;
        if (pid) {
            found |= number == pid;
            continue;
        }
        found = 1;
        long process = call2(SYS_pidfd_open, number, 0);
        if (process < 0) continue;
        // Once more, now that it is held: the number may have become another process's.
        if (look_through(directory, number)) call4(SYS_pidfd_send_signal, process, SIGKILL, 0, 0);
        call1(SYS_close, process);
    }
    return found;
}

// Kills what an init that was itself killed left running in its cgroups: ten seconds at most for each.
static CHILD void kill_stragglers(const struct mt_janitor *j) {
    for (int i = 0; i < MT_JANITOR_ENTRIES; i++) {
        const struct mt_janitor_entry *e = &j->entries[i];
        if (e->kind != MT_JANITOR_BUSY_DIRECTORY) continue;
        long directory = open_entry(e);
        if (directory < 0) continue;
        for (int tries = 0; tries < 10000 && look_through(directory, 0); tries++) nap();
        call1(SYS_close, directory);
    }
}

// Lets init end what it started: without a PID namespace its end alone would end nothing. In a v2 cgroup the kernel does
// it at once. (Linux 5.14)
static CHILD void let_finish(const struct mt_janitor *j) {
    static const char file[] = "cgroup.kill", value[] = "1";
    struct timespec patience = {30, 0};
    struct pollfd end = {j->init, POLLIN, 0};
    write_control(j, file, value, sizeof value - 1);
    thaw(j);
    if (call5(SYS_ppoll, (long)&end, 1, (long)&patience, 0, 8) == 0)
        call4(SYS_pidfd_send_signal, j->init, SIGKILL, 0, 0);
    kill_stragglers(j);
}

static CHILD int janitor(void *argument) {
    struct mt_janitor *j = argument;
    static const char name[] = "martinet-tidy";
    call0(SYS_setsid);
    call5(SYS_prctl, PR_SET_NAME, (long)name, 0, 0, 0);
    await(j->launcher);
    close_needless(j);
    if (j->init >= 0) {
        if (j->end == MT_JANITOR_KILL) {
            call4(SYS_pidfd_send_signal, j->init, SIGKILL, 0, 0);
            thaw(j);
        } else if (j->end == MT_JANITOR_LET_FINISH) {
            let_finish(j);
        }
        await(j->init);
    }
    for (int i = MT_JANITOR_ENTRIES - 1; i >= 0; i--) {
        struct mt_janitor_entry *e = &j->entries[i];
        switch (e->kind) {
        case MT_JANITOR_BUSY_DIRECTORY:
            // Processes that are dying still count for a while: ten seconds at most.
            for (int tries = 0; tries < 10000; tries++) {
                if (call3(SYS_unlinkat, e->directory, (long)e->path, AT_REMOVEDIR) != -EBUSY) break;
                nap();
            }
            break;
        case MT_JANITOR_SHARED_DIRECTORY:
            call3(SYS_unlinkat, e->directory, (long)e->path, AT_REMOVEDIR);
            break;
        case MT_JANITOR_PLACEHOLDER_FILE:
        case MT_JANITOR_PLACEHOLDER_DIRECTORY:
            remove_placeholder(e);
            break;
        case MT_JANITOR_TREE:
            remove_tree(e);
            break;
        default:
            break;
        }
    }
    return 0;
}

long mt_janitor_start(struct mt_janitor *j, void *stack, size_t size) {
    struct clone_args a;
    memset(&a, 0, sizeof a);
    // CLONE_FILES: descriptors opened later (init's, the workspace's) are the janitor's too.
    a.flags = CLONE_VM | CLONE_FILES;
    a.stack = (uint64_t)(uintptr_t)stack;
    a.stack_size = size;
    return mt_clone3(&a, sizeof a, janitor, j);
}

static CHILD int wait_for_end(void *argument) {
    char byte;
    int pipe = (int)(intptr_t)argument;
    // Else it would read the caller's input, or wait for itself.
    if (duplicate_onto(pipe, 0, 0) < 0 || call3(SYS_close_range, 1, ~0u, 0) < 0) return 1;
    while (call3(SYS_read, 0, (long)&byte, 1) == -EINTR) {}
    return 0;
}

long mt_user_namespace_start(int pipe, void *stack, size_t size) {
    struct clone_args a;
    memset(&a, 0, sizeof a);
    a.flags = CLONE_VM | CLONE_NEWUSER;
    a.stack = (uint64_t)(uintptr_t)stack;
    a.stack_size = size;
    return mt_clone3(&a, sizeof a, wait_for_end, (void *)(intptr_t)pipe);
}

long mt_spawn(int (*body)(void *), void *argument, void *stack, size_t stack_size, enum mt_spawn_mode mode) {
    struct clone_args a;
    memset(&a, 0, sizeof a);
    a.flags = mode == MT_SPAWN_BESIDE ? 0 : CLONE_VFORK | (mode == MT_SPAWN_SHARED ? CLONE_VM : 0);
    a.exit_signal = SIGCHLD;
    a.stack = (uint64_t)(uintptr_t)stack;
    a.stack_size = stack_size;
    return mt_clone3(&a, sizeof a, body, argument);
}
