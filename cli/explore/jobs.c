/* cli/explore/jobs.c - see jobs.h. */
#include "cli/explore/jobs.h"

#include "base/memory.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const job_slot_words[JOB_SLOT_COUNT + 1] = { JOB_SLOTS(CHOICE_WORD) NULL };

/* Progress is written by the newest job alone: an older one sees at its next look that it is not.
 */
struct slot {
    atomic_uint_fast64_t newest;  /* its number; older ones stop */
    atomic_uint_fast64_t running; /* jobs that have not ended */
    atomic_uint_fast64_t turns;
    atomic_uint_fast32_t share_millionths;
};

struct page {
    char name[JOB_PAGE_BYTES];
    uint64_t used; /* when it last was, in calls */
    uint32_t jobs; /* that point here: it stays */
    struct slot slot[JOB_SLOT_COUNT];
};

/* More tabs at once than this share one. */
enum { PAGES_MOST = 64 };

struct jobs {
    atomic_bool stopped;
    pthread_mutex_t lock; /* pages' names, uses and jobs; slots are atomic */
    uint64_t calls;
    struct page page[PAGES_MOST];
};

struct job {
    struct jobs *jobs;
    struct page *page;
    struct slot *slot;
    const struct job_place *place;
    struct turn_log *log; /* NULL: none */
    uint64_t number;
};

struct jobs *jobs_new(void)
{
    struct jobs *jobs = memory_new(1, sizeof *jobs);
    atomic_init(&jobs->stopped, false);
    pthread_mutex_init(&jobs->lock, NULL);
    for (int p = 0; p < PAGES_MOST; p++)
        for (int i = 0; i < JOB_SLOT_COUNT; i++) {
            struct slot *slot = &jobs->page[p].slot[i];
            atomic_init(&slot->newest, 0);
            atomic_init(&slot->running, 0);
            atomic_init(&slot->turns, 0);
            atomic_init(&slot->share_millionths, 0);
        }
    return jobs;
}

void jobs_free(struct jobs *jobs)
{
    if (jobs == NULL)
        return;
    pthread_mutex_destroy(&jobs->lock);
    free(jobs);
}

/* The page of that name; else the place of the one that was idle for longest, which begins anew. */
static struct page *find(struct jobs *jobs, const char *name)
{
    struct page *oldest = NULL;
    for (int p = 0; p < PAGES_MOST; p++) {
        struct page *page = &jobs->page[p];
        if (page->used > 0 && strcmp(page->name, name) == 0)
            return page;
        if (page->jobs == 0 && (oldest == NULL || page->used < oldest->used))
            oldest = page;
    }
    if (oldest == NULL)
        return &jobs->page[0];
    snprintf(oldest->name, sizeof oldest->name, "%s", name);
    return oldest;
}

/* The page, which stays until it is let go. */
static struct page *take(struct jobs *jobs, const char *name)
{
    pthread_mutex_lock(&jobs->lock);
    struct page *page = find(jobs, name);
    page->used = ++jobs->calls;
    page->jobs++;
    pthread_mutex_unlock(&jobs->lock);
    return page;
}

static void let_go(struct jobs *jobs, struct page *page)
{
    pthread_mutex_lock(&jobs->lock);
    page->jobs--;
    pthread_mutex_unlock(&jobs->lock);
}

static bool wanted(const struct job *job)
{
    const struct job_place *place = job->place;
    return !atomic_load(&job->jobs->stopped) && atomic_load(&job->slot->newest) == job->number &&
           (place->is_gone == NULL || !place->is_gone(place->asker));
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

static void note_turn(void *context, const struct turn_times *turn)
{
    const struct job *job = context;
    turn_log_add(job->log, turn);
}

static enum job_end run(struct job *job, const struct experiment *experiment,
                        const struct watch *watch, struct sim_result *result, struct error *err)
{
    const struct sim_progress progress = { .tell = tell,
                                           .context = job,
                                           .turn_ended = job->log != NULL ? note_turn : NULL,
                                           .watch = watch };
    if (!wanted(job))
        return JOB_STOPPED;
    if (sim_run(experiment, &progress, result, err) != STATUS_OK)
        return wanted(job) ? JOB_FAILED : JOB_STOPPED;
    if (wanted(job) && !result->interrupted)
        return JOB_DONE;
    sim_result_free(result);
    return JOB_STOPPED;
}

enum job_end jobs_run(struct jobs *jobs, const struct job_place *place,
                      const struct experiment *experiment, const struct job_heard *heard,
                      struct sim_result *result, struct error *err)
{
    struct job job = { .jobs = jobs, .page = take(jobs, place->page), .place = place };
    job.slot = &job.page->slot[place->slot];
    job.log = heard != NULL ? heard->log : NULL;
    job.number = atomic_fetch_add(&job.slot->newest, 1) + 1;
    atomic_fetch_add(&job.slot->running, 1);
    note_progress(job.slot, 0, 0.0);
    enum job_end end = run(&job, experiment, heard != NULL ? heard->watch : NULL, result, err);
    atomic_fetch_sub(&job.slot->running, 1);
    let_go(jobs, job.page);
    return end;
}

void jobs_cancel(struct jobs *jobs, const struct job_place *place)
{
    struct page *page = take(jobs, place->page);
    atomic_fetch_add(&page->slot[place->slot].newest, 1);
    let_go(jobs, page);
}

void jobs_stop(struct jobs *jobs)
{
    atomic_store(&jobs->stopped, true);
}

struct job_progress jobs_progress(struct jobs *jobs, const struct job_place *place)
{
    struct page *page = take(jobs, place->page);
    const struct slot *at = &page->slot[place->slot];
    const struct job_progress progress = { .running = atomic_load(&at->running) > 0,
                                           .turns = atomic_load(&at->turns),
                                           .share =
                                               (double)atomic_load(&at->share_millionths) / 1e6 };
    let_go(jobs, page);
    return progress;
}
