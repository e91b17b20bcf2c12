/* traces/json_text.h - JSON as traces have it, parsed by jansson: whole numbers beyond 2^63 are
 * read, and messages do not quote what stands in a file. Private to traces/. */
#ifndef REPRISE_TRACES_JSON_TEXT_H
#define REPRISE_TRACES_JSON_TEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* One JSON value without duplicate keys; NULL: *why says so. jansson's whole numbers have 63 bits:
 * those above 2^63 - 1 (unsigned hashes of blocks, say) come as strings of their digits. */
json_t *json_text_parse(const char *text, size_t length, json_error_t *why);

/* Why a text is no JSON and where, into text, which it returns: jansson's words without what stands
 * there, since that may be of a prompt. */
const char *json_text_why(const json_error_t *why, char *text, size_t text_bytes);
enum { JSON_TEXT_WHY_BYTES = JSON_ERROR_TEXT_LENGTH + 32 };

/* A block's or session's id as 63 bits: a whole number below 2^63 is itself, also as a string of
 * its digits; any other number or string is hashed (xxHash64), so that equal ids stay equal. false:
 * it is none: negative, a fraction, an empty string, another type. */
bool json_id(const json_t *value, uint64_t *id);

#endif
