/* sim/record/record.h - what one run leaves beside its metrics, if that is asked for: a file of its turns, a
 * timeline, rows to keep in the store. */
#ifndef REPRISE_SIM_RECORD_RECORD_H
#define REPRISE_SIM_RECORD_RECORD_H

#include "sim/record/timeline.h"
#include "sim/record/turn_file.h"

struct record_asked {
    const char *turns, *timeline; /* paths; NULL: no such file */
    struct timeline_span span;    /* of the timeline */
    bool keep_turns;              /* rows, in memory */
};

/* Of one run, by one thread at a time. */
struct record {
    struct watch watch; /* for sim_progress.watch */
    struct turn_file *turns;
    struct timeline_file *timeline;
    struct turn_row *row; /* kept, in the order of ends */
    uint32_t rows, row_capacity;
    bool keeps;
    bool timeline_is_empty; /* once it is finished */
    char *turns_path, *timeline_path; /* of files that are there when it is finished; NULL: none */
};

/* Whether anything is asked for. */
bool record_is_asked(const struct record_asked *asked);
/* Creates the files. What is open is the caller's to record_finish() or record_abandon(), whatever is
 * returned; the record stays where it is meanwhile. */
enum status record_open(struct record *record, const struct record_asked *asked, const char *policy,
                        struct error *err);
/* For sim_progress.watch: NULL where nothing is asked for. */
static inline const struct watch *record_watch(const struct record *record)
{
    return record->watch.context != NULL ? &record->watch : NULL;
}
/* The files take their names. rows stay until record_free(). */
enum status record_finish(struct record *record, struct error *err);
/* The run did not end: leaves no file. */
void record_abandon(struct record *record);
void record_free(struct record *record); /* the rows and paths */

#endif
