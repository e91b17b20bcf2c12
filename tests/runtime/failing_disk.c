/* tests/runtime/failing_disk.c - loaded before a program (LD_PRELOAD): what it writes into files
 * without a name is refused, as by a disk that has just broken. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

ssize_t pwrite(int file, const void *bytes, size_t count, off_t offset)
{
    char link[64], name[512];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, name, sizeof name - 1);
    name[length > 0 ? length : 0] = '\0';
    if (strstr(name, " (deleted)") == NULL)
        return syscall(SYS_pwrite64, file, bytes, count, offset);
    errno = EIO;
    return -1;
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off_t offset)
{
    return pwrite(file, bytes, count, offset);
}
