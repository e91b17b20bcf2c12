/* runtime/serve.h - serves a trace in real time on a backend: the simulator's experiment, done.
 * What is placed where, fetched and given up is decided by the object code of sim/placement/; here
 * are the real clock, real copies and real kernels. Same metrics as sim_run(). docs/runtime.md says
 * what is done as the simulator models it and what is not. */
#ifndef REPRISE_RUNTIME_SERVE_H
#define REPRISE_RUNTIME_SERVE_H

#include "runtime/backend.h"
#include "runtime/iterations.h"
#include "runtime/ssd/ssd.h"
#include "sim/engine/experiment.h"
#include "sim/engine/result.h"

/* Devices with weights in them, kept between runs. */
struct serve_machine;
struct serve_machine *serve_machine_new(void);
void serve_machine_free(struct serve_machine *machine); /* closes them; NULL is fine */

struct serve_config {
    const struct backend *backend;
    /* The run uses what is in it if it serves, and leaves what it opens; NULL: it opens and closes
     * its own. One run at a time. */
    struct serve_machine *machine;
    uint32_t threads;     /* backend_config.threads */
    uint32_t page_tokens; /* of a KV page; 0: executor_page_tokens() */
    const char *weights;  /* a file (weights.h); NULL: random, of the workload's seed */
    const char *ssd_path; /* ssd_config's path, of each server's file */
    enum ssd_engine ssd_engine;
    uint32_t ssd_depth; /* 0: SSD_DEPTH */
    bool links_free; /* copies and operators go as fast as they can: else the host's are held to the
                        rates of the hardware's files */
    const char *iterations_path; /* a CSV of every iteration (iterations.h); NULL: none */
    /* Tests: sees the logits (vocabulary values) behind the last token that an iteration made of each
     * turn's context, if that is all of the context so far; token: how many of the reply there were
     * before. May be NULL. */
    void (*observe)(void *context, uint64_t session, uint32_t turn, uint32_t token,
                    const float *logits);
    void *observe_context;
    /* Tests: ssd_config's. */
    int64_t (*ssd_fault)(void *context, const struct ssd_request *request, int64_t result);
    void *ssd_fault_context;
};

/* What only doing it can tell. */
struct serve_report {
    char device[128], ssd[128];
    uint64_t checksum_failures; /* slices or pages read from SSD whose xxh3 was not that written */
    uint64_t ssd_errors;        /* requests that the disk refused */
    int ssd_error;              /* the first one's errno */
    uint64_t recomputed_turns;  /* prefilled again because their KV was bad */
    uint64_t run_ns;            /* how long the run took */
    uint64_t late_ns;           /* computing was behind the rates that it is held to (backend.h) */
    struct iteration_totals iterations[ITERATION_KINDS]; /* of the whole run, warm-up too */
    uint64_t ssd_read_bytes, ssd_written_bytes;          /* whole pages, as they crossed */
    uint32_t ssd_most_out; /* requests of one transfer that were out at once, the most */
};

/* STATUS_INPUT: serve_run() would refuse the experiment; nothing is run. */
enum status serve_check(const struct experiment *experiment, const struct serve_config *config,
                        struct error *err);

/* Runs the experiment to its end, or until progress stops it. STATUS_INPUT: what sim_run() refuses,
 * and what the runtime cannot do; STATUS_IO: memory, disk, device. *result is the
 * caller's to sim_result_free(). */
enum status serve_run(const struct experiment *experiment, const struct serve_config *config,
                      const struct sim_progress *progress, struct sim_result *result,
                      struct serve_report *report, struct error *err);

/* STATUS_IO: the disk refused requests, or gave what was not written. Such a run comes to its end, since what it
 * lacks is computed again, but what it measured is no run of the experiment that was asked. */
enum status serve_check_disk(const struct serve_report *report, const struct serve_config *config,
                             struct error *err);

#endif
