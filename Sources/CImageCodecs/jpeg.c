#include "codecs.h"

#include <stdio.h>

#include <jpeglib.h>

#include <jerror.h>

struct jpeg_job {
    // First, so that the library's pointers to them are pointers to this.
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    struct jpeg_decompress_struct jpeg;
    struct job *job;
};

/// A progressive image has about ten; thousands are a way to keep a decoder busy.
enum { most_scans = 100 };

static struct jpeg_job *owner(j_common_ptr jpeg)
{
    return (struct jpeg_job *)jpeg->err;
}

static _Noreturn void fail(j_common_ptr jpeg)
{
    char message[JMSG_LENGTH_MAX];
    jpeg->err->format_message(jpeg, message);
    const int code = jpeg->err->msg_code;
    job_fail(owner(jpeg)->job,
             code == JWRN_JPEG_EOF || code == JERR_INPUT_EOF ? CIMAGE_TRUNCATED
             : code == JERR_OUT_OF_MEMORY                    ? CIMAGE_NO_MEMORY
                                                             : CIMAGE_DAMAGED,
             message);
}

static void hear(j_common_ptr jpeg, int level)
{
    // The library warns of damaged data and makes up pixels for them.
    if (level < 0) fail(jpeg);
}

static void count_scans(j_common_ptr jpeg)
{
    if (((j_decompress_ptr)jpeg)->input_scan_number > most_scans)
        job_fail(owner(jpeg)->job, CIMAGE_TOO_LARGE, "more than 100 scans");
}

static void decode(struct jpeg_job *self)
{
    struct job *job = self->job;
    const j_decompress_ptr jpeg = &self->jpeg;
    jpeg_create_decompress(jpeg);
    jpeg->progress = &self->progress;
    jpeg_mem_src(jpeg, job->bytes, job->count);
    jpeg_read_header(jpeg, TRUE);
    if (jpeg->num_components != 1 && jpeg->num_components != 3)
        job_fail(job, CIMAGE_UNSUPPORTED, "a JPEG of 2 or 4 colours (CMYK); save it as grey or RGB");
    jpeg->out_color_space = jpeg->num_components == 1 ? JCS_GRAYSCALE : JCS_RGB;
    // The same result with and without vector instructions.
    jpeg->dct_method = JDCT_ISLOW;
    job_allocate(job, jpeg->image_width, jpeg->image_height, (uint32_t)jpeg->num_components);
    jpeg_start_decompress(jpeg);
    const size_t row = (size_t)job->image->width * job->image->channels;
    if (jpeg->output_width != job->image->width || jpeg->output_height != job->image->height
        || (uint32_t)jpeg->output_components != job->image->channels)
        job_fail(job, CIMAGE_UNSUPPORTED, "a kind of JPEG whose rows are of another length");
    while (jpeg->output_scanline < jpeg->output_height) {
        JSAMPROW place = job->image->pixels + row * jpeg->output_scanline;
        jpeg_read_scanlines(jpeg, &place, 1);
    }
    jpeg_finish_decompress(jpeg);
}

/// Apart, because a function that `longjmp` returns to may not keep what it changed.
static void attempt(struct jpeg_job *self)
{
    if (setjmp(self->job->back) == 0) decode(self);
}

void decode_jpeg(struct job *job)
{
    struct jpeg_job self = {.job = job};
    self.jpeg.err = jpeg_std_error(&self.errors);
    self.errors.error_exit = fail;
    self.errors.emit_message = hear;
    self.progress.progress_monitor = count_scans;
    attempt(&self);
    jpeg_destroy_decompress(&self.jpeg);
}
