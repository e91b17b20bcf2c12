/* base/absent.c - see absent.h. */
#include "base/absent.h"

#include <errno.h>
#include <unistd.h>

bool file_absent(const char *path)
{
    return access(path, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR);
}
