/* traces/record_time.h - times of records that count from some moment of the past: their order, and
 * the time since the first of them. Private to traces/. */
#ifndef REPRISE_TRACES_RECORD_TIME_H
#define REPRISE_TRACES_RECORD_TIME_H

#include "traces/lines.h"

/* Zeroed: no record yet. */
struct record_time {
    bool begun;
    uint64_t first_ns, last_ns;
};

/* Gives the time since the first record of this record, read from `key` of the line last given.
 * STATUS_INPUT: it is before the record above it. */
enum status record_time_next(struct record_time *time, const struct lines *lines, const char *key,
                             uint64_t ns, uint64_t *since_first_ns, struct error *err);

/* "2023-11-16 18:15:46.6805900" or "2024-05-10T00:00:00.009930+00:00" as ns since 1970; without
 * offset: UTC. false: it is none, or not of 1970 to 2199. */
bool datetime_parse(const char *text, uint64_t *ns);

#endif
