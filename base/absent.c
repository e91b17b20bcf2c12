/* base/absent.c - see absent.h. */
#include "base/absent.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* No file has a name that no file may have. */
static bool says_absent(int reason)
{
    return reason == ENOENT || reason == ENOTDIR || reason == ENAMETOOLONG;
}

bool file_absent(const char *path)
{
    if (access(path, F_OK) == 0)
        return false;
    if (says_absent(errno))
        return true;
    /* Who reads it will open it: what that says counts. */
    int file = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    bool absent = file < 0 && says_absent(errno);
    if (file >= 0)
        close(file);
    return absent;
}
