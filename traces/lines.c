/* traces/lines.c - reads a plain or zstd file in pieces and cuts it into lines. */
#include "traces/lines.h"

#include "base/memory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <xxhash.h>
#include <zstd.h>

enum { PIECE_BYTES = 1 << 17, PEEK_BYTES = 1 << 16 };
#define LINE_BYTES_MAX (UINT32_C(64) << 20)

/* text[begin .. end) is what was read and not given yet. */
struct lines {
    FILE *file;
    char *path;
    ZSTD_DStream *zstd; /* NULL: the file is plain */
    char *piece;        /* compressed bytes */
    ZSTD_inBuffer in;
    bool frame_open; /* the compressed data ends in the middle of a frame */
    char *text;
    uint32_t text_capacity, begin, end;
    bool at_end, was_ended;
    uint64_t number, file_bytes, read_bytes;
    XXH64_state_t *hash;
};

static enum status start_zstd_if_told(struct lines *lines)
{
    static const unsigned char magic[4] = { 0x28, 0xB5, 0x2F, 0xFD };
    unsigned char head[4];
    size_t got = fread(head, 1, sizeof head, lines->file);
    rewind(lines->file);
    if (got == sizeof head && memcmp(head, magic, sizeof magic) == 0) {
        lines->zstd = ZSTD_createDStream();
        lines->piece = memory_new(PIECE_BYTES, 1);
    }
    return STATUS_OK;
}

enum status lines_open(const char *path, struct lines **out, struct error *err)
{
    struct stat info;
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return error_io(err, path, "open", strerror(errno));
    if (fstat(fileno(file), &info) == 0 && S_ISDIR(info.st_mode)) {
        fclose(file);
        return error_io(err, path, "open", "it is a folder");
    }
    struct lines *lines = memory_new(1, sizeof *lines);
    lines->file = file;
    lines->path = memory_text(path);
    lines->file_bytes = S_ISREG(info.st_mode) ? (uint64_t)info.st_size : 0;
    lines->hash = XXH64_createState();
    XXH64_reset(lines->hash, 0);
    if (lines->file_bytes > 0)
        start_zstd_if_told(lines);
    *out = lines;
    return STATUS_OK;
}

void lines_close(struct lines *lines)
{
    if (lines == NULL)
        return;
    fclose(lines->file);
    ZSTD_freeDStream(lines->zstd);
    XXH64_freeState(lines->hash);
    free(lines->piece);
    free(lines->path);
    free(lines->text);
    free(lines);
}

/* Reads up to `room` plain bytes; 0 at the end. */
static enum status read_plain(struct lines *lines, char *into, size_t room, size_t *got,
                              struct error *err)
{
    *got = fread(into, 1, room, lines->file);
    lines->read_bytes += *got;
    if (*got == 0 && ferror(lines->file))
        return error_io(err, lines->path, "read", strerror(errno));
    return STATUS_OK;
}

static enum status refuse_zstd(const struct lines *lines, const char *found, struct error *err)
{
    return error_input(err, lines->path, lines->number + 1, NULL, "whole zstd data", found);
}

static enum status read_zstd(struct lines *lines, char *into, size_t room, size_t *got,
                             struct error *err)
{
    ZSTD_outBuffer out = { into, room, 0 };
    while (out.pos == 0) {
        if (lines->in.pos == lines->in.size) {
            size_t size;
            if (read_plain(lines, lines->piece, PIECE_BYTES, &size, err) != STATUS_OK)
                return err->status;
            if (size == 0 && lines->frame_open)
                return refuse_zstd(lines, "a file that ends in the middle of it", err);
            if (size == 0)
                break;
            lines->in = (ZSTD_inBuffer){ lines->piece, size, 0 };
        }
        size_t rest = ZSTD_decompressStream(lines->zstd, &out, &lines->in);
        if (ZSTD_isError(rest))
            return refuse_zstd(lines, ZSTD_getErrorName(rest), err);
        lines->frame_open = rest != 0;
    }
    *got = out.pos;
    return STATUS_OK;
}

/* Appends the next piece to text, after moving what is left of it to the front. */
static enum status read_more(struct lines *lines, struct error *err)
{
    if (lines->begin > 0) {
        memmove(lines->text, lines->text + lines->begin, lines->end - lines->begin);
        lines->end -= lines->begin;
        lines->begin = 0;
    }
    if (lines->end > LINE_BYTES_MAX)
        return error_input(err, lines->path, lines->number + 1, NULL, "a line of at most 64 MiB",
                           "a longer one");
    memory_grow(&lines->text, &lines->text_capacity, (uint64_t)lines->end + PIECE_BYTES + 1, 1);
    size_t got = 0;
    char *into = lines->text + lines->end;
    enum status status = lines->zstd != NULL ? read_zstd(lines, into, PIECE_BYTES, &got, err)
                                             : read_plain(lines, into, PIECE_BYTES, &got, err);
    lines->end += (uint32_t)got;
    lines->at_end = got == 0;
    return status;
}

/* Reads until the text not given yet holds a newline, `enough` bytes, or all that is left of the
 * file. *newline is where the newline stands, or NULL. */
static enum status read_line(struct lines *lines, uint32_t enough, char **newline,
                             struct error *err)
{
    uint32_t searched = lines->begin;
    *newline = NULL;
    while (true) {
        if (lines->end > searched)
            *newline = memchr(lines->text + searched, '\n', lines->end - searched);
        if (*newline != NULL || lines->at_end || lines->end - lines->begin >= enough)
            return STATUS_OK;
        uint32_t unsearched = lines->end - lines->begin;
        if (read_more(lines, err) != STATUS_OK)
            return err->status;
        searched = lines->begin + unsearched;
    }
}

enum lines_step lines_next(struct lines *lines, char **text, size_t *length, struct error *err)
{
    char *newline;
    if (read_line(lines, UINT32_MAX, &newline, err) != STATUS_OK)
        return LINES_ERROR;
    if (newline == NULL && lines->begin == lines->end)
        return LINES_END;
    lines->was_ended = newline != NULL;
    char *end = newline != NULL ? newline : lines->text + lines->end;
    *text = lines->text + lines->begin;
    *length = (size_t)(end - *text);
    XXH64_update(lines->hash, *text, *length + (lines->was_ended ? 1 : 0));
    *end = '\0';
    lines->begin += (uint32_t)*length + (lines->was_ended ? 1 : 0);
    lines->number++;
    return LINES_LINE;
}

enum lines_step lines_peek(struct lines *lines, const char **text, size_t *length,
                           struct error *err)
{
    char *newline;
    if (read_line(lines, PEEK_BYTES, &newline, err) != STATUS_OK)
        return LINES_ERROR;
    if (lines->begin == lines->end)
        return LINES_END;
    lines->text[lines->end] = '\0';
    *text = lines->text + lines->begin;
    *length = lines->end - lines->begin;
    return LINES_LINE;
}

enum lines_step lines_bytes(struct lines *lines, const char **bytes, size_t *length,
                            struct error *err)
{
    while (lines->begin == lines->end && !lines->at_end)
        if (read_more(lines, err) != STATUS_OK)
            return LINES_ERROR;
    *bytes = lines->text + lines->begin;
    *length = lines->end - lines->begin;
    return *length > 0 ? LINES_LINE : LINES_END;
}

void lines_take(struct lines *lines, size_t length)
{
    const char *from = lines->text + lines->begin;
    XXH64_update(lines->hash, from, length);
    for (size_t i = 0; i < length; i++)
        lines->number += from[i] == '\n';
    lines->begin += (uint32_t)length;
}

uint64_t lines_number(const struct lines *lines)
{
    return lines->number;
}

const char *lines_path(const struct lines *lines)
{
    return lines->path;
}

bool lines_was_ended(const struct lines *lines)
{
    return lines->was_ended;
}

double lines_progress(const struct lines *lines)
{
    return lines->file_bytes > 0 ? (double)lines->read_bytes / (double)lines->file_bytes : 0.0;
}

uint64_t lines_hash(const struct lines *lines)
{
    return XXH64_digest(lines->hash);
}

enum status lines_refuse(const struct lines *lines, const char *key, const char *expected,
                         const char *found, struct error *err)
{
    return error_input(err, lines->path, lines->number, key, expected, found);
}
