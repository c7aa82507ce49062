// SPDX-License-Identifier: Apache-2.0
// What must be neither seen nor touched from another sandbox: objects of every kind that has a name, until standard
// input ends. Harmless wherever it runs. Argument: a number, which all the names are made of; one more removes them.
#include "attempt.h"
#include <arpa/inet.h>
#include <mqueue.h>
#include <poll.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/un.h>

static void remove_all(int key, const char *name) {
    shmctl(shmget(key, 0, 0), IPC_RMID, NULL);
    msgctl(msgget(key, 0), IPC_RMID, NULL);
    semctl(semget(key, 0, 0), 0, IPC_RMID);
    shm_unlink(name);
    mq_unlink(name);
}

int main(int argc, char **argv) {
    int key = atoi(argument(argc, argv, 1));
    char name[64];
    snprintf(name, sizeof name, "/martinet-canary-%d", key);
    if (argc > 2) {  // after one that was killed: its objects outlive it, and there are few of some kinds
        remove_all(key, name);
        return 0;
    }
    int segment = shmget(key, 4096, IPC_CREAT | IPC_EXCL | 0666);
    int messages = msgget(key, IPC_CREAT | IPC_EXCL | 0666);
    int semaphores = semget(key, 1, IPC_CREAT | IPC_EXCL | 0666);
    umask(0);
    int shared = shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0666);
    struct mq_attr small = {.mq_maxmsg = 1, .mq_msgsize = 16};  // a user may have few bytes of them
    mqd_t queue = mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0666, &small);
    struct sockaddr_un abstract = {.sun_family = AF_UNIX};
    snprintf(abstract.sun_path + 1, sizeof abstract.sun_path - 1, "%s", name);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int bound = bind(listener, (struct sockaddr *)&abstract, offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name));
    listen(listener, 8);
    int tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    if (bind(tcp, (struct sockaddr *)&address, length) < 0 || listen(tcp, 8) < 0) return 1;
    getsockname(tcp, (struct sockaddr *)&address, &length);
    int usable = segment >= 0 && messages >= 0 && semaphores >= 0 && shared >= 0 && queue >= 0 && bound == 0;
    dprintf(1, "ready %d %s\n", usable ? ntohs(address.sin_port) : -1, usable ? "OK" : "incomplete");
    char end;
    while (read(0, &end, 1) > 0) {}
    // How many have called on it: the proof of an attack that arrived.
    int visits = 0;
    struct pollfd waiting[2] = {{listener, POLLIN, 0}, {tcp, POLLIN, 0}};
    while (poll(waiting, 2, 0) > 0) {
        for (int i = 0; i < 2; i++)
            if (waiting[i].revents & POLLIN && accept(waiting[i].fd, NULL, NULL) >= 0) visits++;
    }
    struct shmid_ds state = {0};
    struct stat file;
    int intact = shmctl(segment, IPC_STAT, &state) == 0 && msgget(key, 0) == messages
        && semctl(semaphores, 0, GETVAL) == 0 && fstat(shared, &file) == 0 && file.st_nlink == 1;
    found("visits", visits);
    found("intact", intact);
    remove_all(key, name);
    return 0;
}
