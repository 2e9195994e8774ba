#pragma once

// Decompression of one gzip member, or of bare deflate data, by zlib, in pieces.
//
// zlib's own gz functions take plain files for compressed ones and ignore what follows a member; readers of foreign files
// have to refuse both, so they get the stream itself.

#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

typedef struct czlib_inflater czlib_inflater;

enum czlib_status {
    /// Give more input, or take the output and come again.
    CZLIB_MORE = 0,
    /// The data are complete; a gzip member's checksum fits.
    CZLIB_END = 1,
    /// The input is no such data, or a gzip member's checksum does not fit.
    CZLIB_DAMAGED = 2,
};

/// Begins a gzip member; null if there is no memory.
czlib_inflater *_Nullable czlib_inflater_create(void);

/// Begins deflate data without header and checksum, as zip archives hold them; null if there is no memory.
czlib_inflater *_Nullable czlib_inflater_create_raw(void);

/// The CRC-32 of zip, gzip and PNG over what `crc` (0 at first) is of, and these bytes.
uint32_t czlib_crc32(uint32_t crc, const uint8_t *bytes, size_t size);

/// Decompresses from `*input` to `*output`; both pointers and sizes are moved on by what was used.
enum czlib_status czlib_inflate(czlib_inflater *self, const uint8_t *_Nonnull *_Nonnull input, size_t *input_size,
                                uint8_t *_Nonnull *_Nonnull output, size_t *output_size);

/// Frees it.
void czlib_inflater_destroy(czlib_inflater *self);

#pragma clang assume_nonnull end
