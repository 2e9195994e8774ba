#include "CPliniusPM.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/stat.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#if !defined(__x86_64__) && !defined(__aarch64__)
#error "persistence knows x86-64 and arm64 only"
#endif

const int64_t cplinius_tmpfs_magic = TMPFS_MAGIC;
const int64_t cplinius_ramfs_magic = RAMFS_MAGIC;
const int64_t cplinius_hugetlbfs_magic = HUGETLBFS_MAGIC;

int64_t cplinius_file_system_magic(int descriptor) {
    struct statfs system;
    return fstatfs(descriptor, &system) == 0 ? (int64_t)system.f_type : -1;
}

int cplinius_is_dax(int descriptor) {
    struct statx file;
    if (statx(descriptor, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &file) != 0) return -1;
    return (file.stx_attributes & STATX_ATTR_DAX) != 0;
}

void *cplinius_map(int descriptor, size_t count, bool writable, bool synchronous) {
    // A plain MAP_SHARED ignores flags that it does not know; MAP_SHARED_VALIDATE refuses them.
    int flags = MAP_POPULATE | (synchronous ? MAP_SHARED_VALIDATE | MAP_SYNC : MAP_SHARED);
    void *start = mmap(NULL, count, PROT_READ | (writable ? PROT_WRITE : 0), flags, descriptor, 0);
    return start == MAP_FAILED ? NULL : start;
}
