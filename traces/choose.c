/* traces/choose.c - which format a file is of: as it is named, or told from what it begins with. */
#include "traces/format.h"

#include <stdio.h>
#include <string.h>

#define FORMAT_ADDRESS(name) &trace_format_##name,
static const struct trace_format *const formats[] = { TRACE_FORMATS(FORMAT_ADDRESS) NULL };

const struct trace_format *trace_format_named(const char *name)
{
    for (int i = 0; formats[i] != NULL; i++)
        if (strcmp(formats[i]->name, name) == 0)
            return formats[i];
    return NULL;
}

void trace_formats(void (*visit)(const char *name, const char *summary, void *context),
                   void *context)
{
    for (int i = 0; formats[i] != NULL; i++)
        visit(formats[i]->name, formats[i]->summary, context);
}

static const struct trace_format *find_by_head(const struct head *head)
{
    for (int i = 0; formats[i] != NULL; i++)
        if (formats[i]->probe != NULL && formats[i]->probe(head))
            return formats[i];
    return NULL;
}

static enum status refuse_name(const char *name, struct error *err)
{
    char known[sizeof err->expected] = "one of ";
    for (int i = 0; formats[i] != NULL; i++) {
        strncat(known, i > 0 ? ", " : "", sizeof known - strlen(known) - 1);
        strncat(known, formats[i]->name, sizeof known - strlen(known) - 1);
    }
    return error_input(err, NULL, 0, "format", known, name);
}

static enum status refuse_head(const struct lines *lines, const struct head *head,
                               struct error *err)
{
    char expected[sizeof err->expected], found[sizeof err->found];
    const char *columns = trace_format_session_csv.out->heading;
    head_describe(head, found, sizeof found);
    snprintf(expected, sizeof expected,
             "a format that docs/workload.md lists, or a CSV made of it, a row a turn, with the "
             "columns %.*s",
             (int)strlen(columns), columns);
    return error_input(err, lines_path(lines), lines_number(lines) + 1, NULL, expected, found);
}

static enum status check_name(const char *name, struct error *err)
{
    return name[0] == '\0' || trace_format_named(name) != NULL ? STATUS_OK : refuse_name(name, err);
}

enum status trace_import_check(const struct trace_import *import, struct error *err)
{
    return check_name(import->format, err);
}

enum status trace_format_choose(struct lines *lines, const char *name,
                                const struct trace_format **format, struct error *err)
{
    const char *text;
    size_t length;
    const bool named = name[0] != '\0';
    if (check_name(name, err) != STATUS_OK)
        return err->status;
    enum lines_step step = lines_peek(lines, &text, &length, err);
    if (step == LINES_ERROR)
        return err->status;
    if (step == LINES_END)
        return error_input(err, lines_path(lines), 0, NULL, "a trace", "an empty file");
    struct head head = head_of(text, length);
    *format = named ? trace_format_named(name) : find_by_head(&head);
    return *format != NULL ? STATUS_OK : refuse_head(lines, &head, err);
}
