/* traces/objects.h - the JSON objects of a file, whichever way they stand in it: one a line, in one
 * large array, or one after the other over several lines. Private to traces/. */
#ifndef REPRISE_TRACES_OBJECTS_H
#define REPRISE_TRACES_OBJECTS_H

#include "traces/json_items.h"
#include "traces/json_record.h"

/* Zeroed: before the first object. */
struct objects {
    struct json_items items;
    bool begun, by_line;
};

/* Gives the next object and where it begins; record->object is the caller's to objects_done() with.
 * Where each stands on a line of its own, a damaged one is refused by its own line. */
enum lines_step objects_next(struct objects *objects, struct lines *lines,
                             struct json_record *record, struct error *err);
void objects_done(struct json_record *record);
void objects_free(struct objects *objects);

#endif
