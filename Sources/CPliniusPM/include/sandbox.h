/// What a process that holds keys gives up before it touches them.
#pragma once

/// No core dumps, no debugger of the same user, no privileges by execution. Returns 0 or an error number.
///
/// Call it before other threads start: the last of the three is a property of the calling thread and of those it starts.
int cplinius_harden_process(void);

/// Splits the process in two that speak over a socket, each by its own descriptor `socket`; the second ends with the first.
///
/// Returns 0 in the second, the second's number in the first, and -1 with `errno`. Call it before other threads start: they would be
/// missing in the second.
int cplinius_split_process(int *_Nonnull socket);

/// Takes from every thread of this process, for good: executing programs, opening sockets, opening files for writing,
/// changing directories' entries, and reaching into other processes. Such a call fails with EPERM.
///
/// What stays: memory, threads, descriptors held already, and files opened for reading. Needs `cplinius_harden_process`
/// first (or privileges). Returns 0 or an error number; ENOSYS where the kernel has no filters.
int cplinius_install_seccomp(void);
