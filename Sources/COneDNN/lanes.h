#pragma once

// Sixteen channels at a time, whatever the layout and the processor.

#include "COneDNN.h"

#include <string.h>

// The same source, compiled for each level of the processor; the loader picks. Others compile it once.
#if defined(__x86_64__)
#define KERNEL __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define KERNEL
#endif
#define INLINE static inline __attribute__((always_inline))

enum { LANES = 16 };

typedef float lanes __attribute__((vector_size(64)));
typedef int32_t integer_lanes __attribute__((vector_size(64)));

// A chunk is up to 16 consecutive channels that lie side by side; an item is one chunk of one image.
typedef struct {
    int64_t chunks;
    // Floats from one position to the next, from one image to the next.
    int64_t stride, image;
    int64_t width;
    conednn_extents extents;
} chunking;

INLINE chunking chunking_of(conednn_extents extents) {
    int64_t width = extents.block < LANES ? extents.block : LANES;
    int64_t blocks = (extents.channels + extents.block - 1) / extents.block;
    return (chunking){
        .chunks = (extents.channels + width - 1) / width,
        .stride = extents.block,
        .image = blocks * extents.block * extents.area,
        .width = width,
        .extents = extents,
    };
}

// Where an item begins, in floats.
INLINE int64_t chunk_offset(const chunking *chunking, int64_t image, int64_t chunk) {
    int64_t channel = chunk * chunking->width, block = chunking->extents.block;
    return image * chunking->image + channel / block * block * chunking->extents.area + channel % block;
}

// Channels of the network in a chunk.
INLINE int valid_lanes(const chunking *chunking, int64_t chunk) {
    int64_t rest = chunking->extents.channels - chunk * chunking->width;
    return (int)(rest < chunking->width ? rest : chunking->width);
}

// Floats of a chunk that are there at all: those that pad a block too.
INLINE int present_lanes(const chunking *chunking, int64_t chunk) {
    int64_t end = (chunk + 1) * chunking->width;
    return end <= chunking->image / chunking->extents.area ? (int)chunking->width : valid_lanes(chunking, chunk);
}

// Vectors go by address: passed by value, their registers would depend on the processor level.
INLINE void load(lanes *target, const float *source, int count) {
    if (count == LANES) {
        memcpy(target, source, sizeof *target);
    } else {
        *target = (lanes){0};
        for (int lane = 0; lane < count; lane++) (*target)[lane] = source[lane];
    }
}

INLINE void store(float *target, const lanes *source, int count) {
    if (count == LANES) {
        memcpy(target, source, sizeof *source);
    } else {
        for (int lane = 0; lane < count; lane++) target[lane] = (*source)[lane];
    }
}

// target = mask ? yes : no
INLINE void choose(lanes *target, const integer_lanes *mask, const lanes *yes, const lanes *no) {
    *target = (lanes)((*mask & (integer_lanes)*yes) | (~*mask & (integer_lanes)*no));
}

// Runs `call` with a number of lanes that the compiler knows where it pays.
#define WITH_LANES(count, call) \
    do { \
        switch (count) { \
        case 16: { enum { present = 16 }; call; break; } \
        case 8: { enum { present = 8 }; call; break; } \
        default: { const int present = (count); call; break; } \
        } \
    } while (0)
