/* tests/sim/placement/policy_case.c - see policy_case.h. */
#include "tests/sim/placement/policy_case.h"

#include "base/random.h"
#include "tests/support.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static uint64_t key_of(const struct policy_env *env, uint32_t unit)
{
    return env->units->unit[unit].key;
}

static void remembers(struct policy_env *env, uint32_t unit, enum tier tier, bool does)
{
    /* The case never forgets a unit, so there is nothing to hold it for. */
    (void)env, (void)unit, (void)tier, (void)does;
}

void case_init(struct policy_case *c, const struct policy *policy, uint32_t count, enum tier tier)
{
    memset(c, 0, sizeof *c);
    c->policy = policy;
    c->next_sequence = 1;
    unit_table_init(&c->table, (uint32_t)policy->note_bytes, policy->depths, false);
    for (uint64_t key = 1; key <= CASE_UNITS; key++)
        ck_assert_uint_eq(unit_intern(&c->table, key, UNIT_NONE), key);
    c->env.keys = (struct policy_keys)POLICY_KEYS_STANDARD;
    c->env.units = &c->table.seen;
    c->env.state = calloc(1, policy->state_bytes + 1);
    c->env.slots = c->slot;
    c->env.queue_head_sequence = 1;
    c->env.key_of = key_of;
    c->env.remembers = remembers;
    c->env.now_ns = &c->now;
    for (int t = 0; t < TIER_COUNT; t++)
        c->env.capacity_tokens[t] = c->env.capacity_units[t] = CASE_UNITS;
    for (uint32_t unit = 1; unit <= count; unit++)
        case_enter(c, unit, tier);
}

void case_free(struct policy_case *c)
{
    if (c->policy->done != NULL)
        c->policy->done(&c->env);
    free(c->env.state);
    for (uint32_t unit = 1; unit <= CASE_UNITS; unit++)
        c->table.unit[unit].first_waiter = 0;
    unit_table_free(&c->table);
}

void case_enter(struct policy_case *c, uint32_t unit, enum tier tier)
{
    struct unit_record *record = &c->record[unit];
    record->entered_at[tier] = record->used_at[tier] = ++c->now;
    record->started_at[tier] = record->found_at[tier] = record->served_at[tier] = c->now;
    record->uses[tier] = record->founds[tier] = 0;
    c->env.arrivals = c->now;
    c->table.unit[unit].tokens[tier] = 1;
    c->policy->enter(&c->env, unit, tier);
}

void case_leave(struct policy_case *c, uint32_t unit, enum tier tier)
{
    c->now++;
    c->policy->leave(&c->env, unit, tier, LEAVE_EVICTED);
    c->table.unit[unit].tokens[tier] = 0;
    c->record[unit].entered_at[tier] = 0;
}

void case_use_as(struct policy_case *c, uint32_t unit, enum tier tier, struct policy_use use)
{
    struct unit_record *record = &c->record[unit];
    record->used_at[tier] = ++c->now;
    record->uses[tier]++;
    if (!use.ends)
        record->started_at[tier] = c->now;
    if (!use.ends && use.found) {
        record->found_at[tier] = c->now;
        record->founds[tier]++;
    }
    if (!use.ends && use.served)
        record->served_at[tier] = c->now;
    c->env.use = use;
    if (c->policy->use != NULL)
        c->policy->use(&c->env, unit, tier);
}

void case_use(struct policy_case *c, uint32_t unit, enum tier tier)
{
    case_use_as(c, unit, tier, (struct policy_use){ .found = true, .served = true });
}

uint64_t case_used_at(const struct policy_case *c, uint32_t unit, enum tier tier)
{
    return c->record[unit].used_at[tier];
}

uint32_t case_least(const struct policy_case *c, enum tier tier,
                    uint64_t (*value)(const struct policy_case *c, uint32_t unit, enum tier tier))
{
    uint32_t least = UNIT_NONE;
    for (uint32_t unit = 1; unit <= CASE_UNITS; unit++)
        if (case_may_go(c, unit, tier) &&
            (least == UNIT_NONE || value(c, unit, tier) < value(c, least, tier)))
            least = unit;
    return least;
}

static void tell_wanted(struct policy_case *c, uint32_t unit)
{
    c->env.may_go_epoch += c->table.unit[unit].pins == 0;
    if (c->policy->wanted != NULL)
        c->policy->wanted(&c->env, unit);
}

void case_pin(struct policy_case *c, uint32_t unit)
{
    c->record[unit].pins++;
    if (c->table.unit[unit].pins++ == 0)
        tell_wanted(c, unit);
}

void case_unpin(struct policy_case *c, uint32_t unit)
{
    c->record[unit].pins--;
    if (--c->table.unit[unit].pins == 0)
        tell_wanted(c, unit);
}

void case_queue(struct policy_case *c, uint32_t unit)
{
    c->record[unit].sequence = c->next_sequence;
    c->slot[unit] = (struct slot){ .unit = unit, .sequence = c->next_sequence++ };
    c->table.unit[unit].first_waiter = unit;
    tell_wanted(c, unit);
}

void case_unqueue(struct policy_case *c, uint32_t unit)
{
    c->record[unit].sequence = 0;
    c->record[unit].unqueued_at = ++c->now;
    c->table.unit[unit].first_waiter = 0;
    tell_wanted(c, unit);
}

uint32_t case_victim(struct policy_case *c, enum tier tier)
{
    uint32_t victim = c->policy->victim(&c->env, tier);
    if (c->policy->victim(&c->env, tier) != victim)
        ck_abort_msg("asked again, the policy names another victim");
    return victim;
}

static struct policy_use random_use(struct random *random)
{
    struct policy_use use = { .ends = random_below(random, 3) == 0 };
    use.found = !use.ends && random_below(random, 3) > 0;
    use.served = use.found && random_below(random, 2) == 0;
    return use;
}

static void do_random_call(struct policy_case *c, struct random *random)
{
    uint32_t unit = 1 + (uint32_t)random_below(random, CASE_UNITS);
    enum tier tier = (enum tier)random_below(random, TIER_COUNT);
    struct unit_record *record = &c->record[unit];
    switch (random_below(random, 4)) {
    case 0:
        if (record->entered_at[tier] == 0)
            case_enter(c, unit, tier);
        else if (record->pins == 0)
            case_leave(c, unit, tier);
        break;
    case 1:
        if (record->entered_at[tier] != 0)
            case_use_as(c, unit, tier, random_use(random));
        break;
    case 2:
        if (record->pins > 0 && random_below(random, 2) == 0)
            case_unpin(c, unit);
        else if (record->pins == 0 || random_below(random, 4) == 0)
            case_pin(c, unit);
        break;
    default:
        if (record->sequence == 0)
            case_queue(c, unit);
        else
            case_unqueue(c, unit);
    }
}

void case_compare_from(struct policy_case *c,
                       uint32_t (*slow_victim)(const struct policy_case *c, enum tier tier))
{
    const uint64_t seed = test_seed();
    struct random random = random_from(seed, 2);
    for (uint32_t step = 1; step <= 20000; step++) {
        do_random_call(c, &random);
        for (int tier = 0; tier < TIER_COUNT; tier++) {
            uint32_t victim = case_victim(c, (enum tier)tier);
            uint32_t slow = slow_victim(c, (enum tier)tier);
            ck_assert_msg(victim == slow,
                          "seed %" PRIu64 ", step %u, tier %d: unit %u, scan says %u", seed, step,
                          tier, victim, slow);
        }
    }
}

void case_compare(const struct policy *policy,
                  uint32_t (*slow_victim)(const struct policy_case *c, enum tier tier))
{
    struct policy_case c;
    case_init(&c, policy, 0, TIER_DRAM);
    case_compare_from(&c, slow_victim);
    case_free(&c);
}
