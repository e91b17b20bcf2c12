/* base/shown.h - a stranger's text, made what may be shown: one line of valid UTF-8 without anything that a terminal, a
 * page or a picture would obey. Names come from files and databases of anybody; whoever shows one goes through here, and
 * adds what its medium needs besides (HTML's entities, gnuplot's quotes). */
#ifndef REPRISE_BASE_SHOWN_H
#define REPRISE_BASE_SHOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Room for what becomes of so many bytes, its NUL included. */
#define SHOWN_ROOM(bytes) (4 * (bytes) + 1)

/* Writes text, which may hold any bytes, into out[room] (room >= 1), always ended by a NUL, and returns its length. Control
 * characters (C0, DEL, C1), line and paragraph separators, marks that turn the direction of writing (U+061C, U+200E/F,
 * U+202A-E, U+2066-9), tags and noncharacters are written as "\n", "\t", "\r", "\x1b" or "\u202e", bytes that are no UTF-8
 * as "\xff"; all else stays as it is, a backslash too: it is to be looked at, not to be read back. What does not fit is
 * cut, at a whole character or escape. */
size_t shown_text(const char *text, size_t bytes, char *out, size_t room);

/* The same, with "..." at the end where it was cut; room >= 4. */
void shown_fit(const char *text, char *out, size_t room);

/* Whether that would leave the text as it is. */
bool shown_is_plain(const char *text);
/* Whether it would, were it not for line feeds and tabs: a text of several lines. */
bool shown_is_plain_lines(const char *text);

/* The same into a new text, for the caller to free. */
char *shown_new(const char *text);

/* The same onto a stream; and as a line of which `before` is ours. */
void shown_put(FILE *out, const char *text);
void shown_line(FILE *out, const char *before, const char *text);

#endif
