/* tests/sim/placement/scenario.c - see scenario.h. */
#include "tests/sim/placement/scenario.h"

#include "base/memory.h"
#include "tests/support.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Not ck_assert, which writes to a file each time it holds: these are asked millions of times. */
#define HOLDS(scenario, condition)                                                                 \
    do {                                                                                           \
        if (!(condition))                                                                          \
            ck_abort_msg("%s: seed %" PRIu64 ", step %" PRIu64 ": " #condition,                    \
                         (scenario)->config.policy->name, (scenario)->seed, (scenario)->step);     \
    } while (0)

enum { BLOCK_TOKENS = 16, BYTES_PER_TOKEN = 10, TURN_TOKENS_MAX = 40 };

struct placement_config scenario_config(const struct policy *policy, bool sessions)
{
    uint64_t block = BLOCK_TOKENS * BYTES_PER_TOKEN;
    return (struct placement_config){
        .policy = policy,
        .fetches = policy->fetches,
        .unit_tokens = sessions ? UINT32_MAX : BLOCK_TOKENS,
        .bytes_per_token = BYTES_PER_TOKEN,
        .capacity_bytes = { 60 * block, 30 * block, 60 * block },
        .hbm_cache_bytes = 10 * block,
        .keys = { .write = { [TIER_SSD] = WRITE_BACK, [TIER_REMOTE] = WRITE_BACK },
                  .inclusive = { [TIER_DRAM] = true, [TIER_SSD] = true },
                  .policy = POLICY_KEYS_STANDARD,
                  .dram_reserve_share = 0.1,
                  .fetches_in_flight = 2 },
        .recompute_base_ns = 100.0,
        .recompute_slope_ns = 1.0,
    };
}

void scenario_init(struct scenario *scenario, const struct placement_config *config, uint64_t seed,
                   uint32_t take_capacity)
{
    memset(scenario, 0, sizeof *scenario);
    scenario->config = *config;
    scenario->core = placement_new(config);
    placement_tell_shares(scenario->core);
    scenario->random = random_from(seed, 1);
    scenario->seed = seed;
    scenario->take_capacity = take_capacity;
}

void scenario_free(struct scenario *scenario)
{
    placement_free(scenario->core);
    free(scenario->log);
    free(scenario->told_hbm);
}

static bool sessions(const struct scenario *scenario)
{
    return scenario->config.unit_tokens == UINT32_MAX;
}

static uint64_t draw(struct scenario *scenario, uint64_t bound)
{
    return random_below(&scenario->random, bound);
}

/* ---- what is seen at the door ---- */

static uint64_t copy_bytes(const struct scenario *scenario, uint64_t key, enum tier tier)
{
    uint32_t unit = placement_unit(scenario->core, key);
    return unit != UNIT_NONE ? placement_copy_bytes(scenario->core, unit, tier) : 0;
}

static uint64_t held_bytes(const struct scenario *scenario, uint64_t key)
{
    uint64_t most = 0;
    int slowest = scenario->config.keys.save == SAVE_LACKING ? TIER_SSD : TIER_HBM;
    for (int tier = 0; tier <= slowest; tier++) {
        uint64_t bytes = copy_bytes(scenario, key, (enum tier)tier);
        most = bytes > most ? bytes : most;
    }
    return most;
}

static bool in_running_job(const struct scenario *scenario, uint64_t key)
{
    for (uint32_t j = 0; j < SCENARIO_JOBS; j++) {
        const struct scenario_job *job = &scenario->job[j];
        /* As it starts, what it does not reuse may make room for it; of a tree, what it has loaded
         * or computed and not inserted yet may go with the node that another turn made of it. */
        bool is_other_s = scenario->config.keys.save == SAVE_NODES && !job->saved;
        uint32_t uses = job->start_step == scenario->step || is_other_s ? job->found : job->count;
        for (uint32_t i = 0; job->running && i < uses; i++)
            if (job->keys[i] == key)
                return true;
    }
    return false;
}

static struct scenario_job *job_of(struct scenario *scenario, uint32_t handle)
{
    for (uint32_t j = 0; j < SCENARIO_JOBS; j++)
        if (scenario->job[j].handle == handle)
            return &scenario->job[j];
    ck_abort_msg("the core names a job that nobody asked");
    return NULL;
}

static void note_in_hbm(struct scenario *scenario, uint32_t unit, uint64_t size_bytes)
{
    memory_grow(&scenario->told_hbm, &scenario->told_capacity, (uint64_t)unit + 1,
                sizeof *scenario->told_hbm);
    scenario->told_hbm[unit] = size_bytes;
}

/* A job's own unit, at its place in the job's chain. */
static void see_share(struct scenario *scenario, const struct action *action)
{
    const struct scenario_job *job = job_of(scenario, action->job);
    HOLDS(scenario, job->running && action->id < job->count && action->size_bytes > 0);
    HOLDS(scenario, placement_unit(scenario->core, job->keys[action->id]) == action->unit ||
                        placement_unit(scenario->core, job->keys[action->id]) == UNIT_NONE);
    note_in_hbm(scenario, action->unit, action->size_bytes);
}

static void see_action(struct scenario *scenario, const struct action *action)
{
    memory_grow(&scenario->log, &scenario->log_capacity, (uint64_t)scenario->log_count + 1,
                sizeof *scenario->log);
    scenario->log[scenario->log_count++] = *action;
    if (action->kind == ACTION_DROP) {
        scenario->dropped[action->from] += action->size_bytes;
        if (action->from == TIER_HBM)
            note_in_hbm(scenario, action->unit, 0);
    } else if (action->kind == ACTION_SHARE) {
        see_share(scenario, action);
    } else if (action->kind == ACTION_RELEASE) {
        *job_of(scenario, action->job) = (struct scenario_job){ 0 };
        scenario->jobs_done++;
    } else {
        HOLDS(scenario, action->size_bytes > 0 && scenario->flights < SCENARIO_FLIGHTS);
        scenario->flight[scenario->flights++] = *action;
        if (action->kind == ACTION_LOAD)
            job_of(scenario, action->job)->loads++;
    }
}

static void take_actions(struct scenario *scenario)
{
    struct action items[64];
    uint32_t count;
    memset(scenario->dropped, 0, sizeof scenario->dropped);
    do {
        count = placement_take(scenario->core, items, scenario->take_capacity);
        for (uint32_t i = 0; i < count; i++)
            see_action(scenario, &items[i]);
    } while (count == scenario->take_capacity);
}

/* DRAM and SSD change by what arrived and what was dropped, and by nothing else. arrived: the most
 * that may have come into each tier; a load from SSD may keep less in DRAM than it moved. */
static void check_conservation(struct scenario *scenario, const uint64_t arrived[TIER_COUNT])
{
    for (int tier = TIER_DRAM; tier < TIER_COUNT; tier++) {
        uint64_t now = 0;
        for (uint64_t key = 1; key <= SCENARIO_KEYS; key++)
            now += copy_bytes(scenario, key, (enum tier)tier);
        uint64_t before = scenario->copies[tier];
        HOLDS(scenario, now + scenario->dropped[tier] <= before + arrived[tier]);
        if (scenario->cut_key == 0)
            HOLDS(scenario, now + scenario->dropped[tier] >= before);
        HOLDS(scenario, now <= placement_used_bytes(scenario->core, (enum tier)tier));
        scenario->copies[tier] = now;
    }
}

/* Who moves real bytes has heard of every copy in HBM: a cut, of the session itself, is told when
 * its job is prepared. */
static void check_told(struct scenario *scenario)
{
    for (uint64_t key = 1; key <= SCENARIO_KEYS; key++) {
        uint32_t unit = placement_unit(scenario->core, key);
        uint64_t bytes = copy_bytes(scenario, key, TIER_HBM);
        if (unit != UNIT_NONE && key == scenario->cut_key)
            note_in_hbm(scenario, unit, bytes);
        if (unit != UNIT_NONE)
            HOLDS(scenario,
                  bytes == (unit < scenario->told_capacity ? scenario->told_hbm[unit] : 0));
    }
}

/* Capacity at every tier; nothing that a job uses is lost. running: who ran before the step too. */
static void check_units(struct scenario *scenario)
{
    for (int tier = 0; tier < TIER_COUNT; tier++)
        HOLDS(scenario, placement_used_bytes(scenario->core, (enum tier)tier) <=
                            scenario->config.capacity_bytes[tier]);
    for (uint64_t key = 1; key <= SCENARIO_KEYS; key++) {
        uint64_t held = held_bytes(scenario, key);
        if (in_running_job(scenario, key) && key != scenario->cut_key)
            HOLDS(scenario, held >= scenario->held[key]);
        scenario->held[key] = held;
    }
}

static void check(struct scenario *scenario, const uint64_t arrived[TIER_COUNT])
{
    take_actions(scenario);
    check_conservation(scenario, arrived);
    check_told(scenario);
    check_units(scenario);
    placement_verify(scenario->core);
    if (scenario->config.pool != NULL)
        pool_verify(scenario->config.pool);
    scenario->cut_key = 0;
}

/* ---- events ---- */

static struct scenario_job *free_job(struct scenario *scenario)
{
    for (uint32_t j = 0; j < SCENARIO_JOBS; j++)
        if (scenario->job[j].handle == 0)
            return &scenario->job[j];
    return NULL;
}

/* Chains of a tree: block i of branch b has the key of its level's path, so that chains share
 * beginnings and a block's key says which one is before it; the last block is often partial. */
static void make_chain(struct scenario *scenario, struct scenario_job *job)
{
    static const uint32_t first_key[SCENARIO_CHAIN] = { 1, 5, 13, 29, 45, 77 };
    static const uint32_t width[SCENARIO_CHAIN] = { 4, 8, 16, 16, 32, 32 };
    uint32_t leaf = (uint32_t)draw(scenario, 32);
    leaf = draw(scenario, 2) == 0 ? leaf % 8 : leaf; /* some are asked more often */
    job->count = 1 + (uint32_t)draw(scenario, SCENARIO_CHAIN);
    /* As of a context that overflowed. */
    uint32_t cut = scenario->cuts_fronts ? (uint32_t)draw(scenario, job->count) : 0;
    job->count -= cut;
    /* As of keys that are no hashes of all that is before: one comes back behind another. */
    bool is_reversed = scenario->cuts_fronts && draw(scenario, 8) == 0;
    for (uint32_t i = 0; i < job->count; i++) {
        uint32_t level = cut + (is_reversed ? job->count - 1 - i : i);
        job->keys[i] = first_key[level] + leaf * width[level] / 32;
    }
    job->context_tokens = job->count * BLOCK_TOKENS;
    if (scenario->config.keys.save != SAVE_NODES) /* nodes are of whole blocks */
        job->context_tokens -= (uint32_t)draw(scenario, BLOCK_TOKENS);
    job->total_tokens = job->context_tokens + 1 + (uint32_t)draw(scenario, BLOCK_TOKENS);
}

static bool session_is_busy(const struct scenario *scenario, uint64_t key)
{
    for (uint32_t j = 0; j < SCENARIO_JOBS; j++)
        if (scenario->job[j].handle != 0 && scenario->job[j].keys[0] == key)
            return true;
    return false;
}

/* Of four tenants: a session is always the same one's, a chain of blocks anybody's. */
static void set_tenant(struct scenario *scenario, uint64_t key)
{
    static const struct placement_terms terms[] = { { { 1, 1, 1 }, PLACEMENT_NO_PRIORITY },
                                                    { { 1, 0.3, 0.2 }, 90 },
                                                    { { 1, 0.2, 1 }, PLACEMENT_NO_PRIORITY },
                                                    { { 1, 0.05, 0.5 }, 10 } };
    uint32_t tenant = (uint32_t)(sessions(scenario) ? key : scenario->step) % 4;
    if (scenario->config.quotas)
        placement_set_tenant(scenario->core, tenant, &terms[tenant]);
}

static bool make_session(struct scenario *scenario, struct scenario_job *job)
{
    uint64_t key = 1 + draw(scenario, SCENARIO_KEYS / 4);
    if (session_is_busy(scenario, key) && draw(scenario, 4) != 0)
        return false;
    job->count = 1;
    job->keys[0] = key;
    if (scenario->history[key] > 200)
        scenario->history[key] = 0;
    job->context_tokens = (uint32_t)scenario->history[key];
    job->total_tokens = job->context_tokens + 2 + (uint32_t)draw(scenario, TURN_TOKENS_MAX);
    scenario->history[key] = job->total_tokens;
    return true;
}

/* Half of the turns are served by an engine that always computes a prompt's last token, or keeps no
 * replies below HBM. */
static void limit(struct scenario *scenario, const struct scenario_job *job)
{
    uint32_t prompt = job->context_tokens;
    struct placement_limits limits = { UINT32_MAX, UINT32_MAX, UINT32_MAX, prompt };
    if (draw(scenario, 2) == 0)
        limits.save_tokens = prompt;
    if (draw(scenario, 2) == 0)
        limits.hbm_tokens = prompt - 1;
    if (limits.hbm_tokens < prompt && draw(scenario, 2) == 0)
        limits.below_tokens = prompt - 1;
    placement_limit(scenario->core, job->handle, limits);
}

static void ask_turn(struct scenario *scenario)
{
    struct scenario_job *job = free_job(scenario);
    if (job == NULL)
        return;
    struct scenario_job asked = { 0 };
    if (!sessions(scenario))
        make_chain(scenario, &asked);
    else if (!make_session(scenario, &asked))
        return;
    set_tenant(scenario, asked.keys[0]);
    asked.handle = placement_queue(scenario->core, scenario->now_ns, asked.keys, asked.count,
                                   asked.context_tokens, SCENARIO_CHAIN);
    if (scenario->config.keys.save != SAVE_LACKING)
        limit(scenario, &asked);
    *job = asked;
    scenario->queue[scenario->queued++] = (uint32_t)(job - scenario->job);
}

/* A context that overflowed loses its oldest half. */
static uint32_t cut_of(struct scenario *scenario, const struct scenario_job *job)
{
    if (!sessions(scenario) || job->context_tokens < 150 || draw(scenario, 2) == 0)
        return 0;
    return draw(scenario, 4) == 0 ? CUT_ALL : job->context_tokens / 2;
}

static void prepare_next(struct scenario *scenario)
{
    if (scenario->queued == 0)
        return;
    struct scenario_job *job = &scenario->job[scenario->queue[0]];
    struct placement_hits hits;
    uint32_t cut = cut_of(scenario, job);
    uint32_t gone = cut < job->context_tokens ? cut : job->context_tokens;
    if (sessions(scenario))
        placement_set_base(scenario->core, job->handle, scenario->base[job->keys[0]] + gone, 0);
    enum prepare done = placement_prepare(scenario->core, scenario->now_ns, job->handle, cut,
                                          job->total_tokens - gone, TIER_REMOTE, &hits);
    if (done != PREPARE_DONE)
        return;
    uint32_t found = hits.tokens[TIER_HBM] + hits.tokens[TIER_DRAM] + hits.tokens[TIER_SSD] +
                     hits.tokens[TIER_REMOTE];
    HOLDS(scenario, found <= job->context_tokens);
    job->running = true;
    job->start_step = scenario->step;
    job->found = hits.units_found;
    if (scenario->config.keys.save == SAVE_NODES)
        job->found = hits.tokens[TIER_HBM] / BLOCK_TOKENS;
    job->total_tokens -= gone;
    scenario->base[job->keys[0]] += gone;
    if (cut != 0)
        scenario->cut_key = job->keys[0];
    if (sessions(scenario) && cut != 0)
        scenario->history[job->keys[0]] = job->total_tokens;
    scenario->queued--;
    memmove(scenario->queue, scenario->queue + 1, scenario->queued * sizeof *scenario->queue);
}

static struct scenario_job *some_running_job(struct scenario *scenario)
{
    uint32_t first = (uint32_t)draw(scenario, SCENARIO_JOBS);
    for (uint32_t i = 0; i < SCENARIO_JOBS; i++) {
        struct scenario_job *job = &scenario->job[(first + i) % SCENARIO_JOBS];
        if (job->running && !job->finished)
            return job;
    }
    return NULL;
}

static uint32_t chain_tokens(const struct scenario *scenario, const struct scenario_job *job)
{
    uint64_t most = sessions(scenario) ? UINT32_MAX : (uint64_t)job->count * BLOCK_TOKENS;
    return job->total_tokens < most ? job->total_tokens : (uint32_t)most;
}

static void save_or_finish(struct scenario *scenario)
{
    struct scenario_job *job = some_running_job(scenario);
    if (job == NULL)
        return;
    if (!job->saved) {
        placement_save(scenario->core, scenario->now_ns, job->handle, chain_tokens(scenario, job));
        job->saved = true;
    } else if (job->loads == 0) {
        job->finished = true;
        placement_finish(scenario->core, scenario->now_ns, job->handle);
    }
}

static void end_transfer(struct scenario *scenario, uint64_t arrived[TIER_COUNT])
{
    if (scenario->flights == 0)
        return;
    uint32_t at = (uint32_t)draw(scenario, scenario->flights);
    struct action ended = scenario->flight[at];
    scenario->flight[at] = scenario->flight[--scenario->flights];
    if (ended.kind == ACTION_LOAD)
        job_of(scenario, ended.job)->loads--;
    if (ended.to != TIER_REMOTE)
        arrived[ended.kind == ACTION_LOAD ? TIER_DRAM : ended.to] = ended.size_bytes;
    placement_transfer_ended(scenario->core, scenario->now_ns, ended.id);
}

void scenario_step(struct scenario *scenario)
{
    uint64_t arrived[TIER_COUNT] = { 0 };
    scenario->step++;
    scenario->now_ns += draw(scenario, 1000);
    switch (draw(scenario, 6)) {
    case 0:
        ask_turn(scenario);
        break;
    case 1:
    case 2:
        end_transfer(scenario, arrived);
        break;
    case 3:
        prepare_next(scenario);
        break;
    default:
        save_or_finish(scenario);
    }
    check(scenario, arrived);
}

static bool idle(const struct scenario *scenario)
{
    for (uint32_t j = 0; j < SCENARIO_JOBS; j++)
        if (scenario->job[j].handle != 0)
            return false;
    return scenario->flights == 0;
}

void scenario_drain(struct scenario *scenario)
{
    for (uint32_t turn = 0; !idle(scenario); turn++) {
        HOLDS(scenario, turn < 10000);
        for (uint32_t kind = 0; kind < 3; kind++) {
            uint64_t arrived[TIER_COUNT] = { 0 };
            scenario->step++;
            scenario->now_ns++;
            if (kind == 0)
                end_transfer(scenario, arrived);
            else if (kind == 1)
                prepare_next(scenario);
            else
                save_or_finish(scenario);
            check(scenario, arrived);
        }
    }
}

void scenario_measure(struct scenario *scenario)
{
    scenario->at_measure = *placement_counters(scenario->core);
    /* What is on its way is fetched when it comes (test_measure.c). */
    for (uint32_t i = 0; i < scenario->flights; i++)
        if (scenario->flight[i].kind == ACTION_FETCH)
            scenario->at_measure.fetch_ssd_dram_bytes -= scenario->flight[i].size_bytes;
    placement_start_measuring(scenario->core);
}

void scenario_end(struct scenario *scenario)
{
    placement_end(scenario->core);
    const struct placement_counters *now = placement_counters(scenario->core);
    const struct placement_counters *then = &scenario->at_measure;
    HOLDS(scenario, now->stored_never_loaded_bytes - then->stored_never_loaded_bytes <=
                        now->stored_bytes - then->stored_bytes);
    HOLDS(scenario, now->fetched_unused_bytes - then->fetched_unused_bytes <=
                        now->fetch_ssd_dram_bytes - then->fetch_ssd_dram_bytes +
                            now->fetch_remote_dram_bytes - then->fetch_remote_dram_bytes);
}

static uint64_t moved_bytes(const struct scenario *scenario, enum action_kind kind, enum tier from,
                            enum tier to)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < scenario->log_count; i++) {
        const struct action *action = &scenario->log[i];
        bytes += action->kind == kind && action->from == from && action->to == to
                     ? action->size_bytes
                     : 0;
    }
    return bytes;
}

void scenario_check_counters(const struct scenario *scenario)
{
    const struct placement_counters *counters = placement_counters(scenario->core);
#define COUNTED(counter, kind, from, to)                                                           \
    HOLDS(scenario, counters->counter == moved_bytes(scenario, kind, from, to))
    COUNTED(load_dram_hbm_bytes, ACTION_LOAD, TIER_DRAM, TIER_HBM);
    COUNTED(load_ssd_hbm_bytes, ACTION_LOAD, TIER_SSD, TIER_HBM);
    COUNTED(fetch_ssd_dram_bytes, ACTION_FETCH, TIER_SSD, TIER_DRAM);
    COUNTED(save_hbm_dram_bytes, ACTION_SAVE, TIER_HBM, TIER_DRAM);
    COUNTED(save_hbm_ssd_bytes, ACTION_SAVE, TIER_HBM, TIER_SSD);
    COUNTED(demote_dram_ssd_bytes, ACTION_DEMOTE, TIER_DRAM, TIER_SSD);
    COUNTED(write_dram_ssd_bytes, ACTION_WRITE, TIER_DRAM, TIER_SSD);
    COUNTED(load_remote_hbm_bytes, ACTION_LOAD, TIER_REMOTE, TIER_HBM);
    COUNTED(fetch_remote_dram_bytes, ACTION_FETCH, TIER_REMOTE, TIER_DRAM);
    COUNTED(write_dram_remote_bytes, ACTION_WRITE, TIER_DRAM, TIER_REMOTE);
    COUNTED(demote_dram_remote_bytes, ACTION_DEMOTE, TIER_DRAM, TIER_REMOTE);
    COUNTED(demote_ssd_remote_bytes, ACTION_DEMOTE, TIER_SSD, TIER_REMOTE);
#undef COUNTED
}
