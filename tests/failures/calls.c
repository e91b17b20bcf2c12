/* tests/failures/calls.c - see calls.h. Not made to fail: munmap (the kernel does not refuse one
 * that is well-formed) and waiting (futex, poll); brk (its failure is no error number; the C
 * library then asks mmap()). */
#include "tests/failures/calls.h"

#include <string.h>

#define FAILS(code)                                                                                \
    {                                                                                              \
#code, EFFECT_ERROR, code, false, false, 0                                                 \
    }
#define STAYS(code)                                                                                \
    {                                                                                              \
#code "+", EFFECT_ERROR, code, true, false, 0                                              \
    }
#define SHORT                                                                                      \
    {                                                                                              \
        "short", EFFECT_SHORT, 0, true, true, 0                                                    \
    }
#define KILL                                                                                       \
    {                                                                                              \
        "SIGKILL", EFFECT_KILL, 0, false, false, 0                                                 \
    }
#define INTERRUPT                                                                                  \
    {                                                                                              \
        "SIGINT", EFFECT_INTERRUPT, 0, false, false, 0                                             \
    }

const struct call_kind call_kinds[] = {
    { "memory",
      { { "once", EFFECT_MEMORY, ENOMEM, false, false, 0 },
        { "+", EFFECT_MEMORY, ENOMEM, true, false, 0 } },
      { -1 } },
    { "clock",
      { { "back", EFFECT_CLOCK, 0, true, true, -86400 },
        { "ahead", EFFECT_CLOCK, 0, true, true, 86400 } },
      { -1 } },
    { "open", { FAILS(EMFILE), STAYS(EACCES) }, { SYS_open, SYS_openat, SYS_creat, -1 } },
    { "read",
      { FAILS(EIO), STAYS(EIO), SHORT, FAILS(EINTR) },
      { SYS_read, SYS_pread64, SYS_readv, SYS_preadv, SYS_preadv2, -1 } },
    { "write",
      { FAILS(ENOSPC), STAYS(ENOSPC), FAILS(EIO), SHORT, FAILS(EINTR), KILL, INTERRUPT },
      { SYS_write, SYS_pwrite64, SYS_writev, SYS_pwritev, SYS_pwritev2, -1 } },
    { "sync",
      { FAILS(EIO), STAYS(EIO), KILL, INTERRUPT },
      { SYS_fsync, SYS_fdatasync, SYS_msync, -1 } },
    { "close", { FAILS(EIO) }, { SYS_close, -1 } },
    { "rename",
      { FAILS(EACCES), KILL, INTERRUPT },
      { SYS_rename, SYS_renameat, SYS_renameat2, SYS_linkat, -1 } },
    { "unlink", { FAILS(EACCES), KILL, INTERRUPT }, { SYS_unlink, SYS_unlinkat, SYS_rmdir, -1 } },
    { "size", { FAILS(ENOSPC), STAYS(ENOSPC), KILL }, { SYS_ftruncate, SYS_fallocate, -1 } },
    { "stat",
      { FAILS(EIO), STAYS(EACCES) },
      { SYS_stat, SYS_fstat, SYS_lstat, SYS_newfstatat, SYS_statx, SYS_access, SYS_faccessat,
        SYS_faccessat2, -1 } },
    { "seek", { FAILS(EIO) }, { SYS_lseek, -1 } },
    { "folder",
      { FAILS(EIO), STAYS(EACCES) },
      { SYS_mkdir, SYS_mkdirat, SYS_getdents64, SYS_getcwd, -1 } },
    { "map", { FAILS(ENOMEM), STAYS(ENOMEM) }, { SYS_mmap, SYS_mremap, -1 } },
    { "task",
      { FAILS(EAGAIN), STAYS(EAGAIN) },
      { SYS_clone, SYS_clone3, SYS_fork, SYS_vfork, -1 } },
    { "lock", { FAILS(EIO), STAYS(EIO) }, { SYS_fcntl, SYS_flock, -1 } },
    { "ring",
      { FAILS(ENOMEM), STAYS(ENOSYS), FAILS(EINTR) },
      { SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register, -1 } },
    { "net",
      { FAILS(ECONNRESET), STAYS(ENOMEM) },
      { SYS_recvfrom, SYS_sendto, SYS_sendmsg, SYS_recvmsg, SYS_sendfile, -1 } },
    { "door",
      { FAILS(EMFILE), STAYS(ENFILE), FAILS(ECONNABORTED) },
      { SYS_accept, SYS_accept4, SYS_bind, SYS_listen, SYS_epoll_create1, SYS_epoll_ctl, -1 } },
    { "random", { FAILS(ENOSYS) }, { SYS_getrandom, -1 } },
    { "child",
      { FAILS(EMFILE) },
      { SYS_pipe, SYS_pipe2, SYS_dup, SYS_dup2, SYS_dup3, SYS_eventfd2, SYS_socket, -1 } },
};

const uint32_t call_kind_count = sizeof call_kinds / sizeof *call_kinds;

uint32_t call_kind_of(uint64_t number)
{
    for (uint32_t kind = 0; kind < call_kind_count; kind++)
        for (const int64_t *one = call_kinds[kind].numbers; *one >= 0; one++)
            if ((uint64_t)*one == number)
                return kind;
    return call_kind_count;
}

uint32_t call_kind_named(const char *name)
{
    uint32_t kind = 0;
    while (kind < call_kind_count && strcmp(call_kinds[kind].name, name) != 0)
        kind++;
    return kind;
}
