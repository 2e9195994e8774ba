#include "CZlib.h"

#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

struct czlib_inflater {
    z_stream stream;
};

static czlib_inflater *create(int window_bits)
{
    czlib_inflater *self = calloc(1, sizeof *self);
    if (self != NULL && inflateInit2(&self->stream, window_bits) != Z_OK) {
        free(self);
        return NULL;
    }
    return self;
}

czlib_inflater *czlib_inflater_create(void)
{
    // 16 more than the largest window: gzip headers only, no zlib ones.
    return create(MAX_WBITS + 16);
}

czlib_inflater *czlib_inflater_create_raw(void)
{
    // Negative: no header and no checksum.
    return create(-MAX_WBITS);
}

uint32_t czlib_crc32(uint32_t crc, const uint8_t *bytes, size_t size)
{
    return (uint32_t)crc32_z(crc, bytes, size);
}

static uInt clamped(size_t size)
{
    return size < UINT_MAX ? (uInt)size : UINT_MAX;
}

enum czlib_status czlib_inflate(czlib_inflater *self, const uint8_t **input, size_t *input_size, uint8_t **output,
                                size_t *output_size)
{
    z_stream *stream = &self->stream;
    const uInt input_given = clamped(*input_size), output_given = clamped(*output_size);
    stream->next_in = (Bytef *)*input;
    stream->avail_in = input_given;
    stream->next_out = *output;
    stream->avail_out = output_given;
    const int status = inflate(stream, Z_NO_FLUSH);
    *input += input_given - stream->avail_in;
    *input_size -= input_given - stream->avail_in;
    *output += output_given - stream->avail_out;
    *output_size -= output_given - stream->avail_out;
    // Z_BUF_ERROR means that there was nothing to do, which is no damage.
    return status == Z_STREAM_END ? CZLIB_END : status == Z_OK || status == Z_BUF_ERROR ? CZLIB_MORE : CZLIB_DAMAGED;
}

void czlib_inflater_destroy(czlib_inflater *self)
{
    inflateEnd(&self->stream);
    free(self);
}
