/* traces/record_time.h - times of records that count from some moment of the past: their order, and
 * the time since the first of them. Private to traces/. */
#ifndef REPRISE_TRACES_RECORD_TIME_H
#define REPRISE_TRACES_RECORD_TIME_H

#include "traces/lines.h"

/* Way on of every message on records that are not in order of time. */
#define RECORD_TIME_ANY_ORDER "(--sort, import.sort: true, reads any order)"

/* Zeroed: no record yet. any_order: records may come in any order (import.sort), and none is the
 * first until all are read: times are given as they are. */
struct record_time {
    bool begun, any_order;
    uint64_t first_ns, last_ns;
};

/* Gives the time since the first record of this record, read from `key` of the line last given.
 * STATUS_INPUT: it is before the record above it. With any_order: gives ns. */
enum status record_time_next(struct record_time *time, const struct lines *lines, const char *key,
                             uint64_t ns, uint64_t *since_first_ns, struct error *err);

/* "2023-11-16 18:15:46.6805900" or "2024-05-10T00:00:00.009930+00:00" as ns since 1970; without
 * offset: UTC. false: it is none, or not of 1970 to 2199. */
bool datetime_parse(const char *text, uint64_t *ns);

#endif
