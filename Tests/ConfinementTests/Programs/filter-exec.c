// SPDX-License-Identifier: Apache-2.0
// filter-exec FILTER PROGRAM [ARGUMENT …]: executes a program under the filter in a file, as init does.
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static int fail(const char *step) {
    fprintf(stderr, "filter-exec: %s: %s\n", step, strerror(errno));
    return 125;
}

int main(int count, char **arguments) {
    static struct sock_filter instructions[4096];
    if (count < 3) return 125;
    int file = open(arguments[1], O_RDONLY | O_CLOEXEC);
    if (file < 0) return fail(arguments[1]);
    ssize_t size = read(file, instructions, sizeof instructions);
    if (size <= 0) return fail("read");
    struct sock_fprog program = {.len = size / sizeof *instructions, .filter = instructions};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) return fail("no_new_privs");
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program)) return fail("seccomp");
    syscall(SYS_close_range, 3, ~0U, 0);
    execv(arguments[2], arguments + 2);
    return fail(arguments[2]);
}
