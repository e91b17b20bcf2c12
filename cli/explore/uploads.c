/* cli/explore/uploads.c - see uploads.h. */
#include "cli/explore/uploads.h"

#include "base/memory.h"
#include "base/scratch.h"

#include <ctype.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_BYTES = 80, PATH_BYTES = SCRATCH_PATH_BYTES + NAME_BYTES + 16 };

struct upload {
    char path[PATH_BYTES];
    uint64_t bytes;
};

struct uploads {
    pthread_mutex_t lock;
    char folder[SCRATCH_PATH_BYTES]; /* "": none yet */
    uint32_t count;
    uint64_t bytes; /* of all */
    struct upload file[UPLOADS_MOST];
};

struct uploads *uploads_new(void)
{
    struct uploads *uploads = memory_new(1, sizeof *uploads);
    pthread_mutex_init(&uploads->lock, NULL);
    return uploads;
}

void uploads_free(struct uploads *uploads)
{
    if (uploads == NULL)
        return;
    scratch_remove(uploads->folder);
    pthread_mutex_destroy(&uploads->lock);
    free(uploads);
}

/* ---- beginning ---- */

static void plain_name(const char *name, char plain[NAME_BYTES])
{
    size_t length = strlen(name), at = 0;
    /* Its end tells what it is. */
    for (const char *from = length >= NAME_BYTES ? name + length - (NAME_BYTES - 1) : name;
         *from != '\0'; from++)
        plain[at++] = (char)(isalnum((unsigned char)*from) || strchr("._-", *from) ? *from : '_');
    plain[at] = '\0';
}

static enum status begin(struct uploads *uploads, const char *name, uint32_t *number,
                         struct error *err)
{
    char plain[NAME_BYTES];
    if (uploads->count == UPLOADS_MOST)
        return error_input(err, NULL, 0, "name", "at most 64 traces while the program runs", name);
    if (uploads->folder[0] == '\0' && scratch_make("explore", uploads->folder, err) != STATUS_OK)
        return err->status;
    struct upload *file = &uploads->file[uploads->count];
    plain_name(name, plain);
    snprintf(file->path, sizeof file->path, "%s/%u-%s", uploads->folder, uploads->count + 1, plain);
    FILE *out = fopen(file->path, "wx");
    if (out == NULL || fclose(out) != 0)
        return error_io(err, file->path, "create", strerror(errno));
    *number = ++uploads->count;
    return STATUS_OK;
}

enum status uploads_begin(struct uploads *uploads, const char *name, uint32_t *number,
                          struct error *err)
{
    pthread_mutex_lock(&uploads->lock);
    enum status status = begin(uploads, name, number, err);
    pthread_mutex_unlock(&uploads->lock);
    return status;
}

/* ---- parts ---- */

/* 0 to 63; -1: not one of base64's characters. */
static int base64_value(char character)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = character != '\0' ? strchr(digits, character) : NULL;
    return at != NULL ? (int)(at - digits) : -1;
}

/* Into bytes, which has room for 3/4 of the text; false: it is no base64. */
static bool base64_read(const char *text, unsigned char *bytes, size_t *count)
{
    size_t length = strlen(text);
    size_t padding = 0;
    while (padding < 2 && padding < length && text[length - 1 - padding] == '=')
        padding++;
    uint32_t bits = 0;
    *count = 0;
    if (length % 4 != 0)
        return false;
    for (size_t i = 0; i < length; i++) {
        int value = i < length - padding ? base64_value(text[i]) : 0;
        if (value < 0)
            return false;
        bits = bits << 6 | (uint32_t)value;
        for (int b = 2; i % 4 == 3 && b >= 0; b--)
            bytes[(*count)++] = (unsigned char)(bits >> (8 * b));
    }
    *count -= padding;
    return true;
}

static enum status write_part(struct uploads *uploads, struct upload *file,
                              const unsigned char *bytes, size_t count, struct error *err)
{
    FILE *out = fopen(file->path, "ab");
    size_t written = out != NULL ? fwrite(bytes, 1, count, out) : 0;
    bool closed = out != NULL && fclose(out) == 0;
    if (!closed || written != count)
        return error_io(err, file->path, "write", strerror(errno));
    file->bytes += count;
    uploads->bytes += count;
    return STATUS_OK;
}

static enum status append(struct uploads *uploads, uint32_t number, uint64_t at_bytes,
                          const char *base64, struct error *err)
{
    if (number == 0 || number > uploads->count)
        return error_input(err, NULL, 0, "file", "a file that was begun", NULL);
    struct upload *file = &uploads->file[number - 1];
    if (at_bytes != file->bytes)
        return error_input(err, NULL, 0, "at", "the place behind the part before", NULL);
    unsigned char *bytes = memory_new(strlen(base64) / 4 * 3 + 3, 1);
    size_t count;
    if (!base64_read(base64, bytes, &count))
        error_input(err, NULL, 0, "part", "base64", NULL);
    else if (count > UPLOADS_BYTES_MOST - uploads->bytes)
        error_input(err, NULL, 0, "part", "at most 512 MiB in all; name larger files with -t",
                    NULL);
    else
        write_part(uploads, file, bytes, count, err);
    free(bytes);
    return err->status;
}

enum status uploads_append(struct uploads *uploads, uint32_t number, uint64_t at_bytes,
                           const char *base64, struct error *err)
{
    pthread_mutex_lock(&uploads->lock);
    enum status status = append(uploads, number, at_bytes, base64, err);
    pthread_mutex_unlock(&uploads->lock);
    return status;
}

const char *uploads_path(struct uploads *uploads, uint32_t number)
{
    return uploads->file[number - 1].path; /* set before its number was told, and stays */
}
