/* cli/runs.c - worker threads that take the next run until none is left. */
#include "cli/runs.h"

#include "cli/interrupt.h"
#include "cli/progress.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

enum status runs_plan(struct runs *runs, const struct experiment *base, const char *policies,
                      struct error *err)
{
    runs->count = 0;
    for (const char *at = policies;;) {
        size_t length = strcspn(at, ",");
        if (length == 0 || length >= CONFIG_TEXT_BYTES || runs->count == RUNS_MAX)
            return error_input(err, NULL, 0, "--policy", "1 to 32 policies, parted by commas",
                               policies);
        struct run *run = &runs->run[runs->count++];
        memset(run, 0, sizeof *run);
        run->experiment = *base;
        memcpy(run->experiment.policy, at, length);
        run->experiment.policy[length] = '\0';
        for (uint32_t i = 0; i + 1 < runs->count; i++)
            if (strcmp(runs->run[i].experiment.policy, run->experiment.policy) == 0)
                return error_input(err, NULL, 0, "--policy", "each policy once",
                                   run->experiment.policy);
        if (at[length] == '\0')
            return STATUS_OK;
        at += length + 1;
    }
}

struct crew {
    struct runs *runs;
    struct progress *progress;
    atomic_uint next;
    atomic_bool failed; /* a refused input: the others need not go on */
};

struct told {
    struct crew *crew;
    uint32_t run;
};

static bool tell(void *context, uint64_t turns_done, uint64_t turns_expected, double share_read)
{
    struct told *told = context;
    double share = turns_expected > 0 ? (double)turns_done / (double)turns_expected : share_read;
    progress_tell(told->crew->progress, told->run, turns_done, share);
    return !interrupt_asked() && !atomic_load(&told->crew->failed);
}

static void *work(void *context)
{
    struct crew *crew = context;
    for (;;) {
        uint32_t i = atomic_fetch_add(&crew->next, 1);
        if (i >= crew->runs->count || interrupt_asked() || atomic_load(&crew->failed))
            return NULL;
        struct run *run = &crew->runs->run[i];
        struct told told = { crew, i };
        struct sim_progress progress = { .tell = tell, .context = &told };
        if (sim_run(&run->experiment, &progress, &run->result, &run->err) != STATUS_OK)
            atomic_store(&crew->failed, true);
        else if (run->result.interrupted)
            sim_result_free(&run->result);
        else
            run->done = true;
    }
}

enum status runs_run(struct runs *runs, uint32_t threads, struct error *err)
{
    struct crew crew = { .runs = runs, .progress = progress_new(runs->count) };
    pthread_t thread[RUNS_MAX];
    uint32_t started = 0;
    /* This thread works too, so that a system without room for more still gets done. */
    while (started + 1 < threads && started + 1 < runs->count &&
           pthread_create(&thread[started], NULL, work, &crew) == 0)
        started++;
    work(&crew);
    for (uint32_t i = 0; i < started; i++)
        pthread_join(thread[i], NULL);
    progress_free(crew.progress);
    for (uint32_t i = 0; i < runs->count; i++) {
        if (runs->run[i].err.status != STATUS_OK) {
            *err = runs->run[i].err;
            return err->status;
        }
    }
    return interrupt_asked() ? error_interrupted(err) : STATUS_OK;
}

void runs_free(struct runs *runs)
{
    for (uint32_t i = 0; i < runs->count; i++)
        if (runs->run[i].done)
            sim_result_free(&runs->run[i].result);
}
