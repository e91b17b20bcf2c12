/* sim/engine/experiment_trace.c - the one way from an experiment to its trace, so that whoever
 * runs, counts or hashes a trace reads the same one: as the import's keys say, or generated. */
#include "sim/engine/experiment.h"

enum status experiment_open_trace(const struct experiment *experiment, struct trace **trace,
                                  struct error *err)
{
    if (experiment->trace[0] == '\0')
        return trace_generate_shape(&experiment->workload, &experiment->shape,
                                    &experiment->tenants_given,
                                    trace_import_block_tokens(&experiment->import), trace, err);
    return trace_open(experiment->trace, &experiment->workload, &experiment->import, trace, err);
}
