// SPDX-License-Identifier: Apache-2.0
// Attack 32: more on the disk than there is room for, or than can be removed. Only ever inside a sandbox with a limit:
// refuses elsewhere. Arguments: fill, sparse, files or deep; a directory; how much to try at most (MiB, files, levels).
#include "attempt.h"

static char block[1 << 16];

static void fill(long most) {
    long written = 0;
    int file = open("fill", O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
    memset(block, 7, sizeof block);
    for (;;) {
        if (written >= most << 20) {
            report("last", 0);
            break;
        }
        ssize_t count = write(file, block, sizeof block);
        if (count < 0) {
            report("last", -1);
            break;
        }
        written += count;
    }
    found("filled-kib", written >> 10);
    report("one-byte-more", write(file, block, 1) < 0 ? -1 : 0);
}

static void sparse(void) {
    const off_t exbibyte = (off_t)1 << 60;
    struct stat facts;
    int file = open("sparse", O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
    report("truncate", ftruncate(file, exbibyte));
    report("write-at-the-end", pwrite(file, "x", 1, exbibyte - 1) < 0 ? -1 : 0);
    report("allocate", fallocate(file, 0, 0, exbibyte));
    fstat(file, &facts);
    found("size-in-pib", (long)(facts.st_size >> 50));
    found("taken-kib", (long)(facts.st_blocks / 2));
}

static void files(long most) {
    long made = 0;
    char name[32];
    while (made < most) {
        snprintf(name, sizeof name, "file-%ld", made);
        int file = open(name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
        if (file < 0) break;
        close(file);
        made++;
    }
    report("last", made < most ? -1 : 0);
    found("made", made);
}

static void deep(long most) {
    char name[65];
    long depth = 0;
    memset(name, 'd', sizeof name - 1);
    name[sizeof name - 1] = 0;
    while (depth < most && mkdir(name, 0700) == 0 && chdir(name) == 0) {
        close(open("file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
        depth++;
    }
    report("last", depth < most ? -1 : 0);
    found("depth", depth);
}

int main(int argc, char **argv) {
    const char *kind = argument(argc, argv, 1), *directory = argument(argc, argv, 2);
    long most = atol(argument(argc, argv, 3));
    if (getpid() > 100 || getppid() != 1) {
        dprintf(2, "this is no sandbox\n");
        return 64;
    }
    if (report("enter", chdir(directory)) < 0) return 1;
    if (strcmp(kind, "fill") == 0) fill(most);
    else if (strcmp(kind, "sparse") == 0) sparse();
    else if (strcmp(kind, "files") == 0) files(most);
    else deep(most);
    return argc > 4 ? atoi(argv[4]) : 0;
}
