/* traces/lines.h - a file, plain or compressed (unpack.h), as lines or as bytes; read in pieces,
 * never whole. Private to traces/. */
#ifndef REPRISE_TRACES_LINES_H
#define REPRISE_TRACES_LINES_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lines;

/* STATUS_IO: cannot be opened. */
enum status lines_open(const char *path, struct lines **lines, struct error *err);
void lines_close(struct lines *lines);

enum lines_step { LINES_LINE, LINES_END, LINES_ERROR };

/* Gives the next line that is not blank, without its newline or carriage return and newline; *text
 * (ended by a NUL) holds until the next call. Blank lines (spaces, tabs) are passed over, and
 * counted. LINES_ERROR: the disk (STATUS_IO); what unpack_read() refuses, or a line over 64 MiB
 * (STATUS_INPUT). */
enum lines_step lines_next(struct lines *lines, char **text, size_t *length, struct error *err);

/* The same for who neither changes the line nor wants a NUL behind it: takes less time. */
enum lines_step lines_view(struct lines *lines, const char **text, size_t *length,
                           struct error *err);

/* What comes next, without taking it, but for blank lines: at least the whole next line or 64 KiB
 * of it, ended by a NUL. */
enum lines_step lines_peek(struct lines *lines, const char **text, size_t *length,
                           struct error *err);

/* For formats that are not made of lines: the bytes read and not taken yet, at least one; then
 * takes the first of them. */
enum lines_step lines_bytes(struct lines *lines, const char **bytes, size_t *length,
                            struct error *err);
void lines_take(struct lines *lines, size_t length);

/* Number of the line last given, from 1; by bytes: of newlines taken. */
uint64_t lines_number(const struct lines *lines);
const char *lines_path(const struct lines *lines);
/* Whether the line last given was ended by a newline. */
bool lines_was_ended(const struct lines *lines);
/* Share of the file that was read, in [0, 1]; 0 where its size is not known. */
double lines_progress(const struct lines *lines);
/* xxHash64 of the uncompressed bytes given so far, newlines included. */
uint64_t lines_hash(struct lines *lines);

/* Refuses the line last given: error_input() with its file and number. */
enum status lines_refuse(const struct lines *lines, const char *key, const char *expected,
                         const char *found, struct error *err);

#endif
