/* traces/json_text.h - JSON as traces have it, parsed by jansson: whole numbers beyond 2^63 are
 * read. Messages on what is none: base/json_why.h. Private to traces/. */
#ifndef REPRISE_TRACES_JSON_TEXT_H
#define REPRISE_TRACES_JSON_TEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* One JSON value without duplicate keys; NULL: *why says so. jansson's whole numbers have 63 bits:
 * those above 2^63 - 1 (unsigned hashes of blocks, say) come as strings of their digits. */
json_t *json_text_parse(const char *text, size_t length, json_error_t *why);

/* A block's or session's id as 63 bits: a whole number below 2^63 is itself, also as a string of
 * its digits; any other number or string is hashed (xxHash64), so that equal ids stay equal. false:
 * it is none: negative, a fraction, an empty string, another type. */
bool json_id(const json_t *value, uint64_t *id);
/* The same of a string's bytes. */
bool json_id_of_text(const char *text, size_t length, uint64_t *id);

#endif
