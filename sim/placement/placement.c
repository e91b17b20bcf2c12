/* sim/placement/placement.c - the core comes and goes; what a driver may ask of it. A job's life is
 * in queue.c, prepare.c, save.c and run.c. */
#include "sim/placement/placement.h"

#include "base/memory.h"
#include "sim/placement/core.h"

#include <stdlib.h>
#include <string.h>

static uint64_t tokens_of(const struct placement_config *config, uint64_t bytes)
{
    return bytes / config->bytes_per_token;
}

static void set_env(struct placement *core)
{
    struct policy_env *env = &core->env;
    const struct placement_config *config = &core->config;
    env->units = &core->units.seen;
    env->state = memory_new(1, core->policy->state_bytes);
    env->key_of = books_key_of;
    env->remembers = books_remember;
    env->unit_tokens = config->unit_tokens;
    env->recompute_base_ns = config->recompute_base_ns;
    env->recompute_slope_ns = config->recompute_slope_ns;
    env->now_ns = &core->now_ns;
    env->keys = config->keys.policy;
    memset(core->priority, (int)env->keys.priority_lru_standard_priority, sizeof core->priority);
    for (int tier = 0; tier < TIER_COUNT; tier++) {
        env->capacity_tokens[tier] = tokens_of(config, config->capacity_bytes[tier]);
        if (config->unit_tokens != UINT32_MAX)
            env->capacity_units[tier] = env->capacity_tokens[tier] / config->unit_tokens;
    }
}

/* Without DRAM only SSD's filter counts. */
static uint32_t most_uses(const struct placement *core)
{
    uint32_t admit = core->config.keys.admit_uses[TIER_DRAM],
             write = core_write_uses(core, TIER_DRAM);
    if (core->env.capacity_tokens[TIER_DRAM] == 0)
        return 0;
    return admit > write ? admit : write;
}

struct placement *placement_new(const struct placement_config *config)
{
    struct placement *core = memory_new(1, sizeof *core);
    core->config = *config;
    core->config.keys.leaf_only = config->keys.leaf_only && !units_are_sessions(core);
    core->policy = config->policy;
    unit_table_init(&core->units, (uint32_t)core->policy->note_bytes, core->policy->depths,
                    core->config.keys.leaf_only);
    core->units.clean = config->keys.write[TIER_DRAM] == WRITE_LAZY;
    core->units.fetches = config->fetches;
    core->units.reads = core->config.keys.save != SAVE_LACKING;
    core->units.nodes = core->units.seen.hbm_holds = core_has_nodes(core);
    core->units.counts = config->keys.admit_uses[TIER_DRAM] > 1 ||
                         config->keys.admit_uses[TIER_SSD] > 1 ||
                         config->keys.admit_uses[TIER_REMOTE] > 1;
    set_env(core);
    if (config->quotas && core->policy->saves)
        quota_new(core);
    core->reserve_tokens =
        (uint64_t)((double)core->env.capacity_tokens[TIER_DRAM] * config->keys.dram_reserve_share);
    core->hbm_cache_tokens = core->policy->saves ? tokens_of(config, config->hbm_cache_bytes) : 0;
    core->save_uses = most_uses(core);
    /* Zero names no slot, job, transfer, and as a sequence no limit. */
    ranges_init(&core->slots);
    core->promoting = sketch_new(4096, false, UINT8_MAX, 16384); /* Mooncake Store's */
    core->job_high_water = core->transfer_high_water = 1;
    core->next_sequence = 1;
    return core;
}

void placement_use_pool(struct placement *core, struct pool *pool)
{
    core->config.pool = pool;
}

void placement_free(struct placement *core)
{
    if (core == NULL)
        return;
    quota_free(core);
    losses_free(core->losses);
    if (core->policy->done != NULL)
        core->policy->done(&core->env);
    unit_table_free(&core->units);
    free(core->env.state);
    free(core->quotas);
    ranges_free(&core->slots);
    sketch_free(&core->promoting);
    free(core->slot);
    free(core->job);
    free(core->transfer);
    free(core->actions.item);
    free(core);
}

/* ---- what the driver may ask ---- */

uint32_t placement_take(struct placement *core, struct action *items, uint32_t capacity)
{
    struct action_ring *ring = &core->actions;
    uint32_t count = ring->count < capacity ? ring->count : capacity;
    for (uint32_t i = 0; i < count; i++)
        items[i] = *action_at(ring, i);
    ring->count -= count;
    ring->head = ring->count > 0 ? (uint32_t)(action_at(ring, count) - ring->item) : 0;
    return count;
}

void placement_start_measuring(struct placement *core)
{
    for (uint32_t unit = 1; unit < core->units.high_water; unit++) {
        struct unit *entry = &core->units.unit[unit];
        entry->loaded_tokens = books_stored_tokens(entry);
        entry->fetched = false;
    }
    for (int tier = 0; tier < TIER_COUNT; tier++)
        core->peak_tokens[tier] = core->used_tokens[tier];
}

void placement_end(struct placement *core)
{
    for (uint32_t unit = 1; unit < core->units.high_water; unit++) {
        struct unit *entry = &core->units.unit[unit];
        uint32_t stored = books_stored_tokens(entry);
        uint32_t loaded = books_loaded_tokens(core, entry);
        if (stored > loaded)
            core->counters.stored_never_loaded_bytes +=
                (uint64_t)(stored - loaded) * core->config.bytes_per_token;
        entry->loaded_tokens = stored;
    }
}

const struct placement_counters *placement_counters(const struct placement *core)
{
    return &core->counters;
}

void placement_set_base(struct placement *core, uint32_t job, uint32_t base_tokens,
                        uint32_t generation)
{
    core->job[job].base = (struct kv_base){ base_tokens, generation & UINT16_MAX };
}

void placement_limit(struct placement *core, uint32_t job, struct placement_limits limits)
{
    core->job[job].save_most_tokens = limits.save_tokens;
    core->job[job].prompt_tokens = limits.prompt_tokens;
    core->job[job].found_most_tokens[TIER_HBM] = limits.hbm_tokens;
    core->job[job].found_most_tokens[TIER_DRAM] = limits.below_tokens;
    core->job[job].found_most_tokens[TIER_SSD] = limits.below_tokens;
}

uint64_t placement_used_bytes(const struct placement *core, enum tier tier)
{
    return core->used_tokens[tier] * core->config.bytes_per_token;
}

uint64_t placement_peak_bytes(const struct placement *core, enum tier tier)
{
    return core->peak_tokens[tier] * core->config.bytes_per_token;
}

bool placement_saving(const struct placement *core, uint32_t handle)
{
    return core->job[handle].save_transfer != 0 || core->job[handle].save_waits;
}

uint64_t placement_unsaved_bytes(const struct placement *core, uint32_t handle)
{
    const struct job *job = &core->job[handle];
    uint64_t tokens = 0;
    for (uint32_t i = 0; i < job->chain_count; i++) {
        const struct unit *entry = &core->units.unit[chain_unit(core, job, i)];
        tokens +=
            above(chain_unit_tokens(core, i, job->save_goal_tokens), books_stored_tokens(entry));
    }
    return core->policy->saves ? tokens * core->config.bytes_per_token : 0;
}

uint64_t placement_copy_bytes(const struct placement *core, uint32_t unit, enum tier tier)
{
    return (uint64_t)core->units.unit[unit].tokens[tier] * core->config.bytes_per_token;
}

uint32_t placement_expect(const struct placement *core, uint64_t key, uint32_t step)
{
    const struct unit_table *table = &core->units;
    if (step == 0)
        keymap_prefetch(&table->map, key);
    else if (table->capacity > 0)
        unit_prefetch(table, keymap_guess(&table->map, key));
    return step + 1;
}

uint32_t placement_unit(const struct placement *core, uint64_t key)
{
    return unit_find(&core->units, key);
}
