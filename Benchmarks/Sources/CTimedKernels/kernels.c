// The shim's kernels, each between two looks at the clock. The linker's --wrap sends calls of conednn_x to __wrap_conednn_x here, and
// those of __real_conednn_x to the kernel, so that the library itself is what users run.
//
// Operations are those on floats that a kernel asks for: additions, multiplications, comparisons, one for each activation. Bytes are
// those of each tensor that it reads or writes, once; what a kernel changes in place counts twice.

#include "CTimedKernels.h"

#include "../../../Sources/COneDNN/winograd.h"

#include <COneDNN.h>
#include <stdio.h>
#include <time.h>

static double milliseconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return 1e3 * (double)time.tv_sec + 1e-6 * (double)time.tv_nsec;
}

void timed_phase(const char *name, int64_t bytes, double milliseconds) {
    printf("phase,%s,%lld,%.6f\n", name, (long long)bytes, milliseconds);
}

// A kernel without a result, its operations and floats, and its parameters by the names that follow.
#define TIMED(kernel, operations, floats, parameters, ...)                                                              \
    void __real_conednn_##kernel parameters;                                                                            \
    void __wrap_conednn_##kernel parameters;                                                                            \
    void __wrap_conednn_##kernel parameters {                                                                           \
        double start = milliseconds();                                                                                  \
        __real_conednn_##kernel(__VA_ARGS__);                                                                           \
        double end = milliseconds();                                                                                    \
        printf("kernel,%s,%lld,%lld,%.6f\n", #kernel, (long long)(operations), 4 * (long long)(floats), end - start);   \
    }

static int64_t size(conednn_extents extents) {
    return extents.images * extents.channels * extents.area;
}

TIMED(
    statistics, 4 * size(e), size(e),
    (const conednn_engine *engine, conednn_extents e, const float *input, float *sums, float *mean, float *variance),
    engine, e, input, sums, mean, variance)

TIMED(
    normalize, 4 * size(e), 2 * size(e),
    (const conednn_engine *engine, conednn_extents e, const float *input, const float *mean, const float *factor,
     const float *bias, conednn_slopes slopes, float *output),
    engine, e, input, mean, factor, bias, slopes, output)

TIMED(
    normalize_sums, 7 * size(e), 2 * size(e),
    (const conednn_engine *engine, conednn_extents e, const float *input, const float *delta, const float *mean,
     const float *factor, const float *bias, conednn_slopes slopes, float *sums, double *delta_sum, double *product_sum),
    engine, e, input, delta, mean, factor, bias, slopes, sums, delta_sum, product_sum)

TIMED(
    normalize_backward, 8 * size(e), 3 * size(e),
    (const conednn_engine *engine, conednn_extents e, const float *input, const float *mean, const float *factor,
     const float *bias, conednn_slopes slopes, const float *shift, const float *spread, float *delta),
    engine, e, input, mean, factor, bias, slopes, shift, spread, delta)

TIMED(
    bend, count, 2 * count, (const conednn_engine *engine, int64_t count, conednn_slopes slopes, float *values), engine,
    count, slopes, values)

TIMED(
    bend_backward, count, 3 * count,
    (const conednn_engine *engine, int64_t count, conednn_slopes slopes, const float *output, float *delta), engine, count,
    slopes, output, delta)

TIMED(
    curve_forward, size(e), 2 * size(e),
    (const conednn_engine *engine, conednn_extents e, conednn_curve curve, float *values), engine, e, curve, values)

TIMED(
    curve_backward, 2 * count, 3 * count,
    (const conednn_engine *engine, int64_t count, conednn_curve curve, const float *output, float *delta), engine, count,
    curve, output, delta)

TIMED(
    combine, (right ? 3 : 1) * count, (right ? 3 : 2) * count,
    (const conednn_engine *engine, int64_t count, float alpha, const float *left, float beta, const float *right,
     float *output),
    engine, count, alpha, left, beta, right, output)

TIMED(
    copy_rows, adds ? rows.rows * rows.width : 0, (adds ? 3 : 2) * rows.rows * rows.width,
    (const conednn_engine *engine, conednn_rows rows, bool adds, const float *source, float *target), engine, rows, adds,
    source, target)

TIMED(
    channel_sums, size(e), size(e),
    (const conednn_engine *engine, conednn_extents e, const float *values, float *sums, double *total), engine, e, values,
    sums, total)

// A place takes half as much as a float.
static int64_t pooled(conednn_extents extents, conednn_windows windows) {
    return extents.images * extents.channels * windows.input_height * windows.input_width + size(extents) * 3 / 2;
}

TIMED(
    maxpool, size(e) * windows.size * windows.size, pooled(e, windows),
    (const conednn_engine *engine, conednn_extents e, conednn_windows windows, const float *input, float *output,
     uint16_t *places),
    engine, e, windows, input, output, places)

TIMED(
    maxpool_backward, size(e), pooled(e, windows),
    (const conednn_engine *engine, conednn_extents e, conednn_windows windows, const uint16_t *places, const float *delta,
     float *input_delta),
    engine, e, windows, places, delta, input_delta)

TIMED(
    avgpool, size(e), size(e) + e.images * e.channels,
    (const conednn_engine *engine, conednn_extents e, const float *input, float *output), engine, e, input, output)

TIMED(
    avgpool_backward, e.images * e.channels, size(e) + e.images * e.channels,
    (const conednn_engine *engine, conednn_extents e, const float *delta, float *input_delta), engine, e, delta,
    input_delta)

TIMED(
    dropout, size(e), 2 * size(e),
    (const conednn_engine *engine, conednn_extents e, conednn_draws draws, uint8_t *scratch, const float *input,
     float *output),
    engine, e, draws, scratch, input, output)

TIMED(
    descend, 5 * count, 4 * count,
    (const conednn_engine *engine, int64_t count, float rate, float keep, float decay, float *values, float *momentum),
    engine, count, rate, keep, decay, values, momentum)

TIMED(
    adapt, 15 * count, 8 * count,
    (const conednn_engine *engine, int64_t count, conednn_adam adam, float *values, float *gradients, float *mean,
     float *square),
    engine, count, adam, values, gradients, mean, square)

TIMED(
    clamp, 2 * count, 2 * count, (const conednn_engine *engine, int64_t count, float limit, float *values), engine, count,
    limit, values)

// Our convolutions, told of as oneDNN tells of its own: `shape` is that of the layer, whichever way the pass goes.
static void tell_convolution(const char *direction, winograd_shape shape, double time) {
    printf(
        "onednn_verbose,exec,cpu,convolution,winograd_4x3:avx512_core,%s,,,alg:convolution_winograd,"
        "mb%lld_ic%lldoc%lld_ih%lldoh%lldkh3_iw%lldow%lldkw3,%.6f\n",
        direction, (long long)shape.images, (long long)shape.inputs, (long long)shape.outputs, (long long)shape.height,
        (long long)(shape.height + 2 * shape.padding - 2), (long long)shape.width,
        (long long)(shape.width + 2 * shape.padding - 2), time);
}

void __real_winograd_forward(
    const conednn_engine *engine, winograd_shape shape, const float *source, const float *packed, const float *bias,
    float negative_slope, float *scratch, float *destination);
void __wrap_winograd_forward(
    const conednn_engine *engine, winograd_shape shape, const float *source, const float *packed, const float *bias,
    float negative_slope, float *scratch, float *destination);
void __wrap_winograd_forward(
    const conednn_engine *engine, winograd_shape shape, const float *source, const float *packed, const float *bias,
    float negative_slope, float *scratch, float *destination) {
    double start = milliseconds();
    __real_winograd_forward(engine, shape, source, packed, bias, negative_slope, scratch, destination);
    double time = milliseconds() - start;
    winograd_shape layer = shape;
    if (shape.turned) {
        layer.inputs = shape.outputs;
        layer.outputs = shape.inputs;
        layer.height = shape.height + 2 * shape.padding - 2;
        layer.width = shape.width + 2 * shape.padding - 2;
        layer.padding = 2 - shape.padding;
    }
    tell_convolution(shape.turned ? "backward_data" : "forward_training", layer, time);
}

void __real_winograd_gradient(
    const conednn_engine *engine, winograd_shape shape, const float *source, const float *delta, float *scratch,
    float *gradient);
void __wrap_winograd_gradient(
    const conednn_engine *engine, winograd_shape shape, const float *source, const float *delta, float *scratch,
    float *gradient);
void __wrap_winograd_gradient(
    const conednn_engine *engine, winograd_shape shape, const float *source, const float *delta, float *scratch,
    float *gradient) {
    double start = milliseconds();
    __real_winograd_gradient(engine, shape, source, delta, scratch, gradient);
    tell_convolution("backward_weights", shape, milliseconds() - start);
}

void __real_winograd_pack(const conednn_engine *engine, winograd_shape shape, const float *weights, float *packed);
void __wrap_winograd_pack(const conednn_engine *engine, winograd_shape shape, const float *weights, float *packed);
void __wrap_winograd_pack(const conednn_engine *engine, winograd_shape shape, const float *weights, float *packed) {
    double start = milliseconds();
    __real_winograd_pack(engine, shape, weights, packed);
    printf(
        "onednn_verbose,exec,cpu,reorder,winograd_4x3:avx512_core,undef,,,,%lldx%lldx3x3,%.6f\n", (long long)shape.outputs,
        (long long)shape.inputs, milliseconds() - start);
}
