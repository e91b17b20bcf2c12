/* traces/json_ids.h - ids of blocks, which nearly all bytes of a trace are. Private to json_scan.c. */
#ifndef REPRISE_TRACES_JSON_IDS_H
#define REPRISE_TRACES_JSON_IDS_H

#include "traces/json_cursor.h"
#include "traces/json_scan.h"

/* Takes an id: false: it is none, or not plain. */
bool json_id_take(struct cursor *cursor, uint64_t *id);
/* Takes an array of them to scan->ids[]. prefixes: makes prefix keys of them. */
bool json_ids_take(struct cursor *cursor, bool prefixes, struct scan *scan);

#endif
