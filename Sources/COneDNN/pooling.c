// Pooling in Darknet's form: windows may hang over the edges unevenly, and of equals the first wins.

#include "lanes.h"
#include "parallel.h"

typedef struct {
    // Of the output and of the input.
    chunking output, input;
    conednn_windows windows;
    const float *values;
    float *results;
    uint16_t *places;
    const uint16_t *taken;
} work;

typedef uint16_t place_lanes __attribute__((vector_size(32)));

typedef struct {
    int64_t first, last;
} bounds;

// Rows or columns of a window that lie inside the image, counted from the window's own first.
INLINE bounds inside(int64_t start, int64_t size, int64_t extent) {
    int64_t last = extent - start < size ? extent - start : size;
    return (bounds){.first = start < 0 ? -start : 0, .last = last};
}

INLINE conednn_extents input_extents(conednn_extents output, conednn_windows windows) {
    output.area = windows.input_height * windows.input_width;
    return output;
}

// MARK: - Maximum

INLINE void maximum_of_window(
    lanes *best, integer_lanes *place, const work *work, const float *input, int64_t top, int64_t left, int present) {
    const conednn_windows *windows = &work->windows;
    bounds rows = inside(top, windows->size, windows->input_height);
    bounds columns = inside(left, windows->size, windows->input_width);
    *place = (integer_lanes){0} + (int32_t)(rows.first * windows->size + columns.first);
    *best = (lanes){0};
    for (int64_t row = rows.first; row < rows.last; row++) {
        for (int64_t column = columns.first; column < columns.last; column++) {
            lanes value;
            load(&value, input + ((top + row) * windows->input_width + left + column) * work->input.stride, present);
            if (row == rows.first && column == columns.first) {
                *best = value;
                continue;
            }
            integer_lanes wins = (value > *best) | (value != value);
            choose(best, &wins, &value, best);
            *place = (wins & (int32_t)(row * windows->size + column)) | (~wins & *place);
        }
    }
}

INLINE void maximum_plane(const work *work, int64_t image, int64_t chunk, int present) {
    const conednn_windows *windows = &work->windows;
    const float *input = work->values + chunk_offset(&work->input, image, chunk);
    int64_t offset = chunk_offset(&work->output, image, chunk);
    for (int64_t row = 0; row < windows->output_height; row++) {
        for (int64_t column = 0; column < windows->output_width; column++) {
            lanes best;
            integer_lanes place;
            maximum_of_window(
                &best, &place, work, input, windows->start + row * windows->stride,
                windows->start + column * windows->stride, present);
            int64_t target = offset + (row * windows->output_width + column) * work->output.stride;
            store(work->results + target, &best, present);
            if (!work->places) continue;
            place_lanes narrow = __builtin_convertvector(place, place_lanes);
            memcpy(work->places + target, &narrow, (size_t)present * sizeof(uint16_t));
        }
    }
}

KERNEL static void maximum_range(int thread, int64_t first, int64_t last, const void *context) {
    (void)thread;
    const work *work = context;
    for (int64_t item = first; item < last; item++) {
        int64_t chunk = item % work->output.chunks, image = item / work->output.chunks;
        WITH_LANES(present_lanes(&work->output, chunk), maximum_plane(work, image, chunk, present));
    }
}

void conednn_maxpool(
    const conednn_engine *engine, conednn_extents extents, conednn_windows windows, const float *input, float *output,
    uint16_t *places) {
    work work = {
        .output = chunking_of(extents), .input = chunking_of(input_extents(extents, windows)), .windows = windows,
        .values = input, .results = output, .places = places};
    parallel_for(
        engine, extents.images * work.output.chunks, work.input.extents.area * LANES, maximum_range, &work);
}

INLINE void scatter_plane(const work *work, int64_t image, int64_t chunk, int present) {
    const conednn_windows *windows = &work->windows;
    float *target = work->results + chunk_offset(&work->input, image, chunk);
    int64_t offset = chunk_offset(&work->output, image, chunk);
    const lanes zero = {0};
    for (int64_t position = 0; position < work->input.extents.area; position++) {
        store(target + position * work->input.stride, &zero, present);
    }
    for (int64_t row = 0; row < windows->output_height; row++) {
        int64_t top = windows->start + row * windows->stride;
        bounds rows = inside(top, windows->size, windows->input_height);
        for (int64_t column = 0; column < windows->output_width; column++) {
            int64_t left = windows->start + column * windows->stride;
            bounds columns = inside(left, windows->size, windows->input_width);
            int64_t source = offset + (row * windows->output_width + column) * work->output.stride;
            lanes delta;
            load(&delta, work->values + source, present);
            place_lanes narrow = {0};
            memcpy(&narrow, work->taken + source, (size_t)present * sizeof(uint16_t));
            integer_lanes taken = __builtin_convertvector(narrow, integer_lanes);
            for (int64_t y = rows.first; y < rows.last; y++) {
                for (int64_t x = columns.first; x < columns.last; x++) {
                    float *place = target + ((top + y) * windows->input_width + left + x) * work->input.stride;
                    integer_lanes here = taken == (int32_t)(y * windows->size + x);
                    lanes sum, part;
                    choose(&part, &here, &delta, &zero);
                    load(&sum, place, present);
                    sum += part;
                    store(place, &sum, present);
                }
            }
        }
    }
}

KERNEL static void scatter_range(int thread, int64_t first, int64_t last, const void *context) {
    (void)thread;
    const work *work = context;
    for (int64_t item = first; item < last; item++) {
        int64_t chunk = item % work->output.chunks, image = item / work->output.chunks;
        WITH_LANES(present_lanes(&work->output, chunk), scatter_plane(work, image, chunk, present));
    }
}

void conednn_maxpool_backward(
    const conednn_engine *engine, conednn_extents extents, conednn_windows windows, const uint16_t *places,
    const float *delta, float *input_delta) {
    work work = {
        .output = chunking_of(extents), .input = chunking_of(input_extents(extents, windows)), .windows = windows,
        .values = delta, .results = input_delta, .taken = places};
    parallel_for(
        engine, extents.images * work.output.chunks, work.input.extents.area * LANES, scatter_range, &work);
}

// MARK: - Mean

INLINE void mean_plane(const work *work, int64_t image, int64_t chunk, int present) {
    const chunking *chunking = &work->input;
    const float *input = work->values + chunk_offset(chunking, image, chunk);
    lanes sum = {0}, value;
    for (int64_t position = 0; position < chunking->extents.area; position++) {
        load(&value, input + position * chunking->stride, present);
        sum += value;
    }
    sum *= 1 / (float)chunking->extents.area;
    store(work->results + image * chunking->extents.channels + chunk * chunking->width, &sum,
          valid_lanes(chunking, chunk));
}

KERNEL static void mean_range(int thread, int64_t first, int64_t last, const void *context) {
    (void)thread;
    const work *work = context;
    for (int64_t item = first; item < last; item++) {
        int64_t chunk = item % work->input.chunks, image = item / work->input.chunks;
        WITH_LANES(present_lanes(&work->input, chunk), mean_plane(work, image, chunk, present));
    }
}

void conednn_avgpool(const conednn_engine *engine, conednn_extents extents, const float *input, float *output) {
    work work = {.input = chunking_of(extents), .values = input, .results = output};
    parallel_for(engine, extents.images * work.input.chunks, extents.area * LANES, mean_range, &work);
}

INLINE void spread_plane(const work *work, int64_t image, int64_t chunk, int present) {
    const chunking *chunking = &work->input;
    float *target = work->results + chunk_offset(chunking, image, chunk);
    lanes share;
    load(&share, work->values + image * chunking->extents.channels + chunk * chunking->width,
         valid_lanes(chunking, chunk));
    share *= 1 / (float)chunking->extents.area;
    for (int64_t position = 0; position < chunking->extents.area; position++) {
        store(target + position * chunking->stride, &share, present);
    }
}

KERNEL static void spread_range(int thread, int64_t first, int64_t last, const void *context) {
    (void)thread;
    const work *work = context;
    for (int64_t item = first; item < last; item++) {
        int64_t chunk = item % work->input.chunks, image = item / work->input.chunks;
        WITH_LANES(present_lanes(&work->input, chunk), spread_plane(work, image, chunk, present));
    }
}

void conednn_avgpool_backward(
    const conednn_engine *engine, conednn_extents extents, const float *delta, float *input_delta) {
    work work = {.input = chunking_of(extents), .values = delta, .results = input_delta};
    parallel_for(engine, extents.images * work.input.chunks, extents.area * LANES, spread_range, &work);
}
