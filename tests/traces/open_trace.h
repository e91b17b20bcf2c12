/* tests/traces/open_trace.h - a trace file with the default workload and import. */
#ifndef REPRISE_TESTS_TRACES_OPEN_TRACE_H
#define REPRISE_TESTS_TRACES_OPEN_TRACE_H

#include "traces/traces.h"

#include <stdio.h>

/* As the import's keys have it. */
static inline enum status open_imported(const char *path, const char *format, double rate,
                                        double think_scale, struct trace **trace, struct error *err)
{
    const struct config_section workload_section[] = { { "", workload_rows, 0 }, { 0 } };
    const struct config_section import_section[] = { { "", trace_import_rows, 0 }, { 0 } };
    struct workload workload;
    struct trace_import import;
    if (config_load(workload_section, NULL, &workload, err) != STATUS_OK ||
        config_load(import_section, NULL, &import, err) != STATUS_OK)
        return err->status;
    snprintf(import.format, sizeof import.format, "%s", format != NULL ? format : "");
    import.rate = rate;
    import.think_scale = think_scale;
    return trace_open(path, &workload, &import, trace, err);
}

/* format NULL: told from the content. */
static inline enum status open_trace(const char *path, const char *format, struct trace **trace,
                                     struct error *err)
{
    return open_imported(path, format, 1.0, 1.0, trace, err);
}

#endif
