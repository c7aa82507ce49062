// SPDX-License-Identifier: Apache-2.0
#ifndef MARTINET_FUZZER_H
#define MARTINET_FUZZER_H
#include <stddef.h>
#include <stdint.h>

/// libFuzzer as a function. https://llvm.org/docs/LibFuzzer.html#using-libfuzzer-as-a-library
int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*body)(const uint8_t *bytes, size_t count));

#endif
