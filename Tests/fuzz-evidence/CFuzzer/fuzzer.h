// What libFuzzer offers to programs that have a main of their own (compiler-rt, FuzzerInterface and its driver).
#pragma once

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerRunDriver(int *count, char ***arguments, int (*one_input)(const uint8_t *bytes, size_t byte_count));
