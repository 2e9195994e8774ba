// Dropout whose draws are a pure function of run, layer, iteration, image and element, sixteen blocks of the stream at a time.

#include "lanes.h"
#include "parallel.h"

typedef struct {
    chunking chunking;
    conednn_draws draws;
    uint8_t *scratch;
    const float *input;
    float *output;
} work;

typedef uint32_t words __attribute__((vector_size(64)));
typedef uint64_t products __attribute__((vector_size(128)));

// Draws come in blocks of four, and sixteen blocks at a time.
enum { DRAWS = 4 * LANES };

INLINE int64_t mask_bytes(conednn_extents extents) {
    return (extents.channels * extents.area + DRAWS - 1) / DRAWS * DRAWS;
}

size_t conednn_dropout_bytes(const conednn_engine *engine, conednn_extents extents) {
    return (size_t)engine->threads * (size_t)mask_bytes(extents);
}

// One round of Philox4x32 on sixteen counters.
INLINE void philox_round(words state[4], uint32_t first_key, uint32_t second_key) {
    products first = __builtin_convertvector(state[0], products) * 0xD2511F53u;
    products second = __builtin_convertvector(state[2], products) * 0xCD9E8D57u;
    state[0] = __builtin_convertvector(second >> 32, words) ^ state[1] ^ first_key;
    state[1] = __builtin_convertvector(second, words);
    state[2] = __builtin_convertvector(first >> 32, words) ^ state[3] ^ second_key;
    state[3] = __builtin_convertvector(first, words);
}

// Writes 1 for every element of an image that stays and 0 for every one that falls, channels outermost.
INLINE void draw_mask(uint8_t *mask, const conednn_draws *draws, uint32_t image, int64_t count) {
    const words steps = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    for (int64_t element = 0; element < count; element += DRAWS) {
        words state[4] = {
            steps + (uint32_t)(element / 4),
            (words){0} + ((image & 0x00FFFFFF) | draws->purpose),
            (words){0} + draws->iteration,
            (words){0} + draws->substream,
        };
        uint32_t first_key = draws->key[0], second_key = draws->key[1];
        for (int round = 0; round < 10; round++) {
            philox_round(state, first_key, second_key);
            first_key += 0x9E3779B9u;
            second_key += 0xBB67AE85u;
        }
        for (int word = 0; word < 4; word++) {
            // 24 bits are exact in a float.
            lanes unit = __builtin_convertvector(state[word] >> 8, lanes) * 0x1p-24f;
            integer_lanes stays = unit >= draws->probability;
            for (int lane = 0; lane < LANES; lane++) mask[element + 4 * lane + word] = (uint8_t)-stays[lane];
        }
    }
}

INLINE void drop_plane(const work *work, const uint8_t *mask, int64_t image, int64_t chunk, int present) {
    const chunking *chunking = &work->chunking;
    int64_t offset = chunk_offset(chunking, image, chunk), area = chunking->extents.area;
    int valid = valid_lanes(chunking, chunk);
    const uint8_t *kept = mask + chunk * chunking->width * area;
    const float keep = 1 / (1 - work->draws.probability);
    for (int64_t position = 0; position < area; position++) {
        lanes value, factor = {0};
        for (int lane = 0; lane < valid; lane++) factor[lane] = kept[lane * area + position];
        load(&value, work->input + offset + position * chunking->stride, present);
        integer_lanes stays = factor != 0;
        lanes grown = value * keep;
        // Chosen rather than multiplied: an infinity that falls is gone.
        choose(&value, &stays, &grown, &(lanes){0});
        store(work->output + offset + position * chunking->stride, &value, present);
    }
}

KERNEL static void drop_range(int thread, int64_t first, int64_t last, const void *context) {
    const work *work = context;
    uint8_t *mask = work->scratch + thread * mask_bytes(work->chunking.extents);
    for (int64_t image = first; image < last; image++) {
        draw_mask(mask, &work->draws, (uint32_t)(work->draws.first_image + image),
                  work->chunking.extents.channels * work->chunking.extents.area);
        for (int64_t chunk = 0; chunk < work->chunking.chunks; chunk++) {
            WITH_LANES(present_lanes(&work->chunking, chunk), drop_plane(work, mask, image, chunk, present));
        }
    }
}

void conednn_dropout(
    const conednn_engine *engine, conednn_extents extents, conednn_draws draws, uint8_t *scratch, const float *input,
    float *output) {
    work work = {
        .chunking = chunking_of(extents), .draws = draws, .scratch = scratch, .input = input, .output = output};
    parallel_for(engine, extents.images, extents.channels * extents.area, drop_range, &work);
}
