// Activations, sums, the solver and the search for what is not finite.

#include "lanes.h"
#include "parallel.h"

#include <math.h>
#include <stdatomic.h>

// A plain array, and what is done to it.
typedef struct {
    int64_t count;
    conednn_slopes slopes;
    conednn_curve curve;
    float rate, keep, decay;
    const float *input;
    float *output;
    float *momentum;
    float *gradients, *square;
    conednn_adam adam;
    _Atomic(bool) *found;
} flat;

// Plain arrays are cut into pieces of this many floats.
enum { PIECE = 4096 };

static void for_pieces(const conednn_engine *engine, int64_t count, parallel_work work, const void *context) {
    parallel_for(engine, (count + PIECE - 1) / PIECE, PIECE, work, context);
}

INLINE int64_t piece_end(int64_t last, int64_t count) {
    return last * PIECE < count ? last * PIECE : count;
}

// MARK: - Activations with one bend

KERNEL static void bend_range(int thread, int64_t first, int64_t last, const void *context) {
    (void)thread;
    const flat *flat = context;
    float *values = flat->output, positive = flat->slopes.positive, negative = flat->slopes.negative;
    for (int64_t index = first * PIECE; index < piece_end(last, flat->count); index++) {
        values[index] *= values[index] > 0 ? positive : negative;
    }
}

void conednn_bend(const conednn_engine *engine, int64_t count, conednn_slopes slopes, float *values) {
    if (slopes.positive == 1 && slopes.negative == 1) return;
    flat flat = {.count = count, .slopes = slopes, .output = values};
    for_pieces(engine, count, bend_range, &flat);
}

KERNEL static void bend_backward_range(int thread, int64_t first, int64_t last, const void *context) {
    (void)thread;
    const flat *flat = context;
    const float *restrict output = flat->input;
    float *restrict delta = flat->output;
    float positive = flat->slopes.positive, negative = flat->slopes.negative;
    for (int64_t index = first * PIECE; index < piece_end(last, flat->count); index++) {
        delta[index] *= output[index] > 0 ? positive : negative;
    }
}

void conednn_bend_backward(
    const conednn_engine *engine, int64_t count, conednn_slopes slopes, const float *output, float *delta) {
    if (slopes.positive == 1 && slopes.negative == 1) return;
    flat flat = {.count = count, .slopes = slopes, .input = output, .output = delta};
    for_pieces(engine, count, bend_backward_range, &flat);
}

// MARK: - Sums and copies of two arrays

typedef struct {
    int64_t count;
    float alpha, beta;
    const float *left, *right;
    float *output;
} combination;

KERNEL static void combine_range(int thread, int64_t first, int64_t last, const void *context) {
    (void)thread;
    const combination *sum = context;
    // The output may be one of the others, so nothing is `restrict`.
    float alpha = sum->alpha, beta = sum->beta;
    const float *left = sum->left, *right = sum->right;
    float *output = sum->output;
    int64_t end = piece_end(last, sum->count);
    if (right) {
        for (int64_t index = first * PIECE; index < end; index++) {
            output[index] = alpha * left[index] + beta * right[index];
        }
    } else {
        for (int64_t index = first * PIECE; index < end; index++) output[index] = alpha * left[index];
    }
}

void conednn_combine(
    const conednn_engine *engine, int64_t count, float alpha, const float *left, float beta, const float *right,
    float *output) {
    combination sum = {.count = count, .alpha = alpha, .beta = beta, .left = left, .right = right, .output = output};
    for_pieces(engine, count, combine_range, &sum);
}

typedef struct {
    conednn_rows rows;
    bool adds;
    const float *source;
    float *target;
} row_copy;

KERNEL static void copy_rows_range(int thread, int64_t first, int64_t last, const void *context) {
    (void)thread;
    const row_copy *copy = context;
    for (int64_t row = first; row < last; row++) {
        const float *restrict source = copy->source + row * copy->rows.source_pitch;
        float *restrict target = copy->target + row * copy->rows.target_pitch;
        if (copy->adds) {
            for (int64_t index = 0; index < copy->rows.width; index++) target[index] += source[index];
        } else {
            memcpy(target, source, (size_t)copy->rows.width * sizeof(float));
        }
    }
}

void conednn_copy_rows(
    const conednn_engine *engine, conednn_rows rows, bool adds, const float *source, float *target) {
    row_copy copy = {.rows = rows, .adds = adds, .source = source, .target = target};
    parallel_for(engine, rows.rows, rows.width, copy_rows_range, &copy);
}

// MARK: - Curved activations

static const float selu_scale = 1.0507f, selu_floor = 1.0507f * 1.6732f;

static float curve_value(conednn_curve curve, float x) {
    switch (curve) {
    case CONEDNN_LOGISTIC: return 1 / (1 + expf(-x));
    case CONEDNN_LOGGY: return 2 / (1 + expf(-x)) - 1;
    case CONEDNN_ELU: return x < 0 ? expf(x) - 1 : x;
    case CONEDNN_SELU: return x < 0 ? selu_floor * (expf(x) - 1) : selu_scale * x;
    case CONEDNN_TANH: return tanhf(x);
    case CONEDNN_PLSE: return x < -4 ? 0.01f * (x + 4) : x > 4 ? 0.01f * (x - 4) + 1 : 0.125f * x + 0.5f;
    case CONEDNN_STAIR: {
        float floor = floorf(x), half = floorf(x / 2);
        bool even = floor / 2 == floorf(floor / 2);
        return even ? half : x - floor + half;
    }
    case CONEDNN_HARDTAN: return x < -1 ? -1 : x > 1 ? 1 : x;
    case CONEDNN_LHTAN: return x < 0 ? 0.001f * x : x > 1 ? 0.001f * (x - 1) + 1 : x;
    }
    return x;
}

static float curve_slope(conednn_curve curve, float y) {
    switch (curve) {
    case CONEDNN_LOGISTIC: return y * (1 - y);
    case CONEDNN_LOGGY: return 0.5f * (1 + y) * (1 - y);
    case CONEDNN_ELU: return y < 0 ? y + 1 : 1;
    case CONEDNN_SELU: return y < 0 ? y + selu_floor : selu_scale;
    case CONEDNN_TANH: return 1 - y * y;
    case CONEDNN_PLSE: return y < 0 || y > 1 ? 0.01f : 0.125f;
    case CONEDNN_STAIR: return y == floorf(y) ? 0 : 1;
    case CONEDNN_HARDTAN: return y > -1 && y < 1 ? 1 : 0;
    case CONEDNN_LHTAN: return y > 0 && y < 1 ? 1 : 0.001f;
    }
    return 1;
}

typedef struct {
    chunking chunking;
    conednn_curve curve;
    float *values;
} planes;

static void curve_range(int thread, int64_t first, int64_t last, const void *context) {
    (void)thread;
    const planes *planes = context;
    const chunking *chunking = &planes->chunking;
    for (int64_t item = first; item < last; item++) {
        int64_t chunk = item % chunking->chunks, image = item / chunking->chunks;
        float *values = planes->values + chunk_offset(chunking, image, chunk);
        // Lanes that pad a block are left out: most of these functions are not zero at zero.
        int valid = valid_lanes(chunking, chunk);
        for (int64_t position = 0; position < chunking->extents.area; position++) {
            float *row = values + position * chunking->stride;
            for (int lane = 0; lane < valid; lane++) row[lane] = curve_value(planes->curve, row[lane]);
        }
    }
}

void conednn_curve_forward(
    const conednn_engine *engine, conednn_extents extents, conednn_curve curve, float *values) {
    planes planes = {.chunking = chunking_of(extents), .curve = curve, .values = values};
    parallel_for(engine, extents.images * planes.chunking.chunks, extents.area * LANES, curve_range, &planes);
}

static void curve_backward_range(int thread, int64_t first, int64_t last, const void *context) {
    (void)thread;
    const flat *flat = context;
    for (int64_t index = first * PIECE; index < piece_end(last, flat->count); index++) {
        flat->output[index] *= curve_slope(flat->curve, flat->input[index]);
    }
}

void conednn_curve_backward(
    const conednn_engine *engine, int64_t count, conednn_curve curve, const float *output, float *delta) {
    flat flat = {.count = count, .curve = curve, .input = output, .output = delta};
    for_pieces(engine, count, curve_backward_range, &flat);
}

// MARK: - Solver

KERNEL static void descend_range(int thread, int64_t first, int64_t last, const void *context) {
    (void)thread;
    const flat *flat = context;
    float *restrict values = flat->output, *restrict momentum = flat->momentum;
    float rate = flat->rate, keep = flat->keep, decay = flat->decay;
    for (int64_t index = first * PIECE; index < piece_end(last, flat->count); index++) {
        float velocity = momentum[index] - decay * values[index];
        values[index] += rate * velocity;
        momentum[index] = keep * velocity;
    }
}

void conednn_descend(
    const conednn_engine *engine, int64_t count, float rate, float keep, float decay, float *values, float *momentum) {
    flat flat = {
        .count = count, .rate = rate, .keep = keep, .decay = decay, .output = values, .momentum = momentum};
    for_pieces(engine, count, descend_range, &flat);
}

KERNEL static void adapt_range(int thread, int64_t first, int64_t last, const void *context) {
    (void)thread;
    const flat *flat = context;
    const conednn_adam adam = flat->adam;
    float *restrict values = flat->output, *restrict gradients = flat->gradients;
    float *restrict means = flat->momentum, *restrict squares = flat->square;
    for (int64_t index = first * PIECE; index < piece_end(last, flat->count); index++) {
        float gradient = gradients[index] - adam.decay * values[index];
        float mean = adam.beta1 * means[index] + (1 - adam.beta1) * gradient;
        float square = adam.beta2 * squares[index] + (1 - adam.beta2) * gradient * gradient;
        // The plain function sets errno, and so keeps the loop from becoming vector code.
        float root = __builtin_elementwise_sqrt(adam.square_correction * square);
        values[index] += adam.rate * mean / (root + adam.epsilon);
        means[index] = mean;
        squares[index] = square;
        gradients[index] = 0;
    }
}

void conednn_adapt(
    const conednn_engine *engine, int64_t count, conednn_adam adam, float *values, float *gradients, float *mean,
    float *square) {
    flat flat = {
        .count = count, .adam = adam, .output = values, .gradients = gradients, .momentum = mean, .square = square};
    for_pieces(engine, count, adapt_range, &flat);
}

KERNEL static void clamp_range(int thread, int64_t first, int64_t last, const void *context) {
    (void)thread;
    const flat *flat = context;
    float *values = flat->output, limit = flat->rate;
    for (int64_t index = first * PIECE; index < piece_end(last, flat->count); index++) {
        float value = values[index];
        values[index] = value > limit ? limit : value < -limit ? -limit : value;
    }
}

void conednn_clamp(const conednn_engine *engine, int64_t count, float limit, float *values) {
    flat flat = {.count = count, .rate = limit, .output = values};
    for_pieces(engine, count, clamp_range, &flat);
}

// MARK: - Finiteness

KERNEL static void finite_range(int thread, int64_t first, int64_t last, const void *context) {
    (void)thread;
    const flat *flat = context;
    const uint32_t exponent = 0x7F800000;
    uint32_t greatest = 0;
    for (int64_t index = first * PIECE; index < piece_end(last, flat->count); index++) {
        uint32_t bits;
        memcpy(&bits, flat->input + index, sizeof bits);
        bits &= exponent;
        greatest = bits > greatest ? bits : greatest;
    }
    if (greatest == exponent) atomic_store(flat->found, true);
}

bool conednn_all_finite(const conednn_engine *engine, int64_t count, const float *values) {
    _Atomic(bool) found = false;
    flat flat = {.count = count, .input = values, .found = &found};
    for_pieces(engine, count, finite_range, &flat);
    return !atomic_load(&found);
}
