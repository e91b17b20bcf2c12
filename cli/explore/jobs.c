/* cli/explore/jobs.c - see jobs.h. */
#include "cli/explore/jobs.h"

#include "base/memory.h"

#include <stdatomic.h>
#include <stdlib.h>

const char *const job_slot_words[JOB_SLOT_COUNT + 1] = { JOB_SLOTS(CHOICE_WORD) NULL };

/* Progress is written by the newest job alone: an older one sees at its next look that it is not.
 */
struct slot {
    atomic_uint_fast64_t newest;  /* its number; older ones stop */
    atomic_uint_fast64_t running; /* jobs that have not ended */
    atomic_uint_fast64_t turns;
    atomic_uint_fast32_t share_millionths;
};

struct jobs {
    atomic_bool stopped;
    struct slot slot[JOB_SLOT_COUNT];
};

struct job {
    struct jobs *jobs;
    struct slot *slot;
    uint64_t number;
};

struct jobs *jobs_new(void)
{
    struct jobs *jobs = memory_new(1, sizeof *jobs);
    atomic_init(&jobs->stopped, false);
    for (int i = 0; i < JOB_SLOT_COUNT; i++) {
        atomic_init(&jobs->slot[i].newest, 0);
        atomic_init(&jobs->slot[i].running, 0);
        atomic_init(&jobs->slot[i].turns, 0);
        atomic_init(&jobs->slot[i].share_millionths, 0);
    }
    return jobs;
}

void jobs_free(struct jobs *jobs)
{
    free(jobs);
}

static bool wanted(const struct job *job)
{
    return !atomic_load(&job->jobs->stopped) && atomic_load(&job->slot->newest) == job->number;
}

static void note_progress(struct slot *slot, uint64_t turns, double share)
{
    share = share < 0.0 ? 0.0 : share > 1.0 ? 1.0 : share;
    atomic_store(&slot->turns, turns);
    atomic_store(&slot->share_millionths, (uint_fast32_t)(share * 1e6));
}

static bool tell(void *context, uint64_t turns_done, uint64_t turns_expected, double share_read)
{
    const struct job *job = context;
    if (!wanted(job))
        return false;
    note_progress(job->slot, turns_done,
                  turns_expected > 0 ? (double)turns_done / (double)turns_expected : share_read);
    return true;
}

static enum job_end run(struct job *job, const struct experiment *experiment,
                        struct sim_result *result, struct error *err)
{
    const struct sim_progress progress = { .tell = tell, .context = job };
    if (!wanted(job))
        return JOB_STOPPED;
    if (sim_run(experiment, &progress, result, err) != STATUS_OK)
        return wanted(job) ? JOB_FAILED : JOB_STOPPED;
    if (wanted(job) && !result->interrupted)
        return JOB_DONE;
    sim_result_free(result);
    return JOB_STOPPED;
}

enum job_end jobs_run(struct jobs *jobs, enum job_slot slot, const struct experiment *experiment,
                      struct sim_result *result, struct error *err)
{
    struct job job = { .jobs = jobs, .slot = &jobs->slot[slot] };
    job.number = atomic_fetch_add(&job.slot->newest, 1) + 1;
    atomic_fetch_add(&job.slot->running, 1);
    note_progress(job.slot, 0, 0.0);
    enum job_end end = run(&job, experiment, result, err);
    atomic_fetch_sub(&job.slot->running, 1);
    return end;
}

void jobs_cancel(struct jobs *jobs, enum job_slot slot)
{
    atomic_fetch_add(&jobs->slot[slot].newest, 1);
}

void jobs_stop(struct jobs *jobs)
{
    atomic_store(&jobs->stopped, true);
}

struct job_progress jobs_progress(const struct jobs *jobs, enum job_slot slot)
{
    const struct slot *at = &jobs->slot[slot];
    return (struct job_progress){ .running = atomic_load(&at->running) > 0,
                                  .turns = atomic_load(&at->turns),
                                  .share = (double)atomic_load(&at->share_millionths) / 1e6 };
}
