#include "allocation_count.h"

#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#if defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define STANDS_ASIDE
#endif
#endif
#if !defined(__GLIBC__)
#define STANDS_ASIDE
#endif

static _Thread_local uint64_t count;
static _Thread_local uint64_t own_count;

uint64_t callocation_count(void) { return count; }

uint64_t callocation_own_count(void) { return own_count; }

#ifdef STANDS_ASIDE

bool callocation_counts(void) { return false; }

void callocation_look_at_callers(bool looks) { (void)looks; }

#else

bool callocation_counts(void) { return true; }

static _Thread_local bool looks_at_callers;

void callocation_look_at_callers(bool looks) { looks_at_callers = looks; }

#define NOTE() note(__builtin_return_address(0))

static void note(void *caller) {
    count += 1;
    if (!looks_at_callers) return;
    // Looking must not look at itself.
    looks_at_callers = false;
    Dl_info place;
    bool is_foreign = dladdr(caller, &place) != 0 && place.dli_fname != NULL &&
                      (strstr(place.dli_fname, "/libdnnl.") != NULL || strstr(place.dli_fname, "/libstdc++.") != NULL ||
                       strstr(place.dli_fname, "/libgomp.") != NULL);
    if (!is_foreign) own_count += 1;
    looks_at_callers = true;
}

// The C library's own, under the names that it keeps for those who stand in front of them. A definition in the program itself wins over one in
// any library that it loads.
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t number, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

void *malloc(size_t size) {
    NOTE();
    return __libc_malloc(size);
}

void *calloc(size_t number, size_t size) {
    NOTE();
    return __libc_calloc(number, size);
}

void *realloc(void *memory, size_t size) {
    NOTE();
    return __libc_realloc(memory, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    NOTE();
    return __libc_memalign(alignment, size);
}

void *memalign(size_t alignment, size_t size) {
    NOTE();
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size) {
    NOTE();
    if (alignment % sizeof(void *) != 0 || (alignment & (alignment - 1)) != 0 || alignment == 0) return EINVAL;
    *memory = __libc_memalign(alignment, size);
    return *memory == NULL ? ENOMEM : 0;
}

#endif
