// SPDX-License-Identifier: Apache-2.0
// Says everything about its own confinement that is the same in every run, and nothing else: what is run with a fault is
// compared with what is run without. standing FILE-OF-THE-HOST
#include "attempt.h"
#include <dirent.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <time.h>

static void print_lines(const char *path, const char *const *beginnings) {
    FILE *file = fopen(path, "re");
    char line[4096];
    if (!file) dprintf(1, "%s: %s\n", path, strerrorname_np(errno));
    while (file && fgets(line, sizeof line, file)) {
        for (int i = 0; !beginnings || beginnings[i]; i++) {
            if (!beginnings || strncmp(line, beginnings[i], strlen(beginnings[i])) == 0) {
                dprintf(1, "%s %s", path, line);
                break;
            }
        }
    }
    if (file) fclose(file);
}

// Which range of the host's ids a sandbox of root's has differs, not that it has one.
static void print_map(const char *path) {
    FILE *file = fopen(path, "re");
    unsigned long inside, outside, length;
    while (file && fscanf(file, "%lu %lu %lu", &inside, &outside, &length) == 3)
        dprintf(1, "%s %lu %lu %lu\n", path, inside, outside >= 0x70000000 ? 0x70000000 : outside, length);
    if (file) fclose(file);
}

// Places and options of mounts; their numbers and devices differ from run to run.
static void print_mounts(void) {
    FILE *file = fopen("/proc/self/mountinfo", "re");
    char line[8192], place[4096], options[512];
    while (file && fgets(line, sizeof line, file)) {
        char *type = strstr(line, " - ");
        if (sscanf(line, "%*d %*d %*s %*s %4095s %511s", place, options) != 2 || !type) continue;
        type[3 + strcspn(type + 3, " ")] = 0;
        dprintf(1, "mount %s %s %s\n", place, options, type + 3);
    }
    if (file) fclose(file);
}

static void print_descriptors(void) {
    for (int i = 0; i < 1024; i++) {
        struct stat status;
        if (fstat(i, &status) == 0) dprintf(1, "descriptor %d %o\n", i, status.st_mode & S_IFMT);
    }
}

static void print_names(const char *path) {
    struct dirent **names;
    int count = scandir(path, &names, 0, alphasort);
    for (int i = 0; i < count; i++) dprintf(1, "%s %s\n", path, names[i]->d_name);
}

static void print_limits(void) {
    for (int i = 0; i < RLIM_NLIMITS; i++) {
        struct rlimit limit;
        if (getrlimit(i, &limit) == 0) dprintf(1, "limit %d %lu %lu\n", i, limit.rlim_cur, limit.rlim_max);
    }
}

int main(int argc, char **argv) {
    static const char *const status[] = {"Uid", "Gid", "Groups", "Cap", "NoNewPrivs", "Seccomp", "SigBlk", "SigIgn",
                                         "NSpid", "Umask", "Threads", 0};
    print_lines("/proc/self/status", status);
    print_map("/proc/self/uid_map");
    print_map("/proc/self/gid_map");
    print_lines("/proc/self/setgroups", 0);
    print_lines("/proc/self/cgroup", 0);
    print_lines("/proc/self/oom_score_adj", 0);
    print_lines("/proc/self/timens_offsets", 0);
    print_mounts();
    print_descriptors();
    print_limits();
    print_names("/proc/self/ns");
    print_names("/run/secrets");
    char text[512];
    dprintf(1, "cwd %s\n", getcwd(text, sizeof text) ? text : "?");
    if (gethostname(text, sizeof text) == 0) dprintf(1, "host %s\n", text);
    found("securebits", prctl(PR_GET_SECUREBITS));
    found("death-signal", (prctl(PR_GET_PDEATHSIG, text), *(int *)text));
    found("session", getsid(0) == getpid());
    found("nice", getpriority(PRIO_PROCESS, 0));
    // Landlock says EACCES before capabilities say EPERM.
    report("mknod", mknod("/tmp/node", S_IFCHR | 0600, makedev(1, 3)));
    report("unshare", unshare(CLONE_NEWUSER));
    report("mount", syscall(SYS_mount, "none", "/tmp", "tmpfs", 0, 0));
    report("host", open(argument(argc, argv, 1), O_RDONLY | O_CLOEXEC));
    report("guarded", open("/workspace/.git/config", O_WRONLY | O_CLOEXEC));
    report("hidden", open("/workspace/.env", O_RDONLY | O_CLOEXEC));
    report("placeholder", open("/workspace/.bashrc", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    report("read-only", open("/read-only/new", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    report("sysctl", open("/proc/sys/kernel/core_pattern", O_WRONLY | O_CLOEXEC));
    report("kcore", open("/proc/kcore", O_RDONLY | O_CLOEXEC));
    report("timer-list", open("/proc/timer_list", O_RDONLY | O_CLOEXEC));
    int network = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ifreq loopback = {.ifr_name = "lo"};
    report("loopback", ioctl(network, SIOCGIFFLAGS, &loopback) < 0 ? -1 : loopback.ifr_flags);
    print_lines("/proc/net/dev", (const char *const[]){"    lo", "  eth", "  ens", 0});
    for (char **variable = environ; *variable; variable++) dprintf(1, "variable %s\n", *variable);
    return 0;
}
