/* traces/json_items.h - the objects of one large JSON array, or of a file of objects one after the
 * other, each parsed when its bytes are there: the whole is never in memory. Private to traces/. */
#ifndef REPRISE_TRACES_JSON_ITEMS_H
#define REPRISE_TRACES_JSON_ITEMS_H

#include "traces/lines.h"

#include <jansson.h>

/* Zeroed: before the first item. */
struct json_items {
    char *text; /* of the item being read; owned */
    uint32_t capacity, length;
    uint64_t line; /* on which the item last given begins */
    uint32_t depth;
    bool begun, in_array, ended, in_string, escaped, needs_comma;
};

/* Gives the next object, the caller's to json_decref(). LINES_ERROR: not such a file, an item over
 * 64 MiB, cut off; by the line. */
enum lines_step json_items_next(struct json_items *items, struct lines *lines, json_t **item,
                                struct error *err);
void json_items_free(struct json_items *items);

#endif
