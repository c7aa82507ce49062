// SPDX-License-Identifier: Apache-2.0
// Attack 27: every socket family and kind.
#include "attempt.h"
#include <sys/socket.h>

static long attempt(const char *name, int family, int type, int protocol) {
    int made = (int)report(name, socket(family, type | SOCK_CLOEXEC, protocol));
    if (made >= 0) close(made);
    return made;
}

int main(void) {
    attempt("unix", AF_UNIX, SOCK_STREAM, 0);
    attempt("tcp", AF_INET, SOCK_STREAM, 0);
    attempt("udp6", AF_INET6, SOCK_DGRAM, 0);
    attempt("netlink-route", AF_NETLINK, SOCK_RAW, 0);
    attempt("raw", AF_INET, SOCK_RAW, 255);
    attempt("raw-icmp", AF_INET, SOCK_RAW, 1);
    attempt("raw-tcp", AF_INET, SOCK_RAW, 6);
    attempt("raw6", AF_INET6, SOCK_RAW, 58);
    attempt("packet-raw", AF_PACKET, SOCK_RAW, 0x0300 /* htons(ETH_P_ALL) */);
    attempt("packet-dgram", AF_PACKET, SOCK_DGRAM, 0x0300);
    attempt("packet-old", AF_INET, 10 /* SOCK_PACKET */, 0x0300);
    char name[32];
    for (int protocol = 1; protocol < 32; protocol++) {
        snprintf(name, sizeof name, "netlink-%d", protocol);
        attempt(name, AF_NETLINK, SOCK_RAW, protocol);
    }
    static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET, SOCK_RDM};
    for (int family = 0; family < 64; family++) {
        if (family == AF_UNIX || family == AF_INET || family == AF_INET6 || family == AF_NETLINK || family == AF_PACKET)
            continue;
        long made = -1;
        for (unsigned i = 0; i < sizeof types / sizeof *types && made < 0; i++)
            made = socket(family, types[i] | SOCK_CLOEXEC, 0);
        snprintf(name, sizeof name, "family-%d", family);
        report(name, made);
        if (made >= 0) close((int)made);
    }
    int pair[2];
    report("pair-netlink", socketpair(AF_NETLINK, SOCK_RAW, 16, pair));
    return 0;
}
