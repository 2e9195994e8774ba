// SPS on libpmemobj: random swaps in a 10 MB array of 64-bit integers, several swaps a transaction, one thread.
//
// The pattern is the library's usual one: inside TX_BEGIN each 8-byte word is snapshot with pmemobj_tx_add_range_direct, then stored. Same random sequence,
// same checks, same options and same line of JSON as the Swift program `sps`. The environment chooses the write-back instruction
// (PMEM_NO_CLWB=1, PMEM_NO_CLFLUSHOPT=1, PMEM_NO_FLUSH=1) and whether stores alone are enough (PMEM_IS_PMEM_FORCE=1).

#include <errno.h>
#include <libpmemobj.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { WORDS = 1250000 };

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

// SplitMix64: one number a swap, whose halves choose the two words.
static inline uint64_t next_random(uint64_t *state) {
    uint64_t z = (*state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static inline uint32_t below_words(uint32_t random) { return (uint32_t)(((uint64_t)random * WORDS) >> 32); }

// Depends on every word and on its place.
static uint64_t checksum(const uint64_t *words) {
    uint64_t sum = 0;
    for (uint64_t i = 0; i < WORDS; i++) sum += words[i] * (2 * i + 1);
    return sum;
}

static void run_transaction(PMEMobjpool *pool, uint64_t *words, uint64_t *random, long swaps) {
    TX_BEGIN(pool) {
        for (long s = 0; s < swaps; s++) {
            uint64_t r = next_random(random);
            uint64_t *a = &words[below_words((uint32_t)(r >> 32))], *b = &words[below_words((uint32_t)r)];
            pmemobj_tx_add_range_direct(a, sizeof *a);
            pmemobj_tx_add_range_direct(b, sizeof *b);
            uint64_t kept = *a;
            *a = *b;
            *b = kept;
        }
    } TX_ONABORT {
        fprintf(stderr, "the transaction was aborted: %s\n", pmemobj_errormsg());
        exit(1);
    } TX_END
}

int main(int count, char **arguments) {
    const char *path = NULL;
    long swaps = 1, fixed = 0;
    double duration = 0.3;
    for (int i = 1; i + 1 < count; i += 2) {
        if (!strcmp(arguments[i], "--pool")) path = arguments[i + 1];
        else if (!strcmp(arguments[i], "--swaps")) swaps = atol(arguments[i + 1]);
        else if (!strcmp(arguments[i], "--seconds")) duration = atof(arguments[i + 1]);
        else if (!strcmp(arguments[i], "--transactions")) fixed = atol(arguments[i + 1]);
        else path = NULL, i = count;
    }
    if (path == NULL || swaps < 1 || duration <= 0 || fixed < 0 || count % 2 == 0) {
        fprintf(stderr, "usage: sps_pmemobj --pool FILE [--swaps K] [--seconds S | --transactions N]\n");
        return 2;
    }

    PMEMobjpool *pool = pmemobj_create(path, "sps", 64u << 20, 0600);
    if (pool == NULL) {
        fprintf(stderr, "%s: %s\n", path, pmemobj_errormsg());
        return 1;
    }
    uint64_t *words = pmemobj_direct(pmemobj_root(pool, WORDS * sizeof *words));
    for (uint64_t i = 0; i < WORDS; i++) words[i] = i;
    pmemobj_persist(pool, words, WORDS * sizeof *words);

    // A sixteenth of the time to warm up, then batches of transactions until the time is over. A batch is long against the clock, short against the time.
    uint64_t random = 1, transactions = 0, counted = 0;
    long batch = 1;
    double start = seconds(), measured = start, now = start, before = start;
    int warm = fixed > 0;
    while (fixed > 0 ? transactions < (uint64_t)fixed : now - measured < duration || !warm) {
        if (fixed > 0 && (uint64_t)fixed - transactions < (uint64_t)batch) batch = (long)((uint64_t)fixed - transactions);
        for (long t = 0; t < batch; t++) run_transaction(pool, words, &random, swaps);
        transactions += (uint64_t)batch;
        now = seconds();
        if (now - before < duration / 256) batch *= 2;
        before = now;
        if (!warm && now - start > duration / 16) {
            warm = 1;
            measured = now;
            counted = transactions;
        }
    }
    pmemobj_close(pool);

    // What the pool holds after it was opened again, against the same swaps in plain memory.
    pool = pmemobj_open(path, "sps");
    if (pool == NULL) {
        fprintf(stderr, "%s: %s\n", path, pmemobj_errormsg());
        return 1;
    }
    uint64_t found = checksum(pmemobj_direct(pmemobj_root(pool, WORDS * sizeof *words)));
    pmemobj_close(pool);
    uint64_t *plain = malloc(WORDS * sizeof *plain);
    if (plain == NULL) return 1;
    for (uint64_t i = 0; i < WORDS; i++) plain[i] = i;
    random = 1;
    for (uint64_t s = 0; s < transactions * (uint64_t)swaps; s++) {
        uint64_t r = next_random(&random);
        uint64_t *a = &plain[below_words((uint32_t)(r >> 32))], *b = &plain[below_words((uint32_t)r)], kept = *a;
        *a = *b;
        *b = kept;
    }
    uint64_t expected = checksum(plain);
    free(plain);

    double took = now - measured;
    printf("{\"program\":\"libpmemobj\",\"swaps\":%ld,\"transactions\":%llu,\"seconds\":%.6f,\"swapsPerMicrosecond\":%.9f,\"checksum\":\"%016llx\",\"correct\":%s}\n",
           swaps, (unsigned long long)(transactions - counted), took, (double)(transactions - counted) * (double)swaps / took / 1e6, (unsigned long long)found,
           found == expected ? "true" : "false");
    return found == expected ? 0 : 1;
}
