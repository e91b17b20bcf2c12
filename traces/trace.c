/* traces/trace.c - a source being read: a file through its format, or the generator. */
#include "base/memory.h"
#include "traces/format.h"

#include <stdlib.h>
#include <string.h>

struct trace {
    const struct trace_format *format; /* NULL: generated */
    struct lines *lines;
    void *state;
    struct generator *generator;
    char *first_line;    /* read to tell the format, not given yet */
    size_t first_length;
    uint64_t sessions, last_arrival_ns;
    struct error failure; /* the first one; given again by every later call */
};

#define FORMAT_ADDRESS(name) &trace_format_##name,
static const struct trace_format *const formats[] = { TRACE_FORMATS(FORMAT_ADDRESS) NULL };

static const struct trace_format *find_format(const char *name, const char *line, size_t length)
{
    for (int i = 0; formats[i] != NULL; i++)
        if (name != NULL ? strcmp(formats[i]->name, name) == 0 : formats[i]->probe(line, length))
            return formats[i];
    return NULL;
}

static void known_formats(char *text, size_t text_bytes)
{
    text[0] = '\0';
    for (int i = 0; formats[i] != NULL; i++) {
        strncat(text, i > 0 ? ", " : "a trace in a known format: ", text_bytes - strlen(text) - 1);
        strncat(text, formats[i]->name, text_bytes - strlen(text) - 1);
    }
}

/* Reads the first line and tells the format from it, unless it was named. */
static enum status choose_format(struct trace *trace, const char *name, struct error *err)
{
    char known[128];
    known_formats(known, sizeof known);
    const char *path = lines_path(trace->lines);
    if (name != NULL && find_format(name, "", 0) == NULL)
        return error_input(err, NULL, 0, "format", known, name);
    char *line;
    size_t length;
    enum lines_step step = lines_next(trace->lines, &line, &length, err);
    if (step == LINES_ERROR)
        return err->status;
    if (step == LINES_END)
        return error_input(err, path, 0, NULL, known, "an empty file");
    trace->format = find_format(name, line, length);
    if (trace->format == NULL) {
        char found[64];
        snprintf(found, sizeof found, "%.40s%s", line, length > 40 ? "..." : "");
        return error_input(err, path, 1, NULL, known, found);
    }
    trace->first_line = line;
    trace->first_length = length;
    return STATUS_OK;
}

enum status trace_open(const char *path, const char *format, struct trace **out, struct error *err)
{
    struct trace *trace = memory_new(1, sizeof *trace);
    enum status status = lines_open(path, &trace->lines, err);
    if (status == STATUS_OK)
        status = choose_format(trace, format, err);
    if (status != STATUS_OK) {
        trace_close(trace);
        return status;
    }
    trace->state = trace->format->open != NULL ? trace->format->open() : NULL;
    *out = trace;
    return STATUS_OK;
}

/* What a workload must satisfy beyond its rows' ranges. */
static enum status check_workload(const struct workload *workload, struct error *err)
{
    double least = 1.0 + workload->multi_turn_share;
    if (workload->mean_turns < least ||
        (workload->multi_turn_share == 0.0 && workload->mean_turns > 1.0)) {
        char expected[128], found[32];
        snprintf(expected, sizeof expected,
                 workload->multi_turn_share > 0.0
                     ? "at least 1 + multi_turn_share = %.4g: sessions of several turns have two or more"
                     : "1, since multi_turn_share is 0", least);
        snprintf(found, sizeof found, "%g", workload->mean_turns);
        return error_input(err, NULL, 0, "workload.mean_turns", expected, found);
    }
    return STATUS_OK;
}

enum status trace_generate(const struct workload *workload, struct trace **out, struct error *err)
{
    enum status status = check_workload(workload, err);
    if (status != STATUS_OK)
        return status;
    struct trace *trace = memory_new(1, sizeof *trace);
    trace->generator = generator_new(workload);
    *out = trace;
    return STATUS_OK;
}

void trace_close(struct trace *trace)
{
    if (trace == NULL)
        return;
    if (trace->format != NULL && trace->format->close != NULL)
        trace->format->close(trace->state);
    generator_free(trace->generator);
    lines_close(trace->lines);
    free(trace);
}

static enum trace_step next_of_file(struct trace *trace, struct trace_session *session,
                                    struct error *err)
{
    char *line = trace->first_line;
    size_t length = trace->first_length;
    trace->first_line = NULL;
    if (line == NULL) {
        enum lines_step step = lines_next(trace->lines, &line, &length, err);
        if (step != LINES_LINE)
            return step == LINES_END ? TRACE_END : TRACE_ERROR;
    }
    memset(session, 0, sizeof *session);
    if (trace->format->parse(trace->state, trace->lines, line, length, session, err) != STATUS_OK)
        return TRACE_ERROR;
    if (session->arrival_ns < trace->last_arrival_ns) {
        char expected[96], found[32];
        snprintf(expected, sizeof expected, "a time not before the line above it, %.3f s",
                 (double)trace->last_arrival_ns / 1e9);
        snprintf(found, sizeof found, "%.3f s", (double)session->arrival_ns / 1e9);
        error_input(err, lines_path(trace->lines), lines_number(trace->lines), "timestamp", expected,
                    found);
        return TRACE_ERROR;
    }
    trace->last_arrival_ns = session->arrival_ns;
    session->id = trace->sessions++;
    return TRACE_ITEM;
}

enum trace_step trace_next(struct trace *trace, struct trace_session *session, struct error *err)
{
    if (trace->generator != NULL)
        return generator_next(trace->generator, session) ? TRACE_ITEM : TRACE_END;
    enum trace_step step = TRACE_ERROR;
    if (trace->failure.status == STATUS_OK)
        step = next_of_file(trace, session, &trace->failure);
    if (step == TRACE_ERROR && err->status == STATUS_OK)
        *err = trace->failure;
    return step;
}

struct trace_facts trace_facts(const struct trace *trace)
{
    if (trace->generator == NULL)
        return trace->format->facts;
    return (struct trace_facts){ .format = "sharegpt-like",
                                 .expected_turns = generator_expected_turns(trace->generator) };
}

double trace_progress(const struct trace *trace)
{
    return trace->lines != NULL ? lines_progress(trace->lines) : 0.0;
}

uint64_t trace_hash(const struct trace *trace)
{
    return trace->lines != NULL ? lines_hash(trace->lines) : generator_hash(trace->generator);
}
