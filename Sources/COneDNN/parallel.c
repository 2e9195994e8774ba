#include "parallel.h"

#include <oneapi/dnnl/dnnl_config.h>

#if DNNL_CPU_THREADING_RUNTIME == DNNL_RUNTIME_OMP

// Swift's clang brings no OpenMP headers. These four belong to the stable interface between GCC's compilers and libgomp, which
// LLVM's library serves too.
extern void omp_set_num_threads(int threads);
extern int omp_get_num_threads(void);
extern int omp_get_thread_num(void);
extern void GOMP_parallel(void (*body)(void *), void *argument, unsigned threads, unsigned flags);

typedef struct {
    int64_t items;
    parallel_work work;
    const void *context;
} region;

static void body(void *argument) {
    const region *region = argument;
    int64_t threads = omp_get_num_threads(), thread = omp_get_thread_num();
    int64_t first = region->items * thread / threads, last = region->items * (thread + 1) / threads;
    if (first < last) region->work((int)thread, first, last, region->context);
}

void parallel_set_threads(int threads) {
    omp_set_num_threads(threads);
}

void parallel_for(
    const conednn_engine *engine, int64_t items, int64_t floats_per_item, parallel_work work, const void *context) {
    // Waking a thread costs as much as a pass over some ten thousand floats.
    const int64_t worth = 16384;
    if (engine->threads == 1 || items == 1 || items * floats_per_item < worth) {
        if (items > 0) work(0, 0, items, context);
        return;
    }
    region region = {.items = items, .work = work, .context = context};
    GOMP_parallel(body, &region, (unsigned)engine->threads, 0);
}

#else

void parallel_set_threads(int threads) {
    (void)threads;
}

void parallel_for(
    const conednn_engine *engine, int64_t items, int64_t floats_per_item, parallel_work work, const void *context) {
    (void)engine;
    (void)floats_per_item;
    if (items > 0) work(0, 0, items, context);
}

#endif
