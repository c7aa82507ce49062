// SPDX-License-Identifier: Apache-2.0
#include "clinux.h"

const char *mt_errno_name(int code) { return strerrorname_np(code); }
const char *mt_errno_description(int code) { return strerrordesc_np(code); }
const char *mt_signal_name(int signal) { return sigabbrev_np(signal); }
