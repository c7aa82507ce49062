// SPDX-License-Identifier: Apache-2.0
//
// What the kernel lets a process do here, found out by trying: a short-lived child makes one attempt after another, by raw
// system calls, and reports the kernel's answer to each through a pipe. The caller's own namespaces, filters and files stay
// as they are, and what the child made goes with it.
#ifndef MARTINET_MT_PROBE_H
#define MARTINET_MT_PROBE_H
#include "clinux.h"

/// The attempts, in the order a child makes them. Doctor/Probes/AttemptName.swift has the same list; a test compares them.
enum mt_probe_attempt {
    // System calls, with arguments that change nothing.
    MT_PROBE_OPENAT2 = 0,
    MT_PROBE_CLOSE_RANGE,
    MT_PROBE_PIDFD_OPEN,
    MT_PROBE_PIDFD_SEND_SIGNAL,
    MT_PROBE_FACCESSAT2,
    MT_PROBE_FSOPEN,        ///< Anything but ENOSYS is reported as 0: without a privilege the call answers EPERM.
    MT_PROBE_OPEN_TREE,     ///< The same.
    MT_PROBE_MOVE_MOUNT,    ///< The same.
    MT_PROBE_MOUNT_SETATTR, ///< The same.
    MT_PROBE_STATX_MOUNT_ID,
    // seccomp(2)
    MT_PROBE_ACTION_KILL_PROCESS,
    MT_PROBE_ACTION_KILL_THREAD,
    MT_PROBE_ACTION_TRAP,
    MT_PROBE_ACTION_ERRNO,
    MT_PROBE_ACTION_USER_NOTIF,
    MT_PROBE_ACTION_TRACE,
    MT_PROBE_ACTION_LOG,
    MT_PROBE_ACTION_ALLOW,
    MT_PROBE_NOTIF_SIZES,
    MT_PROBE_FLAG_NEW_LISTENER,
    MT_PROBE_FLAG_WAIT_KILLABLE_RECV,
    MT_PROBE_FILTER,   ///< no_new_privs, then a filter that allows everything.
    MT_PROBE_LISTENER, ///< The same with a listener.
    // landlock(7)
    MT_PROBE_LANDLOCK_ABI, ///< The version.
    MT_PROBE_LANDLOCK_RESTRICT,
    // In a new user and PID namespace, once the id maps are written.
    MT_PROBE_BECOME_ROOT,
    MT_PROBE_UNSHARE_MOUNT,
    MT_PROBE_UNSHARE_NETWORK,
    MT_PROBE_UNSHARE_UTS,
    MT_PROBE_UNSHARE_IPC,
    MT_PROBE_UNSHARE_CGROUP,
    MT_PROBE_UNSHARE_TIME,
    MT_PROBE_MAKE_PRIVATE,
    MT_PROBE_MOUNT_PROC,
    MT_PROBE_OPEN_SETTING, ///< A sysctl of the new network namespace, opened for writing; nothing is written.
    MT_PROBE_MOUNT_SYSFS,
    MT_PROBE_MOUNT_CGROUP2,
    MT_PROBE_MOUNT_DEVPTS,
    MT_PROBE_MOUNT_MQUEUE,
    MT_PROBE_MOUNT_TMPFS,
    MT_PROBE_ATTACH, ///< The tmpfs over "/", as the launcher's init does.
    MT_PROBE_TMPFS_XATTR,
    MT_PROBE_OVERLAY,
    MT_PROBE_OVERLAY_OPAQUE, ///< A directory of the lower layer removed and made anew.
    MT_PROBE_OVERLAY_MAPPED, ///< An overlay whose lower layer is the id-mapped tree in `layer`.
    MT_PROBE_PIVOT_ROOT,
    MT_PROBE_ATTEMPTS
};

/// The kernel's word about one attempt.
struct mt_probe_record {
    int32_t attempt; ///< enum mt_probe_attempt
    int32_t result;  ///< A value, or -errno.
};
_Static_assert(sizeof(struct mt_probe_record) == 8, "written whole: pipe(7), PIPE_BUF");

struct mt_probe {
    // In
    uint64_t clone_flags;
    int cgroup;       ///< Directory for CLONE_INTO_CGROUP, or -1.
    int report;       ///< Write end of the pipe for records.
    int release;      ///< Read end of a pipe whose byte lets the child go on, or -1.
    int maps_range;   ///< Whether id 0 is mapped: the child becomes root of its user namespace then, and else stays who it is.
    int layer;        ///< A detached, id-mapped tree, or -1.
    int first, last;  ///< Which attempts are made; none where last is below first.
    // Out
    int clone3; ///< clone3(2)'s own answer: 0 or -errno. Where it is ENOSYS the child is made with clone(2).
    int pid;
    int pidfd;
};

/// Starts the child: a copy of the caller, killed with it. Returns 0 with pid and pidfd set, or -errno. The
/// caller has all signals blocked, and reaps the child.
long mt_probe_start(struct mt_probe *probe);

/// Whether a file system's project quotas are on: 0, or -errno (ESRCH: off; ENOSYS, EINVAL: it has none). Reads only.
/// quotactl_fd(2), Linux 5.14
long mt_probe_project_quota(int directory);

#endif
