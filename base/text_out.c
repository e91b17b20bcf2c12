/* base/text_out.c - see text_out.h. */
#include "base/text_out.h"

#include "base/memory.h"
#include "base/packing.h"
#include "base/units.h"
#include "base/whole_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

enum { ROOM = 1 << 17, ZSTD_LEVEL = 3, GZIP_LEVEL = 6, NUMBER_BYTES = 32 };
enum { GZIP_WINDOW = 15 + 16, GZIP_MEMORY = 8 }; /* zlib's: the largest, with gzip's header */

/* text[0 .. used) is not in the file yet. */
struct text_out {
    struct whole_file file;
    char *text, *packed;
    size_t used, packed_room;
    ZSTD_CStream *zstd; /* NULL: not zstd */
    bool packs_gzip;    /* gzip is begun */
    z_stream gzip;
    int failure; /* the first errno; 0: none */
};

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), end_length = strlen(end);
    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

/* As the name's end says. */
static void start_packing(struct text_out *out)
{
    if (ends_with(out->file.path, ".zst")) {
        out->zstd = packing_made(ZSTD_createCStream());
        packing_zstd(ZSTD_initCStream(out->zstd, ZSTD_LEVEL));
    } else if (ends_with(out->file.path, ".gz")) {
        out->packs_gzip = true;
        out->gzip = packing_gzip();
        if (deflateInit2(&out->gzip, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW, GZIP_MEMORY,
                         Z_DEFAULT_STRATEGY) != Z_OK)
            memory_exhausted();
    } else
        return;
    out->packed_room = ROOM;
    out->packed = memory_new(out->packed_room, 1);
}

enum status text_out_open(const char *path, struct text_out **opened, struct error *err)
{
    struct whole_file file;
    if (whole_file_open(&file, path, err) != STATUS_OK)
        return err->status;
    struct text_out *out = memory_new(1, sizeof *out);
    out->file = file;
    out->text = memory_new(ROOM, 1);
    start_packing(out);
    *opened = out;
    return STATUS_OK;
}

static void write_bytes(struct text_out *out, const char *bytes, size_t count)
{
    if (out->failure == 0 && fwrite(bytes, 1, count, out->file.out) != count)
        out->failure = errno != 0 ? errno : EIO;
}

static void flush_zstd(struct text_out *out, bool last)
{
    ZSTD_inBuffer in = { out->text, out->used, 0 };
    size_t left = 1;
    while (out->failure == 0 && (last ? left > 0 : in.pos < in.size)) {
        ZSTD_outBuffer packed = { out->packed, out->packed_room, 0 };
        left = packing_zstd(ZSTD_compressStream2(out->zstd, &packed, &in,
                                                 last ? ZSTD_e_end : ZSTD_e_continue));
        if (ZSTD_isError(left))
            out->failure = EIO;
        else
            write_bytes(out, out->packed, packed.pos);
    }
}

static void flush_gzip(struct text_out *out, bool last)
{
    z_stream *gzip = &out->gzip;
    gzip->next_in = (unsigned char *)out->text;
    gzip->avail_in = (uInt)out->used;
    do {
        gzip->next_out = (unsigned char *)out->packed;
        gzip->avail_out = (uInt)out->packed_room;
        deflate(gzip, last ? Z_FINISH : Z_NO_FLUSH);
        write_bytes(out, out->packed, out->packed_room - gzip->avail_out);
    } while (gzip->avail_out == 0 && out->failure == 0); /* else all that there was is out */
}

/* Puts what waits into the file; `last`: and ends the compressed frame, or member. */
static void flush(struct text_out *out, bool last)
{
    if (out->zstd != NULL)
        flush_zstd(out, last);
    else if (out->packs_gzip)
        flush_gzip(out, last);
    else
        write_bytes(out, out->text, out->used);
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
    if (out->packs_gzip)
        deflateEnd(&out->gzip);
    free(out->packed);
    free(out->text);
    free(out);
}

enum status text_out_finish(struct text_out *out, struct error *err)
{
    errno = 0;
    flush(out, true);
    if (out->failure != 0)
        error_io(err, out->file.path, "write", strerror(out->failure));
    enum status status = whole_file_close(&out->file, err);
    close_all(out);
    return status;
}

void text_out_abandon(struct text_out *out)
{
    if (out == NULL)
        return;
    whole_file_abandon(&out->file);
    close_all(out);
}
