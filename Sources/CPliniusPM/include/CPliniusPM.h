/// Instructions and system calls that Swift cannot express. No decisions are taken here: callers choose.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sandbox.h"

/// The instructions that send a dirty cache line to the memory behind it.
typedef enum __attribute__((enum_extensibility(closed))) {
    /// x86-64: evicts the line, one line after the other.
    cplinius_line_clflush = 1,
    /// x86-64: evicts the line, many under way at a time.
    cplinius_line_clflushopt = 2,
    /// x86-64: writes the line back and keeps it.
    cplinius_line_clwb = 3,
    /// arm64: cleans to the point of coherency.
    cplinius_line_dc_cvac = 4,
    /// arm64: cleans to the point of persistence.
    cplinius_line_dc_cvap = 5,
} cplinius_line_instruction;

// MARK: Instructions, one file per architecture

/// Whether this processor has an instruction; asks the processor at each call.
bool cplinius_has_line_instruction(cplinius_line_instruction instruction);

/// The best of the instructions that this processor has; asks the processor at each call.
cplinius_line_instruction cplinius_best_line_instruction(void);

/// The length of a cache line, in bytes.
size_t cplinius_line_bytes(void);

/// Starts the write-back of every cache line that holds one of `count` bytes at `start`. `cplinius_fence` waits for it.
void cplinius_write_back(const void *_Nonnull start, size_t count, cplinius_line_instruction instruction);

/// Waits until write-backs and non-temporal stores issued so far have reached the persistence domain.
static inline void cplinius_fence(void) {
#if defined(__x86_64__)
    // Inline, so that the loads of the next transaction are near enough to begin while this one still waits.
    __builtin_ia32_sfence();
#else
    __asm__ volatile("dsb sy" ::: "memory");
#endif
}

/// Copies past the caches where whole 16-byte words allow it; begins the write-back of what is stored through them.
/// `cplinius_fence` waits for both. The ranges do not overlap.
void cplinius_copy_non_temporal(
    void *_Nonnull destination, const void *_Nonnull source, size_t count, cplinius_line_instruction instruction);

// MARK: The same on every architecture

/// Stores a word after everything that the program stored before it. One store: never seen in part.
static inline void cplinius_store_release(uint64_t *_Nonnull word, uint64_t value) {
    __atomic_store_n(word, value, __ATOMIC_RELEASE);
}

/// Loads a word before everything that the program loads after it.
static inline uint64_t cplinius_load_acquire(const uint64_t *_Nonnull word) {
    return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

// MARK: System calls (system.c)

/// The magic number of the file system that holds a file; -1 with `errno` when it cannot be told.
int64_t cplinius_file_system_magic(int descriptor);
extern const int64_t cplinius_tmpfs_magic;
extern const int64_t cplinius_ramfs_magic;
extern const int64_t cplinius_hugetlbfs_magic;

/// 1 if loads and stores of a mapping reach the medium itself (DAX), 0 if they meet the page cache, -1 if unknown.
int cplinius_is_dax(int descriptor);

/// Maps the first `count` bytes of a file, shared and populated; null with `errno`.
/// With `synchronous`, the file's metadata is durable before a page may be written (MAP_SYNC), or the call fails.
void *_Nullable cplinius_map(int descriptor, size_t count, bool writable, bool synchronous);
