/* traces/text_out.c - see text_out.h. */
#include "traces/text_out.h"

#include "base/memory.h"
#include "base/units.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

enum { ROOM = 1 << 17, ZSTD_LEVEL = 3, NUMBER_BYTES = 32 };

/* text[0 .. used) is not in the file yet. */
struct text_out {
    FILE *file;
    char *path, *temporary;
    char *text, *packed;
    size_t used, packed_room;
    ZSTD_CStream *zstd; /* NULL: plain */
    int failure;        /* the first errno; 0: none */
};

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), end_length = strlen(end);
    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

/* mkstemp()'s file is its owner's alone; a trace is like any new file. */
static FILE *create_beside(const char *path, char **temporary)
{
    size_t bytes = strlen(path) + sizeof ".XXXXXX";
    *temporary = memory_new(bytes, 1);
    snprintf(*temporary, bytes, "%s.XXXXXX", path);
    mode_t mask = umask(0);
    umask(mask);
    int fd = mkstemp(*temporary);
    if (fd < 0)
        return NULL;
    (void)fchmod(fd, 0666 & ~mask);
    return fdopen(fd, "wb");
}

enum status text_out_open(const char *path, struct text_out **opened, struct error *err)
{
    struct stat facts;
    if (stat(path, &facts) == 0 && !S_ISREG(facts.st_mode))
        return error_io(err, path, "create", "it is there, and no file");
    struct text_out *out = memory_new(1, sizeof *out);
    out->file = create_beside(path, &out->temporary);
    if (out->file == NULL) {
        int reason = errno;
        free(out->temporary);
        free(out);
        return error_io(err, path, "create", strerror(reason));
    }
    out->path = memory_text(path);
    out->text = memory_new(ROOM, 1);
    if (ends_with(path, ".zst")) {
        out->zstd = ZSTD_createCStream();
        ZSTD_initCStream(out->zstd, ZSTD_LEVEL);
        out->packed_room = ZSTD_CStreamOutSize();
        out->packed = memory_new(out->packed_room, 1);
    }
    *opened = out;
    return STATUS_OK;
}

static void write_bytes(struct text_out *out, const char *bytes, size_t count)
{
    if (out->failure == 0 && fwrite(bytes, 1, count, out->file) != count)
        out->failure = errno != 0 ? errno : EIO;
}

/* Puts what waits into the file; `last`: and ends the compressed frame. */
static void flush(struct text_out *out, bool last)
{
    ZSTD_inBuffer in = { out->text, out->used, 0 };
    size_t left = 1;
    if (out->zstd == NULL)
        write_bytes(out, out->text, out->used);
    while (out->zstd != NULL && out->failure == 0 && (last ? left > 0 : in.pos < in.size)) {
        ZSTD_outBuffer packed = { out->packed, out->packed_room, 0 };
        left = ZSTD_compressStream2(out->zstd, &packed, &in, last ? ZSTD_e_end : ZSTD_e_continue);
        if (ZSTD_isError(left))
            out->failure = EIO;
        else
            write_bytes(out, out->packed, packed.pos);
    }
    out->used = 0;
}

static void put(struct text_out *out, const char *bytes, size_t count)
{
    if (out->used + count > ROOM)
        flush(out, false);
    memcpy(out->text + out->used, bytes, count);
    out->used += count;
}

void text_out_text(struct text_out *out, const char *text)
{
    for (size_t length = strlen(text); length > 0;) {
        size_t piece = length < ROOM ? length : ROOM;
        put(out, text, piece);
        text += piece;
        length -= piece;
    }
}

void text_out_whole(struct text_out *out, uint64_t value)
{
    char digits[NUMBER_BYTES];
    size_t at = sizeof digits;
    do
        digits[--at] = (char)('0' + value % 10);
    while ((value /= 10) > 0);
    put(out, digits + at, sizeof digits - at);
}

void text_out_seconds(struct text_out *out, uint64_t ns)
{
    char fraction[NUMBER_BYTES] = ".";
    size_t digits = 9;
    text_out_whole(out, ns / NS_PER_S);
    if (ns % NS_PER_S == 0)
        return;
    uint64_t rest = ns % NS_PER_S;
    for (size_t i = digits; i > 0; i--, rest /= 10)
        fraction[i] = (char)('0' + rest % 10);
    while (fraction[digits] == '0')
        digits--;
    put(out, fraction, 1 + digits);
}

static void close_all(struct text_out *out)
{
    ZSTD_freeCStream(out->zstd);
    free(out->packed);
    free(out->text);
    free(out->temporary);
    free(out->path);
    free(out);
}

enum status text_out_finish(struct text_out *out, struct error *err)
{
    enum status status = STATUS_OK;
    errno = 0;
    flush(out, true);
    if (fclose(out->file) != 0 && out->failure == 0)
        out->failure = errno != 0 ? errno : EIO;
    if (out->failure == 0 && rename(out->temporary, out->path) != 0)
        out->failure = errno;
    if (out->failure != 0) {
        unlink(out->temporary);
        status = error_io(err, out->path, "write", strerror(out->failure));
    }
    close_all(out);
    return status;
}

void text_out_abandon(struct text_out *out)
{
    if (out == NULL)
        return;
    fclose(out->file);
    unlink(out->temporary);
    close_all(out);
}
