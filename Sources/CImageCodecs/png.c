#include "codecs.h"

#include <png.h>
#include <string.h>

struct png_job {
    struct job *job;
    png_structp png;
    png_infop info;
    size_t place;
};

static void fail(png_structp png, png_const_charp message)
{
    struct png_job *self = png_get_error_ptr(png);
    job_fail(self->job, CIMAGE_DAMAGED, message);
}

static void ignore(png_structp png, png_const_charp message)
{
    (void)png, (void)message;
}

static void give(png_structp png, png_bytep bytes, size_t count)
{
    struct png_job *self = png_get_io_ptr(png);
    if (count > self->job->count - self->place) job_fail(self->job, CIMAGE_TRUNCATED, "the file ends in the image");
    memcpy(bytes, self->job->bytes + self->place, count);
    self->place += count;
}

static void decode(struct png_job *self)
{
    struct job *job = self->job;
    self->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, self, fail, ignore);
    self->info = self->png != NULL ? png_create_info_struct(self->png) : NULL;
    if (self->info == NULL) job_fail(job, CIMAGE_NO_MEMORY, "no memory for the decoder");
    const png_structp png = self->png;
    png_set_read_fn(png, self, give);
    png_set_benign_errors(png, 0);
    png_set_crc_action(png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
    // The limits are checked here, with a message of their own.
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_chunk_malloc_max(png, 1 << 20);
    png_set_chunk_cache_max(png, 64);
    // Texts, profiles and times are parsed for nothing: no pixel depends on them.
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
    png_read_info(png, self->info);

    const int colour = png_get_color_type(png, self->info), depth = png_get_bit_depth(png, self->info);
    const uint32_t width = png_get_image_width(png, self->info), height = png_get_image_height(png, self->info);
    const uint32_t channels = colour & PNG_COLOR_MASK_COLOR ? 3 : 1;
    job_allocate(job, width, height, channels);
    if (colour == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png);
    if (colour == PNG_COLOR_TYPE_GRAY && depth < 8) png_set_expand_gray_1_2_4_to_8(png);
    if (depth == 16) png_set_scale_16(png);
    if (colour & PNG_COLOR_MASK_ALPHA) png_set_strip_alpha(png);
    const int passes = png_set_interlace_handling(png);
    png_read_update_info(png, self->info);

    if (png_get_rowbytes(png, self->info) != (size_t)width * channels)
        job_fail(job, CIMAGE_UNSUPPORTED, "a kind of PNG whose rows are of another length");
    for (int pass = 0; pass < passes; pass++) {
        for (uint32_t row = 0; row < height; row++)
            png_read_row(png, job->image->pixels + (size_t)row * width * channels, NULL);
    }
    png_read_end(png, NULL);
}

/// Apart, because a function that `longjmp` returns to may not keep what it changed.
static void attempt(struct png_job *self)
{
    if (setjmp(self->job->back) == 0) decode(self);
}

void decode_png(struct job *job)
{
    struct png_job self = {.job = job};
    attempt(&self);
    png_destroy_read_struct(&self.png, &self.info, NULL);
}
