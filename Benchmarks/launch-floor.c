// SPDX-License-Identifier: Apache-2.0
//
// The least that a sandbox costs: the system calls of Martinet's launch of /bin/true, made by a C program with nothing
// around them. It launches and reaps again and again in one process and prints what one launch took, in microseconds.
//
//   cc -O2 -static -Wall -Wextra -o launch-floor Benchmarks/launch-floor.c Benchmarks/floor-init.c
//   launch-floor [--runs N] [--warm-up N] [--samples] [--filter FILE]
//
// --samples prints a number a line instead of a summary. --filter reads the compiled system-call filter (struct
// sock_filter after struct sock_filter); without it one of 571 instructions is installed, about as long as Martinet's
// default (martinet explain -- true), that allows everything. As root the sandbox gets a range of 65,536 ids and, with
// cgroup v1, a pids cgroup; for an ordinary user a single id and no cgroup.
#include "floor.h"
#include <stdio.h>

#define RANGE "0 1879048192 65536"
static const char cgroup_parent[] = "/sys/fs/cgroup/pids/martinet";

static struct floor_request request;
static char child_stack[65536] __attribute__((aligned(16)));

static void die(const char *what, long result) {
    fprintf(stderr, "launch-floor: %s: %s\n", what, strerror((int)-result));
    exit(1);
}
static long checked(long result, const char *what) {
    if (result < 0) die(what, result);
    return result;
}
#define MUST(what, ...) checked(CALL(__VA_ARGS__), what)

struct child {
    int socket, release, null, init, clears_groups, line;
    long error;
};

// Runs in this program's memory until it executes, so nothing of libc. Descriptors as martinet-init expects them.
__attribute__((optimize("no-stack-protector"))) static int child(void *argument) {
    struct child *c = argument;
    static char *const arguments[] = {"launch-floor", "init", 0};
    static char *const environment[] = {0};
    char byte;
    int from[4] = {c->null, c->socket, c->release, c->init};
#define STEP(...) if ((c->error = CALL(__VA_ARGS__)) < 0) { c->line = __LINE__; return 125; }
    for (int i = 0; i < 4; i++) {
        STEP(SYS_fcntl, from[i], F_DUPFD_CLOEXEC, 10)
        from[i] = (int)c->error;
    }
    for (int i = 0; i < 6; i++) { STEP(SYS_dup3, i < 3 ? from[0] : from[i - 2], i, i > 3 ? O_CLOEXEC : 0) }
    STEP(SYS_close_range, 6, ~0u, 0)
    STEP(SYS_unshare, CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC)
    STEP(SYS_read, 4, &byte, 1)
    if (c->error == 0) return 125; // the parent died
    if (c->clears_groups) { STEP(SYS_setgroups, 0, 0) }
    STEP(SYS_setresgid, 0, 0, 0)
    STEP(SYS_setresuid, 0, 0, 0)
    STEP(SYS_execveat, 5, "", arguments, environment, AT_EMPTY_PATH)
    return 125;
}

static void write_file(const char *path, const char *text) {
    int file = (int)MUST(path, SYS_openat, AT_FDCWD, path, O_WRONLY | O_CLOEXEC, 0);
    MUST(path, SYS_write, file, text, strlen(text));
    CALL(SYS_close, file);
}

static void write_maps(int pid, int is_root) {
    char path[64], map[64];
    snprintf(map, sizeof map, "0 %u 1", geteuid());
    snprintf(path, sizeof path, "/proc/%d/uid_map", pid);
    write_file(path, is_root ? RANGE : map);
    if (!is_root) {
        snprintf(path, sizeof path, "/proc/%d/setgroups", pid);
        write_file(path, "deny");
        snprintf(map, sizeof map, "0 %u 1", getegid());
    }
    snprintf(path, sizeof path, "/proc/%d/gid_map", pid);
    write_file(path, is_root ? RANGE : map);
}

// A cgroup of its own. Its parent is made and removed with every launch, as Martinet does, so another user of the parent
// may remove it in between.
static void make_cgroup(const char *group) {
    long result;
    do {
        result = CALL(SYS_mkdirat, AT_FDCWD, cgroup_parent, 0755);
        if (result < 0 && result != -EEXIST) die(cgroup_parent, result);
        result = CALL(SYS_mkdirat, AT_FDCWD, group, 0755);
    } while (result == -ENOENT);
    checked(result, group);
}

// The host's trees, copied from their descriptors. Returns how many; the standard streams follow them. Without privilege
// only init, in its own mount namespace, can copy them.
static size_t copy_trees(int *descriptors, int is_root) {
    size_t count = 0;
    request.present = 0;
    if (!is_root) {
        for (int i = 0; i < FLOOR_TREES; i++) request.present |= (uint32_t)!access(floor_trees[i].source, F_OK) << i;
        return 0;
    }
    for (int i = 0; i < FLOOR_TREES; i++) {
        long path = CALL(SYS_openat, AT_FDCWD, floor_trees[i].source, O_PATH | O_CLOEXEC, 0);
        if (path == -ENOENT) continue;
        checked(path, floor_trees[i].source);
        int tree = (int)MUST("open_tree", SYS_open_tree, path, "",
                             OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE);
        struct mount_attr change = {.attr_set = floor_trees[i].attributes, .propagation = MS_PRIVATE};
        MUST("mount_setattr", SYS_mount_setattr, tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &change, sizeof change);
        CALL(SYS_close, path);
        request.present |= 1u << i;
        descriptors[count++] = tree;
    }
    return count;
}

static void fail_with(const struct floor_report *report) {
    fprintf(stderr, "launch-floor: init, floor-init.c line %u: %s\n", report->line, strerror((int)report->value));
    exit(1);
}

static void launch(int init, int is_root, int has_cgroup) {
    int sockets[2], release[2], pidfd = -1, descriptors[FLOOR_DESCRIPTORS];
    char group[128];
    uint64_t all = ~0ull, old;
    int null = (int)MUST("/dev/null", SYS_openat, AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC, 0);
    MUST("socketpair", SYS_socketpair, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets);
    MUST("pipe2", SYS_pipe2, release, O_CLOEXEC);
    struct child c = {sockets[1], release[0], null, init, is_root, 0, 0};
    // clone(2) by way of libc, for its trampoline: the kernel does for it what it does for clone3.
    MUST("rt_sigprocmask", SYS_rt_sigprocmask, SIG_SETMASK, &all, &old, 8);
    int pid = clone(child, child_stack + sizeof child_stack,
                    CLONE_VM | CLONE_PIDFD | CLONE_NEWUSER | CLONE_NEWPID | SIGCHLD, &c, &pidfd);
    if (pid < 0) die("clone", -errno);
    CALL(SYS_rt_sigprocmask, SIG_SETMASK, &old, 0, 8);
    CALL(SYS_close, sockets[1]);
    CALL(SYS_close, release[0]);
    CALL(SYS_close, null);
    write_maps(pid, is_root);
    MUST("release", SYS_write, release[1], "\1", 1);
    CALL(SYS_close, release[1]);

    size_t count = copy_trees(descriptors, is_root);
    for (int i = 0; i < 3; i++) descriptors[count++] = (int)MUST("dup", SYS_fcntl, i, F_DUPFD_CLOEXEC, 10);
    if (has_cgroup) {
        char file[160];
        snprintf(group, sizeof group, "%s/floor-%d", cgroup_parent, pid);
        make_cgroup(group);
        snprintf(file, sizeof file, "%s/pids.max", group);
        write_file(file, "512");
        snprintf(file, sizeof file, "%s/tasks", group);
        descriptors[count++] = (int)MUST(file, SYS_openat, AT_FDCWD, file, O_WRONLY | O_CLOEXEC, 0);
    }
    size_t length = offsetof(struct floor_request, filter) + request.instruction_count * sizeof(struct sock_filter);
    // A child that failed before it executed has closed the socket: what it failed at is told below.
    mt_send_descriptors(sockets[0], &request, length, descriptors, count, 0);
    for (size_t i = 0; i < count; i++) CALL(SYS_close, descriptors[i]);

    struct floor_report started = {0, 0, 0}, exited = {0, 0, 0};
    CALL(SYS_recvfrom, sockets[0], &started, sizeof started, 0, 0, 0);
    if (started.kind == FLOOR_STARTED) CALL(SYS_recvfrom, sockets[0], &exited, sizeof exited, 0, 0, 0);
    int status;
    MUST("wait4", SYS_wait4, pid, &status, 0, 0);
    CALL(SYS_close, sockets[0]);
    CALL(SYS_close, pidfd);
    if (has_cgroup) {
        MUST(group, SYS_unlinkat, AT_FDCWD, group, AT_REMOVEDIR);
        CALL(SYS_unlinkat, AT_FDCWD, cgroup_parent, AT_REMOVEDIR);
    }
    if (started.kind == FLOOR_FAILED) fail_with(&started);
    if (exited.kind == FLOOR_FAILED) fail_with(&exited);
    if (c.error < 0) {
        fprintf(stderr, "launch-floor: child, launch-floor.c line %d: %s\n", c.line, strerror((int)-c.error));
        exit(1);
    }
    if (exited.kind != FLOOR_EXITED || exited.value != 0) {
        fprintf(stderr, "launch-floor: /bin/true ended with status %#x, init with %#x\n", exited.value, status);
        exit(1);
    }
}

// Allows everything: a path of a few comparisons to the answer, as through libseccomp's tree, then unreached ballast.
static void make_filter(void) {
    struct sock_filter *f = request.filter;
    const struct sock_filter never = BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x7fffffff, 0, 0);
    uint32_t n = 0;
    f[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    while (n < 12) f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 0x7ffffff0, 1, 0);
    f[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    for (; n < 570; n++) f[n] = n % 2 ? never : f[12];
    f[n++] = f[12];
    request.instruction_count = n;
}

static void read_filter(const char *path) {
    int file = (int)MUST(path, SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
    long length = MUST(path, SYS_read, file, request.filter, sizeof request.filter);
    CALL(SYS_close, file);
    if (length == 0 || length % (long)sizeof(struct sock_filter)) die(path, -EINVAL);
    request.instruction_count = (uint32_t)((size_t)length / sizeof(struct sock_filter));
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double microseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static long number(const char *text, long least) {
    char *end = "";
    long value = text ? strtol(text, &end, 10) : -1;
    if (value < least || *end || value > 1000000) die("--runs takes a number from 1, --warm-up from 0", -EINVAL);
    return value;
}

int main(int count, char **arguments) {
    if (count == 2 && !strcmp(arguments[1], "init")) return floor_init();
    long runs = 200, warm_up = 20, samples = 0;
    make_filter();
    for (int i = 1; i < count; i++) {
        if (!strcmp(arguments[i], "--runs")) runs = number(arguments[++i], 1);
        else if (!strcmp(arguments[i], "--warm-up")) warm_up = number(arguments[++i], 0);
        else if (!strcmp(arguments[i], "--samples")) samples = 1;
        else if (!strcmp(arguments[i], "--filter") && i + 1 < count) read_filter(arguments[++i]);
        else die("usage: launch-floor [--runs N] [--warm-up N] [--samples] [--filter FILE]", -EINVAL);
    }
    int is_root = geteuid() == 0;
    struct stat found;
    request.maps_range = (uint32_t)is_root;
    if (stat("/proc/self/ns/mnt", &found)) die("/proc/self/ns/mnt", -errno);
    request.mount_device = found.st_dev, request.mount_inode = found.st_ino;
    if (stat("/proc/self/ns/user", &found)) die("/proc/self/ns/user", -errno);
    request.user_device = found.st_dev, request.user_inode = found.st_ino;
    int has_cgroup = is_root && access("/sys/fs/cgroup/pids/cgroup.procs", W_OK) == 0;
    request.has_cgroup = (uint32_t)has_cgroup;
    int init = (int)MUST("/proc/self/exe", SYS_openat, AT_FDCWD, "/proc/self/exe", O_PATH | O_CLOEXEC, 0);

    double *times = calloc((size_t)runs, sizeof *times);
    if (!times) die("calloc", -ENOMEM);
    for (long i = -warm_up; i < runs; i++) {
        double start = microseconds();
        launch(init, is_root, has_cgroup);
        if (i >= 0) times[i] = microseconds() - start;
    }
    if (samples) {
        for (long i = 0; i < runs; i++) printf("%.1f\n", times[i]);
    } else {
        qsort(times, (size_t)runs, sizeof *times, ascending);
        printf("launch-floor: median %.0f µs, min %.0f µs, p90 %.0f µs, %ld launches\n", times[runs / 2], times[0],
               times[runs * 9 / 10], runs);
    }
    return 0;
}
