#pragma once

// PNG and JPEG images of strangers: bytes in, pixels out.
//
// Both libraries report errors by longjmp, which stays on this side. A decoder process does the same in a process that may
// read a socket, write it, and allocate memory, and nothing else: a flaw in a library ends there.

#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

enum cimage_status {
    CIMAGE_OK = 0,
    /// Neither PNG nor JPEG.
    CIMAGE_UNKNOWN = 1,
    /// The bytes end before the image does.
    CIMAGE_TRUNCATED = 2,
    /// The library refuses them.
    CIMAGE_DAMAGED = 3,
    /// More pixels, or more passes over them, than the limits.
    CIMAGE_TOO_LARGE = 4,
    /// A kind of image that is not known here.
    CIMAGE_UNSUPPORTED = 5,
    CIMAGE_NO_MEMORY = 6,
    /// The decoder process took longer than it may.
    CIMAGE_TOO_SLOW = 7,
    /// The decoder process ended, or answered what it may not.
    CIMAGE_CRASHED = 8,
};

struct cimage_limits {
    /// Neither width nor height is larger.
    uint32_t side;
    uint64_t pixels;
};

struct cimage {
    uint32_t width;
    uint32_t height;
    /// 1 for grey, 3 for red, green and blue.
    uint32_t channels;
    /// Rows of pixels without gaps; null unless all went well. `cimage_free` frees them.
    uint8_t *_Nullable pixels;
    /// What the library said, in ASCII.
    char message[200];
};

/// Decodes an image in this process: 8 bits a channel, transparency dropped.
enum cimage_status cimage_decode(const uint8_t *bytes, size_t count, struct cimage_limits limits, struct cimage *image);

void cimage_free(struct cimage *image);

typedef struct cimage_decoder cimage_decoder;

/// Starts a decoder process. Null if that fails, or if the kernel confines it not; `errno` says why.
///
/// The process has a copy of this one's memory as it is now: start it before there are secrets.
cimage_decoder *_Nullable cimage_decoder_start(struct cimage_limits limits);

/// Decodes an image there. After CIMAGE_TOO_SLOW and CIMAGE_CRASHED the process is gone, and only `cimage_decoder_stop` is left.
enum cimage_status cimage_decoder_decode(cimage_decoder *self, const uint8_t *bytes, size_t count, int milliseconds,
                                         struct cimage *image);

/// The process, 0 if it is gone.
int cimage_decoder_process(const cimage_decoder *self);

/// Ends the process and frees what belongs to it.
void cimage_decoder_stop(cimage_decoder *self);

#pragma clang assume_nonnull end
