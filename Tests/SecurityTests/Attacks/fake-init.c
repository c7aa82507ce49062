// SPDX-License-Identifier: Apache-2.0
// Attack 46: an init that an agent has taken over, as its launcher meets it. Takes the program, finds "fake=NAME" in its
// bytes, and says what NAME stands for. Harmless anywhere: it only writes to descriptor 3.
#include "attempt.h"
#include <sys/socket.h>

enum { SOCKET = 3, MAGIC = 0x3152544d };

static unsigned char record[1 << 17];
static size_t length;

static void put(unsigned long value, int bytes) {
    for (int i = 0; i < bytes; i++) record[length++] = (unsigned char)(value >> (8 * i));
}

static void begin(unsigned kind) {
    length = 0;
    put(MAGIC, 4);
    put(1, 2);
    put(kind, 2);
    put(0, 4);
}

static void finish(void) {
    for (int i = 0; i < 4; i++) record[8 + i] = (unsigned char)(length >> (8 * i));
}

static long deliver(int descriptors) {
    char control[CMSG_SPACE(sizeof(int) * 16)];
    struct iovec part = {record, length};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (descriptors > 0) {
        message.msg_control = control;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)descriptors);
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)descriptors);
        int null = 0;
        for (int i = 0; i < descriptors; i++) memcpy(CMSG_DATA(header) + i * (int)sizeof null, &null, sizeof null);
    }
    return sendmsg(SOCKET, &message, MSG_NOSIGNAL);
}

static void say(unsigned kind, int count, const unsigned *words, int descriptors) {
    begin(kind);
    for (int i = 0; i < count; i++) put(words[i], 4);
    finish();
    deliver(descriptors);
}

static void started(void) { say(66, 1, (const unsigned[]){2}, 0); }

static void exited(void) {
    static const unsigned words[10] = {0};  // status, reason, four times 64 bits
    say(67, 10, words, 0);
}

static void act(const char *name) {
#define IF(text) else if (strcmp(name, text) == 0)
    if (strcmp(name, "silent") == 0) return;
    IF("empty") { length = 0; deliver(0); }
    IF("garbage") { for (length = 0; length < 64; length++) record[length] = (unsigned char)(length * 37); deliver(0); }
    IF("short") { begin(66); length = 5; deliver(0); }
    IF("magic") { begin(66); put(2, 4); finish(); record[0] ^= 1; deliver(0); }
    IF("version") { begin(66); put(2, 4); finish(); record[4] = 9; deliver(0); }
    IF("length") { begin(66); put(2, 4); finish(); record[8] += 4; deliver(0); }
    IF("truncated") { begin(67); put(0, 4); finish(); deliver(0); }
    IF("longer") { begin(66); put(2, 4); put(2, 4); finish(); deliver(0); }
    IF("oversized") { begin(66); length = 70000; finish(); deliver(0); }
    IF("unknown") { say(99, 1, (const unsigned[]){1}, 0); }
    IF("host-kind") { say(1, 2, (const unsigned[]){56, 0}, 0); }
    IF("terminate") { say(4, 0, NULL, 0); }
    IF("failed-far") { say(64, 2, (const unsigned[]){0x7fffffff, 5}, 0); }
    IF("failed-errno") { say(64, 2, (const unsigned[]){0, 0xffffffff}, 0); }
    IF("stopped-zero") { started(); say(68, 1, (const unsigned[]){0}, 0); }
    IF("stopped-large") { started(); say(68, 1, (const unsigned[]){4000000000u}, 0); }
    IF("reason") { started(); say(67, 2, (const unsigned[]){0, 77}, 0); }
    IF("exited-first") { exited(); }
    IF("exited-twice") { started(); exited(); exited(); }
    IF("started-often") { for (int i = 0; i < 20000; i++) started(); exited(); }
    IF("started-only") { started(); }
    IF("no-descriptor") { say(65, 1, (const unsigned[]){1}, 0); }
    IF("descriptors") { say(65, 1, (const unsigned[]){1}, 16); }
    IF("purpose") { say(65, 1, (const unsigned[]){1000}, 1); }
    IF("unasked-terminal") { say(65, 1, (const unsigned[]){1}, 1); say(65, 1, (const unsigned[]){1}, 1); }
    IF("unasked-listener") { say(65, 1, (const unsigned[]){2}, 1); }
    IF("smuggled") { say(66, 1, (const unsigned[]){2}, 1); exited(); }
    IF("good") { started(); exited(); }
}

int main(void) {
    static unsigned char seen[1 << 16];
    char name[64] = "silent";
    // The launcher has sent everything before it looks for answers.
    for (;;) {
        long count = recv(SOCKET, seen, sizeof seen, 0);
        if (count <= 0) return 125;
        unsigned char *mark = memmem(seen, (size_t)count, "fake=", 5);
        if (!mark) continue;
        snprintf(name, sizeof name, "%s", mark + 5);
        break;
    }
    act(name);
    return 0;
}
