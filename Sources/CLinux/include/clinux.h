// SPDX-License-Identifier: Apache-2.0
//
// The kernel's ABI as Swift sees it: raw system calls, the structures they take, and the few constants that macros hide.
// No policy, no errno: every call returns the kernel's own word, a value or a negative errno.
#ifndef MARTINET_CLINUX_H
#define MARTINET_CLINUX_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/if.h>
#include <linux/keyctl.h>
#include <linux/loop.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/prctl.h>
#include <linux/quota.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <linux/stat.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#if !defined(__x86_64__) && !defined(__aarch64__)
#error "Martinet supports x86_64 and aarch64"
#endif

// For what runs in a process that has its parent's memory, or a copy of it amid the work of other threads: what a
// sanitizer adds would read and write the bookkeeping of the parent's thread, which goes on. Checks for undefined
// behaviour, which keep nothing, stay.
#if defined(__has_attribute)
#if __has_attribute(disable_sanitizer_instrumentation)
#define MT_UNINSTRUMENTED __attribute__((disable_sanitizer_instrumentation))
#endif
#endif
#ifndef MT_UNINSTRUMENTED
#define MT_UNINSTRUMENTED
#endif

/// One system call, straight to the kernel: no errno, no cancellation point, safe between clone and exec.
static inline MT_UNINSTRUMENTED long mt_syscall(long number, long a, long b, long c, long d, long e, long f) {
#if defined(__x86_64__)
    long result;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
#else
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;
    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
    return x0;
#endif
}

// Numbers newer than the oldest headers this builds with (Debian 12: Linux 6.1).
#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif

_Static_assert(sizeof(struct open_how) == 24, "openat2(2) ABI");
_Static_assert(sizeof(struct mount_attr) == 32, "mount_setattr(2) ABI");
_Static_assert(sizeof(struct clone_args) == 88, "clone3(2) ABI");
_Static_assert(sizeof(struct bpf_insn) == 8, "bpf(2) program ABI");
_Static_assert(sizeof(struct bpf_cgroup_dev_ctx) == 12, "bpf(2) device context ABI");
_Static_assert(sizeof(struct sock_filter) == 8, "seccomp(2) filter ABI");
_Static_assert(sizeof(struct fsxattr) == 28, "ioctl_fssetxattr ABI");
_Static_assert(sizeof(struct if_dqblk) == 72, "quotactl(2) ABI");
_Static_assert(sizeof(struct loop_config) == 304, "LOOP_CONFIGURE ABI");
_Static_assert(sizeof(struct __user_cap_data_struct) == 12, "capset(2) ABI");

// Macros that Swift cannot import, as constants.
static const uint64_t MT_OPEN_TREE_CLONE = OPEN_TREE_CLONE;
static const uint64_t MT_OPEN_TREE_CLOEXEC = OPEN_TREE_CLOEXEC;
static const uint64_t MT_MOUNT_ATTR_RDONLY = MOUNT_ATTR_RDONLY;
static const uint64_t MT_MOUNT_ATTR_NOSUID = MOUNT_ATTR_NOSUID;
static const uint64_t MT_MOUNT_ATTR_NODEV = MOUNT_ATTR_NODEV;
static const uint64_t MT_MOUNT_ATTR_NOEXEC = MOUNT_ATTR_NOEXEC;
static const uint64_t MT_MOUNT_ATTR_NOATIME = MOUNT_ATTR_NOATIME;
static const uint64_t MT_MOUNT_ATTR_IDMAP = MOUNT_ATTR_IDMAP;
static const uint64_t MT_MOUNT_ATTR_NOSYMFOLLOW = MOUNT_ATTR_NOSYMFOLLOW;
static const uint64_t MT_MNT_DETACH = 2; // sys/mount.h clashes with linux/mount.h
static const unsigned long MT_TIOCGPTPEER = TIOCGPTPEER;
static const unsigned long MT_TIOCGPTN = TIOCGPTN;
static const unsigned long MT_TIOCSPTLCK = TIOCSPTLCK;
static const unsigned long MT_TIOCSWINSZ = TIOCSWINSZ;
static const unsigned long MT_TIOCGWINSZ = TIOCGWINSZ;
static const unsigned long MT_TIOCSCTTY = TIOCSCTTY;
static const unsigned long MT_TCGETS = TCGETS;
static const unsigned long MT_TCSETSW = TCSETSW;
static const unsigned long MT_FS_IOC_FSGETXATTR = FS_IOC_FSGETXATTR;
static const unsigned long MT_FS_IOC_FSSETXATTR = FS_IOC_FSSETXATTR;
static const unsigned long MT_SIOCGIFFLAGS = 0x8913;
static const unsigned long MT_SIOCSIFFLAGS = 0x8914;

static const unsigned long MT_SECCOMP_NOTIF_RECV = SECCOMP_IOCTL_NOTIF_RECV;
static const unsigned long MT_SECCOMP_NOTIF_SEND = SECCOMP_IOCTL_NOTIF_SEND;
static const unsigned long MT_SECCOMP_NOTIF_ID_VALID = SECCOMP_IOCTL_NOTIF_ID_VALID;

static inline int mt_wifexited(int status) { return WIFEXITED(status); }
static inline int mt_wexitstatus(int status) { return WEXITSTATUS(status); }
static inline int mt_wifsignaled(int status) { return WIFSIGNALED(status); }
static inline int mt_wtermsig(int status) { return WTERMSIG(status); }
static inline uint32_t mt_major(uint64_t device) { return (uint32_t)(((device >> 8) & 0xfff) | ((device >> 32) & ~0xfffull)); }
static inline uint32_t mt_minor(uint64_t device) { return (uint32_t)((device & 0xff) | ((device >> 12) & ~0xffull)); }

/// The symbolic name of an errno ("EINVAL"), or null. Host side only: init has no use for names.
const char *mt_errno_name(int code);
/// The C library's description of an errno, or null.
const char *mt_errno_description(int code);
/// The abbreviated name of a signal ("KILL"), or null. Host side only.
const char *mt_signal_name(int signal);

static const uint32_t MT_BPF_PROG_TYPE_CGROUP_DEVICE = BPF_PROG_TYPE_CGROUP_DEVICE;
static const uint32_t MT_BPF_CGROUP_DEVICE = BPF_CGROUP_DEVICE;

/// Loads an eBPF program. Returns its descriptor, close-on-exec as all of bpf(2)'s are, or -errno.
static inline long mt_bpf_load(uint32_t type, const void *instructions, uint32_t count) {
    union bpf_attr attributes;
    // All of it: the kernel refuses bits that it does not know.
    memset(&attributes, 0, sizeof attributes);
    attributes.prog_type = type;
    attributes.insns = (uint64_t)(uintptr_t)instructions;
    attributes.insn_cnt = count;
    // No help of the kernel's is called, so the program needs not be under its license.
    attributes.license = (uint64_t)(uintptr_t) "Apache-2.0";
    return mt_syscall(SYS_bpf, BPF_PROG_LOAD, (long)&attributes, sizeof attributes, 0, 0, 0);
}

/// Attaches an eBPF program to a cgroup, beside those of others. Returns 0 or -errno.
static inline long mt_bpf_attach(uint32_t attachment, int cgroup, int program) {
    union bpf_attr attributes;
    memset(&attributes, 0, sizeof attributes);
    attributes.attach_type = attachment;
    attributes.target_fd = (uint32_t)cgroup;
    attributes.attach_bpf_fd = (uint32_t)program;
    attributes.attach_flags = BPF_F_ALLOW_MULTI;
    return mt_syscall(SYS_bpf, BPF_PROG_ATTACH, (long)&attributes, sizeof attributes, 0, 0, 0);
}

/// Room for a control message that carries up to this many descriptors: SCM_MAX_FD of the kernel.
#define MT_DESCRIPTORS_PER_MESSAGE 253

/// Sends one record with descriptors over a unix socket. Returns bytes sent or -errno. unix(7), SCM_RIGHTS.
static inline long mt_send_descriptors(int socket, const void *bytes, size_t length, const int *descriptors, size_t count,
                                       int flags) {
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int) * MT_DESCRIPTORS_PER_MESSAGE)];
    } control;
    struct iovec part = {(void *)bytes, length};
    struct msghdr message = {0};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (count > MT_DESCRIPTORS_PER_MESSAGE) return -EINVAL;
    if (count > 0) {
        message.msg_control = &control;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * count);
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(sizeof(int) * count);
        memcpy(CMSG_DATA(&control.header), descriptors, sizeof(int) * count);
    }
    return mt_syscall(SYS_sendmsg, socket, (long)&message, flags | MSG_NOSIGNAL, 0, 0, 0);
}

/// Receives one record; descriptors arrive close-on-exec. `*count` holds the room on entry and the number received after.
/// A record or a descriptor list cut short is -EMSGSIZE (what arrived is closed). Returns bytes received or -errno.
static inline long mt_receive_descriptors(int socket, void *bytes, size_t length, int *descriptors, size_t *count,
                                          int flags) {
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int) * MT_DESCRIPTORS_PER_MESSAGE)];
    } control;
    struct iovec part = {bytes, length};
    struct msghdr message = {0};
    size_t room = *count, received = 0;
    int overflow = 0;
    *count = 0;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = &control;
    message.msg_controllen = sizeof control.space;
    long result = mt_syscall(SYS_recvmsg, socket, (long)&message, flags | MSG_CMSG_CLOEXEC, 0, 0, 0);
    if (result < 0) return result;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
        size_t here = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < here; i++) {
            int descriptor;
            memcpy(&descriptor, CMSG_DATA(c) + i * sizeof(int), sizeof descriptor);
            if (received < room) descriptors[received++] = descriptor;
            else { overflow = 1; mt_syscall(SYS_close, descriptor, 0, 0, 0, 0, 0); }
        }
    }
    if (overflow || (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC))) {
        for (size_t i = 0; i < received; i++) mt_syscall(SYS_close, descriptors[i], 0, 0, 0, 0, 0);
        return -EMSGSIZE;
    }
    *count = received;
    return result;
}

#endif
