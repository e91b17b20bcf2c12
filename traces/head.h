/* traces/head.h - what a file begins with, before a format is chosen: whether it holds a text or a
 * key, and how to name it in a message. Private to traces/. */
#ifndef REPRISE_TRACES_HEAD_H
#define REPRISE_TRACES_HEAD_H

#include <stdbool.h>
#include <stddef.h>

/* What a file begins with: its first line, or 64 KiB of it, and perhaps more. Ended by a NUL. */
struct head {
    const char *text;
    size_t length, line_length; /* of all of it; of the first line, without its newline */
};

struct head head_of(const char *text, size_t length);

/* Whether the first line, or the whole head, holds the text. */
bool head_line_has(const struct head *head, const char *text);
bool head_has(const struct head *head, const char *text);
/* The same of a head that may hold NULs. */
bool head_bytes_have(const struct head *head, const char *text);

/* Whether the JSON object that text[0 .. length) begins with, or the first of the array, has the
 * key itself, not in an object within it. The text may be cut off anywhere. */
bool json_text_has_key(const char *text, size_t length, const char *key);

/* The head's lines that are not blank one by one, line 0, 1, ..., as far as it goes; false: there
 * is no such line. The last may be cut off. */
bool head_line(const struct head *head, size_t index, const char **line, size_t *length);

/* Names the head by what is no one's words: those of JSON's keys or of columns that traces are known
 * to have, how many others there are, else what kind of bytes these are. Nothing else of the file is
 * shown: where a log is damaged, somebody's words stand in a key's place. */
void head_describe(const struct head *head, char *text, size_t text_bytes);

#endif
