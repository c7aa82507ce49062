// SPDX-License-Identifier: Apache-2.0
// Runs a command and reports what it and everything that comes of it changes on the host's file systems, and what it
// opens in certain directories: watch REPORT SECONDS [-c DIRECTORY ...] -f PATH [-f PATH ...] -- COMMAND ...
//
// fanotify(7) tells who caused an event only by a process id, which means nothing once the process has ended. So all this
// is done in a PID namespace: to the watcher, processes that are not its own have no number. Lines of the report:
//   event PID WHAT PATH    -f: something in that file system was changed or opened to be written; -c: opened at all
//   left PID NAME          still there three seconds after the command's end
//   hang                   the command did not end in time
//   status N               how the command ended, as a shell says it
#include "attempt.h"
#include <dirent.h>
#include <poll.h>
#include <sys/fanotify.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/statfs.h>
#include <time.h>

#define CHANGES \
    (FAN_CREATE | FAN_DELETE | FAN_MOVED_FROM | FAN_MOVED_TO | FAN_MODIFY | FAN_CLOSE_WRITE | FAN_ATTRIB | FAN_ONDIR)
#define MOST 16

static FILE *output;
static struct {
    fsid_t id;
    int directory;
} systems[MOST];
static int system_count;

static void must(long result, const char *what) {
    if (result >= 0) return;
    fprintf(stderr, "watch: %s: %s\n", what, strerror(errno));
    _exit(99);
}

static long milliseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void print_visibly(const char *text) {
    for (; *text; text++) fprintf(output, *text > 32 && *text < 127 && *text != '\\' ? "%c" : "\\x%02x", (unsigned char)*text);
}

static const struct { uint64_t bit; const char *name; } words[] = {
    {FAN_CREATE, "created"}, {FAN_DELETE, "deleted"}, {FAN_MOVED_FROM, "moved-from"}, {FAN_MOVED_TO, "moved-to"},
    {FAN_MODIFY, "modified"}, {FAN_CLOSE_WRITE, "opened-to-write"}, {FAN_ATTRIB, "attributes"}, {FAN_OPEN, "opened"},
    {FAN_ACCESS, "read"}, {FAN_Q_OVERFLOW, "overflow"},
};

// The directory's path by its handle, and the name in it. open_by_handle_at(2)
static void print_path(const struct fanotify_event_info_fid *info) {
    struct file_handle *handle = (struct file_handle *)info->handle;
    const char *name = (const char *)handle->f_handle + handle->handle_bytes;
    for (int i = 0; i < system_count; i++) {
        if (memcmp(&systems[i].id, &info->fsid, sizeof info->fsid) != 0) continue;
        char link[64], path[4200];
        int directory = open_by_handle_at(systems[i].directory, handle, O_PATH | O_CLOEXEC);
        if (directory < 0) {
            // Removed since. What was made or removed above it, in a directory that is still there, is an event too.
            if (errno == ESTALE) fprintf(output, "gone/");
            break;
        }
        snprintf(link, sizeof link, "/proc/self/fd/%d", directory);
        ssize_t length = readlink(link, path, sizeof path - 1);
        close(directory);
        if (length < 0) break;
        path[length] = 0;
        print_visibly(path);
        if (info->hdr.info_type == FAN_EVENT_INFO_TYPE_DFID_NAME && strcmp(name, ".") != 0) {
            fputc('/', output);
            print_visibly(name);
        }
        return;
    }
    fprintf(output, "?/");
    if (info->hdr.info_type == FAN_EVENT_INFO_TYPE_DFID_NAME) print_visibly(name);
}

static void read_events(int group) {
    static char buffer[65536] __attribute__((aligned(8)));
    ssize_t count;
    while ((count = read(group, buffer, sizeof buffer)) > 0) {
        struct fanotify_event_metadata *event = (void *)buffer;
        for (; FAN_EVENT_OK(event, count); event = FAN_EVENT_NEXT(event, count)) {
            if ((event->pid == 0 || event->pid == getpid()) && !(event->mask & FAN_Q_OVERFLOW)) continue;
            fprintf(output, "event %d ", event->pid);
            const char *between = "";
            for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
                if (!(event->mask & words[i].bit)) continue;
                fprintf(output, "%s%s", between, words[i].name);
                between = ",";
            }
            fputc(' ', output);
            if (event->event_len > event->metadata_len) print_path((void *)((char *)event + event->metadata_len));
            fputc('\n', output);
        }
    }
}

static void mark(int group, unsigned how, uint64_t mask, const char *path) {
    must(fanotify_mark(group, FAN_MARK_ADD | how, mask, AT_FDCWD, path), path);
}

static void add_file_system(int group, const char *path) {
    struct statfs info;
    must(statfs(path, &info), path);
    for (int i = 0; i < system_count; i++) {
        if (memcmp(&systems[i].id, &info.f_fsid, sizeof info.f_fsid) == 0) return;
    }
    // One that cannot name its files by handles cannot be watched; nor has it any that outlive the machine.
    if (fanotify_mark(group, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, CHANGES, AT_FDCWD, path) < 0) {
        fprintf(output, "unwatched 0 %s ", strerrorname_np(errno));
        print_visibly(path);
        fputc('\n', output);
        return;
    }
    systems[system_count].id = info.f_fsid;
    must(systems[system_count++].directory = open(path, O_RDONLY | O_CLOEXEC), path);
}

// Processes of this PID namespace besides the watcher.
static int others(int prints) {
    int count = 0;
    DIR *proc = opendir("/proc");
    for (struct dirent *entry; proc && (entry = readdir(proc));) {
        int pid = atoi(entry->d_name);
        if (pid <= 1) continue;
        count++;
        if (!prints) continue;
        char path[64], name[64] = "?";
        snprintf(path, sizeof path, "/proc/%d/comm", pid);
        FILE *file = fopen(path, "re");
        if (file && fscanf(file, "%60s", name) < 1) strcpy(name, "?");
        if (file) fclose(file);
        fprintf(output, "left %d %s\n", pid, name);
    }
    if (proc) closedir(proc);
    return count;
}

static int reap_all(int command, int *status) {
    int found = 0, one;
    for (pid_t pid; (pid = waitpid(-1, &one, WNOHANG)) > 0;) {
        if (pid == command) *status = one, found = 1;
    }
    return found;
}

static int watch(int argc, char **argv) {
    int first = 3, status = -1, hung = 0;
    must(prctl(PR_SET_PDEATHSIG, SIGKILL), "prctl");
    must(mount("", "/", "", MS_REC | MS_PRIVATE, 0), "make mounts private");
    must(mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, 0), "mount /proc");
    int group = fanotify_init(
        FAN_CLASS_NOTIF | FAN_REPORT_DFID_NAME | FAN_NONBLOCK | FAN_CLOEXEC | FAN_UNLIMITED_QUEUE | FAN_UNLIMITED_MARKS,
        O_RDONLY | O_LARGEFILE | O_CLOEXEC);
    must(group, "fanotify_init");
    for (; first + 1 < argc && strcmp(argv[first], "--") != 0; first += 2) {
        if (strcmp(argv[first], "-f") == 0) add_file_system(group, argv[first + 1]);
        else mark(group, 0, CHANGES | FAN_OPEN | FAN_ACCESS | FAN_EVENT_ON_CHILD, argv[first + 1]);
    }
    pid_t command = fork();
    must(command, "fork");
    if (command == 0) {
        prctl(PR_SET_PDEATHSIG, 0);
        execv(argv[first + 1], argv + first + 1);
        _exit(98);
    }
    long end = milliseconds() + 1000 * atol(argv[2]);
    struct pollfd ready = {group, POLLIN, 0};
    while (!reap_all(command, &status)) {
        // Its end must be seen soon, and the events of a busy machine not one by one.
        poll(&ready, 1, 2);
        usleep(2000);
        read_events(group);
        if (milliseconds() < end) continue;
        fprintf(output, "hang\n");
        hung = 1;
        others(1);
        kill(-1, SIGKILL);
        end += 1000000;
    }
    // What is only on its way out has three seconds: a janitor that has seen its launcher's end.
    for (int tries = 0; tries < 3000 && others(0) > 0; tries++) {
        usleep(1000);
        reap_all(command, &status);
    }
    if (!hung) others(1);
    read_events(group);
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    fprintf(output, "status %d\n", code);
    fflush(output);
    return code;
}

int main(int argc, char **argv) {
    output = fopen(argument(argc, argv, 1), "we");
    must(output ? 0 : -1, argv[1]);
    must(unshare(CLONE_NEWPID | CLONE_NEWNS), "unshare");
    pid_t watcher = fork();
    must(watcher, "fork");
    if (watcher == 0) _exit(watch(argc, argv));
    int status = 0;
    while (waitpid(watcher, &status, 0) < 0 && errno == EINTR) {}
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
