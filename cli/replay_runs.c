/* cli/replay_runs.c - see replay_runs.h. An item of the crew is a run's part of a batch, the pass's
 * or the bound's; after the last batch, the bound of a size. */
#define _DEFAULT_SOURCE /* clock_gettime() */
#include "cli/replay_runs.h"

#include "base/memory.h"
#include "cli/interrupt.h"
#include "cli/progress.h"
#include "cli/record_options.h"
#include "sweep/crew.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BATCH_REFERENCES = 1 << 17 };
#define LOOK_EVERY_NS 50000000
/* Fewer sizes of LRU are replayed one by one: a pass takes as long as some three of them. */
#define PASS_SIZES_LEAST 4

struct batch {
    uint64_t *keys;
    uint32_t key_count, keys_capacity;
    struct asked *asked; /* keys: NULL, they follow each other */
    uint32_t count, asked_capacity;
};

struct work {
    struct replay_runs *all;
    const struct batch *batch; /* NULL: it is sizes' bounds that are asked */
    bool too_many;             /* references for a bound; the bound's item alone writes it */
};

static double cpu_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void replay_batch(struct replay_run *run, const struct batch *batch)
{
    double begin = cpu_now();
    const uint64_t *keys = batch->keys;
    for (uint32_t i = 0; i < batch->count; i++) {
        const struct asked *asked = &batch->asked[i];
        if (run->turns != NULL)
            replay_whose(run->replay,
                         &(struct replay_whose){ asked->session, asked->turn, asked->asked_ns });
        replay_request(run->replay, keys, asked->count, asked->prompt_tokens);
        keys += asked->count;
    }
    run->cpu_s += cpu_now() - begin;
}

static void pass_batch(struct replay_runs *all, const struct batch *batch)
{
    double begin = cpu_now();
    uint32_t at = 0;
    for (uint32_t i = 0; i < batch->count; i++) {
        const struct asked *asked = &batch->asked[i];
        replay_sizes_request(all->pass, batch->keys + at, asked->count, batch->key_count - at,
                             asked->prompt_tokens);
        at += asked->count;
    }
    all->pass_cpu_s += cpu_now() - begin;
}

static bool tell_batch(struct bound *bound, const struct batch *batch)
{
    const uint64_t *keys = batch->keys;
    for (uint32_t i = 0; i < batch->count; i++) {
        if (!bound_request(bound, keys, batch->asked[i].count))
            return false;
        keys += batch->asked[i].count;
    }
    return true;
}

static uint64_t all_blocks(const struct replay_size *size)
{
    uint64_t sum = 0;
    for (int tier = 0; tier < TIER_COUNT; tier++)
        sum = size->blocks[tier] > UINT64_MAX - sum ? UINT64_MAX : sum + size->blocks[tier];
    return sum;
}

static void do_item(void *context, uint32_t item)
{
    struct work *work = context;
    struct replay_runs *all = work->all;
    if (work->batch == NULL)
        all->sizes[item].bound = bound_of(all->bound, all_blocks(&all->sizes[item]));
    else if (item < all->run_count)
        replay_batch(&all->runs[item], work->batch);
    else if (item == all->run_count)
        pass_batch(all, work->batch);
    else
        work->too_many |= !tell_batch(all->bound, work->batch);
}

/* Those whose part of a batch is something to do. */
static void give_parts(const struct replay_runs *all, struct crew *crew)
{
    for (uint32_t i = 0; i < all->run_count; i++)
        if (all->runs[i].replay != NULL)
            crew_give(crew, i);
    if (all->pass != NULL)
        crew_give(crew, all->run_count);
    if (all->bound != NULL)
        crew_give(crew, all->run_count + 1);
}

/* ---- reading ---- */

static void add_request(struct batch *batch, const struct asked *asked)
{
    memory_grow(&batch->keys, &batch->keys_capacity, (uint64_t)batch->key_count + asked->count,
                sizeof *batch->keys);
    memory_grow(&batch->asked, &batch->asked_capacity, (uint64_t)batch->count + 1,
                sizeof *batch->asked);
    if (asked->count > 0)
        memcpy(batch->keys + batch->key_count, asked->keys, asked->count * sizeof *batch->keys);
    batch->key_count += asked->count;
    batch->asked[batch->count] = *asked;
    batch->asked[batch->count++].keys = NULL;
}

static void add_measured(struct replay_measured *measured, const struct asked *asked,
                         uint32_t block_tokens)
{
    uint64_t tokens = (uint64_t)asked->measured_hits * block_tokens;
    measured->hits += asked->measured_hits;
    measured->hits_below += asked->measured_hits_below;
    measured->hit_tokens += tokens < asked->prompt_tokens ? tokens : asked->prompt_tokens;
}

static enum trace_step read_batch(struct replay_runs *all, struct requests *requests,
                                  struct batch *batch, struct error *err)
{
    uint32_t block_tokens = requests_block_tokens(requests);
    struct asked asked;
    enum trace_step step = TRACE_ITEM;
    batch->count = batch->key_count = 0;
    while (batch->key_count < BATCH_REFERENCES && batch->count < BATCH_REFERENCES &&
           (step = requests_next(requests, &asked, err)) == TRACE_ITEM) {
        add_request(batch, &asked);
        add_measured(&all->measured, &asked, block_tokens);
    }
    return step;
}

static void free_batch(struct batch *batch)
{
    free(batch->keys);
    free(batch->asked);
}

/* ---- all of it ---- */

struct shown {
    struct progress progress;
    const struct trace *trace;
    uint64_t references;
};

static void draw(struct shown *shown)
{
    progress_draw(&shown->progress, trace_progress(shown->trace), shown->references, "references");
}

static void wait_for(struct crew *crew, struct shown *shown)
{
    uint32_t item;
    while (crew_owes(crew) > 0) {
        crew_take(crew, LOOK_EVERY_NS, &item);
        draw(shown);
    }
}

static enum status replay_all(struct work *work, struct crew *crew, struct requests *requests,
                              struct shown *shown, struct error *err)
{
    struct replay_runs *all = work->all;
    struct batch batch[2] = { { 0 } };
    enum trace_step step = read_batch(all, requests, &batch[0], err);
    for (int at = 0; step != TRACE_ERROR && batch[at].count > 0; at = 1 - at) {
        work->batch = &batch[at];
        shown->references += batch[at].key_count;
        give_parts(all, crew);
        /* The next one is read meanwhile. */
        batch[1 - at].count = 0;
        if (step == TRACE_ITEM && !interrupt_asked())
            step = read_batch(all, requests, &batch[1 - at], err);
        wait_for(crew, shown);
    }
    work->batch = NULL;
    free_batch(&batch[0]);
    free_batch(&batch[1]);
    if (work->too_many)
        return error_input(err, NULL, 0, "trace",
                           "fewer than 4,294,967,295 block references, or --no-bound", "more");
    return step == TRACE_ERROR ? err->status
           : interrupt_asked() ? error_interrupted(err)
                               : STATUS_OK;
}

static void ask_bounds(struct work *work, struct crew *crew, struct shown *shown)
{
    struct replay_runs *all = work->all;
    if (all->bound == NULL)
        return;
    all->bound_bytes = bound_bytes(all->bound);
    bound_seal(all->bound);
    for (uint32_t i = 0; i < all->size_count; i++)
        crew_give(crew, i);
    wait_for(crew, shown);
}

/* ---- rows of requests ---- */

static void tell_request(void *context, const struct turn_row *row)
{
    turn_file_add(context, row);
}

/* "lru", or of several sizes "lru-10000", with an SSD "lru-10000-40000". */
static void run_label(const struct replay_runs *all, const struct replay_run *run, char *out,
                      size_t out_bytes)
{
    const uint64_t *blocks = run->config.blocks;
    int length = snprintf(out, out_bytes, "%s", run->config.policy->name);
    if (all->size_count <= 1)
        return;
    length +=
        blocks[TIER_DRAM] == UINT64_MAX
            ? snprintf(out + length, out_bytes - (size_t)length, "-unlimited")
            : snprintf(out + length, out_bytes - (size_t)length, "-%" PRIu64, blocks[TIER_DRAM]);
    if (blocks[TIER_SSD] > 0)
        snprintf(out + length, out_bytes - (size_t)length, "-%" PRIu64, blocks[TIER_SSD]);
}

static enum status open_turns(struct replay_runs *all, struct error *err)
{
    enum status status = STATUS_OK;
    for (uint32_t i = 0; all->turns != NULL && i < all->run_count && status == STATUS_OK; i++) {
        struct replay_run *run = &all->runs[i];
        char label[128], path[RECORD_PATH_BYTES];
        run_label(all, run, label, sizeof label);
        status = record_options_path(all->turns, label, all->run_count, path, err);
        if (status == STATUS_OK)
            status = experiment_check_apart(all->experiment, "--turns", path, err);
        if (status == STATUS_OK)
            status = turn_file_open(path, label, &run->turns, err);
        if (status == STATUS_OK)
            run->config.teller = (struct replay_teller){ tell_request, run->turns };
    }
    return status;
}

/* Whole, or not there. */
static enum status close_turns(struct replay_runs *all, enum status status, struct error *err)
{
    for (uint32_t i = 0; i < all->run_count; i++) {
        struct turn_file *turns = all->runs[i].turns;
        all->runs[i].turns = NULL;
        if (turns != NULL && status == STATUS_OK)
            status = turn_file_finish(turns, err);
        else
            turn_file_abandon(turns);
    }
    return status;
}

/* ---- making and ending the replays ---- */

/* The runs that one pass replays, in order. Returns how many; 0: too few for one. */
static uint32_t list_pass(const struct replay_runs *all, uint32_t *listed)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < all->run_count; i++)
        if (replay_sizes_can(&all->runs[i].config))
            listed[count++] = i;
    return count >= PASS_SIZES_LEAST ? count : 0;
}

static void make_replays(struct replay_runs *all)
{
    uint32_t *listed = memory_new(all->run_count, sizeof *listed), next = 0;
    uint32_t count = list_pass(all, listed);
    const struct replay_config **configs = memory_new(count, sizeof *configs);
    for (uint32_t i = 0; i < count; i++)
        configs[i] = &all->runs[listed[i]].config;
    if (count > 0)
        all->pass = replay_sizes_new(configs, count);
    for (uint32_t i = 0; i < all->run_count; i++)
        if (next < count && listed[next] == i)
            next++;
        else
            all->runs[i].replay = replay_new(&all->runs[i].config);
    free(configs);
    free(listed);
}

static void finish_pass(struct replay_runs *all)
{
    struct replay_result **results = memory_new(all->run_count, sizeof *results);
    uint32_t count = 0;
    for (uint32_t i = 0; i < all->run_count; i++)
        if (all->runs[i].replay == NULL)
            results[count++] = &all->runs[i].result;
    for (uint32_t i = 0; i < all->run_count; i++)
        if (all->runs[i].replay == NULL)
            all->runs[i].cpu_s = all->pass_cpu_s / count;
    replay_sizes_finish(all->pass, results);
    free(results);
}

static void finish_replays(struct replay_runs *all)
{
    for (uint32_t i = 0; i < all->run_count; i++)
        if (all->runs[i].replay != NULL)
            all->runs[i].result = replay_finish(all->runs[i].replay);
    if (all->pass != NULL)
        finish_pass(all);
}

static void free_replays(struct replay_runs *all)
{
    for (uint32_t i = 0; i < all->run_count; i++)
        replay_free(all->runs[i].replay);
    replay_sizes_free(all->pass);
    all->pass = NULL;
}

enum status replay_runs_do(struct replay_runs *all, struct trace *trace, struct requests *requests,
                           uint64_t threads, struct error *err)
{
    struct work work = { .all = all };
    struct shown shown = { .trace = trace };
    struct crew *crew = NULL;
    uint32_t items = all->run_count + (all->bound != NULL); /* at the most */
    enum status status = open_turns(all, err);
    if (status == STATUS_OK)
        status = crew_start(crew_size(threads, items), do_item, &work, &crew, err);
    if (status != STATUS_OK)
        return close_turns(all, status, err);
    make_replays(all);
    progress_start(&shown.progress);
    status = replay_all(&work, crew, requests, &shown, err);
    finish_replays(all);
    if (status == STATUS_OK)
        ask_bounds(&work, crew, &shown);
    progress_end(&shown.progress);
    crew_end(crew);
    free_replays(all);
    return close_turns(all, status, err);
}
