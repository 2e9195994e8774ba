#include "CImageCodecs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct cimage_decoder {
    pid_t process;
    int socket;
    struct cimage_limits limits;
};

/// What the process answers; the pixels follow.
struct answer {
    uint32_t status;
    struct cimage image;
};

// MARK: Inside

#if defined(__x86_64__)
#define THIS_MACHINE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define THIS_MACHINE AUDIT_ARCH_AARCH64
#else
#error "the system calls of this processor are not known here"
#endif

#define FIELD(name) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, name))
// The low half of an argument: flags stand there on both processors.
#define ARGUMENT(index) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[index]))
#define ALLOW BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define KILL BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)
#define ALLOW_CALL(number) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1), ALLOW

/// Leaves reading and writing what is open, memory that no program can be in, an alarm, and the end.
static int confine(void)
{
    struct sock_filter rules[] = {
        FIELD(arch),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, THIS_MACHINE, 1, 0),
        KILL,
        FIELD(nr),
        ALLOW_CALL(SYS_read),
        ALLOW_CALL(SYS_write),
        ALLOW_CALL(SYS_exit_group),
        ALLOW_CALL(SYS_brk),
        ALLOW_CALL(SYS_munmap),
        ALLOW_CALL(SYS_mremap),
        ALLOW_CALL(SYS_madvise),
        ALLOW_CALL(SYS_futex),
        ALLOW_CALL(SYS_setitimer),
        // The allocator may look for a setting of the kernel, and does without.
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EACCES),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mprotect, 0, 4),
        ARGUMENT(2),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 1),
        KILL,
        ALLOW,
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap, 1, 0),
        KILL,
        ARGUMENT(2),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 1),
        KILL,
        ARGUMENT(3),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, MAP_ANONYMOUS, 1, 0),
        KILL,
        ALLOW,
    };
    struct sock_fprog program = {sizeof rules / sizeof *rules, rules};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static int read_all(void *bytes, size_t count)
{
    for (size_t done = 0; done < count;) {
        const ssize_t part = read(0, (uint8_t *)bytes + done, count - done);
        if (part <= 0) return -1;
        done += (size_t)part;
    }
    return 0;
}

static int write_all(const void *bytes, size_t count)
{
    for (size_t done = 0; done < count;) {
        const ssize_t part = write(0, (const uint8_t *)bytes + done, count - done);
        if (part <= 0) return -1;
        done += (size_t)part;
    }
    return 0;
}

static _Noreturn void serve(int socket, struct cimage_limits limits)
{
    prctl(PR_SET_DUMPABLE, 0);
    sigset_t alarm;
    sigemptyset(&alarm);
    sigaddset(&alarm, SIGALRM);
    signal(SIGALRM, SIG_DFL);
    sigprocmask(SIG_UNBLOCK, &alarm, NULL);
    const struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    // Nothing but the socket stays open.
    if (dup2(socket, 0) != 0 || syscall(SYS_close_range, 1u, ~0u, 0u) != 0) _exit(1);
    int32_t confined = confine() == 0 ? 0 : errno;
    if (write_all(&confined, sizeof confined) != 0 || confined != 0) _exit(1);
    uint64_t count;
    while (read_all(&count, sizeof count) == 0) {
        uint8_t *bytes = malloc(count);
        if (bytes == NULL || read_all(bytes, count) != 0) break;
        struct answer answer;
        memset(&answer, 0, sizeof answer);
        // If the owner is gone, nobody else ends a decoder that does not come back.
        const struct itimerval longest = {{0, 0}, {600, 0}}, never = {{0, 0}, {0, 0}};
        setitimer(ITIMER_REAL, &longest, NULL);
        answer.status = cimage_decode(bytes, count, limits, &answer.image);
        setitimer(ITIMER_REAL, &never, NULL);
        uint8_t *pixels = answer.image.pixels;
        answer.image.pixels = NULL;
        if (write_all(&answer, sizeof answer) != 0) break;
        if (answer.status == CIMAGE_OK
            && write_all(pixels, (size_t)answer.image.width * answer.image.height * answer.image.channels) != 0)
            break;
        free(pixels);
        free(bytes);
    }
    _exit(0);
}

// MARK: Outside

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/// Sends or receives all of the bytes before the deadline.
static enum cimage_status move(cimage_decoder *self, void *bytes, size_t count, short direction, int64_t deadline)
{
    for (size_t done = 0; done < count;) {
        const int64_t left = deadline - now();
        if (left <= 0) return CIMAGE_TOO_SLOW;
        struct pollfd wait = {self->socket, direction, 0};
        const int ready = poll(&wait, 1, (int)left);
        if (ready < 0 && errno == EINTR) continue;
        if (ready < 0) return CIMAGE_CRASHED;
        if (ready == 0) return CIMAGE_TOO_SLOW;
        uint8_t *place = (uint8_t *)bytes + done;
        const ssize_t part = direction == POLLIN ? recv(self->socket, place, count - done, MSG_DONTWAIT)
                                                 : send(self->socket, place, count - done, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (part < 0 && (errno == EAGAIN || errno == EINTR)) continue;
        if (part <= 0) return CIMAGE_CRASHED;
        done += (size_t)part;
    }
    return CIMAGE_OK;
}

static void end(cimage_decoder *self)
{
    if (self->process <= 0) return;
    kill(self->process, SIGKILL);
    while (waitpid(self->process, NULL, 0) < 0 && errno == EINTR) {}
    self->process = 0;
}

cimage_decoder *cimage_decoder_start(struct cimage_limits limits)
{
    int sockets[2];
    cimage_decoder *self = calloc(1, sizeof *self);
    if (self == NULL) return NULL;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0) {
        free(self);
        return NULL;
    }
    self->limits = limits;
    self->socket = sockets[0];
    self->process = fork();
    if (self->process == 0) serve(sockets[1], limits);
    const int failure = errno;
    close(sockets[1]);
    int32_t confined = failure;
    if (self->process > 0 && move(self, &confined, sizeof confined, POLLIN, now() + 60000) != CIMAGE_OK)
        confined = ECHILD;
    if (self->process < 0 || confined != 0) {
        cimage_decoder_stop(self);
        errno = confined;
        return NULL;
    }
    return self;
}

static enum cimage_status exchange(cimage_decoder *self, const uint8_t *bytes, uint64_t count, int64_t deadline,
                                   struct cimage *image)
{
    struct answer answer;
    enum cimage_status status = move(self, &count, sizeof count, POLLOUT, deadline);
    if (status == CIMAGE_OK) status = move(self, (void *)bytes, count, POLLOUT, deadline);
    if (status == CIMAGE_OK) status = move(self, &answer, sizeof answer, POLLIN, deadline);
    if (status != CIMAGE_OK) return status;
    // The process may be in a stranger's hands by now: what it says is checked like a file.
    for (size_t index = 0; index < sizeof image->message - 1; index++) {
        const char sign = answer.image.message[index];
        if (sign == 0) break;
        image->message[index] = sign < ' ' || sign > '~' ? '?' : sign;
    }
    if (answer.status != CIMAGE_OK)
        return answer.status < CIMAGE_TOO_SLOW ? (enum cimage_status)answer.status : CIMAGE_CRASHED;
    const uint64_t width = answer.image.width, height = answer.image.height, channels = answer.image.channels;
    if (width == 0 || height == 0 || width > self->limits.side || height > self->limits.side
        || width * height > self->limits.pixels || (channels != 1 && channels != 3))
        return CIMAGE_CRASHED;
    image->pixels = malloc(width * height * channels);
    if (image->pixels == NULL) return CIMAGE_NO_MEMORY;
    image->width = (uint32_t)width;
    image->height = (uint32_t)height;
    image->channels = (uint32_t)channels;
    return move(self, image->pixels, width * height * channels, POLLIN, deadline);
}

enum cimage_status cimage_decoder_decode(cimage_decoder *self, const uint8_t *bytes, size_t count, int milliseconds,
                                         struct cimage *image)
{
    memset(image, 0, sizeof *image);
    if (self->process <= 0) return CIMAGE_CRASHED;
    const enum cimage_status status = exchange(self, bytes, count, now() + milliseconds, image);
    if (status != CIMAGE_OK) cimage_free(image);
    // What it would still say belongs to no image.
    if (status == CIMAGE_TOO_SLOW || status == CIMAGE_CRASHED || status == CIMAGE_NO_MEMORY) end(self);
    return status;
}

int cimage_decoder_process(const cimage_decoder *self)
{
    return self->process;
}

void cimage_decoder_stop(cimage_decoder *self)
{
    end(self);
    close(self->socket);
    free(self);
}
