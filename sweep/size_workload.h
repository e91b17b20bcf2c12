/* sweep/size_workload.h - what a search needs to know of a workload before it runs any of it. */
#ifndef REPRISE_SWEEP_SIZE_WORKLOAD_H
#define REPRISE_SWEEP_SIZE_WORKLOAD_H

#include "sim/sim.h"

struct size_workload {
    const char *format;                           /* of the trace; lives as long as the program */
    uint64_t sessions, turns, duration_ns;        /* first to last arrival */
    double prompt_tokens_mean, reply_tokens_mean; /* of a turn; open loop: the whole prompt */
    /* Of the turns that are asked (up to max_turns), those that would be asked behind the last session's
     * arrival, were replies instant: where these are many, fewer sessions are under way at once than
     * will be in the long run. 0 where max_turns ends the run while sessions still come. */
    double late_share;
    bool open_loop, has_keys;
    /* Whether any request says what it has in common with another: block keys, or sessions of
     * several turns. Without, no cache can be of use, whatever is bought. */
    bool can_reuse;
};

/* Reads the experiment's workload to its end, or to max_turns. inputs: what its runs will read from; NULL: nothing is
 * shared. */
enum status size_workload_read(struct inputs *inputs, const struct experiment *experiment,
                               struct size_workload *workload, struct error *err);

/* A sentence where late_share is so large that the load is less than it will be; else "". */
char *size_workload_unsteady(const struct size_workload *workload, char *out, size_t out_bytes);

/* Settings of a generated workload of sessions that have the same requests a second, and turns with
 * the same prompt (history included) and reply in the mean, at `mean_turns` turns a session: what a
 * trace without sessions may look like with them. base: the workload's other settings. Writes
 * "--set KEY=VALUE ..."; returns out. A turn's mean context grows with its new prompt in a straight
 * line, which two generated workloads give; where even no new prompt has more, it is 1 token. */
char *size_workload_sessions(const struct size_workload *workload, const struct workload *base,
                             double mean_turns, char *out, size_t out_bytes);

#endif
