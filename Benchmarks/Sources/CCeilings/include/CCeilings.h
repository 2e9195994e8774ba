#pragma once

// Work that nothing but one ceiling of the processor holds back, for one thread.

#include <stdint.h>

#pragma clang assume_nonnull begin

/// Multiplies and adds in the widest registers that there are, as many independent chains as hide the latency.
/// - Returns: how many operations on floats that were, two for each multiplication with its addition.
int64_t ceiling_multiply_add(int64_t rounds);

/// The registers that `ceiling_multiply_add` takes.
const char *ceiling_instructions(void);

/// target = left + factor * right: two tensors read, one written.
void ceiling_triad(int64_t count, float *target, const float *left, const float *right, float factor);

/// The sum of all: one tensor read.
float ceiling_sum(int64_t count, const float *values);

#pragma clang assume_nonnull end
