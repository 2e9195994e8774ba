#pragma once

#include "CImageCodecs.h"

#include <setjmp.h>

/// What a decoder needs to come back from within a library.
struct job {
    const uint8_t *bytes;
    size_t count;
    struct cimage_limits limits;
    struct cimage *image;
    enum cimage_status status;
    jmp_buf back;
};

/// Takes the extents, or leaves the library if they are beyond the limits.
void job_allocate(struct job *job, uint64_t width, uint64_t height, uint32_t channels);
/// Leaves the library; the message is copied.
_Noreturn void job_fail(struct job *job, enum cimage_status status, const char *message);

void decode_png(struct job *job);
void decode_jpeg(struct job *job);
