/* plots/page_file.c - see page_file.h. */
#include "plots/page_file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum status page_file_open(struct page_file *file, const char *path, struct error *err)
{
    struct stat facts;
    *file = (struct page_file){ .path = path };
    if (stat(path, &facts) == 0 && !S_ISREG(facts.st_mode))
        return error_io(err, path, "write a page", "something that is no plain file is there");
    int length = snprintf(file->beside, sizeof file->beside, "%s.XXXXXX", path);
    if (length < 0 || (size_t)length >= sizeof file->beside)
        return error_io(err, path, "create", "its name is too long");
    int descriptor = mkstemp(file->beside);
    if (descriptor < 0)
        return error_io(err, path, "create", strerror(errno));
    mode_t mask = umask(0);
    umask(mask);
    fchmod(descriptor, 0666 & ~mask); /* mkstemp's is its owner's alone */
    file->out = fdopen(descriptor, "w");
    if (file->out != NULL)
        return STATUS_OK;
    error_io(err, path, "create", strerror(errno));
    close(descriptor);
    unlink(file->beside);
    return err->status;
}

enum status page_file_close(struct page_file *file, struct error *err)
{
    if (file->out == NULL)
        return err->status;
    bool failed = ferror(file->out) != 0;
    if (fclose(file->out) != 0 || failed)
        error_io(err, file->path, "write", strerror(errno));
    if (err->status == STATUS_OK && rename(file->beside, file->path) != 0)
        error_io(err, file->path, "create", strerror(errno));
    if (err->status != STATUS_OK)
        unlink(file->beside);
    file->out = NULL;
    return err->status;
}

enum status page_file_check(const char *path, struct error *err)
{
    struct page_file file;
    if (page_file_open(&file, path, err) != STATUS_OK)
        return err->status;
    fclose(file.out);
    unlink(file.beside);
    return STATUS_OK;
}
