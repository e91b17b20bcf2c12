/* sim/placement/absent.c - why a queued job does not find its KV: for who asks
 * (placement_keep_losses()), beside what the core decides. */
#include "sim/placement/core.h"
#include "sim/placement/first_asked.h"

#include <assert.h>

void placement_keep_losses(struct placement *core)
{
    assert(core->units.capacity == 0);
    core->units.users = true;
    if (core->losses == NULL)
        core->losses = losses_new();
}

void placement_on_behalf(struct placement *core, uint64_t who)
{
    core->behalf = who;
}

uint32_t placement_waiter(const struct placement *core, uint32_t unit)
{
    uint32_t slot = core->units.unit[unit].first_waiter;
    return slot != 0 ? core->slot[slot].job : 0;
}

static uint32_t held_here(const struct placement *core, const struct unit *entry, enum tier slowest)
{
    uint32_t held = slowest == TIER_REMOTE ? remote_tokens(core, entry) : 0;
    for (int tier = 0; tier < TIER_COUNT && tier <= (int)slowest; tier++)
        held = entry->tokens[tier] > held ? entry->tokens[tier] : held;
    return held;
}

static bool is_held_by(const struct placement *other, uint64_t key)
{
    uint32_t unit = placement_unit(other, key);
    return unit != UNIT_NONE && held_here(other, &other->units.unit[unit], TIER_SSD) > 0;
}

/* What is asked about one unit, of which `covered` tokens are found. */
struct asked {
    uint32_t unit, cut, covered, want;
    uint64_t ends; /* where it does in the context */
    enum tier slowest;
};

/* It is there, and was not found all the same. */
static enum absence why_left(const struct placement *core, const struct job *job,
                             const struct asked *asked)
{
    const struct unit *entry = &core->units.unit[asked->unit];
    for (int tier = 0; tier < TIER_COUNT; tier++)
        if (entry->tokens[tier] > 0 && asked->ends <= job->found_most_tokens[tier])
            return ABSENT_BEHIND;
    /* The pool's is found as far as the SSD's. */
    bool in_pool = asked->slowest == TIER_REMOTE && remote_tokens(core, entry) > 0;
    return in_pool && asked->ends <= job->found_most_tokens[TIER_SSD] ? ABSENT_BEHIND
                                                                      : ABSENT_LIMITED;
}

static struct placement_loss why_not(const struct placement *core, const struct job *job,
                                     const struct asked *asked,
                                     const struct placement_around *around)
{
    const struct unit *entry = &core->units.unit[asked->unit];
    uint32_t held = above(held_here(core, entry, asked->slowest), asked->cut);
    /* Of a block that is there in part the rest is what is asked about: it is of no use without
     * that. */
    if (held > asked->covered && (units_are_sessions(core) || held >= asked->want))
        return (struct placement_loss){ .why = why_left(core, job, asked) };
    for (uint32_t i = 0; i < around->count; i++)
        if (around->others[i] != core && is_held_by(around->others[i], entry->key))
            return (struct placement_loss){ .why = ABSENT_ELSEWHERE };
    if (core->losses == NULL)
        return (struct placement_loss){ .why = ABSENT_NEVER };
    return losses_of(core->losses, entry->key);
}

static bool is_new(const struct placement *core, uint32_t unit,
                   const struct placement_around *around)
{
    uint64_t key = core->units.unit[unit].key;
    return around->first != NULL && first_asked_by(around->first, key) == around->who;
}

/* A session's KV is found as far as it reaches, a block's whole or not at all. */
static uint32_t covered_of(const struct placement *core, const struct placement_hits *hits,
                           uint32_t i, uint32_t want)
{
    uint32_t found = 0;
    if (!units_are_sessions(core))
        return i < hits->units_found ? want : 0;
    for (int tier = 0; tier < TIER_KINDS; tier++)
        found += hits->tokens[tier];
    return least(found, want);
}

struct placement_absent placement_absent(const struct placement *core, uint32_t handle,
                                         uint32_t cut_tokens, enum tier slowest,
                                         const struct placement_around *around)
{
    const struct placement_around nothing = { 0 };
    const struct job *job = &core->job[handle];
    struct placement_hits hits = placement_peek(core, handle, cut_tokens, slowest);
    struct placement_absent absent = { 0 };
    around = around != NULL ? around : &nothing;
    if (cut_tokens == CUT_ALL) {
        absent.tokens[ABSENT_INVALIDATED] = job->context_tokens;
        absent.first.why = ABSENT_INVALIDATED;
        return absent;
    }
    uint32_t context = above(job->context_tokens, cut_tokens);
    bool is_first = true;
    for (uint32_t i = 0; i < job->chain_count; i++) {
        uint32_t want = chain_unit_tokens(core, i, context);
        struct asked asked = { .unit = chain_unit(core, job, i),
                               .cut = cut_tokens,
                               .covered = covered_of(core, &hits, i, want),
                               .want = want,
                               .ends = (uint64_t)i * core->config.unit_tokens + want,
                               .slowest = slowest };
        if (asked.covered == want)
            continue;
        struct placement_loss loss = why_not(core, job, &asked, around);
        if (loss.why == ABSENT_NEVER && is_new(core, asked.unit, around)) {
            absent.new_tokens += want - asked.covered;
            continue;
        }
        absent.tokens[loss.why] += want - asked.covered;
        if (is_first && loss.why != ABSENT_LIMITED) /* which is there */
            absent.first = loss;
        is_first = is_first && loss.why == ABSENT_LIMITED;
    }
    return absent;
}
