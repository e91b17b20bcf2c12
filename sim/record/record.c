/* sim/record/record.c - see record.h. */
#include "sim/record/record.h"

#include "base/memory.h"

#include <stdlib.h>

static void note_turn(void *context, const struct turn_row *row)
{
    struct record *record = context;
    if (record->turns != NULL)
        turn_file_add(record->turns, row);
    if (record->timeline != NULL)
        timeline_turn(record->timeline, row);
    if (!record->keeps)
        return;
    memory_grow(&record->row, &record->row_capacity, (uint64_t)record->rows + 1,
                sizeof *record->row);
    record->row[record->rows++] = *row;
}

#define PASS_ON(name, type, member)                                                                \
    static void name(void *context, const type *what)                                              \
    {                                                                                              \
        member(((struct record *)context)->timeline, what);                                        \
    }
PASS_ON(note_copy, struct watch_copy, timeline_copy)
PASS_ON(note_drop, struct watch_drop, timeline_drop)
PASS_ON(note_iteration, struct watch_iteration, timeline_iteration)
PASS_ON(note_layers, struct watch_layers, timeline_layers)
#undef PASS_ON

static void note_stall(void *context, uint32_t server, uint64_t begin_ns, uint64_t end_ns)
{
    timeline_stall(((struct record *)context)->timeline, server, begin_ns, end_ns);
}

static void note_queue(void *context, uint32_t server, uint64_t time_ns, uint32_t waiting)
{
    timeline_queue(((struct record *)context)->timeline, server, time_ns, waiting);
}

static void note_measures(void *context, uint64_t time_ns)
{
    timeline_measures(((struct record *)context)->timeline, time_ns);
}

bool record_is_asked(const struct record_asked *asked)
{
    return asked->turns != NULL || asked->timeline != NULL || asked->keep_turns;
}

enum status record_open(struct record *record, const struct record_asked *asked, const char *policy,
                        struct error *err)
{
    enum status status = STATUS_OK;
    *record = (struct record){ .keeps = asked->keep_turns };
    record->watch = (struct watch){ .context = record, .turn_ended = note_turn };
    if (asked->turns != NULL) {
        record->turns_path = memory_text(asked->turns);
        status = turn_file_open(asked->turns, policy, &record->turns, err);
    }
    if (status != STATUS_OK || asked->timeline == NULL)
        return status;
    record->timeline_path = memory_text(asked->timeline);
    status = timeline_open(asked->timeline, policy, asked->span, &record->timeline, err);
    if (status != STATUS_OK)
        return status;
    record->watch.copied = note_copy;
    record->watch.dropped = note_drop;
    record->watch.iterated = note_iteration;
    record->watch.computed_layers = note_layers;
    record->watch.stalled = note_stall;
    record->watch.queued = note_queue;
    record->watch.measures = note_measures;
    return STATUS_OK;
}

enum status record_finish(struct record *record, struct error *err)
{
    enum status status = STATUS_OK;
    if (record->turns != NULL)
        status = turn_file_finish(record->turns, err);
    if (record->timeline != NULL && status == STATUS_OK)
        status = timeline_finish(record->timeline, &record->timeline_is_empty, err);
    else
        timeline_abandon(record->timeline);
    record->turns = NULL;
    record->timeline = NULL;
    return status;
}

void record_abandon(struct record *record)
{
    turn_file_abandon(record->turns);
    timeline_abandon(record->timeline);
    record->turns = NULL;
    record->timeline = NULL;
    record_free(record);
}

void record_free(struct record *record)
{
    free(record->row);
    free(record->turns_path);
    free(record->timeline_path);
    record->row = NULL;
    record->turns_path = record->timeline_path = NULL;
    record->rows = record->row_capacity = 0;
}
