/* traces/file.c - a file through its format, as a source of sessions. */
#include "base/memory.h"
#include "base/units.h"
#include "traces/collection.h"
#include "traces/format.h"
#include "traces/record_time.h"
#include "traces/source.h"
#include "traces/write.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct file {
    struct lines *lines;
    const struct trace_format *format;
    void *state;
    bool begun;
    uint64_t origin_ns, last_arrival_ns; /* of the records' own times */
    struct trace_skips skips;
    bool sorts;                /* import.sort */
    struct collection *sorted; /* NULL: not read yet, or not to be sorted */
};

/* ---- the source ---- */

static void file_close(void *state)
{
    struct file *file = state;
    if (file->state != NULL)
        file->format->close(file->state);
    lines_close(file->lines);
    collection_free(file->sorted);
    free(file);
}

/* What the format makes of the next line. */
static enum lines_step parse_line(struct file *file, struct trace_session *session,
                                  struct error *err)
{
    const struct trace_format *format = file->format;
    const char *line;
    char *own;
    size_t length;
    enum lines_step step = format->parse != NULL ? lines_view(file->lines, &line, &length, err)
                                                 : lines_next(file->lines, &own, &length, err);
    if (step != LINES_LINE)
        return step;
    enum status status = format->parse != NULL
                             ? format->parse(file->state, file->lines, line, length, session, err)
                             : format->cut(file->state, file->lines, own, length, session, err);
    return status == STATUS_OK ? LINES_LINE : LINES_ERROR;
}

/* The next line that is a request. */
static enum trace_step next_of_lines(struct file *file, struct trace_session *session,
                                     struct error *err)
{
    while (true) {
        memset(session, 0, sizeof *session);
        uint64_t skipped = trace_skips_total(&file->skips);
        enum lines_step step = parse_line(file, session, err);
        if (step != LINES_LINE)
            return step == LINES_END ? TRACE_END : TRACE_ERROR;
        if (session->turn_count > 0)
            return TRACE_ITEM;
        if (trace_skips_total(&file->skips) == skipped)
            file->skips.by[SKIP_NO_REPLY]++;
    }
}

static enum trace_step next_of_format(struct file *file, struct trace_session *session,
                                      struct error *err)
{
    return file->format->next != NULL ? file->format->next(file->state, file->lines, session, err)
                                      : next_of_lines(file, session, err);
}

/* Times of a trace that begins three years in count from some moment of the past, 1970 say, and are
 * taken from the first record on. */
static bool counts_from_1970(uint64_t first_ns)
{
    return first_ns >= UINT64_C(100000000) * NS_PER_S;
}

/* Holds all that the file has, by time. */
static enum status collect(struct file *file, struct error *err)
{
    struct trace_session session = { 0 };
    enum trace_step step;
    file->sorted = collection_new();
    while ((step = next_of_format(file, &session, err)) == TRACE_ITEM) {
        uint32_t number = collection_add(file->sorted, session.arrival_ns, session.block_keys,
                                         session.block_count);
        collection_set_tenant(file->sorted, number, session.tenant);
        for (uint32_t i = 0; i < session.turn_count; i++)
            collection_add_turn(file->sorted, number, &session.turns[i]);
        memset(&session, 0, sizeof session);
        if (collection_check_room(file->sorted, file->lines,
                                  "a file in order of time needs no --sort, import.sort",
                                  err) != STATUS_OK)
            return err->status;
    }
    if (step == TRACE_ERROR)
        return err->status;
    collection_order(file->sorted);
    if (file->format->since_first || counts_from_1970(collection_first_ns(file->sorted)))
        collection_begin_at_zero(file->sorted);
    return STATUS_OK;
}

static enum trace_step next_sorted(struct file *file, struct trace_session *session,
                                   struct error *err)
{
    if (file->sorted == NULL && collect(file, err) != STATUS_OK)
        return TRACE_ERROR;
    return collection_take(file->sorted, session) ? TRACE_ITEM : TRACE_END;
}

static enum trace_step file_next(void *state, struct trace_session *session, struct error *err)
{
    struct file *file = state;
    if (file->sorts)
        return next_sorted(file, session, err);
    enum trace_step step = next_of_format(file, session, err);
    if (step != TRACE_ITEM)
        return step;
    if (session->arrival_ns < file->last_arrival_ns) {
        char expected[128], found[32];
        snprintf(expected, sizeof expected,
                 "a time not before the record above it, %.3f s " RECORD_TIME_ANY_ORDER,
                 (double)file->last_arrival_ns / 1e9);
        snprintf(found, sizeof found, "%.3f s", (double)session->arrival_ns / 1e9);
        lines_refuse(file->lines, file->format->time_key, expected, found, err);
        return TRACE_ERROR;
    }
    if (!file->begun && counts_from_1970(session->arrival_ns))
        file->origin_ns = session->arrival_ns;
    file->begun = true;
    file->last_arrival_ns = session->arrival_ns;
    session->arrival_ns -= file->origin_ns;
    return TRACE_ITEM;
}

void facts_assume(struct trace_facts *facts, const char *assumed)
{
    int count = 0;
    for (; facts->assumed[count] != NULL; count++)
        if (facts->assumed[count] == assumed)
            return;
    assert(count < TRACE_ASSUMED_MOST);
    facts->assumed[count] = assumed;
}

static struct trace_facts file_facts(const void *state)
{
    const struct file *file = state;
    struct trace_facts facts = file->format->facts;
    facts.format = file->format->name;
    facts.skips = file->skips;
    if (file->format->tell != NULL)
        file->format->tell(file->state, &facts);
    return facts;
}

static enum status file_refuse_empty(const void *state, struct error *err)
{
    const struct file *file = state;
    char found[192];
    struct trace_facts facts = file_facts(state);
    trace_skips_print(&facts.skips, found, sizeof found);
    return lines_refuse(file->lines, NULL,
                        "a trace of requests, each with a prompt and a reply (docs/workload.md)",
                        found, err);
}

static double file_progress(const void *state)
{
    return lines_progress(((const struct file *)state)->lines);
}

static uint64_t file_hash(const void *state)
{
    return lines_hash(((const struct file *)state)->lines);
}

static const struct source file_source = { .next = file_next,
                                           .facts = file_facts,
                                           .hash = file_hash,
                                           .progress = file_progress,
                                           .refuse_empty = file_refuse_empty,
                                           .close = file_close };

static enum status check_sort(const struct file *file, struct error *err)
{
    if (!file->sorts || !file->format->needs_order)
        return STATUS_OK;
    return error_input(err, lines_path(file->lines), 0, "import.sort",
                       "false: sessions are assembled of records in order of time (sort the file)",
                       "true");
}

static enum status open_file(struct file *file, const char *path, const struct workload *workload,
                             const struct trace_import *import, struct error *err)
{
    struct format_settings settings = { .workload = *workload,
                                        .import = *import,
                                        .id_block_tokens = import->block_tokens,
                                        .skips = &file->skips };
    settings.import.block_tokens = trace_import_block_tokens(import);
    file->sorts = import->sort;
    if (lines_open(path, &file->lines, err) != STATUS_OK ||
        trace_format_choose(file->lines, import->format, &file->format, err) != STATUS_OK ||
        check_sort(file, err) != STATUS_OK)
        return err->status;
    return file->format->open != NULL
               ? file->format->open(file->lines, &settings, &file->state, err)
               : STATUS_OK;
}

enum status trace_open(const char *path, const struct workload *workload,
                       const struct trace_import *import, struct trace **out, struct error *err)
{
    struct file *file = memory_new(1, sizeof *file);
    enum status status = open_file(file, path, workload, import, err);
    if (status != STATUS_OK) {
        file_close(file);
        return status;
    }
    struct trace *trace = trace_of(&file_source, file);
    const struct trace_scale times = { .rate = import->rate,
                                       .think = import->think_scale,
                                       .sessions = 1.0 };
    *out = times.rate == 1.0 && times.think == 1.0 ? trace : trace_scaled(trace, &times);
    return STATUS_OK;
}
