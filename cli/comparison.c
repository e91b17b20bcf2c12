/* cli/comparison.c - see comparison.h. Threads share nothing but the next run's number and a flag.
 */
#include "cli/comparison.h"

#include "base/memory.h"
#include "cli/experiment_options.h"
#include "cli/interrupt.h"
#include "cli/progress.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define POLICIES_MOST 64
#define THREADS_MOST 1024
#define LOOK_EVERY_NS 50000000

/* ---- the list of runs ---- */

static uint32_t count_names(const char *policies)
{
    uint32_t count = 1;
    for (; *policies != '\0'; policies++)
        count += *policies == ',';
    return count;
}

enum status comparison_init(struct comparison *comparison, const struct experiment *experiment,
                            const char *policies, struct error *err)
{
    comparison->count = count_names(policies);
    if (comparison->count > POLICIES_MOST) {
        comparison->count = 0;
        return error_input(err, NULL, 0, "--policy", "at most 64 policies", policies);
    }
    comparison->runs = memory_new(comparison->count, sizeof *comparison->runs);
    for (uint32_t i = 0; i < comparison->count; i++) {
        struct run *run = &comparison->runs[i];
        size_t length = strcspn(policies, ",");
        if (length == 0 || length >= sizeof run->experiment.policy)
            return error_input(err, NULL, 0, "--policy", "names with commas between them",
                               policies);
        run->experiment = *experiment;
        memcpy(run->experiment.policy, policies, length);
        run->experiment.policy[length] = '\0';
        for (uint32_t before = 0; before < i; before++)
            if (strcmp(comparison->runs[before].experiment.policy, run->experiment.policy) == 0)
                return error_input(err, NULL, 0, "--policy", "each policy once",
                                   run->experiment.policy);
        atomic_init(&run->turns, 0);
        atomic_init(&run->share_millionths, 0);
        policies += length + (policies[length] == ',');
    }
    return STATUS_OK;
}

void comparison_free(struct comparison *comparison)
{
    for (uint32_t i = 0; i < comparison->count; i++)
        if (comparison->runs[i].finished)
            sim_result_free(&comparison->runs[i].result);
    free(comparison->runs);
}

/* ---- running ---- */

struct crew {
    struct comparison *comparison;
    atomic_uint next_run;
    atomic_bool stop; /* a run has failed: the others' results are not wanted */
    pthread_mutex_t lock;
    pthread_cond_t one_ended;
    uint32_t working; /* threads that have not ended; under lock */
};

struct teller {
    struct crew *crew;
    struct run *run;
};

static bool tell(void *context, uint64_t turns_done, uint64_t turns_expected, double share_read)
{
    const struct teller *teller = context;
    double share = turns_expected > 0 ? (double)turns_done / (double)turns_expected : share_read;
    share = share < 0.0 ? 0.0 : share > 1.0 ? 1.0 : share;
    atomic_store(&teller->run->turns, turns_done);
    atomic_store(&teller->run->share_millionths, (uint_fast32_t)(share * 1e6));
    return !atomic_load(&teller->crew->stop) && !interrupt_asked();
}

static void run_one(struct crew *crew, struct run *run)
{
    struct teller teller = { crew, run };
    struct sim_progress progress = { tell, &teller };
    if (sim_run(&run->experiment, &progress, &run->result, &run->err) != STATUS_OK) {
        atomic_store(&crew->stop, true);
        return;
    }
    run->finished = !run->result.interrupted;
    if (run->finished)
        atomic_store(&run->share_millionths, 1000000);
    else
        sim_result_free(&run->result);
}

static void *work(void *context)
{
    struct crew *crew = context;
    const struct comparison *comparison = crew->comparison;
    for (;;) {
        uint32_t i = atomic_fetch_add(&crew->next_run, 1);
        if (i >= comparison->count || atomic_load(&crew->stop) || interrupt_asked())
            break;
        run_one(crew, &comparison->runs[i]);
    }
    pthread_mutex_lock(&crew->lock);
    crew->working--;
    pthread_cond_signal(&crew->one_ended);
    pthread_mutex_unlock(&crew->lock);
    return NULL;
}

static void draw(struct progress *progress, const struct comparison *comparison)
{
    uint64_t turns = 0, millionths = 0;
    for (uint32_t i = 0; i < comparison->count; i++) {
        turns += atomic_load(&comparison->runs[i].turns);
        millionths += atomic_load(&comparison->runs[i].share_millionths);
    }
    progress_draw(progress, (double)millionths / 1e6 / comparison->count, turns);
}

static void wait_for_all(struct crew *crew)
{
    struct progress progress;
    progress_start(&progress);
    pthread_mutex_lock(&crew->lock);
    while (crew->working > 0) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += LOOK_EVERY_NS;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&crew->one_ended, &crew->lock, &until);
        draw(&progress, crew->comparison);
    }
    pthread_mutex_unlock(&crew->lock);
    progress_end(&progress);
}

static uint32_t choose_threads(uint64_t wanted, uint32_t runs)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    uint64_t threads = wanted > 0 ? wanted : cores > 0 ? (uint64_t)cores : 1;
    if (threads > THREADS_MOST)
        threads = THREADS_MOST;
    return threads < runs ? (uint32_t)threads : runs;
}

static enum status run_in_threads(struct crew *crew, uint32_t threads, struct error *err)
{
    pthread_t *thread = memory_new(threads, sizeof *thread);
    uint32_t started = 0;
    int rc = 0;
    while (rc == 0 && started < threads) {
        pthread_mutex_lock(&crew->lock);
        crew->working++;
        pthread_mutex_unlock(&crew->lock);
        rc = pthread_create(&thread[started], NULL, work, crew);
        if (rc == 0)
            started++;
    }
    if (rc != 0) { /* fewer do as well; none do not */
        pthread_mutex_lock(&crew->lock);
        crew->working--;
        pthread_mutex_unlock(&crew->lock);
    }
    wait_for_all(crew);
    for (uint32_t i = 0; i < started; i++)
        pthread_join(thread[i], NULL);
    free(thread);
    return started > 0 ? STATUS_OK : error_io(err, NULL, "start a thread", strerror(rc));
}

/* The runs that finished, in their order. */
static void keep_finished(struct comparison *comparison)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < comparison->count; i++)
        if (comparison->runs[i].finished)
            memcpy(&comparison->runs[kept++], &comparison->runs[i], sizeof *comparison->runs);
    comparison->count = kept;
}

static enum status outcome(struct comparison *comparison, struct error *err)
{
    bool all = true;
    for (uint32_t i = 0; i < comparison->count; i++) {
        const struct run *run = &comparison->runs[i];
        if (run->err.status != STATUS_OK) {
            *err = run->err;
            return err->status;
        }
        all = all && run->finished;
    }
    if (all)
        return STATUS_OK;
    keep_finished(comparison);
    return error_interrupted(err);
}

enum status comparison_run(struct comparison *comparison, uint64_t threads, struct error *err)
{
    struct crew crew = { .comparison = comparison };
    atomic_init(&crew.next_run, 0);
    atomic_init(&crew.stop, false);
    pthread_mutex_init(&crew.lock, NULL);
    pthread_cond_init(&crew.one_ended, NULL);
    enum status status = run_in_threads(&crew, choose_threads(threads, comparison->count), err);
    pthread_cond_destroy(&crew.one_ended);
    pthread_mutex_destroy(&crew.lock);
    return status == STATUS_OK ? outcome(comparison, err) : status;
}

/* ---- storing ---- */

enum status comparison_store(const struct comparison *comparison, struct store *store,
                             int64_t *first_id, struct error *err)
{
    uint32_t count = comparison->count;
    struct store_run *stored = memory_new(count, sizeof *stored);
    char **yaml = memory_new(count, sizeof *yaml);
    for (uint32_t i = 0; i < count; i++) {
        const struct run *run = &comparison->runs[i];
        yaml[i] = experiment_yaml(&run->experiment);
        stored[i] = (struct store_run){ .name = run->experiment.policy,
                                        .config_yaml = yaml[i],
                                        .seed = run->experiment.workload.seed,
                                        .result = &run->result };
    }
    enum status status = store_put_runs(store, stored, count, first_id, err);
    for (uint32_t i = 0; i < count; i++)
        free(yaml[i]);
    free(yaml);
    free(stored);
    return status;
}
