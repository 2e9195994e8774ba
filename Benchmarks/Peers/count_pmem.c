// Counts what libpmemobj writes back: loaded before libpmem (LD_PRELOAD), it stands in for the functions that flush and drain, and prints the totals on the
// standard error at the end. Totals of two runs of different length, subtracted, are what the transactions between them cost.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <libpmem.h>
#include <stdint.h>
#include <stdio.h>

static unsigned long lines, fences, copied;

static void count_lines(const void *start, size_t count) {
    if (count > 0) lines += (((uintptr_t)start + count - 1) >> 6) - ((uintptr_t)start >> 6) + 1;
}

#define NEXT(name) ((__typeof__(name) *)dlsym(RTLD_NEXT, #name))

void pmem_flush(const void *start, size_t count) {
    static __typeof__(pmem_flush) *next;
    if (!next) next = NEXT(pmem_flush);
    count_lines(start, count);
    next(start, count);
}

void pmem_drain(void) {
    static __typeof__(pmem_drain) *next;
    if (!next) next = NEXT(pmem_drain);
    fences++;
    next();
}

void pmem_persist(const void *start, size_t count) {
    static __typeof__(pmem_persist) *next;
    if (!next) next = NEXT(pmem_persist);
    count_lines(start, count);
    fences++;
    next(start, count);
}

static void count_copy(const void *start, size_t count, unsigned flags) {
    if (flags & PMEM_F_MEM_NOFLUSH) return;
    copied += count;
    count_lines(start, count);
    if (!(flags & PMEM_F_MEM_NODRAIN)) fences++;
}

void *pmem_memcpy(void *to, const void *from, size_t count, unsigned flags) {
    static __typeof__(pmem_memcpy) *next;
    if (!next) next = NEXT(pmem_memcpy);
    count_copy(to, count, flags);
    return next(to, from, count, flags);
}

void *pmem_memmove(void *to, const void *from, size_t count, unsigned flags) {
    static __typeof__(pmem_memmove) *next;
    if (!next) next = NEXT(pmem_memmove);
    count_copy(to, count, flags);
    return next(to, from, count, flags);
}

void *pmem_memset(void *to, int byte, size_t count, unsigned flags) {
    static __typeof__(pmem_memset) *next;
    if (!next) next = NEXT(pmem_memset);
    count_copy(to, count, flags);
    return next(to, byte, count, flags);
}

__attribute__((destructor)) static void report(void) { fprintf(stderr, "%lu %lu %lu\n", lines, fences, copied); }
