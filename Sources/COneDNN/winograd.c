// Convolutions of 3x3 with stride 1 by Winograd's F(4x4, 3x3): a tile of 6x6 inputs gives 4x4 outputs with 36 products for 144.
//
// Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (2016), with the points 0, ±5/8, ±3/2 and infinity: their
// powers are exact, and they round half as much as 0, ±1, ±2. All work on a few dozen tiles is done while they are in the
// second-level cache: to the points, products, and back. Activations lie in blocks of 16 channels.

#include "winograd.h"

#include "lanes.h"

// Sums fill 24 of the registers that AVX-512 has, so there is one version only.
#if defined(__x86_64__)
#define WIDE __attribute__((target("arch=x86-64-v4"), min_vector_width(512)))
#else
#define WIDE
#endif

enum {
    // Inputs and outputs of a tile along one side.
    SIDE = 6,
    STEP = 4,
    PLACES = SIDE * SIDE,
    // Rows and vectors of sums that a product keeps in registers.
    ROWS = 6,
    VECTORS = 4,
    // Tiles done together.
    TILES = 24,
};

#define A 0.625f
#define B 1.5f
static const float a1 = A, a2 = A * A, a3 = A * A * A, b1 = B, b2 = B * B, b3 = B * B * B;

INLINE int64_t padded(int64_t channels) { return (channels + LANES - 1) / LANES * LANES; }

typedef struct {
    winograd_shape shape;
    // Extents of what comes out, and tiles along its sides and in all.
    int64_t height, width, wide, high, tiles;
    // Units of work, and tiles in each but the last.
    int64_t units, unit_tiles, rows;
    // Sums of gradients that are made apart, each over some of the units: the same for the same number of threads.
    int64_t parts;
    // Channels on either side, padded.
    int64_t inputs, outputs;
    // Floats between two of the 36 places: not a power of two, which would put all of them into the same set of a cache.
    int64_t input_place, output_place;
    // Floats of scratch for one thread.
    int64_t scratch;
    const float *source, *weights, *bias, *delta;
    float *destination, *memory, *gradient;
    float negative_slope;
} work;

INLINE int64_t least(int64_t left, int64_t right) { return left < right ? left : right; }

static work work_of(winograd_shape shape, int threads, int64_t together) {
    work work = {.shape = shape};
    work.height = shape.height + 2 * shape.padding - 2;
    work.width = shape.width + 2 * shape.padding - 2;
    work.wide = (work.width + STEP - 1) / STEP;
    work.high = (work.height + STEP - 1) / STEP;
    work.tiles = shape.images * work.wide * work.high;
    // As many units for each thread, all of nearly the same size.
    int64_t units = (work.tiles + together - 1) / together;
    units = (units + threads - 1) / threads * threads;
    work.unit_tiles = (work.tiles + units - 1) / units;
    work.units = (work.tiles + work.unit_tiles - 1) / work.unit_tiles;
    work.parts = least(threads, work.units);
    work.rows = (work.unit_tiles + ROWS - 1) / ROWS * ROWS;
    work.inputs = padded(shape.inputs);
    work.outputs = padded(shape.outputs);
    work.input_place = work.rows * work.inputs + LANES;
    work.output_place = work.rows * work.outputs + LANES;
    work.scratch = PLACES * (work.input_place + work.output_place) + LANES;
    return work;
}

static work forward_work(winograd_shape shape, int threads) { return work_of(shape, threads, TILES); }

// The sums of a gradient are read and written once a unit: the larger they are, the more tiles have to be worth it.
static work gradient_work(winograd_shape shape, int threads) {
    int64_t inputs = padded(shape.inputs), outputs = padded(shape.outputs), worth = inputs * outputs / (inputs + outputs);
    return work_of(shape, threads, worth > TILES ? worth : TILES);
}

// MARK: - Transforms

// Six values of an input to the values at the points.
INLINE void input_points(lanes v[SIDE]) {
    lanes even_a = v[4] - b2 * v[2], odd_a = a1 * (v[3] - b2 * v[1]);
    lanes even_b = v[4] - a2 * v[2], odd_b = b1 * (v[3] - a2 * v[1]);
    lanes zero = (a2 * b2) * v[0] - (a2 + b2) * v[2] + v[4];
    lanes infinity = (a2 * b2) * v[1] - (a2 + b2) * v[3] + v[5];
    v[0] = zero;
    v[1] = even_a + odd_a;
    v[2] = even_a - odd_a;
    v[3] = even_b + odd_b;
    v[4] = even_b - odd_b;
    v[5] = infinity;
}

// Four values of an output's gradient to the values at the points.
INLINE void delta_points(const lanes d[STEP], lanes v[SIDE]) {
    lanes even_a = d[0] + a2 * d[2], odd_a = a1 * d[1] + a3 * d[3];
    lanes even_b = d[0] + b2 * d[2], odd_b = b1 * d[1] + b3 * d[3];
    v[0] = d[0];
    v[1] = even_a + odd_a;
    v[2] = even_a - odd_a;
    v[3] = even_b + odd_b;
    v[4] = even_b - odd_b;
    v[5] = d[3];
}

// Products at the points to four outputs.
INLINE void output_values(const lanes v[SIDE], lanes y[STEP]) {
    lanes sum_a = v[1] + v[2], difference_a = v[1] - v[2];
    lanes sum_b = v[3] + v[4], difference_b = v[3] - v[4];
    y[0] = v[0] + sum_a + sum_b;
    y[1] = a1 * difference_a + b1 * difference_b;
    y[2] = a2 * sum_a + b2 * sum_b;
    y[3] = a3 * difference_a + b3 * difference_b + v[5];
}

// What the values at a point are divided by.
#define ZERO_SHARE (1 / (A * A * B * B))
#define A_SHARE (1 / (2 * A * A * (A * A - B * B)))
#define B_SHARE (1 / (2 * B * B * (B * B - A * A)))

// Three weights to the values at the points.
INLINE void weight_points(const lanes g[3], lanes v[SIDE]) {
    lanes even_a = A_SHARE * (g[0] + a2 * g[2]), odd_a = A_SHARE * (a1 * g[1]);
    lanes even_b = B_SHARE * (g[0] + b2 * g[2]), odd_b = B_SHARE * (b1 * g[1]);
    v[0] = ZERO_SHARE * g[0];
    v[1] = even_a + odd_a;
    v[2] = even_a - odd_a;
    v[3] = even_b + odd_b;
    v[4] = even_b - odd_b;
    v[5] = g[2];
}

// Products at the points to the gradients of three weights.
INLINE void gradient_values(const lanes v[SIDE], lanes g[3]) {
    lanes sum_a = A_SHARE * (v[1] + v[2]), difference_a = A_SHARE * (v[1] - v[2]);
    lanes sum_b = B_SHARE * (v[3] + v[4]), difference_b = B_SHARE * (v[3] - v[4]);
    g[0] = ZERO_SHARE * v[0] + sum_a + sum_b;
    g[1] = a1 * difference_a + b1 * difference_b;
    g[2] = a2 * sum_a + b2 * sum_b + v[5];
}

// MARK: - Tiles

typedef struct {
    int64_t image, y, x;
} tile;

INLINE tile tile_at(const work *work, int64_t index) {
    int64_t each = work->wide * work->high, place = index % each;
    return (tile){index / each, place / work->wide, place % work->wide};
}

// Where the values of a tile lie in a plane, in floats; negative outside of the image.
typedef struct {
    int32_t at[PLACES];
} places;

static const float zeros[LANES] __attribute__((aligned(64)));

INLINE void find_inputs(const work *work, tile tile, places *places) {
    int64_t height = work->shape.height, width = work->shape.width;
    int64_t top = tile.y * STEP - work->shape.padding, left = tile.x * STEP - work->shape.padding;
    for (int y = 0; y < SIDE; y++) {
        for (int x = 0; x < SIDE; x++) {
            bool inside = top + y >= 0 && top + y < height && left + x >= 0 && left + x < width;
            places->at[y * SIDE + x] = inside ? (int32_t)(((top + y) * width + left + x) * LANES) : -1;
        }
    }
}

INLINE void load_place(lanes *target, const float *block, int32_t place) {
    const float *from = place < 0 ? zeros : block + place;
    memcpy(target, from, sizeof *target);
}

// Puts a tile of 6x6 inputs of 16 channels to the points.
INLINE void transform_input(const work *work, const float *block, const places *places, float *target) {
    lanes rows[SIDE][SIDE];
#pragma clang loop unroll(full)
    for (int x = 0; x < SIDE; x++) {
        lanes column[SIDE];
#pragma clang loop unroll(full)
        for (int y = 0; y < SIDE; y++) load_place(&column[y], block, places->at[y * SIDE + x]);
        input_points(column);
#pragma clang loop unroll(full)
        for (int y = 0; y < SIDE; y++) rows[y][x] = column[y];
    }
#pragma clang loop unroll(full)
    for (int y = 0; y < SIDE; y++) {
        input_points(rows[y]);
#pragma clang loop unroll(full)
        for (int x = 0; x < SIDE; x++) memcpy(target + (y * SIDE + x) * work->input_place, &rows[y][x], sizeof(lanes));
    }
}

INLINE void transform_inputs(const work *work, int64_t begin, int64_t end, float *values) {
    int64_t area = work->shape.height * work->shape.width;
    for (int64_t index = begin; index < end; index++) {
        tile tile = tile_at(work, index);
        places places;
        find_inputs(work, tile, &places);
        for (int64_t channel = 0; channel < work->inputs; channel += LANES) {
            transform_input(
                work, work->source + (tile.image * work->inputs + channel) * area, &places,
                values + (index - begin) * work->inputs + channel);
        }
    }
}

// Brings the products of a tile back to 4x4 outputs of 16 channels, and stores those that are inside of the image.
INLINE void transform_output(const work *work, const float *source, const lanes *bias, tile tile, float *block) {
    int64_t height = work->height, width = work->width;
    lanes columns[STEP][SIDE];
    for (int x = 0; x < SIDE; x++) {
        lanes column[SIDE], values[STEP];
        for (int y = 0; y < SIDE; y++) memcpy(&column[y], source + (y * SIDE + x) * work->output_place, sizeof(lanes));
        output_values(column, values);
        for (int y = 0; y < STEP; y++) columns[y][x] = values[y];
    }
    int64_t rows = least(height - tile.y * STEP, STEP), places = least(width - tile.x * STEP, STEP);
    float *target = block + (tile.y * STEP * width + tile.x * STEP) * LANES;
    for (int y = 0; y < STEP; y++) {
        lanes values[STEP];
        output_values(columns[y], values);
        if (y >= rows) break;
        for (int x = 0; x < STEP; x++) {
            lanes value = values[x] + *bias;
            integer_lanes positive = value > 0;
            lanes bent = value * work->negative_slope;
            choose(&value, &positive, &value, &bent);
            if (x < places) memcpy(target + (y * width + x) * LANES, &value, sizeof value);
        }
    }
}

// Reads the gradients of 4x4 outputs, zeros outside of the image, and puts their values at the points where they belong.
INLINE void transform_delta(const work *work, const float *block, tile tile, float *target) {
    int64_t height = work->height, width = work->width;
    lanes rows[SIDE][STEP];
    for (int x = 0; x < STEP; x++) {
        lanes column[STEP], values[SIDE];
        for (int y = 0; y < STEP; y++) {
            if (tile.x * STEP + x < width && tile.y * STEP + y < height) {
                memcpy(&column[y], block + ((tile.y * STEP + y) * width + tile.x * STEP + x) * LANES, sizeof(lanes));
            } else {
                column[y] = (lanes){0};
            }
        }
        delta_points(column, values);
        for (int y = 0; y < SIDE; y++) rows[y][x] = values[y];
    }
    for (int y = 0; y < SIDE; y++) {
        lanes values[SIDE];
        delta_points(rows[y], values);
        for (int x = 0; x < SIDE; x++) memcpy(target + (y * SIDE + x) * work->output_place, &values[x], sizeof(lanes));
    }
}

// MARK: - Next tiles

// Asks for one of the 4x4 positions in the middle of each tile of the next unit, in all channels of a tensor.
//
// Products need no memory for long, transforms nothing else.
INLINE void fetch(
    const work *work, int64_t begin, int64_t end, int position, const float *tensor, int64_t channels, int64_t height,
    int64_t width) {
    tile tile = tile_at(work, begin);
    for (int64_t index = begin; index < end; index++) {
        int64_t y = tile.y * STEP + position / STEP, x = tile.x * STEP + position % STEP;
        if (y < height && x < width) {
            const float *place = tensor + (tile.image * channels * height * width) + (y * width + x) * LANES;
            for (int64_t channel = 0; channel < channels; channel += LANES) {
                __builtin_prefetch(place + channel * height * width, 0, 2);
            }
        }
        if (++tile.x == work->wide) {
            tile.x = 0;
            if (++tile.y == work->high) {
                tile.y = 0;
                tile.image++;
            }
        }
    }
}

// MARK: - Products

// sums[rows][vectors] (+)= left[rows][depth] · right[depth][vectors], all sums in registers.
INLINE void product(
    int rows, int vectors, int64_t depth, const float *left, int64_t left_row, int64_t left_step, const float *right,
    int64_t right_step, bool adds, float *sums, int64_t sums_row) {
    lanes sum[ROWS][VECTORS];
#pragma clang loop unroll(full)
    for (int row = 0; row < rows; row++) {
#pragma clang loop unroll(full)
        for (int vector = 0; vector < vectors; vector++) {
            if (adds) {
                memcpy(&sum[row][vector], sums + row * sums_row + vector * LANES, sizeof(lanes));
            } else {
                sum[row][vector] = (lanes){0};
            }
        }
    }
#pragma clang loop unroll(disable)
    for (int64_t step = 0; step < depth; step++) {
        lanes values[VECTORS];
#pragma clang loop unroll(full)
        for (int vector = 0; vector < vectors; vector++) {
            memcpy(&values[vector], right + step * right_step + vector * LANES, sizeof(lanes));
        }
#pragma clang loop unroll(full)
        for (int row = 0; row < rows; row++) {
            float value = left[row * left_row + step * left_step];
#pragma clang loop unroll(full)
            for (int vector = 0; vector < vectors; vector++) sum[row][vector] += value * values[vector];
        }
    }
#pragma clang loop unroll(full)
    for (int row = 0; row < rows; row++) {
#pragma clang loop unroll(full)
        for (int vector = 0; vector < vectors; vector++) {
            memcpy(sums + row * sums_row + vector * LANES, &sum[row][vector], sizeof(lanes));
        }
    }
}

#define WITH_VECTORS(count, call) \
    do { \
        switch (count) { \
        case 4: { enum { vectors = 4 }; call; break; } \
        case 3: { enum { vectors = 3 }; call; break; } \
        case 2: { enum { vectors = 2 }; call; break; } \
        default: { enum { vectors = 1 }; call; break; } \
        } \
    } while (0)

// MARK: - Forward

WIDE static void forward(int thread, int64_t first, int64_t last, const void *context) {
    const work *work = context;
    float *values = work->memory + thread * work->scratch, *products = values + PLACES * work->input_place;
    int64_t output_area = work->height * work->width;
    for (int64_t unit = first; unit < last; unit++) {
        int64_t begin = unit * work->unit_tiles, end = least(begin + work->unit_tiles, work->tiles);
        transform_inputs(work, begin, end, values);
        int64_t rows = (end - begin + ROWS - 1) / ROWS * ROWS;
        int64_t next = unit + 1 < last ? least(end + work->unit_tiles, work->tiles) : end;
        for (int place = 0; place < PLACES; place++) {
            if (place < STEP * STEP) {
                fetch(work, end, next, place, work->source, work->inputs, work->shape.height, work->shape.width);
                fetch(work, begin, end, place, work->destination, work->outputs, work->height, work->width);
            }
            const float *left = values + place * work->input_place;
            float *sums = products + place * work->output_place;
            for (int64_t channel = 0; channel < work->outputs; channel += VECTORS * LANES) {
                int64_t count = least((work->outputs - channel) / LANES, VECTORS);
                const float *right = work->weights + (place * work->outputs + channel) * work->inputs;
                for (int64_t row = 0; row < rows; row += ROWS) {
                    WITH_VECTORS(
                        count,
                        product(
                            ROWS, vectors, work->inputs, left + row * work->inputs, work->inputs, 1, right,
                            vectors * LANES, false, sums + row * work->outputs + channel, work->outputs));
                }
            }
        }
        for (int64_t index = begin; index < end; index++) {
            tile tile = tile_at(work, index);
            for (int64_t channel = 0; channel < work->outputs; channel += LANES) {
                lanes bias = {0};
                if (work->bias) load(&bias, work->bias + channel, (int)least(work->shape.outputs - channel, LANES));
                transform_output(
                    work, products + (index - begin) * work->outputs + channel, &bias, tile,
                    work->destination + (tile.image * work->outputs + channel) * output_area);
            }
        }
    }
}

void winograd_forward(
    const conednn_engine *engine, winograd_shape shape, const float *source, const float *weights, const float *bias,
    float negative_slope, float *scratch, float *destination) {
    work work = forward_work(shape, engine->threads);
    work.source = source;
    work.weights = weights;
    work.bias = bias;
    work.negative_slope = negative_slope;
    work.memory = scratch;
    work.destination = destination;
    parallel_for(engine, work.units, work.rows * work.inputs * work.outputs, forward, &work);
}

// MARK: - Weights

typedef struct {
    winograd_shape shape;
    int64_t inputs, outputs;
    const float *weights;
    float *packed;
} packing;

WIDE static void pack(int thread, int64_t first, int64_t last, const void *context) {
    (void)thread;
    const packing *packing = context;
    int64_t inputs = packing->inputs, outputs = packing->outputs;
    for (int64_t item = first; item < last; item++) {
        int64_t input = item % inputs, output = item / inputs * LANES;
        lanes weights[3][3] = {{{0}}}, points[3][SIDE];
        if (input < packing->shape.inputs) {
            int64_t present = least(packing->shape.outputs - output, LANES);
            for (int64_t lane = 0; lane < present; lane++) {
                // Turned by half a circle, with inputs for outputs, they lead deltas back.
                const float *filter = packing->weights
                    + (packing->shape.turned ? input * packing->shape.outputs + output + lane
                                             : (output + lane) * packing->shape.inputs + input) * 9;
                for (int place = 0; place < 9; place++) {
                    weights[place / 3][place % 3][lane] = filter[packing->shape.turned ? 8 - place : place];
                }
            }
        }
        for (int row = 0; row < 3; row++) weight_points(weights[row], points[row]);
        int64_t panel = output / (VECTORS * LANES) * VECTORS * LANES, width = least(outputs - panel, VECTORS * LANES);
        float *target = packing->packed + panel * inputs + input * width + output - panel;
        for (int x = 0; x < SIDE; x++) {
            lanes column[3] = {points[0][x], points[1][x], points[2][x]}, values[SIDE];
            weight_points(column, values);
            for (int y = 0; y < SIDE; y++) memcpy(target + (y * SIDE + x) * outputs * inputs, &values[y], sizeof(lanes));
        }
    }
}

void winograd_pack(const conednn_engine *engine, winograd_shape shape, const float *weights, float *packed) {
    packing packing = {shape, padded(shape.inputs), padded(shape.outputs), weights, packed};
    parallel_for(engine, packing.inputs * packing.outputs / LANES, PLACES * LANES, pack, &packing);
}

// MARK: - Gradients of weights

INLINE void accumulate_units(const work *work, int64_t first, int64_t last, float *values, float *sums) {
    float *deltas = values + PLACES * work->input_place;
    int64_t inputs = work->inputs, outputs = work->outputs;
    int64_t output_area = work->height * work->width;
    for (int64_t unit = first; unit < last; unit++) {
        int64_t begin = unit * work->unit_tiles, end = least(begin + work->unit_tiles, work->tiles);
        transform_inputs(work, begin, end, values);
        for (int64_t index = begin; index < end; index++) {
            tile tile = tile_at(work, index);
            for (int64_t channel = 0; channel < outputs; channel += LANES) {
                transform_delta(
                    work, work->delta + (tile.image * outputs + channel) * output_area, tile,
                    deltas + (index - begin) * outputs + channel);
            }
        }
        bool adds = unit > first;
        int64_t next = unit + 1 < last ? least(end + work->unit_tiles, work->tiles) : end;
        for (int place = 0; place < PLACES; place++) {
            if (place < STEP * STEP) {
                fetch(work, end, next, place, work->source, work->inputs, work->shape.height, work->shape.width);
                fetch(work, end, next, place, work->delta, work->outputs, work->height, work->width);
            }
            const float *left = values + place * work->input_place;
            for (int64_t channel = 0; channel < outputs; channel += VECTORS * LANES) {
                int64_t count = least((outputs - channel) / LANES, VECTORS);
                const float *right = deltas + place * work->output_place + channel;
                float *target = sums + place * inputs * outputs + channel;
                enum { rows = 4 };
                for (int64_t input = 0; input < inputs; input += rows) {
                    WITH_VECTORS(
                        count,
                        product(
                            rows, vectors, end - begin, left + input, 1, inputs, right, outputs, adds,
                            target + input * outputs, outputs));
                }
            }
        }
    }
}

WIDE static void accumulate(int thread, int64_t first, int64_t last, const void *context) {
    const work *work = context;
    for (int64_t part = first; part < last; part++) {
        accumulate_units(
            work, part * work->units / work->parts, (part + 1) * work->units / work->parts,
            work->memory + thread * work->scratch, work->gradient + part * PLACES * work->inputs * work->outputs);
    }
}

WIDE static void unpack(int thread, int64_t first, int64_t last, const void *context) {
    (void)thread;
    const work *work = context;
    int64_t inputs = work->inputs, outputs = work->outputs;
    for (int64_t item = first; item < last; item++) {
        int64_t input = item / (outputs / LANES), output = item % (outputs / LANES) * LANES;
        if (input >= work->shape.inputs) continue;
        lanes rows[SIDE][3], weights[3][3];
        for (int y = 0; y < SIDE; y++) {
            lanes points[SIDE];
            for (int x = 0; x < SIDE; x++) {
                const float *sums = work->gradient + ((y * SIDE + x) * inputs + input) * outputs + output;
                memcpy(&points[x], sums, sizeof(lanes));
                for (int64_t part = 1; part < work->parts; part++) {
                    lanes sum;
                    memcpy(&sum, sums + part * PLACES * inputs * outputs, sizeof sum);
                    points[x] += sum;
                }
            }
            gradient_values(points, rows[y]);
        }
        for (int x = 0; x < 3; x++) {
            lanes column[SIDE], values[3];
            for (int y = 0; y < SIDE; y++) column[y] = rows[y][x];
            gradient_values(column, values);
            for (int y = 0; y < 3; y++) weights[y][x] = values[y];
        }
        int64_t present = least(work->shape.outputs - output, LANES);
        for (int64_t lane = 0; lane < present; lane++) {
            float *gradient = work->destination + ((output + lane) * work->shape.inputs + input) * 9;
            for (int place = 0; place < 9; place++) gradient[place] = weights[place / 3][place % 3][lane];
        }
    }
}

void winograd_gradient(
    const conednn_engine *engine, winograd_shape shape, const float *source, const float *delta, float *scratch,
    float *gradient) {
    work work = gradient_work(shape, engine->threads);
    work.source = source;
    work.delta = delta;
    work.memory = scratch;
    work.gradient = scratch + engine->threads * work.scratch;
    work.destination = gradient;
    parallel_for(engine, work.parts, work.tiles * work.inputs * work.outputs / work.parts, accumulate, &work);
    parallel_for(engine, work.inputs * work.outputs / LANES, PLACES * LANES, unpack, &work);
}

// MARK: - Sizes

size_t winograd_packed_bytes(winograd_shape shape) {
    return (size_t)(PLACES * padded(shape.inputs) * padded(shape.outputs)) * sizeof(float);
}

size_t winograd_forward_scratch_bytes(const conednn_engine *engine, winograd_shape shape) {
    return (size_t)(engine->threads * forward_work(shape, engine->threads).scratch) * sizeof(float);
}

size_t winograd_gradient_scratch_bytes(const conednn_engine *engine, winograd_shape shape) {
    return (size_t)engine->threads
        * ((size_t)gradient_work(shape, engine->threads).scratch * sizeof(float) + winograd_packed_bytes(shape));
}
