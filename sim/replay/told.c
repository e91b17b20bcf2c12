/* sim/replay/told.c - see told.h. */
#include "sim/replay/told.h"

#include "base/memory.h"
#include "sim/placement/first_asked.h"
#include "sim/placement/losses.h"

#include <stdlib.h>

struct told {
    struct replay_teller teller;
    struct losses *losses;      /* behalf: the request for which it was evicted */
    struct first_asked *first;  /* of blocks, by request */
    uint64_t request, asked_ns; /* the present one's number, from 1 on, and time */
    uint32_t block_tokens;
};

struct told *told_new(const struct replay_teller *teller, uint32_t block_tokens)
{
    struct told *told = memory_new(1, sizeof *told);
    *told = (struct told){ .teller = *teller,
                           .losses = losses_new(),
                           .first = first_asked_new(),
                           .block_tokens = block_tokens };
    return told;
}

void told_free(struct told *told)
{
    if (told == NULL)
        return;
    losses_free(told->losses);
    first_asked_free(told->first);
    free(told);
}

void told_lost(struct told *told, uint64_t key, enum tier from)
{
    const struct placement_loss loss = { ABSENT_EVICTED, from, told->asked_ns, told->request };
    losses_note(told->losses, key, &loss);
}

/* What a replay does not have, since it has no time, is nothing. */
static struct turn_row empty_row(void)
{
    struct turn_row row = { 0 };
    for (uint32_t i = 0; i < turn_column_count; i++)
        *(uint64_t *)(void *)((char *)&row + turn_columns[i].offset) = TURN_NOTHING;
    row.wanted_tokens = row.found_tokens = row.reused_tokens = row.computed_tokens = 0;
    row.reused_dram_tokens = row.reused_ssd_tokens = 0;
    row.new_tokens = row.never_stored_tokens = row.evicted_tokens = row.behind_gap_tokens = 0;
    return row;
}

static enum tier tier_of(const struct blocks *blocks, uint32_t handle)
{
    int tier = 0;
    while (tier < TIER_COUNT && (handle == 0 || (blocks->block[handle].kept & BLOCK_IN(tier)) == 0))
        tier++;
    return (enum tier)tier;
}

static void add_reused(struct turn_row *row, enum tier tier, uint32_t tokens)
{
    row->reused_tokens += tokens;
    if (tier == TIER_SSD)
        row->reused_ssd_tokens += tokens;
    else
        row->reused_dram_tokens += tokens;
}

static void note_loss(struct turn_row *row, const struct placement_loss *loss)
{
    row->lost_why = loss->why;
    if (loss->why != ABSENT_EVICTED)
        return;
    row->lost_tier = loss->from;
    row->lost_ns = loss->time_ns;
    row->lost_for_turn = loss->behalf;
}

/* A block that is not reused. */
static void add_computed(const struct told *told, struct turn_row *row, uint64_t key, bool is_held,
                         uint32_t tokens)
{
    struct placement_loss loss = losses_of(told->losses, key);
    bool is_new = first_asked_by(told->first, key) == told->request;
    if (is_held)
        row->behind_gap_tokens += tokens;
    else if (loss.why == ABSENT_EVICTED)
        row->evicted_tokens += tokens;
    else if (is_new)
        row->new_tokens += tokens;
    else
        row->never_stored_tokens += tokens;
    if (!is_held && !is_new && row->lost_why == TURN_NOTHING)
        note_loss(row, &loss);
}

void told_request(struct told *told, const struct blocks *blocks, const uint64_t *keys,
                  const uint32_t *hashes, uint32_t count, uint32_t prompt_tokens,
                  const struct replay_whose *about)
{
    struct turn_row row = empty_row();
    uint32_t left = prompt_tokens;
    bool run = true;
    told->asked_ns = about->asked_ns;
    row.turn = ++told->request;
    row.session = about->session;
    row.turn_of_session = about->turn;
    row.asked_ns = about->asked_ns;
    /* A reply's behind the prompt, too: they are the next turn's history. */
    for (uint32_t i = 0; i < count; i++)
        first_asked_note(told->first, keys[i], told->request);
    for (uint32_t i = 0; i < count && left > 0; i++) {
        enum tier tier = tier_of(blocks, blocks_find(blocks, keys[i], hashes[i]));
        uint32_t tokens = told->block_tokens < left ? told->block_tokens : left;
        left -= tokens;
        run = run && tier != TIER_COUNT;
        if (run)
            add_reused(&row, tier, tokens);
        else
            add_computed(told, &row, keys[i], tier != TIER_COUNT, tokens);
    }
    row.wanted_tokens = prompt_tokens;
    row.found_tokens = row.reused_tokens;
    row.new_tokens += left;
    row.computed_tokens = prompt_tokens - row.reused_tokens;
    told->teller.request(told->teller.context, &row);
}
