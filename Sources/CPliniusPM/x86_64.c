#if defined(__x86_64__)

#include "CPliniusPM.h"

#include <cpuid.h>
#include <immintrin.h>
#include <string.h>

enum { line = 64 };

bool cplinius_has_line_instruction(cplinius_line_instruction instruction) {
    unsigned a, b = 0, c, d;
    __get_cpuid_count(7, 0, &a, &b, &c, &d);
    switch (instruction) {
    case cplinius_line_clwb: return b & (1u << 24);
    case cplinius_line_clflushopt: return b & (1u << 23);
    default: return instruction == cplinius_line_clflush;
    }
}

cplinius_line_instruction cplinius_best_line_instruction(void) {
    if (cplinius_has_line_instruction(cplinius_line_clwb)) return cplinius_line_clwb;
    if (cplinius_has_line_instruction(cplinius_line_clflushopt)) return cplinius_line_clflushopt;
    return cplinius_line_clflush;
}

size_t cplinius_line_bytes(void) { return line; }

__attribute__((target("clwb"))) static void clwb_lines(uintptr_t from, uintptr_t to) {
    for (; from < to; from += line) _mm_clwb((void *)from);
}

__attribute__((target("clflushopt"))) static void clflushopt_lines(uintptr_t from, uintptr_t to) {
    for (; from < to; from += line) _mm_clflushopt((void *)from);
}

static void clflush_lines(uintptr_t from, uintptr_t to) {
    for (; from < to; from += line) _mm_clflush((void *)from);
}

void cplinius_write_back(const void *start, size_t count, cplinius_line_instruction instruction) {
    // From the first byte's line, not from the first byte: an unaligned start would leave the last line behind.
    uintptr_t from = (uintptr_t)start & ~(uintptr_t)(line - 1), to = (uintptr_t)start + count;
    if (count == 0) return;
    switch (instruction) {
    case cplinius_line_clwb: clwb_lines(from, to); return;
    case cplinius_line_clflushopt: clflushopt_lines(from, to); return;
    default: clflush_lines(from, to); return;
    }
}

void cplinius_copy_non_temporal(
    void *destination, const void *source, size_t count, cplinius_line_instruction instruction) {
    char *to = destination;
    const char *from = source;
    size_t head = -(uintptr_t)to & 15;
    if (head > count) head = count;
    if (head > 0) {
        memcpy(to, from, head);
        cplinius_write_back(to, head, instruction);
        to += head, from += head, count -= head;
    }
    for (; count >= line; to += line, from += line, count -= line) {
        // A whole line at once, so that it leaves as one write.
        __m128i first = _mm_loadu_si128((const __m128i *)from), second = _mm_loadu_si128((const __m128i *)from + 1);
        __m128i third = _mm_loadu_si128((const __m128i *)from + 2), fourth = _mm_loadu_si128((const __m128i *)from + 3);
        _mm_stream_si128((__m128i *)to, first);
        _mm_stream_si128((__m128i *)to + 1, second);
        _mm_stream_si128((__m128i *)to + 2, third);
        _mm_stream_si128((__m128i *)to + 3, fourth);
    }
    for (; count >= 16; to += 16, from += 16, count -= 16) {
        _mm_stream_si128((__m128i *)to, _mm_loadu_si128((const __m128i *)from));
    }
    if (count == 0) return;
    memcpy(to, from, count);
    cplinius_write_back(to, count, instruction);
}

#endif
