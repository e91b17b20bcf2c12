/* runtime/ssd/scratch.c - see scratch.h. */
#define _GNU_SOURCE /* O_TMPFILE, O_DIRECT, mkostemp */
#include "runtime/ssd/scratch.h"

#include "base/memory.h"
#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 4096 };

static const char what[] = "make the SSD tier's file";

/* The caller's to free(). NULL: err says why. */
static char *choose_folder(const char *path, struct error *err)
{
    struct stat is;
    bool seen = stat(path, &is) == 0;
    if (!seen && errno != ENOENT) {
        error_io(err, path, what, strerror(errno));
        return NULL;
    }
    if (seen && S_ISDIR(is.st_mode))
        return memory_text(path);
    if (lstat(path, &is) != 0)
        return path_folder(path);
    /* A link that leads nowhere, too. */
    error_io(err, path, what, "it is there, and is no folder");
    return NULL;
}

/* Where the file system has no files without a name, one loses it at once. */
static int open_unlinked(const char *folder)
{
    char name[PATH_BYTES];
    if ((size_t)snprintf(name, sizeof name, "%s/reprise-ssd-XXXXXX", folder) >= sizeof name) {
        errno = ENAMETOOLONG;
        return -1;
    }
    int file = mkostemp(name, O_CLOEXEC);
    if (file >= 0)
        unlink(name);
    return file;
}

enum status scratch_open(const char *path, int *file, bool *direct, struct error *err)
{
    char *folder = choose_folder(path, err);
    if (folder == NULL)
        return err->status;
    *file = open(folder, O_TMPFILE | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
    if (*file < 0)
        *file = open_unlinked(folder);
    int reason = errno;
    free(folder);
    if (*file < 0)
        return error_io(err, path, what, strerror(reason));
    /* Unknown flags are not set again: -1 has O_APPEND, which writes where nobody asked to. */
    int flags = fcntl(*file, F_GETFL);
    *direct = flags >= 0 && fcntl(*file, F_SETFL, flags | O_DIRECT) == 0;
    return STATUS_OK;
}
