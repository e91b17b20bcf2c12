/* tests/sim/placement/steps.c - see steps.h. */
#include "tests/sim/placement/steps.h"

#include "tests/support.h"

#include <string.h>

struct steps steps_with(void)
{
    uint64_t block = BLOCK * BYTES_PER_TOKEN;
    return (struct steps){
        .config = { .policy = policy_find("lru"),
                    .unit_tokens = BLOCK,
                    .bytes_per_token = BYTES_PER_TOKEN,
                    .capacity_bytes = { 8 * block, 8 * block, 16 * block },
                    .hbm_cache_bytes = 8 * block,
                    .keys = { .write = { [TIER_SSD] = WRITE_BACK, [TIER_REMOTE] = WRITE_BACK },
                              .inclusive = { [TIER_DRAM] = true, [TIER_SSD] = true },
                              .policy = POLICY_KEYS_STANDARD,
                              .fetches_in_flight = 1,
                              .count_units = 100 } }
    };
}

void look(struct steps *steps)
{
    steps->actions = placement_take(steps->core, steps->action, 64);
    placement_verify(steps->core);
}

uint32_t count(const struct steps *steps, enum action_kind kind, enum tier from, enum tier to)
{
    uint32_t found = 0;
    for (uint32_t i = 0; i < steps->actions; i++)
        found += steps->action[i].kind == kind && steps->action[i].from == from &&
                 steps->action[i].to == to;
    return found;
}

void end_all(struct steps *steps)
{
    while (steps->actions > 0) {
        struct action action[64];
        uint32_t actions = steps->actions;
        memcpy(action, steps->action, sizeof action);
        for (uint32_t i = 0; i < actions; i++)
            if (action[i].id != 0)
                placement_transfer_ended(steps->core, ++steps->now_ns, action[i].id);
        look(steps);
    }
}

uint32_t ask(struct steps *steps, uint64_t first_key, uint32_t blocks)
{
    uint64_t keys[8];
    for (uint32_t i = 0; i < blocks; i++)
        keys[i] = first_key + i;
    return placement_queue(steps->core, ++steps->now_ns, keys, blocks, blocks * BLOCK, blocks);
}

enum prepare prepare(struct steps *steps, uint32_t job, uint32_t blocks,
                     struct placement_hits *hits)
{
    enum prepare done =
        placement_prepare(steps->core, ++steps->now_ns, job, 0, blocks * BLOCK, TIER_SSD, hits);
    look(steps);
    return done;
}

void finish(struct steps *steps, uint32_t job, uint32_t blocks)
{
    placement_save(steps->core, ++steps->now_ns, job, blocks * BLOCK);
    look(steps);
    end_all(steps);
    placement_finish(steps->core, ++steps->now_ns, job);
    look(steps);
}

struct placement_hits turn(struct steps *steps, uint64_t first_key, uint32_t blocks)
{
    struct placement_hits hits;
    uint32_t job = ask(steps, first_key, blocks);
    ck_assert_int_eq(prepare(steps, job, blocks, &hits), PREPARE_DONE);
    end_all(steps);
    finish(steps, job, blocks);
    return hits;
}

uint64_t blocks_in(const struct steps *steps, uint64_t first_key, uint32_t blocks, enum tier tier)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < blocks; i++) {
        uint32_t unit = placement_unit(steps->core, first_key + i);
        bytes += unit != UNIT_NONE ? placement_copy_bytes(steps->core, unit, tier) : 0;
    }
    return bytes / (BLOCK * BYTES_PER_TOKEN);
}
