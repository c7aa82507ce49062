// SPDX-License-Identifier: Apache-2.0
#ifndef MARTINET_MT_LAUNCH_H
#define MARTINET_MT_LAUNCH_H
#include "clinux.h"
#endif
