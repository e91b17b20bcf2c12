/* runtime/ssd/scratch.c - see scratch.h. */
#define _GNU_SOURCE /* O_TMPFILE, O_DIRECT, mkostemp */
#include "runtime/ssd/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 4096 };

static const char what[] = "make the SSD tier's file";

/* Of "a/b" "a", of "b" ".", of "/b" "/". */
static void cut_name(char *path)
{
    char *slash = strrchr(path, '/');
    if (slash == NULL)
        strcpy(path, ".");
    else
        slash[slash == path] = '\0';
}

static enum status choose_folder(const char *path, char folder[PATH_BYTES], struct error *err)
{
    struct stat is;
    if ((size_t)snprintf(folder, PATH_BYTES, "%s", path) >= PATH_BYTES)
        return error_io(err, path, what, strerror(ENAMETOOLONG));
    if (stat(path, &is) == 0 && S_ISDIR(is.st_mode))
        return STATUS_OK;
    if (lstat(path, &is) == 0) /* a link that leads nowhere, too */
        return error_io(err, path, what, "it is there, and is no folder");
    cut_name(folder);
    return STATUS_OK;
}

/* Where the file system has no files without a name, one loses it at once. */
static int open_unlinked(const char *folder)
{
    char name[PATH_BYTES + 32];
    snprintf(name, sizeof name, "%s/reprise-ssd-XXXXXX", folder);
    int file = mkostemp(name, O_CLOEXEC);
    if (file >= 0)
        unlink(name);
    return file;
}

enum status scratch_open(const char *path, int *file, bool *direct, struct error *err)
{
    char folder[PATH_BYTES];
    if (choose_folder(path, folder, err) != STATUS_OK)
        return err->status;
    *file = open(folder, O_TMPFILE | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
    if (*file < 0)
        *file = open_unlinked(folder);
    if (*file < 0)
        return error_io(err, path, what, strerror(errno));
    *direct = fcntl(*file, F_SETFL, fcntl(*file, F_GETFL) | O_DIRECT) == 0;
    return STATUS_OK;
}
