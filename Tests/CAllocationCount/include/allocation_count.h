/// Counts what a thread asks of the C library's allocator, which Swift's runtime asks for every object.
#pragma once

#include <stdbool.h>
#include <stdint.h>

/// How many times the calling thread has asked for memory: malloc, calloc, realloc and the aligned ones.
uint64_t callocation_count(void);

/// How many of them, while callers are looked at, neither oneDNN nor the runtime of C++ asked for.
uint64_t callocation_own_count(void);

/// Has the calling thread look who asks, which takes a while each time.
void callocation_look_at_callers(bool looks);

/// False where another allocator stands in front of the C library's, as a sanitizer's does: nothing is counted then.
bool callocation_counts(void);
