/* traces/lines.c - see lines.h: cuts a file's bytes into lines. */
#include "traces/lines.h"

#include "base/memory.h"
#include "traces/unpack_ahead.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { PEEK_BYTES = 1 << 16 };
#define LINE_BYTES_MAX (UINT32_C(64) << 20)

/* text[begin .. end) is what was read and not given yet. text[hashed .. begin) was given, stands as
 * in the file, and is hashed when it can no longer wait: many lines at once. */
struct lines {
    struct unpack_ahead *unpack;
    char *path;
    char *text;
    uint32_t text_capacity, hashed, begin, end;
    bool at_end, was_ended;
    uint64_t number;
    XXH64_state_t *hash;
};

enum status lines_open(const char *path, struct lines **out, struct error *err)
{
    struct unpack_ahead *unpack;
    if (unpack_ahead_open(path, &unpack, err) != STATUS_OK)
        return err->status;
    struct lines *lines = memory_new(1, sizeof *lines);
    lines->unpack = unpack;
    lines->path = memory_text(path);
    lines->hash = XXH64_createState();
    if (lines->hash == NULL)
        memory_exhausted();
    XXH64_reset(lines->hash, 0);
    *out = lines;
    return STATUS_OK;
}

void lines_close(struct lines *lines)
{
    if (lines == NULL)
        return;
    unpack_ahead_close(lines->unpack);
    XXH64_freeState(lines->hash);
    free(lines->path);
    free(lines->text);
    free(lines);
}

static uint64_t newlines(const char *text, size_t length)
{
    uint64_t count = 0;
    for (size_t i = 0; i < length; i++)
        count += text[i] == '\n';
    return count;
}

static void hash_given(struct lines *lines)
{
    XXH64_update(lines->hash, lines->text + lines->hashed, lines->begin - lines->hashed);
    lines->hashed = lines->begin;
}

/* Appends the next piece to text, after moving what is left of it to the front. */
static enum status read_more(struct lines *lines, struct error *err)
{
    if (lines->begin > 0) {
        hash_given(lines);
        memmove(lines->text, lines->text + lines->begin, lines->end - lines->begin);
        lines->end -= lines->begin;
        lines->begin = lines->hashed = 0;
    }
    if (lines->end > LINE_BYTES_MAX)
        return error_input(err, lines->path, lines->number + 1, NULL, "a line of at most 64 MiB",
                           "a longer one");
    memory_grow(&lines->text, &lines->text_capacity, (uint64_t)lines->end + UNPACK_PIECE_BYTES + 1,
                1);
    size_t got = 0;
    enum status status = unpack_ahead_read(lines->unpack, lines->text + lines->end, &got, err);
    if (status == STATUS_INPUT)
        err->line = lines->number + newlines(lines->text, lines->end) + 1;
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

/* The next line as it stands, blank or not. */
static enum lines_step take_line(struct lines *lines, const char **text, size_t *length,
                                 struct error *err)
{
    char *newline;
    if (read_line(lines, UINT32_MAX, &newline, err) != STATUS_OK)
        return LINES_ERROR;
    if (newline == NULL && lines->begin == lines->end)
        return LINES_END;
    lines->was_ended = newline != NULL;
    const char *end = newline != NULL ? newline : lines->text + lines->end;
    *text = lines->text + lines->begin;
    *length = (size_t)(end - *text);
    lines->begin += (uint32_t)*length + (lines->was_ended ? 1 : 0);
    lines->number++;
    return LINES_LINE;
}

static bool is_blank(const char *text, size_t length)
{
    size_t at = 0;
    while (at < length && (text[at] == ' ' || text[at] == '\t' || text[at] == '\r'))
        at++;
    return at == length;
}

enum lines_step lines_view(struct lines *lines, const char **text, size_t *length,
                           struct error *err)
{
    enum lines_step step;
    do
        step = take_line(lines, text, length, err);
    while (step == LINES_LINE && is_blank(*text, *length));
    if (step == LINES_LINE && (*text)[*length - 1] == '\r')
        --*length;
    return step;
}

enum lines_step lines_next(struct lines *lines, char **text, size_t *length, struct error *err)
{
    const char *view;
    enum lines_step step = lines_view(lines, &view, length, err);
    if (step != LINES_LINE)
        return step;
    hash_given(lines);
    *text = lines->text + (view - lines->text);
    (*text)[*length] = '\0';
    return step;
}

enum lines_step lines_peek(struct lines *lines, const char **text, size_t *length,
                           struct error *err)
{
    char *newline;
    while (true) {
        if (read_line(lines, PEEK_BYTES, &newline, err) != STATUS_OK)
            return LINES_ERROR;
        if (lines->begin == lines->end)
            return LINES_END;
        *text = lines->text + lines->begin;
        if (newline == NULL || !is_blank(*text, (size_t)(newline - *text)))
            break;
        lines_take(lines, (size_t)(newline - *text) + 1);
    }
    lines->text[lines->end] = '\0';
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
    lines->number += newlines(lines->text + lines->begin, length);
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
    return unpack_ahead_progress(lines->unpack);
}

uint64_t lines_hash(struct lines *lines)
{
    hash_given(lines);
    return XXH64_digest(lines->hash);
}

enum status lines_refuse(const struct lines *lines, const char *key, const char *expected,
                         const char *found, struct error *err)
{
    return error_input(err, lines->path, lines->number, key, expected, found);
}
