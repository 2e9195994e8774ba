#pragma once

// A 3x3 convolution with stride 1, and its gradients, by Winograd's algorithm; for processors with AVX-512.
//
// Activations lie in blocks of 16 channels. Every output is computed the same way whatever the threads; gradients of weights are
// sums over threads, so their bits depend on how many there are.

#include "parallel.h"

#include <stddef.h>
#include <stdint.h>

typedef struct {
    int64_t images;
    // Channels that enter and that come out.
    int64_t inputs, outputs;
    // Of what enters.
    int64_t height, width;
    // Zeros before the first and behind the last row and column; at most 2.
    int64_t padding;
    // Whether the weights lead deltas back: turned by half a circle, inputs for outputs.
    bool turned;
} winograd_shape;

size_t winograd_packed_bytes(winograd_shape shape);
size_t winograd_forward_scratch_bytes(const conednn_engine *engine, winograd_shape shape);
size_t winograd_gradient_scratch_bytes(const conednn_engine *engine, winograd_shape shape);

// Brings weights (outputs, inputs, 3, 3) to the points; (inputs, outputs, 3, 3) if turned.
void winograd_pack(const conednn_engine *engine, winograd_shape shape, const float *weights, float *packed);

// destination = source * weights + bias, negative values times `negative_slope`. The bias may be null.
void winograd_forward(
    const conednn_engine *engine, winograd_shape shape, const float *source, const float *packed, const float *bias,
    float negative_slope, float *scratch, float *destination);

// gradient (outputs, inputs, 3, 3) of the weights of a convolution that is not turned.
void winograd_gradient(
    const conednn_engine *engine, winograd_shape shape, const float *source, const float *delta, float *scratch,
    float *gradient);
