#pragma once

// Lines on the standard output, in the order of what happened, among those of oneDNN's verbose mode:
//
//     kernel,NAME,OPERATIONS,BYTES,MILLISECONDS    a kernel of the shim; the linker puts the functions of this target in their places
//     phase,NAME,BYTES,MILLISECONDS                what the lines since the last phase belong to

#include <stdint.h>

#pragma clang assume_nonnull begin

/// Ends a phase; `bytes` were sealed or opened in it.
void timed_phase(const char *name, int64_t bytes, double milliseconds);

#pragma clang assume_nonnull end
