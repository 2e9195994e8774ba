#if defined(__aarch64__)

#include "CPliniusPM.h"

#include <string.h>
#include <sys/auxv.h>

// HWCAP_DCPOP of <asm/hwcap.h>: the processor has `dc cvap`.
enum { hwcap_dcpop = 1 << 16 };

bool cplinius_has_line_instruction(cplinius_line_instruction instruction) {
    return instruction == cplinius_line_dc_cvac
        || (instruction == cplinius_line_dc_cvap && (getauxval(AT_HWCAP) & hwcap_dcpop));
}

cplinius_line_instruction cplinius_best_line_instruction(void) {
    return cplinius_has_line_instruction(cplinius_line_dc_cvap) ? cplinius_line_dc_cvap : cplinius_line_dc_cvac;
}

size_t cplinius_line_bytes(void) {
    uint64_t type;
    __asm__("mrs %0, ctr_el0" : "=r"(type));
    return (size_t)4 << (type >> 16 & 15);
}

void cplinius_write_back(const void *start, size_t count, cplinius_line_instruction instruction) {
    size_t line = cplinius_line_bytes();
    uintptr_t from = (uintptr_t)start & ~(uintptr_t)(line - 1), to = (uintptr_t)start + count;
    if (count == 0) return;
    // The clean waits for the stores before it only where a barrier says so.
    __asm__ volatile("dmb ish" ::: "memory");
    for (; from < to; from += line) {
        if (instruction == cplinius_line_dc_cvap) {
            // `dc cvap, x`, spelled so that an assembler for Armv8.0 takes it.
            __asm__ volatile("sys #3, c7, c12, #1, %0" : : "r"(from) : "memory");
        } else {
            __asm__ volatile("dc cvac, %0" : : "r"(from) : "memory");
        }
    }
}

void cplinius_copy_non_temporal(
    void *destination, const void *source, size_t count, cplinius_line_instruction instruction) {
    // `stnp` is a hint that says nothing about persistence: an ordinary copy with write-back does the same.
    memcpy(destination, source, count);
    cplinius_write_back(destination, count, instruction);
}

#endif
