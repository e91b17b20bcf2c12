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
    uint64_t last_arrival_ns, skipped;
};

#define FORMAT_ADDRESS(name) &trace_format_##name,
static const struct trace_format *const formats[] = { TRACE_FORMATS(FORMAT_ADDRESS) NULL };

/* ---- telling the format ---- */

bool head_has(const struct head *head, const char *text)
{
    return strstr(head->text, text) != NULL;
}

bool head_line_has(const struct head *head, const char *text)
{
    const char *found = strstr(head->text, text);
    return found != NULL && (size_t)(found - head->text) < head->line_length;
}

const struct trace_format *trace_format_named(const char *name)
{
    for (int i = 0; formats[i] != NULL; i++)
        if (strcmp(formats[i]->name, name) == 0)
            return formats[i];
    return NULL;
}

static const struct trace_format *find_by_head(const struct head *head)
{
    for (int i = 0; formats[i] != NULL; i++)
        if (formats[i]->probe != NULL && formats[i]->probe(head))
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

/* The format is the named one, or with "" told from what the file begins with. */
static enum status choose_format(struct file *file, const char *name, struct error *err)
{
    char known[256], found[64];
    struct head head;
    known_formats(known, sizeof known);
    const bool named = name[0] != '\0';
    if (named && trace_format_named(name) == NULL)
        return error_input(err, NULL, 0, "format", known, name);
    enum lines_step step = lines_peek(file->lines, &head.text, &head.length, err);
    if (step == LINES_ERROR)
        return err->status;
    if (step == LINES_END)
        return error_input(err, lines_path(file->lines), 0, NULL, known, "an empty file");
    const char *newline = memchr(head.text, '\n', head.length);
    head.line_length = newline != NULL ? (size_t)(newline - head.text) : head.length;
    file->format = named ? trace_format_named(name) : find_by_head(&head);
    if (file->format != NULL)
        return STATUS_OK;
    snprintf(found, sizeof found, "%.*s%s", head.line_length > 40 ? 40 : (int)head.line_length,
             head.text, head.line_length > 40 ? "..." : "");
    return error_input(err, lines_path(file->lines), 1, NULL, known, found);
}

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
        if (file->format->parse(file->state, file->lines, line, length, session, err) != STATUS_OK)
            return TRACE_ERROR;
        if (session->turn_count > 0)
            return TRACE_ITEM;
        file->skipped++;
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
    facts.skipped = file->skipped;
    if (file->format->tell != NULL)
        file->format->tell(file->state, &facts);
    return facts;
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
                                           .close = file_close };

enum status trace_open(const char *path, const struct workload *workload,
                       const struct trace_import *import, struct trace **out, struct error *err)
{
    const struct format_settings settings = { .workload = *workload, .import = *import };
    struct file *file = memory_new(1, sizeof *file);
    enum status status = lines_open(path, &file->lines, err);
    if (status == STATUS_OK)
        status = choose_format(file, import->format, err);
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

void trace_formats(void (*visit)(const char *name, const char *summary, void *context),
                   void *context)
{
    for (int i = 0; formats[i] != NULL; i++)
        visit(formats[i]->name, formats[i]->summary, context);
}
