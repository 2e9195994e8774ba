// What the machine itself takes to make cache lines durable in a mapped file: so many lines in order, then one fence; and what a swap takes in plain
// memory, in an array as large as that of SPS. Prints one line of JSON, in nanoseconds, each the best of several short runs.

#define _GNU_SOURCE
#include <fcntl.h>
#include <immintrin.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { BYTES = 16 << 20, WORDS = 1250000, RUNS = 9, STEPS = 100000 };
enum way { NON_TEMPORAL, CLWB, CLFLUSHOPT, CLFLUSH, WAYS };
static const char *const names[WAYS] = {"nonTemporal", "clwb", "clflushopt", "clflush"};
static const int counts[] = {1, 2, 4, 8, 32, 128};

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return 1e9 * (double)time.tv_sec + (double)time.tv_nsec;
}

static inline __attribute__((always_inline)) void put(char *line, int value, enum way way) {
    __m128i bytes = _mm_set1_epi32(value);
    for (int part = 0; part < 4; part++) {
        if (way == NON_TEMPORAL) _mm_stream_si128((__m128i *)line + part, bytes);
        else _mm_store_si128((__m128i *)line + part, bytes);
    }
    if (way == CLWB) _mm_clwb(line);
    if (way == CLFLUSHOPT) _mm_clflushopt(line);
    if (way == CLFLUSH) _mm_clflush(line);
}

static inline __attribute__((always_inline)) double durable(char *memory, int count, enum way way) {
    double best = 1e18;
    for (int run = 0; run < RUNS; run++) {
        size_t place = 0;
        double start = now();
        for (int step = 0; step < STEPS / count; step++) {
            if (place + (size_t)count * 64 > BYTES) place = 0;
            for (int line = 0; line < count; line++, place += 64) put(memory + place, step, way);
            _mm_sfence();
        }
        double took = (now() - start) / (STEPS / count);
        if (took < best) best = took;
    }
    return best;
}

static double plain_swap(void) {
    uint64_t *words = calloc(WORDS, sizeof *words), random = 1;
    if (words == NULL) exit(1);
    for (uint64_t i = 0; i < WORDS; i++) words[i] = i;
    double best = 1e18;
    for (int run = 0; run < 4 * RUNS; run++) {
        double start = now();
        for (int step = 0; step < STEPS; step++) {
            uint64_t z = (random += 0x9E3779B97F4A7C15u);
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
            z ^= z >> 31;
            uint64_t *a = &words[(z >> 32) * WORDS >> 32], *b = &words[(z & 0xFFFFFFFF) * WORDS >> 32], kept = *a;
            *a = *b;
            *b = kept;
        }
        double took = (now() - start) / STEPS;
        if (took < best) best = took;
    }
    return best;
}

int main(int count, char **arguments) {
    int file = count == 3 && !strcmp(arguments[1], "--pool") ? open(arguments[2], O_RDWR | O_CREAT | O_EXCL, 0600) : -1;
    if (file < 0 || posix_fallocate(file, 0, BYTES) != 0) {
        fprintf(stderr, "usage: line_cost --pool NEW-FILE\n");
        return 2;
    }
    char *memory = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, file, 0);
    if (memory == MAP_FAILED) return 1;
    memset(memory, 1, BYTES);
    printf("{\"plainSwap\":%.2f", plain_swap());
    for (int way = 0; way < WAYS; way++) {
        printf(",\"%s\":{", names[way]);
        for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
            double took = way == NON_TEMPORAL ? durable(memory, counts[i], NON_TEMPORAL)
                : way == CLWB                 ? durable(memory, counts[i], CLWB)
                : way == CLFLUSHOPT           ? durable(memory, counts[i], CLFLUSHOPT)
                                              : durable(memory, counts[i], CLFLUSH);
            printf("%s\"%d\":%.1f", i ? "," : "", counts[i], took);
        }
        printf("}");
    }
    printf("}\n");
    return 0;
}
