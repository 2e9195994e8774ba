#include "CCeilings.h"

enum { LANES = 16 };
typedef float lanes __attribute__((vector_size(64)));

// The same source for each level of the processor; the loader picks.
#if defined(__x86_64__)
#define LEVELS __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define LEVELS
#endif

// The chains must fit the registers: those of 512 bits are twice as many and hold twice as much.
#define CHAINS(name, count, attribute)                                                     \
    attribute static float name(int64_t rounds) {                                          \
        lanes sums[count], factor, addend;                                                 \
        for (int lane = 0; lane < LANES; lane++) factor[lane] = 0.999f, addend[lane] = 0.001f; \
        for (int chain = 0; chain < count; chain++) sums[chain] = addend * (float)chain;   \
        for (int64_t round = 0; round < rounds; round++) {                                 \
            _Pragma("clang loop unroll(full)")                                             \
            for (int chain = 0; chain < count; chain++) sums[chain] = sums[chain] * factor + addend; \
        }                                                                                  \
        lanes total = sums[0];                                                             \
        for (int chain = 1; chain < count; chain++) total += sums[chain];                  \
        float result = 0;                                                                  \
        for (int lane = 0; lane < LANES; lane++) result += total[lane];                    \
        return result;                                                                     \
    }

enum { WIDE_CHAINS = 12, CHAINS = 5 };
CHAINS(chains, CHAINS, )
#if defined(__x86_64__)
CHAINS(chains_256, CHAINS, __attribute__((target("avx2,fma"))))
CHAINS(chains_512, WIDE_CHAINS, __attribute__((target("avx512f"))))
#endif

// Nothing reads it, but the compiler cannot know.
static volatile float result;

int64_t ceiling_multiply_add(int64_t rounds) {
    int64_t count = CHAINS;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f")) {
        count = WIDE_CHAINS;
        result = chains_512(rounds);
    } else if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        result = chains_256(rounds);
    } else {
        result = chains(rounds);
    }
#else
    result = chains(rounds);
#endif
    return rounds * count * LANES * 2;
}

const char *ceiling_instructions(void) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f")) return "AVX-512";
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? "AVX2" : "SSE2";
#elif defined(__aarch64__)
    return "NEON";
#else
    return "plain C";
#endif
}

LEVELS void ceiling_triad(int64_t count, float *target, const float *left, const float *right, float factor) {
#pragma clang loop vectorize(assume_safety)
    for (int64_t index = 0; index < count; index++) target[index] = left[index] + factor * right[index];
}

LEVELS float ceiling_sum(int64_t count, const float *values) {
    lanes sums[4] = {{0}};
    for (int64_t index = 0; index + 4 * LANES <= count; index += 4 * LANES) {
        for (int part = 0; part < 4; part++) sums[part] += *(const lanes *)(values + index + part * LANES);
    }
    lanes total = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    float result = 0;
    for (int lane = 0; lane < LANES; lane++) result += total[lane];
    return result;
}
