/* sim/sim.c - the simulator's door: from an experiment to a run in virtual time. */
#include "sim/sim.h"

#include "base/plain_file.h"
#include "sim/cluster.h"

#include <string.h>

void sim_policies(void (*visit)(const char *name, const char *summary, void *context),
                  void *context)
{
    for (int i = 0; policy_at(i) != NULL; i++)
        visit(policy_at(i)->name, policy_at(i)->summary, context);
}

static enum status run_once(struct inputs *inputs, uint32_t threads,
                            const struct experiment *experiment,
                            const struct sim_progress *progress, struct sim_result *result,
                            bool *again, struct error *err)
{
    struct engine_setup setup;
    struct trace *trace;
    memset(result, 0, sizeof *result);
    enum status status = engine_setup_open_from(inputs, experiment, &setup, &trace, err);
    if (status == STATUS_OK)
        status = cluster_run(&setup, trace, threads, progress, result, again, err);
    trace_close(trace);
    if (status != STATUS_OK)
        sim_result_free(result);
    return status;
}

/* What comes through a pipe comes once. */
static bool can_begin_again(const struct experiment *experiment)
{
    return experiment->trace[0] == '\0' || plain_file_not(experiment->trace) == NULL;
}

enum status sim_run_from(struct inputs *inputs, uint32_t threads,
                         const struct experiment *experiment, const struct sim_progress *progress,
                         struct sim_result *result, struct error *err)
{
    bool again = false;
    enum status status = run_once(inputs, threads, experiment, progress, result,
                                  can_begin_again(experiment) ? &again : NULL, err);
    if (status != STATUS_OK || !again)
        return status;
    return run_once(inputs, 1, experiment, progress, result, NULL, err);
}

enum status sim_run(const struct experiment *experiment, const struct sim_progress *progress,
                    struct sim_result *result, struct error *err)
{
    return sim_run_from(NULL, 1, experiment, progress, result, err);
}
