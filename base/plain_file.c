/* base/plain_file.c - see plain_file.h. */
#include "base/plain_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *word_of(mode_t mode)
{
    if (S_ISFIFO(mode))
        return "a pipe";
    if (S_ISSOCK(mode))
        return "a socket";
    return S_ISREG(mode) || S_ISDIR(mode) ? NULL : "a device";
}

const char *plain_file_not(const char *path)
{
    struct stat facts;
    return stat(path, &facts) == 0 ? word_of(facts.st_mode) : NULL;
}

static enum status refuse(const char *path, const char *what, struct error *err)
{
    char reason[64];
    snprintf(reason, sizeof reason, "it is %s, not a plain file", what);
    return error_io(err, path, "open", reason);
}

static enum status check_open(int descriptor, const char *path, struct error *err)
{
    struct stat facts;
    if (fstat(descriptor, &facts) != 0)
        return error_io(err, path, "open", strerror(errno));
    if (S_ISREG(facts.st_mode))
        return STATUS_OK;
    return refuse(path, S_ISDIR(facts.st_mode) ? "a folder" : word_of(facts.st_mode), err);
}

/* -1: err says why. To open some devices sets them going, so what is there is looked at before; and
 * after, since another may have come. */
static int open_plain(const char *path, struct error *err)
{
    const char *other = plain_file_not(path);
    if (other != NULL)
        return refuse(path, other, err), -1;
    int descriptor = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (descriptor < 0)
        return error_io(err, path, "open", strerror(errno)), -1;
    if (check_open(descriptor, path, err) == STATUS_OK)
        return descriptor;
    close(descriptor);
    return -1;
}

static enum status no_stream(int descriptor, const char *path, struct error *err)
{
    int reason = errno;
    close(descriptor);
    return error_io(err, path, "open", strerror(reason));
}

enum status plain_file_open(const char *path, FILE **file, struct error *err)
{
    int descriptor = open_plain(path, err);
    if (descriptor < 0)
        return err->status;
    FILE *opened = fdopen(descriptor, "rb");
    if (opened == NULL)
        return no_stream(descriptor, path, err);
    *file = opened;
    return STATUS_OK;
}

enum status plain_file_open_gzip(const char *path, gzFile *file, struct error *err)
{
    int descriptor = open_plain(path, err);
    if (descriptor < 0)
        return err->status;
    gzFile opened = gzdopen(descriptor, "rb");
    if (opened == NULL)
        return no_stream(descriptor, path, err);
    *file = opened;
    return STATUS_OK;
}
