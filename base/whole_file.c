/* base/whole_file.c - see whole_file.h. */
#include "base/whole_file.h"

#include "base/memory.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* mkstemp()'s file is its owner's alone; ours is like any new file. */
static void set_usual_mode(int descriptor)
{
    mode_t mask = umask(0);
    umask(mask);
    (void)fchmod(descriptor, 0666 & ~mask);
}

static void forget(struct whole_file *file)
{
    free(file->path);
    free(file->beside);
    *file = (struct whole_file){ 0 };
}

static enum status create_beside(struct whole_file *file, struct error *err)
{
    int descriptor = mkstemp(file->beside);
    if (descriptor < 0)
        return error_io(err, file->path, "create", strerror(errno));
    set_usual_mode(descriptor);
    file->out = fdopen(descriptor, "wb");
    if (file->out != NULL)
        return STATUS_OK;
    error_io(err, file->path, "create", strerror(errno));
    close(descriptor);
    unlink(file->beside);
    return err->status;
}

enum status whole_file_open(struct whole_file *file, const char *path, struct error *err)
{
    struct stat facts;
    *file = (struct whole_file){ 0 };
    if (stat(path, &facts) == 0 && !S_ISREG(facts.st_mode))
        return error_io(err, path, "create", "it is there, and no file");
    size_t bytes = strlen(path) + sizeof ".XXXXXX";
    file->path = memory_text(path);
    file->beside = memory_new(bytes, 1);
    snprintf(file->beside, bytes, "%s.XXXXXX", path);
    if (create_beside(file, err) != STATUS_OK)
        forget(file);
    return err->status;
}

enum status whole_file_close(struct whole_file *file, struct error *err)
{
    if (file->out == NULL)
        return err->status;
    bool failed = ferror(file->out) != 0;
    errno = 0;
    if (fclose(file->out) != 0 || failed)
        error_io(err, file->path, "write", errno != 0 ? strerror(errno) : "it was cut short");
    if (err->status == STATUS_OK && rename(file->beside, file->path) != 0)
        error_io(err, file->path, "create", strerror(errno));
    if (err->status != STATUS_OK)
        unlink(file->beside);
    forget(file);
    return err->status;
}

void whole_file_abandon(struct whole_file *file)
{
    if (file->out == NULL)
        return;
    fclose(file->out);
    unlink(file->beside);
    forget(file);
}

enum status whole_file_check(const char *path, struct error *err)
{
    struct whole_file file;
    if (whole_file_open(&file, path, err) == STATUS_OK)
        whole_file_abandon(&file);
    return err->status;
}

static void copy_bytes(FILE *in, FILE *out)
{
    char part[65536];
    size_t bytes;
    while ((bytes = fread(part, 1, sizeof part, in)) > 0)
        if (fwrite(part, 1, bytes, out) != bytes)
            return; /* the stream remembers */
}

enum status whole_file_copy(const char *from, const char *path, struct error *err)
{
    struct whole_file file;
    FILE *in = fopen(from, "rb");
    if (in == NULL)
        return error_io(err, from, "read", strerror(errno));
    if (whole_file_open(&file, path, err) == STATUS_OK) {
        copy_bytes(in, file.out);
        if (ferror(in))
            error_io(err, from, "read", "it cannot be read to its end");
        whole_file_close(&file, err);
    }
    fclose(in);
    return err->status;
}
