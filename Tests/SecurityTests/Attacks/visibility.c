// SPDX-License-Identifier: Apache-2.0
// Attacks 19, 20 and 37: looks for a canary's objects. Arguments: its number, its port, paths of sockets.
#include "attempt.h"
#include <arpa/inet.h>
#include <dirent.h>
#include <mqueue.h>
#include <net/if.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/un.h>

static void connect_inet(const char *name, const char *where, int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    inet_pton(AF_INET, where, &address.sin_addr);
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    report(name, connect(client, (struct sockaddr *)&address, sizeof address));
    close(client);
}

static void connect_unix(const char *name, const struct sockaddr_un *address, socklen_t length) {
    int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    report(name, connect(client, (const struct sockaddr *)address, length));
    close(client);
}

int main(int argc, char **argv) {
    int key = atoi(argument(argc, argv, 1)), port = atoi(argument(argc, argv, 2));
    char name[64];
    snprintf(name, sizeof name, "/martinet-canary-%d", key);
    int processes = 0, foreign = 0;
    DIR *list = opendir("/proc");
    struct dirent *entry;
    while (list && (entry = readdir(list)) != NULL) {
        int pid = atoi(entry->d_name);
        if (pid <= 0) continue;
        processes++;
        if (pid != 1 && pid != getpid()) foreign++;
    }
    found("processes", processes);
    found("foreign-processes", foreign);
    report("sysv-memory", shmget(key, 0, 0));
    report("sysv-messages", msgget(key, 0));
    report("sysv-semaphores", semget(key, 0, 0));
    report("posix-memory", shm_open(name, O_RDONLY, 0));
    report("posix-queue", mq_open(name, O_RDONLY));
    struct sockaddr_un abstract = {.sun_family = AF_UNIX};
    snprintf(abstract.sun_path + 1, sizeof abstract.sun_path - 1, "%s", name);
    connect_unix("abstract-socket", &abstract, offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name));
    connect_inet("host-loopback", "127.0.0.1", port);
    if (!strstr(argv[0], "loopback")) {  // by that name it calls on nobody outside
        connect_inet("elsewhere", "192.0.2.1", 80);
        connect_inet("metadata-service", "169.254.169.254", 80);
    }
    struct if_nameindex *interfaces = if_nameindex();
    int others = 0;
    for (struct if_nameindex *one = interfaces; one && one->if_index; one++) others += strcmp(one->if_name, "lo") != 0;
    found("interfaces-but-loopback", interfaces ? others : -1);
    for (int i = 3; i < argc; i++) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        snprintf(address.sun_path, sizeof address.sun_path, "%s", argv[i]);
        snprintf(name, sizeof name, "socket-%d", i - 3);
        connect_unix(name, &address, sizeof address);
    }
    return 0;
}
