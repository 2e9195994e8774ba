#include "codecs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void job_fail(struct job *job, enum cimage_status status, const char *message)
{
    job->status = status;
    snprintf(job->image->message, sizeof job->image->message, "%s", message);
    longjmp(job->back, 1);
}

void job_allocate(struct job *job, uint64_t width, uint64_t height, uint32_t channels)
{
    struct cimage *image = job->image;
    if (width == 0 || height == 0) job_fail(job, CIMAGE_DAMAGED, "an image without pixels");
    if (width > job->limits.side || height > job->limits.side || width * height > job->limits.pixels) {
        char message[100];
        snprintf(message, sizeof message, "%llu x %llu pixels; at most %llu, and %u in a row or column, are decoded",
                 (unsigned long long)width, (unsigned long long)height, (unsigned long long)job->limits.pixels,
                 job->limits.side);
        job_fail(job, CIMAGE_TOO_LARGE, message);
    }
    image->width = (uint32_t)width;
    image->height = (uint32_t)height;
    image->channels = channels;
    image->pixels = calloc(width * height, channels);
    if (image->pixels == NULL) job_fail(job, CIMAGE_NO_MEMORY, "no memory for the pixels");
}

enum cimage_status cimage_decode(const uint8_t *bytes, size_t count, struct cimage_limits limits, struct cimage *image)
{
    static const uint8_t png[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'}, jpeg[] = {0xFF, 0xD8, 0xFF};
    memset(image, 0, sizeof *image);
    struct job job = {.bytes = bytes, .count = count, .limits = limits, .image = image, .status = CIMAGE_OK};
    if (count >= sizeof png && memcmp(bytes, png, sizeof png) == 0) {
        decode_png(&job);
    } else if (count >= sizeof jpeg && memcmp(bytes, jpeg, sizeof jpeg) == 0) {
        decode_jpeg(&job);
    } else {
        job.status = CIMAGE_UNKNOWN;
    }
    if (job.status != CIMAGE_OK) cimage_free(image);
    // What a library says may repeat bytes of the file.
    for (char *sign = image->message; *sign != 0; sign++) {
        if (*sign < ' ' || *sign > '~') *sign = '?';
    }
    return job.status;
}

void cimage_free(struct cimage *image)
{
    free(image->pixels);
    image->pixels = NULL;
}
