/* traces/unpack.c - see unpack.h. */
#include "traces/unpack.h"

#include "base/memory.h"
#include "base/packing.h"
#include "traces/unpack_refused.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>
#include <zstd.h>

enum { PIECE_BYTES = 1 << 17, GZIP_WINDOW = 15 + 16 }; /* zlib: the largest, gzip's header alone */
enum { ZSTD_WINDOW_LOG = 27 }; /* 128 MiB: what zstd itself takes without --long */

/* What a file unpacks to. Traces shrink to a tenth or a hundredth; a few kB made to unpack without
 * end would be read for hours without a word. */
#define UNPACKED_FREELY (UINT64_C(64) << 20)
#define UNPACKED_RATIO_MOST 1000

enum packing { PACKING_NONE, PACKING_ZSTD, PACKING_GZIP };

/* piece[at .. size) is what was read of the file and not unpacked yet. */
struct unpack {
    FILE *file;
    char *path;
    enum packing packing;
    ZSTD_DStream *zstd;
    z_stream gzip;
    bool begun, told; /* the packing is known; what is in it is known to be no refused kind */
    bool frame_open;  /* what was read ends in the middle of a frame, of a member */
    char *piece;
    size_t at, size;
    uint64_t file_bytes, read_bytes, given_bytes;
};

enum status unpack_open(const char *path, struct unpack **out, struct error *err)
{
    struct stat info;
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return error_io(err, path, "open", strerror(errno));
    bool seen = fstat(fileno(file), &info) == 0;
    if (!seen || S_ISDIR(info.st_mode)) {
        error_io(err, path, "open", seen ? "it is a folder" : strerror(errno));
        fclose(file);
        return err->status;
    }
    struct unpack *unpack = memory_new(1, sizeof *unpack);
    unpack->file = file;
    unpack->path = memory_text(path);
    unpack->file_bytes = S_ISREG(info.st_mode) ? (uint64_t)info.st_size : 0;
    unpack->piece = memory_new(PIECE_BYTES, 1);
    *out = unpack;
    return STATUS_OK;
}

void unpack_close(struct unpack *unpack)
{
    if (unpack == NULL)
        return;
    fclose(unpack->file);
    ZSTD_freeDStream(unpack->zstd);
    if (unpack->packing == PACKING_GZIP)
        inflateEnd(&unpack->gzip);
    free(unpack->piece);
    free(unpack->path);
    free(unpack);
}

static enum status read_file(struct unpack *unpack, char *into, size_t room, size_t *got,
                             struct error *err)
{
    *got = fread(into, 1, room, unpack->file);
    unpack->read_bytes += *got;
    if (ferror(unpack->file)) /* now: the reason is forgotten by the next call */
        return error_io(err, unpack->path, "read", strerror(errno));
    return STATUS_OK;
}

static enum status read_piece(struct unpack *unpack, struct error *err)
{
    unpack->at = 0;
    return read_file(unpack, unpack->piece, PIECE_BYTES, &unpack->size, err);
}

/* ---- telling the packing ---- */

static enum packing packing_of(const unsigned char *head, size_t length)
{
    static const unsigned char zstd[] = { 0x28, 0xB5, 0x2F, 0xFD }, gzip[] = { 0x1F, 0x8B };
    if (length >= sizeof gzip && memcmp(head, gzip, sizeof gzip) == 0)
        return PACKING_GZIP;
    if (length < sizeof zstd)
        return PACKING_NONE;
    bool skippable =
        (head[0] & 0xF0) == 0x50 && head[1] == 0x2A && head[2] == 0x4D && head[3] == 0x18;
    return skippable || memcmp(head, zstd, sizeof zstd) == 0 ? PACKING_ZSTD : PACKING_NONE;
}

bool unpack_is_packed(const unsigned char *head, size_t length)
{
    return packing_of(head, length) != PACKING_NONE;
}

static enum status begin(struct unpack *unpack, struct error *err)
{
    if (read_piece(unpack, err) != STATUS_OK)
        return err->status;
    unpack->begun = true;
    unpack->packing = packing_of((const unsigned char *)unpack->piece, unpack->size);
    if (unpack->packing == PACKING_ZSTD) {
        unpack->zstd = packing_made(ZSTD_createDStream());
        ZSTD_DCtx_setParameter(unpack->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG);
    }
    unpack->gzip = packing_gzip();
    if (unpack->packing == PACKING_GZIP && inflateInit2(&unpack->gzip, GZIP_WINDOW) != Z_OK)
        memory_exhausted();
    return STATUS_OK;
}

/* ---- unpacking ---- */

static enum status refuse(const struct unpack *unpack, const char *found, struct error *err)
{
    return error_input(err, unpack->path, 0, NULL,
                       unpack->packing == PACKING_ZSTD ? "whole zstd data" : "whole gzip data",
                       found);
}

/* What was read and not given yet, then the file itself: plain bytes are copied once. */
static enum status give_plain(struct unpack *unpack, char *into, size_t room, size_t *got,
                              struct error *err)
{
    size_t waiting = unpack->size - unpack->at;
    if (waiting == 0)
        return read_file(unpack, into, room, got, err);
    *got = waiting < room ? waiting : room;
    memcpy(into, unpack->piece + unpack->at, *got);
    unpack->at += *got;
    return STATUS_OK;
}

static enum status zstd_step(struct unpack *unpack, char *into, size_t room, size_t *got,
                             struct error *err)
{
    ZSTD_inBuffer in = { unpack->piece, unpack->size, unpack->at };
    ZSTD_outBuffer out = { into, room, 0 };
    size_t rest = packing_zstd(ZSTD_decompressStream(unpack->zstd, &out, &in));
    if (ZSTD_isError(rest))
        return refuse(unpack, ZSTD_getErrorName(rest), err);
    unpack->frame_open = rest != 0;
    unpack->at = in.pos;
    *got = out.pos;
    return STATUS_OK;
}

/* Members may follow each other, and NULs the last one, as tapes and discs add them (gzip 1.12). */
static enum status gzip_step(struct unpack *unpack, char *into, size_t room, size_t *got,
                             struct error *err)
{
    z_stream *gzip = &unpack->gzip;
    while (!unpack->frame_open && unpack->at < unpack->size && unpack->piece[unpack->at] == '\0')
        unpack->at++;
    if (unpack->at == unpack->size)
        return STATUS_OK;
    unpack->frame_open = true;
    gzip->next_in = (unsigned char *)unpack->piece + unpack->at;
    gzip->avail_in = (uInt)(unpack->size - unpack->at);
    gzip->next_out = (unsigned char *)into;
    gzip->avail_out = (uInt)room;
    int result = inflate(gzip, Z_NO_FLUSH);
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
        return refuse(unpack, gzip->msg != NULL ? gzip->msg : "damaged data", err);
    unpack->at = unpack->size - gzip->avail_in;
    *got = room - gzip->avail_out;
    if (result == Z_STREAM_END) {
        unpack->frame_open = false;
        inflateReset(gzip);
    }
    return STATUS_OK;
}

static enum status give_packed(struct unpack *unpack, char *into, size_t room, size_t *got,
                               struct error *err)
{
    while (*got == 0) {
        /* No output waits for room without input: zstd keeps a frame's last byte until all of it
         * is given (ZSTD_decompressStream()), and after a gzip member's data stands its CRC. */
        bool read = unpack->at == unpack->size;
        if (read && read_piece(unpack, err) != STATUS_OK)
            return err->status;
        if (read && unpack->size == 0)
            return unpack->frame_open ? refuse(unpack, "a file that ends in the middle of it", err)
                                      : STATUS_OK;
        enum status status =
            (unpack->packing == PACKING_ZSTD ? zstd_step : gzip_step)(unpack, into, room, got, err);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

static enum status check_growth(struct unpack *unpack, size_t got, struct error *err)
{
    char expected[192];
    unpack->given_bytes += got;
    if (unpack->given_bytes <= UNPACKED_FREELY ||
        unpack->given_bytes / UNPACKED_RATIO_MOST <= unpack->read_bytes)
        return STATUS_OK;
    snprintf(expected, sizeof expected,
             "at most %d times as much as is packed, beyond the first 64 MiB; what is so much "
             "alike, unpacked first: %s -dc FILE > TRACE",
             UNPACKED_RATIO_MOST, unpack->packing == PACKING_ZSTD ? "zstd" : "gzip");
    return error_input(err, unpack->path, 0, NULL, expected, "more");
}

/* ---- the first bytes of what is given ---- */

static enum status check_kind(struct unpack *unpack, char *into, size_t *got, struct error *err)
{
    static const char mark[] = { '\xEF', '\xBB', '\xBF' };
    const struct refused_kind *kind = refused_kind_of(into, *got);
    unpack->told = true;
    if (kind != NULL)
        return error_input(err, unpack->path, 0, NULL, kind->way_on, kind->name);
    if (*got >= sizeof mark && memcmp(into, mark, sizeof mark) == 0) {
        *got -= sizeof mark;
        memmove(into, into + sizeof mark, *got);
    }
    return STATUS_OK;
}

enum status unpack_read(struct unpack *unpack, char *into, size_t room, size_t *got,
                        struct error *err)
{
    *got = 0;
    if (!unpack->begun && begin(unpack, err) != STATUS_OK)
        return err->status;
    enum status status = unpack->packing == PACKING_NONE
                             ? give_plain(unpack, into, room, got, err)
                             : give_packed(unpack, into, room, got, err);
    if (status == STATUS_OK && unpack->packing != PACKING_NONE)
        status = check_growth(unpack, *got, err);
    if (status != STATUS_OK || unpack->told || *got == 0)
        return status;
    if (check_kind(unpack, into, got, err) != STATUS_OK)
        return err->status;
    if (*got > 0)
        return STATUS_OK;
    return unpack_read(unpack, into, room, got, err); /* a mark alone: what follows it */
}

bool unpack_packed(const struct unpack *unpack)
{
    return unpack->packing != PACKING_NONE;
}

double unpack_progress(const struct unpack *unpack)
{
    return unpack->file_bytes > 0 ? (double)unpack->read_bytes / (double)unpack->file_bytes : 0.0;
}
