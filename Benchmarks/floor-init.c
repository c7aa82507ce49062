// SPDX-License-Identifier: Apache-2.0
//
// PID 1 of the floor program: the steps of martinet-init for the default sandbox (`martinet explain -- /bin/true`), in the
// same order, written straight down.
#include "floor.h"

static struct floor_request request;
static int descriptors[FLOOR_DESCRIPTORS];
static char agent_stack[65536] __attribute__((aligned(16)));
static int range;

static void report(uint32_t kind, uint32_t value, uint32_t line) {
    struct floor_report record = {kind, value, line};
    mt_send_descriptors(3, &record, sizeof record, 0, 0, 0);
}

static long checked(long result, int line) {
    if (result >= 0) return result;
    report(FLOOR_FAILED, (uint32_t)-result, (uint32_t)line);
    CALL(SYS_exit_group, 125);
    __builtin_unreachable();
}
#define MUST(...) checked(CALL(__VA_ARGS__), __LINE__)

// Nothing below this may run in the launcher's namespaces: mounts would be the machine's own.
static void require_fresh_namespaces(void) {
    struct stat mount, user;
    MUST(SYS_newfstatat, AT_FDCWD, "/proc/self/ns/mnt", &mount, 0);
    MUST(SYS_newfstatat, AT_FDCWD, "/proc/self/ns/user", &user, 0);
    int same_mount = mount.st_dev == request.mount_device && mount.st_ino == request.mount_inode;
    int same_user = user.st_dev == request.user_device && user.st_ino == request.user_inode;
    if (same_mount || same_user) checked(-EPERM, __LINE__);
}

struct option {
    const char *key, *value;
};

static int make_mount(const char *type, const struct option *options, uint64_t attributes) {
    int context = (int)MUST(SYS_fsopen, type, FSOPEN_CLOEXEC);
    for (; options && options->key; options++)
        MUST(SYS_fsconfig, context, options->value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, options->key,
             options->value, 0);
    MUST(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, 0, 0, 0);
    int mount = (int)MUST(SYS_fsmount, context, FSMOUNT_CLOEXEC, attributes);
    CALL(SYS_close, context);
    return mount;
}

static void attach(int tree, const char *path) {
    MUST(SYS_move_mount, tree, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH);
    CALL(SYS_close, tree);
}

static void make_directory(const char *path, unsigned mode) { MUST(SYS_mkdirat, AT_FDCWD, path, mode); }
static void link_to(const char *target, const char *path) { MUST(SYS_symlinkat, target, AT_FDCWD, path); }

static void make_file(const char *path, const char *content) {
    int file = (int)MUST(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (content) MUST(SYS_write, file, content, strlen(content));
    CALL(SYS_close, file);
}

static void owned_directory(const char *path, unsigned mode) {
    make_directory(path, mode);
    if (range) MUST(SYS_fchownat, AT_FDCWD, path, 1000, 1000, 0);
}

// A copy of a tree laid over a path. A path that is not there is skipped, as it is for an optional mask.
static void overlay(const char *source, const char *target, uint64_t attributes) {
    long tree = CALL(SYS_open_tree, AT_FDCWD, source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
    if (tree == -ENOENT) return;
    checked(tree, __LINE__);
    struct mount_attr change = {.attr_set = attributes};
    MUST(SYS_mount_setattr, tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &change, sizeof change);
    attach((int)tree, target);
}

static void mask(const char *path) {
    struct stat found;
    long result = CALL(SYS_newfstatat, AT_FDCWD, path, &found, AT_SYMLINK_NOFOLLOW);
    if (result == -ENOENT) return;
    checked(result, __LINE__);
    overlay(S_ISDIR(found.st_mode) ? "/dev/.mask/directory" : "/dev/.mask/file", path,
            MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
}

static void protect_proc(void) {
    static const char *const masked[] = {
        "/proc/acpi",        "/proc/asound",      "/proc/interrupts",   "/proc/kcore",
        "/proc/keys",        "/proc/kmsg",        "/proc/kpagecgroup",  "/proc/kpagecount",
        "/proc/kpageflags",  "/proc/latency_stats", "/proc/sched_debug", "/proc/scsi",
        "/proc/timer_list",  "/proc/timer_stats",
    };
    static const char *const read_only[] = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"};
    make_directory("/dev/.mask", 0755);
    CALL(SYS_close, MUST(SYS_openat, AT_FDCWD, "/dev/.mask/file", O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0));
    make_directory("/dev/.mask/directory", 0);
    for (size_t i = 0; i < sizeof masked / sizeof *masked; i++) mask(masked[i]);
    for (size_t i = 0; i < sizeof read_only / sizeof *read_only; i++)
        overlay(read_only[i], read_only[i],
                MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
    mask("/sys/devices/virtual/powercap");
    mask("/sys/firmware");
}

static void write_files(void) {
    make_file("/etc/hostname", "martinet\n");
    make_file("/etc/hosts", "127.0.0.1 localhost\n::1 localhost ip6-localhost\n127.0.1.1 martinet\n");
    make_file("/etc/resolv.conf", "# This sandbox has no network.\n");
    make_file("/etc/passwd", "root:x:0:0:root:/root:/usr/sbin/nologin\nagent:x:1000:1000::/home/agent:/bin/sh\n");
    make_file("/etc/group", "root:x:0:\ntty:x:5:\nagent:x:1000:\n");
    make_file("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n");
}

// For an ordinary user, who may not copy trees outside. The kernel wants them copied whole.
static void copy_trees(void) {
    for (int i = 0; i < FLOOR_TREES; i++) {
        if (!(request.present >> i & 1)) continue;
        descriptors[i] = (int)MUST(SYS_open_tree, AT_FDCWD, floor_trees[i].source,
                                   OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
        struct mount_attr change = {.attr_set = floor_trees[i].attributes};
        MUST(SYS_mount_setattr, descriptors[i], "", AT_EMPTY_PATH | AT_RECURSIVE, &change, sizeof change);
    }
}

static void build_root(void) {
    static const struct option scratch_options[] = {
        {"mode", "0755"}, {"size", "1073741824"}, {"nr_inodes", "262144"}, {0, 0}};
    static const struct option terminal_options[] = {
        {"newinstance", 0}, {"ptmxmode", "0666"}, {"mode", "0620"}, {"gid", "5"}, {0, 0}};
    static const struct option single_id_options[] = {{"newinstance", 0}, {"ptmxmode", "0666"}, {"mode", "0620"}, {0, 0}};
    const uint64_t quiet = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, inert = quiet | MOUNT_ATTR_NOEXEC;
    struct mount_attr private = {.propagation = MS_PRIVATE};
    MUST(SYS_mount_setattr, AT_FDCWD, "/", AT_RECURSIVE, &private, sizeof private);
    if (!range) copy_trees();
    int scratch = make_mount("tmpfs", scratch_options, quiet);
    int proc = make_mount("proc", 0, inert);
    int sys = make_mount("sysfs", 0, inert | MOUNT_ATTR_RDONLY);
    int terminals = make_mount("devpts", range ? terminal_options : single_id_options, FLOOR_DEVICE);
    int queues = make_mount("mqueue", 0, inert);

    MUST(SYS_move_mount, scratch, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH);
    int old = (int)MUST(SYS_openat, AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
    MUST(SYS_fchdir, scratch);
    MUST(SYS_pivot_root, ".", ".");
    MUST(SYS_fchdir, old);
    MUST(SYS_umount2, ".", 2 /* MNT_DETACH */);
    CALL(SYS_close, old);
    CALL(SYS_close, scratch);
    MUST(SYS_chdir, "/");

    static const char *const directories[] = {"/usr", "/etc", "/etc/ssl", "/dev", "/dev/pts", "/dev/mqueue", "/proc", "/sys"};
    for (size_t i = 0; i < sizeof directories / sizeof *directories; i++) make_directory(directories[i], 0755);
    for (int i = 0; i < FLOOR_TREES; i++) {
        if (!(request.present >> i & 1)) continue;
        if (!floor_trees[i].is_directory) make_file(floor_trees[i].target, 0);
        else if (i > 0) make_directory(floor_trees[i].target, 0755);
        attach(descriptors[i], floor_trees[i].target);
    }
    link_to("usr/bin", "/bin");
    link_to("usr/sbin", "/sbin");
    link_to("usr/lib", "/lib");
    link_to("usr/lib64", "/lib64");
    link_to("/usr/share/zoneinfo/Etc/UTC", "/etc/localtime");
    link_to("../usr/lib/os-release", "/etc/os-release");
    attach(terminals, "/dev/pts");
    attach(queues, "/dev/mqueue");
    link_to("pts/ptmx", "/dev/ptmx");
    link_to("/proc/self/fd", "/dev/fd");
    link_to("/proc/self/fd/0", "/dev/stdin");
    link_to("/proc/self/fd/1", "/dev/stdout");
    link_to("/proc/self/fd/2", "/dev/stderr");
    make_directory("/dev/shm", 01777);
    overlay("/dev/shm", "/dev/shm", inert);
    attach(proc, "/proc");
    attach(sys, "/sys");
    int port = (int)MUST(SYS_openat, AT_FDCWD, "/proc/sys/net/ipv4/ip_unprivileged_port_start", O_WRONLY | O_CLOEXEC, 0);
    MUST(SYS_write, port, "0", 1);
    CALL(SYS_close, port);
    protect_proc();
    write_files();

    make_directory("/tmp", 01777);
    overlay("/tmp", "/tmp", quiet);
    make_directory("/home", 0755);
    owned_directory("/home/agent", 0700);
    overlay("/home/agent", "/home/agent", quiet);
    make_directory("/run", 0755);
    make_directory("/var", 0755);
    link_to("/tmp", "/var/tmp");
    owned_directory("/workspace", 0755);
    overlay("/workspace", "/workspace", quiet);
    MUST(SYS_unlinkat, AT_FDCWD, "/dev/.mask/file", 0);
    MUST(SYS_unlinkat, AT_FDCWD, "/dev/.mask/directory", AT_REMOVEDIR);
    MUST(SYS_unlinkat, AT_FDCWD, "/dev/.mask", AT_REMOVEDIR);
    int root = (int)MUST(SYS_openat, AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
    struct mount_attr read_only = {.attr_set = MOUNT_ATTR_RDONLY};
    MUST(SYS_mount_setattr, root, "", AT_EMPTY_PATH, &read_only, sizeof read_only);
    CALL(SYS_close, root);
}

// The agent, in init's memory on a stack of its own until it executes.
static int agent(void *unused) {
    (void)unused;
    static char *const arguments[] = {"/bin/true", 0};
    static char *const environment[] = {
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/home/agent", "USER=agent",
        "LANG=C.UTF-8", 0};
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct none[2] = {{0}, {0}};
    uint64_t no_signals = 0;
    struct sock_fprog program = {(unsigned short)request.instruction_count, request.filter};
    MUST(SYS_setsid);
    CALL(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, 0);
    for (int i = 0; i < 3; i++) MUST(SYS_dup3, descriptors[FLOOR_STREAMS + i], i, 0);
    for (int i = 0; CALL(SYS_prctl, PR_CAPBSET_DROP, i, 0, 0, 0) == 0; i++) {}
    if (range) {
        MUST(SYS_setgroups, 0, 0);
        MUST(SYS_setresgid, 1000, 1000, 1000);
        MUST(SYS_setresuid, 1000, 1000, 1000);
    }
    MUST(SYS_capset, &header, none);
    MUST(SYS_chdir, "/workspace");
    CALL(SYS_umask, 022);
    for (int number = 1; number <= 64; number++) {
        struct {
            void *handler;
            unsigned long flags, restorer, mask;
        } standard = {0, 0, 0, 0};
        CALL(SYS_rt_sigaction, number, &standard, 0, 8);
    }
    MUST(SYS_rt_sigprocmask, SIG_SETMASK, &no_signals, 0, 8);
    MUST(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    MUST(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
    MUST(SYS_close_range, 3, ~0u, 0);
    CALL(SYS_execve, arguments[0], arguments, environment);
    return 127;
}

int floor_init(void) {
    size_t count = FLOOR_DESCRIPTORS;
    if (CALL(SYS_getpid) != 1) return 125;
    checked(mt_receive_descriptors(3, &request, sizeof request, descriptors, &count, 0), __LINE__);
    require_fresh_namespaces();
    range = (int)request.maps_range;
    // The descriptors of trees that this host lacks were not sent: move the others to their places.
    int received[FLOOR_DESCRIPTORS], next = 0;
    memcpy(received, descriptors, sizeof received);
    for (int i = 0; i < FLOOR_DESCRIPTORS; i++) {
        int sent = i >= FLOOR_TREES ? i < FLOOR_CGROUP || request.has_cgroup : range && request.present >> i & 1;
        descriptors[i] = sent ? received[next++] : -1;
    }
    uint64_t all_signals = ~0ull;
    MUST(SYS_rt_sigprocmask, SIG_SETMASK, &all_signals, 0, 8);
    CALL(SYS_umask, 0);
    if (request.has_cgroup) {
        MUST(SYS_write, descriptors[FLOOR_CGROUP], "0", 1);
        CALL(SYS_close, descriptors[FLOOR_CGROUP]);
    }
    CALL(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, 0);
    MUST(SYS_unshare, CLONE_NEWCGROUP);
    MUST(SYS_sethostname, "martinet", 8);
    struct {
        char name[16];
        unsigned short flags;
        char rest[22];
    } loopback = {"lo", 0x41 /* IFF_UP | IFF_RUNNING */, {0}};
    int socket = (int)MUST(SYS_socket, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    MUST(SYS_ioctl, socket, MT_SIOCSIFFLAGS, &loopback);
    CALL(SYS_close, socket);
    build_root();
    int signals = (int)MUST(SYS_signalfd4, -1, &all_signals, 8, SFD_CLOEXEC | SFD_NONBLOCK);
    int pid = clone(agent, agent_stack + sizeof agent_stack, CLONE_VM | CLONE_VFORK | SIGCHLD, 0);
    if (pid < 0) checked(-errno, __LINE__);
    report(FLOOR_STARTED, (uint32_t)pid, 0);
    struct pollfd watched[2] = {{signals, POLLIN, 0}, {3, POLLIN, 0}};
    int status = 0;
    while (CALL(SYS_wait4, -1, &status, WNOHANG, 0) != pid) {
        char ignored[512];
        CALL(SYS_ppoll, watched, 2, 0, 0, 8);
        if (watched[1].revents) CALL(SYS_exit_group, 125); // the launcher is gone
        CALL(SYS_read, signals, ignored, sizeof ignored);
    }
    report(FLOOR_EXITED, (uint32_t)status, 0);
    return 0;
}
