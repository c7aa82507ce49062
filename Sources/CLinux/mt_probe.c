// SPDX-License-Identifier: Apache-2.0
#include "mt_probe.h"
#include <linux/landlock.h>

// All that follows runs in the child but the last two functions. See MT_UNINSTRUMENTED.
#if defined(__clang__) && __has_attribute(disable_sanitizer_instrumentation)
#pragma clang attribute push(__attribute__((disable_sanitizer_instrumentation)), apply_to = function)
#endif

static inline long call1(long n, long a) { return mt_syscall(n, a, 0, 0, 0, 0, 0); }
static inline long call2(long n, long a, long b) { return mt_syscall(n, a, b, 0, 0, 0, 0); }
static inline long call3(long n, long a, long b, long c) { return mt_syscall(n, a, b, c, 0, 0, 0); }
static inline long call4(long n, long a, long b, long c, long d) { return mt_syscall(n, a, b, c, d, 0, 0); }
static inline long call5(long n, long a, long b, long c, long d, long e) { return mt_syscall(n, a, b, c, d, e, 0); }

long mt_clone3(struct clone_args *arguments, size_t size, int (*body)(void *), void *argument); // mt_launch.c

// What later attempts need of earlier ones.
struct state {
    const struct mt_probe *probe;
    int apart;    // Whether the child has a mount namespace of its own: nothing is mounted before.
    long proc;    // The mount, or a negative errno.
    long tmpfs;   // The same.
    long overlay; // The same.
};

static long closed(long descriptor) {
    if (descriptor >= 0) call1(SYS_close, descriptor);
    return descriptor < 0 ? descriptor : 0;
}

// Whether a call exists that only a privilege lets succeed: any other errno than ENOSYS is the call's own.
static long exists(long result) {
    if (result == -ENOSYS) return result;
    closed(result);
    return 0;
}

static long statx_mount_id(void) {
    struct statx found;
    memset(&found, 0, sizeof found);
    long result = call5(SYS_statx, AT_FDCWD, (long)".", 0, STATX_MNT_ID, (long)&found);
    if (result < 0) return result;
    return found.stx_mask & STATX_MNT_ID ? 0 : -EOPNOTSUPP;
}

static long send_nothing(void) {
    long own = call2(SYS_pidfd_open, call1(SYS_getpid, 0), 0);
    if (own < 0) return own;
    long result = call4(SYS_pidfd_send_signal, own, 0, 0, 0);
    call1(SYS_close, own);
    return result;
}

static long has_action(uint32_t action) { return call3(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, (long)&action); }

// A filter that is not there: EFAULT once the flags are accepted, EINVAL where one is unknown. seccomp(2)
static long has_flag(unsigned long flag) {
    long result = call3(SYS_seccomp, SECCOMP_SET_MODE_FILTER, (long)flag, 0);
    return result == -EFAULT ? 0 : result;
}

static long install_filter(unsigned long flags) {
    struct sock_filter allow = {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW};
    struct sock_fprog program = {1, &allow};
    long result = call5(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (result < 0) return result;
    return closed(call3(SYS_seccomp, SECCOMP_SET_MODE_FILTER, (long)flags, (long)&program));
}

static long restrict_files(void) {
    struct landlock_ruleset_attr rules;
    memset(&rules, 0, sizeof rules);
    rules.handled_access_fs = LANDLOCK_ACCESS_FS_MAKE_CHAR;
    long result = call5(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (result < 0) return result;
    long set = call3(SYS_landlock_create_ruleset, (long)&rules, sizeof rules.handled_access_fs, 0);
    if (set < 0) return set;
    result = call2(SYS_landlock_restrict_self, set, 0);
    call1(SYS_close, set);
    return result;
}

static long become_root(const struct mt_probe *probe) {
    if (!probe->maps_range) return 0;
    long result = call3(SYS_setresgid, 0, 0, 0);
    return result < 0 ? result : call3(SYS_setresuid, 0, 0, 0);
}

static long make_private(void) {
    struct mount_attr attributes;
    memset(&attributes, 0, sizeof attributes);
    attributes.propagation = 1 << 18; // MS_PRIVATE
    return call5(SYS_mount_setattr, AT_FDCWD, (long)"/", AT_RECURSIVE, (long)&attributes, sizeof attributes);
}

// A detached mount of a new file system; `options` are pairs of key and value, a value of null is a flag.
static long make_file_system(const char *type, const char *const *options) {
    long context = call2(SYS_fsopen, (long)type, FSOPEN_CLOEXEC);
    if (context < 0) return context;
    long result = 0;
    for (int i = 0; options && options[i] && result >= 0; i += 2) {
        int command = options[i + 1] ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG;
        result = call5(SYS_fsconfig, context, command, (long)options[i], (long)options[i + 1], 0);
    }
    if (result >= 0) result = call5(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, 0, 0, 0);
    if (result >= 0) {
        long attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
        result = call3(SYS_fsmount, context, FSMOUNT_CLOEXEC, attributes);
    }
    call1(SYS_close, context);
    return result;
}

static long make_terminals(void) {
    static const char *const options[] = {"newinstance", 0, "ptmxmode", "0666", "mode", "0620", 0, 0};
    return closed(make_file_system("devpts", options));
}

static long open_setting(struct state *s) {
    if (s->proc < 0) return s->proc;
    static const char path[] = "sys/net/ipv4/ip_unprivileged_port_start";
    return closed(call4(SYS_openat, s->proc, (long)path, O_WRONLY | O_CLOEXEC, 0));
}

static long attach_tmpfs(struct state *s) {
    if (s->tmpfs < 0) return s->tmpfs;
    long result = call5(SYS_move_mount, s->tmpfs, (long)"", AT_FDCWD, (long)"/", MOVE_MOUNT_F_EMPTY_PATH);
    // Paths that begin at "/" still lead to the old root; the overlay's layers are named from here.
    return result < 0 ? result : call1(SYS_fchdir, s->tmpfs);
}

static long set_attribute(struct state *s) {
    if (s->tmpfs < 0) return s->tmpfs;
    long root = call4(SYS_openat, s->tmpfs, (long)".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (root < 0) return root;
    long result = call5(SYS_fsetxattr, root, (long)"user.martinet", (long)"1", 1, 0);
    call1(SYS_close, root);
    return result;
}

static long make_directories(struct state *s, const char *const *names) {
    long result = s->tmpfs;
    for (int i = 0; names[i] && result >= 0; i++) result = call3(SYS_mkdirat, s->tmpfs, (long)names[i], 0755);
    return result;
}

static long make_overlay(struct state *s) {
    static const char *const directories[] = {"lower", "lower/d", "upper", "work", 0};
    static const char *const options[] = {"lowerdir", "lower",     "upperdir", "upper", "workdir",
                                          "work",     "userxattr", 0,          0,       0};
    long result = make_directories(s, directories);
    if (result < 0) return result;
    s->overlay = make_file_system("overlay", options);
    return s->overlay < 0 ? s->overlay : 0;
}

// As the launcher's init does: the tree is attached first, since overlay takes no detached ones.
static long make_mapped_overlay(struct state *s) {
    static const char *const directories[] = {"mapped", "upper2", "work2", 0};
    static const char *const options[] = {"lowerdir", "mapped",    "upperdir", "upper2", "workdir",
                                          "work2",    "userxattr", 0,          0,        0};
    if (s->probe->layer < 0) return -ENOTCONN;
    long result = make_directories(s, directories);
    if (result < 0) return result;
    result = call5(SYS_move_mount, s->probe->layer, (long)"", s->tmpfs, (long)"mapped", MOVE_MOUNT_F_EMPTY_PATH);
    return result < 0 ? result : closed(make_file_system("overlay", options));
}

// Without xattrs in the upper layer nothing can say that the new directory hides the lower one's contents: EIO.
static long replace_directory(struct state *s) {
    if (s->overlay < 0) return s->overlay;
    long result = call3(SYS_unlinkat, s->overlay, (long)"d", AT_REMOVEDIR);
    return result < 0 ? result : call3(SYS_mkdirat, s->overlay, (long)"d", 0755);
}

static long pivot_root(struct state *s) {
    if (s->tmpfs < 0) return s->tmpfs;
    long result = call1(SYS_fchdir, s->tmpfs);
    return result < 0 ? result : call2(SYS_pivot_root, (long)".", (long)".");
}

static long try_call(int attempt) {
    struct open_how how = {O_PATH | O_CLOEXEC, 0, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
    switch (attempt) {
    case MT_PROBE_OPENAT2: return closed(call4(SYS_openat2, AT_FDCWD, (long)".", (long)&how, sizeof how));
    case MT_PROBE_CLOSE_RANGE: return call3(SYS_close_range, ~0u, ~0u, 0);
    case MT_PROBE_PIDFD_OPEN: return closed(call2(SYS_pidfd_open, call1(SYS_getpid, 0), 0));
    case MT_PROBE_PIDFD_SEND_SIGNAL: return send_nothing();
    case MT_PROBE_FACCESSAT2: return call4(SYS_faccessat2, AT_FDCWD, (long)".", F_OK, AT_EACCESS);
    case MT_PROBE_FSOPEN: return exists(call2(SYS_fsopen, (long)"tmpfs", FSOPEN_CLOEXEC));
    case MT_PROBE_OPEN_TREE: return exists(call3(SYS_open_tree, AT_FDCWD, (long)".", OPEN_TREE_CLOEXEC));
    case MT_PROBE_MOVE_MOUNT: return exists(call5(SYS_move_mount, -1, (long)"", -1, (long)"", MOVE_MOUNT_F_EMPTY_PATH));
    case MT_PROBE_MOUNT_SETATTR: return exists(call5(SYS_mount_setattr, -1, (long)"", AT_EMPTY_PATH, 0, 0));
    case MT_PROBE_STATX_MOUNT_ID: return statx_mount_id();
    default: return -ENOTSUP;
    }
}

static long try_confinement(int attempt) {
    struct seccomp_notif_sizes sizes;
    switch (attempt) {
    case MT_PROBE_ACTION_KILL_PROCESS: return has_action(SECCOMP_RET_KILL_PROCESS);
    case MT_PROBE_ACTION_KILL_THREAD: return has_action(SECCOMP_RET_KILL_THREAD);
    case MT_PROBE_ACTION_TRAP: return has_action(SECCOMP_RET_TRAP);
    case MT_PROBE_ACTION_ERRNO: return has_action(SECCOMP_RET_ERRNO);
    case MT_PROBE_ACTION_USER_NOTIF: return has_action(SECCOMP_RET_USER_NOTIF);
    case MT_PROBE_ACTION_TRACE: return has_action(SECCOMP_RET_TRACE);
    case MT_PROBE_ACTION_LOG: return has_action(SECCOMP_RET_LOG);
    case MT_PROBE_ACTION_ALLOW: return has_action(SECCOMP_RET_ALLOW);
    case MT_PROBE_NOTIF_SIZES: return call3(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, (long)&sizes);
    case MT_PROBE_FLAG_NEW_LISTENER: return has_flag(SECCOMP_FILTER_FLAG_NEW_LISTENER);
    // Only together with a listener. seccomp(2)
    case MT_PROBE_FLAG_WAIT_KILLABLE_RECV:
        return has_flag(SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);
    case MT_PROBE_FILTER: return install_filter(0);
    case MT_PROBE_LISTENER: return install_filter(SECCOMP_FILTER_FLAG_NEW_LISTENER);
    case MT_PROBE_LANDLOCK_ABI: return call3(SYS_landlock_create_ruleset, 0, 0, LANDLOCK_CREATE_RULESET_VERSION);
    case MT_PROBE_LANDLOCK_RESTRICT: return restrict_files();
    default: return -ENOTSUP;
    }
}

static long unshare_mounts(struct state *s) {
    // A user namespace of the child's own cuts the way back of every mount to the caller's namespace. mount_namespaces(7)
    if (!(s->probe->clone_flags & CLONE_NEWUSER)) return -ENOTSUP;
    long result = call1(SYS_unshare, CLONE_NEWNS);
    s->apart = result >= 0;
    return result;
}

static long try_namespaces(struct state *s, int attempt) {
    if (attempt >= MT_PROBE_MAKE_PRIVATE && !s->apart) return -ENOTCONN;
    switch (attempt) {
    case MT_PROBE_BECOME_ROOT: return become_root(s->probe);
    case MT_PROBE_UNSHARE_MOUNT: return unshare_mounts(s);
    case MT_PROBE_UNSHARE_NETWORK: return call1(SYS_unshare, CLONE_NEWNET);
    case MT_PROBE_UNSHARE_UTS: return call1(SYS_unshare, CLONE_NEWUTS);
    case MT_PROBE_UNSHARE_IPC: return call1(SYS_unshare, CLONE_NEWIPC);
    case MT_PROBE_UNSHARE_CGROUP: return call1(SYS_unshare, CLONE_NEWCGROUP);
    case MT_PROBE_UNSHARE_TIME: return call1(SYS_unshare, CLONE_NEWTIME);
    case MT_PROBE_MAKE_PRIVATE: return make_private();
    case MT_PROBE_MOUNT_PROC:
        s->proc = make_file_system("proc", 0);
        return s->proc < 0 ? s->proc : 0;
    case MT_PROBE_OPEN_SETTING: return open_setting(s);
    case MT_PROBE_MOUNT_SYSFS: return closed(make_file_system("sysfs", 0));
    case MT_PROBE_MOUNT_CGROUP2: return closed(make_file_system("cgroup2", 0));
    case MT_PROBE_MOUNT_DEVPTS: return make_terminals();
    case MT_PROBE_MOUNT_MQUEUE: return closed(make_file_system("mqueue", 0));
    case MT_PROBE_MOUNT_TMPFS:
        s->tmpfs = make_file_system("tmpfs", 0);
        return s->tmpfs < 0 ? s->tmpfs : 0;
    case MT_PROBE_ATTACH: return attach_tmpfs(s);
    case MT_PROBE_TMPFS_XATTR: return set_attribute(s);
    case MT_PROBE_OVERLAY: return make_overlay(s);
    case MT_PROBE_OVERLAY_OPAQUE: return replace_directory(s);
    case MT_PROBE_OVERLAY_MAPPED: return make_mapped_overlay(s);
    case MT_PROBE_PIVOT_ROOT: return pivot_root(s);
    default: return -ENOTSUP;
    }
}

static int child(void *argument) {
    const struct mt_probe *probe = argument;
    struct state state = {probe, 0, -ENOTCONN, -ENOTCONN, -ENOTCONN};
    // Asked for again below: a change of ids takes it back. prctl(2)
    call2(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL);
    if (probe->release >= 0) {
        char byte;
        long result;
        do result = call3(SYS_read, probe->release, (long)&byte, 1);
        while (result == -EINTR);
        if (result <= 0) return 1;
    }
    for (int attempt = probe->first; attempt <= probe->last; attempt++) {
        long result = attempt < MT_PROBE_ACTION_KILL_PROCESS ? try_call(attempt)
                      : attempt < MT_PROBE_BECOME_ROOT       ? try_confinement(attempt)
                                                             : try_namespaces(&state, attempt);
        call2(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL);
        struct mt_probe_record record = {attempt, (int32_t)result};
        if (call3(SYS_write, probe->report, (long)&record, sizeof record) != sizeof record) return 1;
    }
    return 0;
}

long mt_probe_start(struct mt_probe *probe) {
    // The child's is a copy of it. Without one mt_clone3 would call the child on a stack that is not aligned.
    char stack[32768] __attribute__((aligned(16)));
    struct clone_args a;
    memset(&a, 0, sizeof a);
    probe->pid = -1;
    probe->pidfd = -1;
    a.flags = probe->clone_flags | CLONE_PIDFD;
    if (probe->cgroup >= 0) {
        a.flags |= CLONE_INTO_CGROUP;
        a.cgroup = (uint64_t)probe->cgroup;
    }
    a.pidfd = (uint64_t)(uintptr_t)&probe->pidfd;
    a.exit_signal = SIGCHLD;
    a.stack = (uint64_t)(uintptr_t)stack;
    a.stack_size = sizeof stack;
    long pid = mt_clone3(&a, sizeof a, child, probe);
    probe->clone3 = pid < 0 ? (int)pid : 0;
    // Filters that let clone through, whose flags they can read, answer ENOSYS for clone3, as Docker's. The child goes on
    // here then, on its copy of this stack.
    if (pid == -ENOSYS && probe->cgroup < 0) {
        pid = call3(SYS_clone, (long)(a.flags | SIGCHLD), 0, (long)&probe->pidfd);
        if (pid == 0) call1(SYS_exit_group, child(probe));
    }
    if (pid < 0) return pid;
    probe->pid = (int)pid;
    return 0;
}

long mt_probe_project_quota(int directory) {
    char information[64]; // struct if_dqinfo has 24 bytes
    const long get_info = 0x800005, project = 2;
    return call4(SYS_quotactl_fd, directory, get_info << 8 | project, 0, (long)information);
}

#if defined(__clang__) && __has_attribute(disable_sanitizer_instrumentation)
#pragma clang attribute pop
#endif
