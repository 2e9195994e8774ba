/// Counts what a thread asks of the C library's allocator, which Swift's runtime asks for every object.
#pragma once

#include <stdbool.h>
#include <stdint.h>

/// How many times the calling thread has asked for memory: malloc, calloc, realloc and the aligned ones.
uint64_t callocation_count(void);

/// False where another allocator stands in front of the C library's, as a sanitizer's does: nothing is counted then.
bool callocation_counts(void);
