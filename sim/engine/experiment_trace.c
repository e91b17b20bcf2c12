/* sim/engine/experiment_trace.c - the one way from an experiment to its trace, so that whoever
 * runs, counts or hashes a trace reads the same one: as the import's keys say, or generated. */
#include "sim/engine/experiment.h"

#include "base/memory.h"

#include <stddef.h>
#include <stdlib.h>

/* What experiment_open_trace() gives on, beside the file's name. */
static const struct config_section trace_sections[] = {
    { .prefix = "workload.",
      .rows = workload_rows,
      .offset = offsetof(struct experiment, workload) },
    { .prefix = "workload.",
      .rows = workload_shape_rows,
      .offset = offsetof(struct experiment, shape) },
    { .prefix = "workload.",
      .rows = workload_tenant_rows,
      .offset = offsetof(struct experiment, tenants_given) },
    { .prefix = "import.",
      .rows = trace_import_rows,
      .offset = offsetof(struct experiment, import) },
    { .rows = NULL },
};

char *experiment_trace_text(const struct experiment *experiment)
{
    char *values = config_values_text(trace_sections, experiment), *text = NULL;
    size_t bytes;
    FILE *out = memory_stream(&text, &bytes);
    fprintf(out, "%s\n%s", experiment->trace, values);
    memory_stream_close(out, &text);
    free(values);
    return text;
}

enum status experiment_open_trace(const struct experiment *experiment, struct trace **trace,
                                  struct error *err)
{
    if (experiment->trace[0] == '\0')
        return trace_generate_shape(&experiment->workload, &experiment->shape,
                                    &experiment->tenants_given,
                                    trace_import_block_tokens(&experiment->import), trace, err);
    return trace_open(experiment->trace, &experiment->workload, &experiment->import, trace, err);
}
