/* traces/mooncake_keys.h - the names of the keys of Mooncake's family (mooncake_row.h has whose
 * they are), and which lines of a file's head have them. Private to mooncake_row.c and
 * mooncake_head.c. */
#ifndef REPRISE_TRACES_MOONCAKE_KEYS_H
#define REPRISE_TRACES_MOONCAKE_KEYS_H

#include "traces/head.h"

/* Names of one key; the first is the one that messages have. */
#define NAMES_MOST 3
static const char *const time_names[NAMES_MOST + 1] = { "timestamp", "created_time" };
static const char *const prompt_names[NAMES_MOST + 1] = { "input_length", "input_tokens" };
static const char *const text_names[NAMES_MOST + 1] = { "text_input", "input_text" };
static const char *const reply_names[NAMES_MOST + 1] = { "output_length", "output_tokens", "osl" };
static const char *const delay_names[NAMES_MOST + 1] = { "delay", "delay_ms" };
static const char *const block_names[NAMES_MOST + 1] = { "block_tokens", "block_size" };

/* Whether the line, perhaps cut off, is a request: has a prompt's length, ids or texts. */
bool mooncake_line_is_request(const char *line, size_t length);
bool mooncake_line_is_text(const char *line, size_t length);
/* The first line that is a request, after at most 16 that are not. */
bool mooncake_first_request(const struct head *head, const char **line, size_t *length);

#endif
