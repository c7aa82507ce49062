// The same features of the C library's headers as in CLinux: Clang refuses two definitions of one type.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include <seccomp.h>
