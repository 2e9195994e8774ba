// Batch normalisation with its activation: one pass over memory for the statistics and one to apply them, each way.

#include "lanes.h"
#include "parallel.h"

typedef struct {
    chunking chunking;
    conednn_slopes slopes;
    const float *input, *mean, *factor, *bias, *shift, *spread;
    float *output;
    const float *delta;
    // (2, images, channels rounded up to 16)
    float *sums;
} work;

INLINE int64_t padded_channels(conednn_extents extents) {
    return (extents.channels + LANES - 1) / LANES * LANES;
}

size_t conednn_sums_count(conednn_extents extents) {
    return (size_t)(2 * extents.images * padded_channels(extents));
}

INLINE void store_sums(const work *work, int64_t image, int64_t chunk, const lanes *first, const lanes *second, int present) {
    int64_t channels = padded_channels(work->chunking.extents);
    float *sums = work->sums + image * channels + chunk * work->chunking.width;
    store(sums, first, present);
    store(sums + work->chunking.extents.images * channels, second, present);
}

// MARK: - Statistics

INLINE void plane_statistics(const work *work, int64_t image, int64_t chunk, int present) {
    const chunking *chunking = &work->chunking;
    const float *input = work->input + chunk_offset(chunking, image, chunk);
    int64_t area = chunking->extents.area, stride = chunking->stride;
    // Four sums a time: an addition waits for the one before it, and the error grows with the length of the chain.
    lanes sums[4] = {{0}}, value;
    int64_t position = 0;
    for (; position + 4 <= area; position += 4) {
        for (int part = 0; part < 4; part++) {
            load(&value, input + (position + part) * stride, present);
            sums[part] += value;
        }
    }
    for (; position < area; position++) {
        load(&value, input + position * stride, present);
        sums[0] += value;
    }
    lanes mean = ((sums[0] + sums[1]) + (sums[2] + sums[3])) / (float)area;
    // The plane is still in cache, so a second look is cheap, and no difference of large squares is taken.
    memset(sums, 0, sizeof sums);
    for (position = 0; position + 4 <= area; position += 4) {
        for (int part = 0; part < 4; part++) {
            load(&value, input + (position + part) * stride, present);
            value -= mean;
            sums[part] += value * value;
        }
    }
    for (; position < area; position++) {
        load(&value, input + position * stride, present);
        value -= mean;
        sums[0] += value * value;
    }
    lanes squares = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    store_sums(work, image, chunk, &mean, &squares, present);
}

KERNEL static void statistics_range(int thread, int64_t first, int64_t last, const void *context) {
    (void)thread;
    const work *work = context;
    for (int64_t item = first; item < last; item++) {
        int64_t chunk = item % work->chunking.chunks, image = item / work->chunking.chunks;
        WITH_LANES(present_lanes(&work->chunking, chunk), plane_statistics(work, image, chunk, present));
    }
}

void conednn_statistics(
    const conednn_engine *engine, conednn_extents extents, const float *input, float *sums, float *mean,
    float *variance) {
    work work = {.chunking = chunking_of(extents), .input = input, .sums = sums};
    parallel_for(engine, extents.images * work.chunking.chunks, extents.area * LANES, statistics_range, &work);
    int64_t channels = padded_channels(extents), images = extents.images;
    const float *squares = sums + images * channels;
    double count = (double)images * (double)extents.area;
    for (int64_t channel = 0; channel < extents.channels; channel++) {
        double total = 0, spread = 0;
        for (int64_t image = 0; image < images; image++) total += sums[image * channels + channel];
        double center = total / (double)images;
        for (int64_t image = 0; image < images; image++) {
            double distance = sums[image * channels + channel] - center;
            spread += squares[image * channels + channel] + (double)extents.area * distance * distance;
        }
        mean[channel] = (float)center;
        variance[channel] = (float)(spread / (count > 1 ? count - 1 : 1));
    }
}

// MARK: - Forward

// The coefficients of a chunk's channels; those behind the last channel are zero, and so is what they make.
typedef struct {
    lanes mean, factor, bias;
} coefficients;

INLINE void load_coefficients(coefficients *target, const work *work, int64_t chunk) {
    int64_t channel = chunk * work->chunking.width;
    int valid = valid_lanes(&work->chunking, chunk);
    load(&target->mean, work->mean + channel, valid);
    load(&target->factor, work->factor + channel, valid);
    load(&target->bias, work->bias + channel, valid);
}

INLINE void normalize_plane(const work *work, int64_t image, int64_t chunk, int present) {
    const chunking *chunking = &work->chunking;
    int64_t offset = chunk_offset(chunking, image, chunk);
    const float *input = work->input + offset;
    float *output = work->output + offset;
    coefficients of;
    load_coefficients(&of, work, chunk);
    for (int64_t position = 0; position < chunking->extents.area; position++) {
        lanes value;
        load(&value, input + position * chunking->stride, present);
        value = (value - of.mean) * of.factor + of.bias;
        integer_lanes above = value > 0;
        lanes high = value * work->slopes.positive, low = value * work->slopes.negative;
        choose(&value, &above, &high, &low);
        store(output + position * chunking->stride, &value, present);
    }
}

KERNEL static void normalize_range(int thread, int64_t first, int64_t last, const void *context) {
    (void)thread;
    const work *work = context;
    // Backwards: what the statistics read last is still near.
    for (int64_t item = last - 1; item >= first; item--) {
        int64_t chunk = item % work->chunking.chunks, image = item / work->chunking.chunks;
        WITH_LANES(present_lanes(&work->chunking, chunk), normalize_plane(work, image, chunk, present));
    }
}

void conednn_normalize(
    const conednn_engine *engine, conednn_extents extents, const float *input, const float *mean, const float *factor,
    const float *bias, conednn_slopes slopes, float *output) {
    work work = {
        .chunking = chunking_of(extents), .slopes = slopes, .input = input, .mean = mean, .factor = factor,
        .bias = bias, .output = output};
    parallel_for(engine, extents.images * work.chunking.chunks, extents.area * LANES, normalize_range, &work);
}

// MARK: - Backward

// Delta behind the activation: the side of the bend is found again from the input, by the forward formula.
INLINE void bent_delta(
    lanes *delta, lanes *distance, const work *work, const coefficients *of, int64_t offset, int present) {
    load(delta, work->delta + offset, present);
    load(distance, work->input + offset, present);
    *distance -= of->mean;
    lanes value = *distance * of->factor + of->bias;
    integer_lanes above = value > 0;
    lanes high = *delta * work->slopes.positive, low = *delta * work->slopes.negative;
    choose(delta, &above, &high, &low);
}

INLINE void plane_sums(const work *work, int64_t image, int64_t chunk, int present) {
    const chunking *chunking = &work->chunking;
    int64_t offset = chunk_offset(chunking, image, chunk), area = chunking->extents.area;
    coefficients of;
    load_coefficients(&of, work, chunk);
    lanes sums[4] = {{0}}, products[4] = {{0}}, delta, distance;
    int64_t position = 0;
    for (; position + 4 <= area; position += 4) {
        for (int part = 0; part < 4; part++) {
            bent_delta(&delta, &distance, work, &of, offset + (position + part) * chunking->stride, present);
            sums[part] += delta;
            products[part] += delta * distance;
        }
    }
    for (; position < area; position++) {
        bent_delta(&delta, &distance, work, &of, offset + position * chunking->stride, present);
        sums[0] += delta;
        products[0] += delta * distance;
    }
    lanes sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    lanes product = (products[0] + products[1]) + (products[2] + products[3]);
    store_sums(work, image, chunk, &sum, &product, present);
}

KERNEL static void sums_range(int thread, int64_t first, int64_t last, const void *context) {
    (void)thread;
    const work *work = context;
    for (int64_t item = first; item < last; item++) {
        int64_t chunk = item % work->chunking.chunks, image = item / work->chunking.chunks;
        WITH_LANES(present_lanes(&work->chunking, chunk), plane_sums(work, image, chunk, present));
    }
}

void conednn_normalize_sums(
    const conednn_engine *engine, conednn_extents extents, const float *input, const float *delta, const float *mean,
    const float *factor, const float *bias, conednn_slopes slopes, float *sums, double *delta_sum,
    double *product_sum) {
    work work = {
        .chunking = chunking_of(extents), .slopes = slopes, .input = input, .mean = mean, .factor = factor,
        .bias = bias, .delta = delta, .sums = sums};
    parallel_for(engine, extents.images * work.chunking.chunks, extents.area * LANES, sums_range, &work);
    int64_t channels = padded_channels(extents);
    const float *products = sums + extents.images * channels;
    for (int64_t channel = 0; channel < extents.channels; channel++) {
        double sum = 0, product = 0;
        for (int64_t image = 0; image < extents.images; image++) {
            sum += sums[image * channels + channel];
            product += products[image * channels + channel];
        }
        delta_sum[channel] = sum;
        product_sum[channel] = product;
    }
}

INLINE void backward_plane(const work *work, int64_t image, int64_t chunk, int present) {
    const chunking *chunking = &work->chunking;
    int64_t offset = chunk_offset(chunking, image, chunk);
    int64_t channel = chunk * chunking->width;
    int valid = valid_lanes(chunking, chunk);
    coefficients of;
    load_coefficients(&of, work, chunk);
    lanes shift, spread, delta, distance;
    load(&shift, work->shift + channel, valid);
    load(&spread, work->spread + channel, valid);
    for (int64_t position = 0; position < chunking->extents.area; position++) {
        int64_t place = offset + position * chunking->stride;
        bent_delta(&delta, &distance, work, &of, place, present);
        delta = of.factor * (delta - shift - distance * spread);
        store(work->output + place, &delta, present);
    }
}

KERNEL static void backward_range(int thread, int64_t first, int64_t last, const void *context) {
    (void)thread;
    const work *work = context;
    for (int64_t item = last - 1; item >= first; item--) {
        int64_t chunk = item % work->chunking.chunks, image = item / work->chunking.chunks;
        WITH_LANES(present_lanes(&work->chunking, chunk), backward_plane(work, image, chunk, present));
    }
}

void conednn_normalize_backward(
    const conednn_engine *engine, conednn_extents extents, const float *input, const float *mean, const float *factor,
    const float *bias, conednn_slopes slopes, const float *shift, const float *spread, float *delta) {
    work work = {
        .chunking = chunking_of(extents), .slopes = slopes, .input = input, .mean = mean, .factor = factor,
        .bias = bias, .shift = shift, .spread = spread, .delta = delta, .output = delta};
    parallel_for(engine, extents.images * work.chunking.chunks, extents.area * LANES, backward_range, &work);
}

// MARK: - Bias

INLINE void plane_total(const work *work, int64_t image, int64_t chunk, int present) {
    const chunking *chunking = &work->chunking;
    const float *delta = work->delta + chunk_offset(chunking, image, chunk);
    lanes sum = {0}, value;
    for (int64_t position = 0; position < chunking->extents.area; position++) {
        load(&value, delta + position * chunking->stride, present);
        sum += value;
    }
    store_sums(work, image, chunk, &sum, &sum, present);
}

KERNEL static void total_range(int thread, int64_t first, int64_t last, const void *context) {
    (void)thread;
    const work *work = context;
    for (int64_t item = first; item < last; item++) {
        int64_t chunk = item % work->chunking.chunks, image = item / work->chunking.chunks;
        WITH_LANES(present_lanes(&work->chunking, chunk), plane_total(work, image, chunk, present));
    }
}

void conednn_channel_sums(
    const conednn_engine *engine, conednn_extents extents, const float *values, float *sums, double *total) {
    work work = {.chunking = chunking_of(extents), .delta = values, .sums = sums};
    parallel_for(engine, extents.images * work.chunking.chunks, extents.area * LANES, total_range, &work);
    int64_t channels = padded_channels(extents);
    for (int64_t channel = 0; channel < extents.channels; channel++) {
        total[channel] = 0;
        for (int64_t image = 0; image < extents.images; image++) total[channel] += sums[image * channels + channel];
    }
}
