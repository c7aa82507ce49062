// SPDX-License-Identifier: Apache-2.0
// Attacks 6 and 28: what the terminals in reach are, and putting keys into them.
#include "attempt.h"
#include <linux/tiocl.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

static void push(const char *name, int terminal) {
    char what[64], selection[] = {TIOCL_PASTESEL, 0};
    static const char keys[] = "x";
    snprintf(what, sizeof what, "%s-sti", name);
    report(what, ioctl(terminal, TIOCSTI, keys));
    snprintf(what, sizeof what, "%s-linux", name);
    report(what, ioctl(terminal, TIOCLINUX, selection));
    int discipline = 1;  // N_SLIP
    snprintf(what, sizeof what, "%s-setd", name);
    report(what, ioctl(terminal, TIOCSETD, &discipline));
    snprintf(what, sizeof what, "%s-console", name);
    report(what, ioctl(terminal, TIOCCONS, 0));
}

static void device(const char *name, const char *path) {
    struct stat found_there;
    int result = stat(path, &found_there);
    report(name, result < 0 ? -1 : S_ISCHR(found_there.st_mode) ? (long)major(found_there.st_rdev) : 0);
}

int main(void) {
    static const char *const names[] = {"input", "output", "error"};
    for (int i = 0; i < 3; i++) {
        char what[64];
        snprintf(what, sizeof what, "%s-is-terminal", names[i]);
        found(what, isatty(i));
        push(names[i], i);
    }
    int own = (int)report("tty", open("/dev/tty", O_RDWR | O_CLOEXEC));
    if (own >= 0) push("tty", own);
    try_open("tty0", "/dev/tty0", O_RDWR);
    try_open("tty1", "/dev/tty1", O_RDWR);
    try_open("vcs", "/dev/vcs", O_RDWR);
    try_open("serial", "/dev/ttyS0", O_RDWR | O_NONBLOCK);
    device("console-major", "/dev/console");
    device("pts0-major", "/dev/pts/0");
    struct statfs system;
    found("pts-type", statfs("/dev/pts", &system) == 0 ? (long)system.f_type : -1);
    int console = (int)report("console", open("/dev/console", O_RDWR | O_CLOEXEC | O_NOCTTY));
    if (console >= 0) {
        struct stat first, second;
        fstat(console, &first);
        found("console-is-pts0", stat("/dev/pts/0", &second) == 0 && first.st_rdev == second.st_rdev);
    }
    found("done", 0);
    return 0;
}
