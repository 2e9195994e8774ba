#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

/// Never of use here. `io_uring_*` and `openat2` stand on the list because a filter cannot see what they open.
static const unsigned refused[] = {
    SYS_execve, SYS_execveat, SYS_socket, SYS_socketpair, SYS_connect, SYS_bind, SYS_listen, SYS_accept, SYS_accept4,
    SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_kcmp, SYS_bpf, SYS_perf_event_open, SYS_userfaultfd,
    SYS_openat2, SYS_open_by_handle_at, SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register, SYS_pidfd_getfd,
    SYS_unlinkat, SYS_renameat, SYS_renameat2, SYS_linkat, SYS_symlinkat, SYS_mkdirat, SYS_mknodat, SYS_fchmodat,
    SYS_fchownat, SYS_truncate, SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot, SYS_setns, SYS_unshare,
    SYS_add_key, SYS_request_key, SYS_keyctl, SYS_init_module, SYS_finit_module, SYS_kexec_load,
#if defined(__x86_64__)
    SYS_creat, SYS_unlink, SYS_rename, SYS_link, SYS_symlink, SYS_mkdir, SYS_rmdir, SYS_mknod, SYS_chmod, SYS_chown,
#endif
};
enum { refusals = sizeof refused / sizeof *refused };

#define ADD(...) program[length++] = (struct sock_filter)__VA_ARGS__
#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define RETURN(what) BPF_STMT(BPF_RET | BPF_K, what)
/// Refuses call `number` if the flags in its argument `index` may write. Little-endian: the low half comes first.
#define READING_ONLY(number, index) \
    ADD(LOAD(nr)); \
    ADD(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 3)); \
    ADD(LOAD(args[index])); \
    ADD(BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, O_WRONLY | O_RDWR | O_CREAT | O_TRUNC, 0, 1)); \
    ADD(RETURN(SECCOMP_RET_ERRNO | EPERM))

int cplinius_harden_process(void) {
    struct rlimit none = {0, 0};
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return errno;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno;
    return setrlimit(RLIMIT_CORE, &none) == 0 ? 0 : errno;
}

int cplinius_split_process(int *other) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return -1;
    pid_t parent = getpid(), child = fork();
    *other = ends[child == 0];
    close(ends[child != 0]);
    // The closed socket tells as well; the signal reaches a process that waits for a device.
    if (child == 0 && (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0), getppid() != parent)) _exit(1);
    return child;
}

int cplinius_install_seccomp(void) {
    struct sock_filter program[2 * refusals + 24];
    unsigned short length = 0;
    // Another architecture's call numbers (32-bit, x32) mean other calls: none of ours makes one.
    ADD(LOAD(arch));
    ADD(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0));
    ADD(RETURN(SECCOMP_RET_KILL_PROCESS));
    ADD(LOAD(nr));
    ADD(BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1));
    ADD(RETURN(SECCOMP_RET_KILL_PROCESS));
    for (unsigned i = 0; i < refusals; i++) {
        ADD(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, refused[i], 0, 1));
        ADD(RETURN(SECCOMP_RET_ERRNO | EPERM));
    }
    READING_ONLY(SYS_openat, 2);
#if defined(__x86_64__)
    READING_ONLY(SYS_open, 1);
#endif
    ADD(RETURN(SECCOMP_RET_ALLOW));
    struct sock_fprog filter = {length, program};
    // TSYNC: threads that a library started earlier come under the filter as well.
    long result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &filter);
    return result == 0 ? 0 : result < 0 ? errno : ESRCH;
}
