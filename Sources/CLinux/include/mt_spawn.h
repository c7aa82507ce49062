// SPDX-License-Identifier: Apache-2.0
//
// posix_spawn(3), for programs that the host starts (debootstrap, newuidmap): LinuxKernel/Spawn.swift uses it as it is.
#ifndef MARTINET_MT_SPAWN_H
#define MARTINET_MT_SPAWN_H
#include "clinux.h"
#include <spawn.h>
#endif
