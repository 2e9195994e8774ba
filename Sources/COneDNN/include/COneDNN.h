#pragma once

/// The part of oneDNN that a plan of layers needs, the same over oneDNN 2.6 and 3.x, and kernels for what oneDNN lacks.
///
/// Functions that return `int` return 0 or oneDNN's status; conednn_status_text() puts it into words. Objects are made once,
/// bound to memory that the caller owns, and run many times.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__clang__)
#pragma clang assume_nonnull begin
#else
#define _Nullable
#define _Nonnull
#endif

// MARK: - Engine

/// The processor, a queue in program order, and a number of threads.
typedef struct conednn_engine conednn_engine;

/// Makes an engine whose primitives and kernels run on `threads` threads; null if oneDNN refuses.
conednn_engine *_Nullable conednn_engine_create(int threads);
void conednn_engine_destroy(conednn_engine *engine);

/// Makes the calling thread run oneDNN on the engine's number of threads.
///
/// OpenMP keeps that number per calling thread, so this comes first in every pass.
void conednn_engine_enter(const conednn_engine *engine);

/// Channels that oneDNN's fastest kernels on this processor keep side by side: 16, 8, or 0 for all of them.
int conednn_channel_block(void);

/// Puts a status into words.
const char *conednn_status_text(int status);

/// Writes oneDNN's version, `major.minor.patch`.
void conednn_version(int *major, int *minor, int *patch);

// MARK: - Layouts

/// Extents of a float tensor and how they lie in memory.
typedef struct conednn_layout conednn_layout;

typedef enum : int32_t {
    /// What the primitive likes best.
    CONEDNN_ANY,
    /// Last extent innermost.
    CONEDNN_ROW_MAJOR,
    /// (images, height, width, channels) in memory; rank 4 only.
    CONEDNN_CHANNELS_LAST,
    /// Blocks of 8 or 16 channels innermost, zeros behind the last channel; rank 4 only.
    CONEDNN_BLOCKED_8,
    CONEDNN_BLOCKED_16,
} conednn_order;

/// Describes a tensor of 1 to 5 extents, outermost first; null if oneDNN refuses.
conednn_layout *_Nullable conednn_layout_create(const int64_t *extents, int rank, conednn_order order);
void conednn_layout_destroy(conednn_layout *layout);
/// Bytes of a tensor that lies so, padding included.
size_t conednn_layout_bytes(const conednn_layout *layout);
bool conednn_layout_equal(const conednn_layout *left, const conednn_layout *right);

// MARK: - Primitives

/// A compiled operation with its arguments.
typedef struct conednn_primitive conednn_primitive;

typedef enum : int32_t {
    CONEDNN_FORWARD,
    CONEDNN_BACKWARD_DATA,
    CONEDNN_BACKWARD_WEIGHTS,
    /// Forward, with nothing kept for a backward pass: weights may be transformed once, when they are packed.
    CONEDNN_INFERENCE,
} conednn_pass;

/// In a backward pass the gradient stands where the tensor itself does in the forward one.
typedef enum : int32_t {
    CONEDNN_SOURCE,
    CONEDNN_WEIGHTS,
    CONEDNN_BIAS,
    CONEDNN_DESTINATION,
    CONEDNN_SCRATCH,
    CONEDNN_ARGUMENT_COUNT,
} conednn_argument;

typedef struct {
    conednn_pass pass;
    /// Asks for Winograd's algorithm, ours: for filters of 3×3, stride 1, no groups, at most 2 of padding, both tensors in blocks
    /// of 16, a processor with AVX-512; refused elsewhere.
    bool winograd;
    int64_t stride;
    /// Zeros before the first and behind the last row and column.
    int64_t padding;
    /// (images, channels, height, width)
    const conednn_layout *source;
    /// (filters, channels, size, size), with the number of groups in front if there are several.
    const conednn_layout *weights;
    /// (filters); forward only.
    const conednn_layout *_Nullable bias;
    /// (images, filters, height, width)
    const conednn_layout *destination;
    /// What becomes of negative sums; 1 leaves them. Forward only, refused where it does not fit.
    float negative_slope;
} conednn_convolution;

int conednn_convolution_create(
    const conednn_engine *engine, const conednn_convolution *convolution, conednn_primitive *_Nullable *_Nonnull primitive);

/// Multiplies (images, inputs) by (outputs, inputs) transposed; the negative slope is a convolution's.
int conednn_inner_product_create(
    const conednn_engine *engine, conednn_pass pass, const conednn_layout *source, const conednn_layout *weights,
    const conednn_layout *_Nullable bias, const conednn_layout *destination, float negative_slope,
    conednn_primitive *_Nullable *_Nonnull primitive);

/// Copies from one layout to another, or adds if `accumulate`.
int conednn_reorder_create(
    const conednn_engine *engine, const conednn_layout *source, const conednn_layout *destination, bool accumulate,
    conednn_primitive *_Nullable *_Nonnull primitive);

void conednn_primitive_destroy(conednn_primitive *primitive);

/// The layout that the primitive wants of an argument, for the caller to destroy; null if there is no memory for it.
conednn_layout *_Nullable conednn_primitive_layout(const conednn_primitive *primitive, conednn_argument argument);
/// Bytes of an argument; 0 if the primitive has no such argument.
size_t conednn_primitive_bytes(const conednn_primitive *primitive, conednn_argument argument);
/// oneDNN's name for the code that will run, such as `jit_wino_4x3:avx512_core`; it lives as long as the primitive.
const char *conednn_primitive_implementation(const conednn_primitive *primitive);
/// Tells where an argument lies; the memory must outlive the primitive's last run.
void conednn_primitive_bind(conednn_primitive *primitive, conednn_argument argument, void *memory);
/// Runs to the end. All arguments must be bound.
int conednn_primitive_run(const conednn_engine *engine, const conednn_primitive *primitive);

// MARK: - Kernels

/// How activations lie: images, then blocks of `block` channels, then positions, then the channels of the block.
///
/// `block` is 16 or 8, `channels` (channels last), or 1 (channels first). Lanes behind the last channel hold zeros before and
/// after every kernel.
typedef struct {
    int64_t images;
    int64_t channels;
    /// Positions per channel.
    int64_t area;
    int64_t block;
} conednn_extents;

/// The activations that need one comparison: x times `positive` if x > 0, else times `negative`.
typedef struct {
    float positive;
    float negative;
} conednn_slopes;

typedef enum : int32_t {
    CONEDNN_LOGISTIC,
    CONEDNN_LOGGY,
    CONEDNN_ELU,
    CONEDNN_SELU,
    CONEDNN_TANH,
    CONEDNN_PLSE,
    CONEDNN_STAIR,
    CONEDNN_HARDTAN,
    CONEDNN_LHTAN,
} conednn_curve;

/// Floats of `sums` below: two per image and channel, channels rounded up to 16.
size_t conednn_sums_count(conednn_extents extents);

/// Mean and variance (divisor N - 1) of each channel over images and positions.
///
/// Sums run in float over one image's plane and in double beyond, about the plane's own mean: one pass over memory.
void conednn_statistics(
    const conednn_engine *engine, conednn_extents extents, const float *input, float *sums, float *mean,
    float *variance);

/// output = slopes((input - mean) * factor + bias), per channel.
void conednn_normalize(
    const conednn_engine *engine, conednn_extents extents, const float *input, const float *mean, const float *factor,
    const float *bias, conednn_slopes slopes, float *output);

/// Sums over images and positions of δ and of δ·(input - mean), δ being `delta` times the slope where the output lies.
void conednn_normalize_sums(
    const conednn_engine *engine, conednn_extents extents, const float *input, const float *delta, const float *mean,
    const float *factor, const float *bias, conednn_slopes slopes, float *sums, double *delta_sum, double *product_sum);

/// delta = factor * (δ - shift - (input - mean) * spread), per channel, in place.
void conednn_normalize_backward(
    const conednn_engine *engine, conednn_extents extents, const float *input, const float *mean, const float *factor,
    const float *bias, conednn_slopes slopes, const float *shift, const float *spread, float *delta);

/// values = slopes(values), in place; lies anyhow.
void conednn_bend(const conednn_engine *engine, int64_t count, conednn_slopes slopes, float *values);
/// delta *= slope at the output; lies anyhow.
void conednn_bend_backward(
    const conednn_engine *engine, int64_t count, conednn_slopes slopes, const float *output, float *delta);

/// values = curve(values), in place.
void conednn_curve_forward(
    const conednn_engine *engine, conednn_extents extents, conednn_curve curve, float *values);
/// delta *= derivative of the curve, given its output; lies anyhow.
void conednn_curve_backward(
    const conednn_engine *engine, int64_t count, conednn_curve curve, const float *output, float *delta);

/// output = alpha * left + beta * right; without `right` alpha * left. In place if the output is one of them; lies anyhow.
void conednn_combine(
    const conednn_engine *engine, int64_t count, float alpha, const float *left, float beta,
    const float *_Nullable right, float *output);

/// Rows of floats, and how far from one to the next.
typedef struct {
    int64_t rows;
    /// Floats of a row that are copied.
    int64_t width;
    int64_t source_pitch;
    int64_t target_pitch;
} conednn_rows;

/// Copies rows, or adds them to what is there.
void conednn_copy_rows(
    const conednn_engine *engine, conednn_rows rows, bool adds, const float *source, float *target);

/// Sums of each channel over images and positions.
void conednn_channel_sums(
    const conednn_engine *engine, conednn_extents extents, const float *values, float *sums, double *total);

typedef struct {
    int64_t size;
    int64_t stride;
    /// Row and column of the first window, zero or less.
    int64_t start;
    int64_t input_height;
    int64_t input_width;
    int64_t output_height;
    int64_t output_width;
} conednn_windows;

/// The maximum of each window and which of its places held it, the first of equals; NaN counts as greatest.
///
/// `extents` are those of the output.
void conednn_maxpool(
    const conednn_engine *engine, conednn_extents extents, conednn_windows windows, const float *input, float *output,
    uint16_t *_Nullable places);
void conednn_maxpool_backward(
    const conednn_engine *engine, conednn_extents extents, conednn_windows windows, const uint16_t *places,
    const float *delta, float *input_delta);

/// The mean of each channel, as rows of (images, channels).
void conednn_avgpool(const conednn_engine *engine, conednn_extents extents, const float *input, float *output);
void conednn_avgpool_backward(
    const conednn_engine *engine, conednn_extents extents, const float *delta, float *input_delta);

/// Where the draws of a dropout come from: Philox4x32-10 with the counter (quad, image | purpose, iteration, substream).
typedef struct {
    uint32_t key[2];
    uint32_t first_image;
    /// The purpose, in the counter's second word beside the image.
    uint32_t purpose;
    uint32_t iteration;
    uint32_t substream;
    float probability;
} conednn_draws;

/// Bytes of scratch that a thread of conednn_dropout() needs, times the engine's threads.
size_t conednn_dropout_bytes(const conednn_engine *engine, conednn_extents extents);

/// output = input times 0 or 1 / (1 - probability); in place if both are the same.
void conednn_dropout(
    const conednn_engine *engine, conednn_extents extents, conednn_draws draws, uint8_t *scratch, const float *input,
    float *output);

/// One step of the solver over a tensor: momentum -= decay * values; values += rate * momentum; momentum *= keep.
void conednn_descend(
    const conednn_engine *engine, int64_t count, float rate, float keep, float decay, float *values, float *momentum);

/// Adam's constants; `rate` with the correction of the mean, `square_correction` that of the squares' mean.
typedef struct {
    float rate, decay, beta1, beta2, square_correction, epsilon;
} conednn_adam;

/// One step of Adam over a tensor: gradients -= decay * values; mean and square move toward them and their squares;
/// values += rate * mean / (sqrt(square_correction * square) + epsilon); gradients = 0.
void conednn_adapt(
    const conednn_engine *engine, int64_t count, conednn_adam adam, float *values, float *gradients, float *mean,
    float *square);

/// Brings values that lie beyond a limit, on either side, to it; a NaN stays.
void conednn_clamp(const conednn_engine *engine, int64_t count, float limit, float *values);

/// Whether no value is a NaN or an infinity.
bool conednn_all_finite(const conednn_engine *engine, int64_t count, const float *values);

#if defined(__clang__)
#pragma clang assume_nonnull end
#endif
