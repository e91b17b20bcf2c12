/* traces/file.c - a file through its format, as a source of sessions. */
#include "base/memory.h"
#include "traces/format.h"
#include "traces/source.h"
#include "traces/write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct file {
    struct lines *lines;
    const struct trace_format *format;
    void *state;
    uint64_t last_arrival_ns;
    struct trace_skips skips;
};

/* ---- the source ---- */

static void file_close(void *state)
{
    struct file *file = state;
    if (file->state != NULL)
        file->format->close(file->state);
    lines_close(file->lines);
    free(file);
}

/* The next line that is a request. */
static enum trace_step next_of_lines(struct file *file, struct trace_session *session,
                                     struct error *err)
{
    while (true) {
        char *line;
        size_t length;
        enum lines_step step = lines_next(file->lines, &line, &length, err);
        if (step != LINES_LINE)
            return step == LINES_END ? TRACE_END : TRACE_ERROR;
        memset(session, 0, sizeof *session);
        uint64_t skipped = trace_skips_total(&file->skips);
        if (file->format->parse(file->state, file->lines, line, length, session, err) != STATUS_OK)
            return TRACE_ERROR;
        if (session->turn_count > 0)
            return TRACE_ITEM;
        if (trace_skips_total(&file->skips) == skipped)
            file->skips.by[SKIP_NO_REPLY]++;
    }
}

static enum trace_step file_next(void *state, struct trace_session *session, struct error *err)
{
    struct file *file = state;
    enum trace_step step = file->format->next != NULL
                               ? file->format->next(file->state, file->lines, session, err)
                               : next_of_lines(file, session, err);
    if (step != TRACE_ITEM)
        return step;
    if (session->arrival_ns < file->last_arrival_ns) {
        char expected[96], found[32];
        snprintf(expected, sizeof expected, "a time not before the record above it, %.3f s",
                 (double)file->last_arrival_ns / 1e9);
        snprintf(found, sizeof found, "%.3f s", (double)session->arrival_ns / 1e9);
        lines_refuse(file->lines, file->format->time_key, expected, found, err);
        return TRACE_ERROR;
    }
    file->last_arrival_ns = session->arrival_ns;
    return TRACE_ITEM;
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

enum status trace_open(const char *path, const struct workload *workload,
                       const struct trace_import *import, struct trace **out, struct error *err)
{
    struct file *file = memory_new(1, sizeof *file);
    const struct format_settings settings = { .workload = *workload,
                                              .import = *import,
                                              .skips = &file->skips };
    enum status status = lines_open(path, &file->lines, err);
    if (status == STATUS_OK)
        status = trace_format_choose(file->lines, import->format, &file->format, err);
    if (status == STATUS_OK && file->format->open != NULL)
        status = file->format->open(file->lines, &settings, &file->state, err);
    if (status != STATUS_OK) {
        file_close(file);
        return status;
    }
    struct trace *trace = trace_of(&file_source, file);
    const struct trace_scale times = { .rate = import->rate,
                                       .think = import->think_scale,
                                       .sessions = 1.0 };
    *out = times.rate == 1.0 && times.think == 1.0 ? trace : trace_scaled(&trace, &times);
    return STATUS_OK;
}
