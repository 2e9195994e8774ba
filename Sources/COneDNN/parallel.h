#pragma once

// Work shared out to the threads that oneDNN runs on too: one pool for both.

#include "COneDNN.h"

struct conednn_engine {
    struct dnnl_engine *handle;
    struct dnnl_stream *stream;
    int threads;
};

// Sets the number of threads that OpenMP gives to the calling thread's regions.
void parallel_set_threads(int threads);

// Does the items from `first` on and before `last`; `thread` counts from 0.
typedef void (*parallel_work)(int thread, int64_t first, int64_t last, const void *context);

// Cuts `items` into one consecutive range per thread. Work of few floats stays on the calling thread.
void parallel_for(
    const conednn_engine *engine, int64_t items, int64_t floats_per_item, parallel_work work, const void *context);
