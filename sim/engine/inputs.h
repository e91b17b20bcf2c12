/* sim/engine/inputs.h - what several runs of one process read, read once: their trace files. Whoever makes
 * many runs has one of these and gives it to each; what a run reads through it is what it would read alone. From any
 * thread. */
#ifndef REPRISE_SIM_ENGINE_INPUTS_H
#define REPRISE_SIM_ENGINE_INPUTS_H

#include "sim/engine/experiment.h"

/* Of so many traces, those asked for last, each held up to so many bytes (traces/shared.h), and where another comes to
 * them no more than that of all that nobody reads at the time; a run whose trace is larger reads it as it goes. */
enum { INPUTS_TRACES_MOST = 8 };
#define INPUTS_TRACE_BYTES_MOST (UINT64_C(256) << 20)

struct inputs;

struct inputs *inputs_new(void);
void inputs_free(struct inputs *inputs); /* all that was opened through it is closed; NULL is fine */

/* experiment_open_trace(), sharing what experiments with the same trace file and the same keys of import and workload have
 * read already. inputs NULL: experiment_open_trace(). So is a generated workload's, which is made sooner than held: what
 * outlives a run keeps the run's memory from being given back. */
enum status inputs_open_trace(struct inputs *inputs, const struct experiment *experiment,
                              struct trace **trace, struct error *err);

#endif
