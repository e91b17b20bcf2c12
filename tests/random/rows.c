/* tests/random/rows.c - see rows.h. */
#include "tests/random/rows.h"

#include "sim/engine/moved.h"

#include <string.h>

static bool is_in_order(const struct turn_row *row)
{
    return row->asked_ns <= row->queued_ns && row->queued_ns <= row->prepared_ns &&
           row->prepared_ns <= row->prefill_start_ns &&
           row->prefill_start_ns < row->first_token_ns && row->first_token_ns <= row->end_ns;
}

static uint64_t waiting_of(const struct turn_row *row)
{
    return row->waiting_batch_ns + row->waiting_hbm_ns + row->waiting_kv_ns + row->waiting_gpu_ns;
}

static uint64_t reused_of(const struct turn_row *row)
{
    return row->reused_hbm_tokens + row->reused_dram_tokens + row->reused_ssd_tokens +
           row->reused_remote_tokens;
}

static uint64_t computed_of(const struct turn_row *row)
{
    return row->new_tokens + row->never_stored_tokens + row->evicted_tokens + row->expired_tokens +
           row->invalidated_tokens + row->unsaved_tokens + row->refused_tokens +
           row->elsewhere_tokens + row->behind_gap_tokens + row->too_slow_tokens +
           row->not_fetched_tokens + row->rule_tokens;
}

static const char *what_is_broken(const struct turn_row *row)
{
    if (!is_in_order(row))
        return "times are out of order";
    if (waiting_of(row) != row->prefill_start_ns - row->queued_ns)
        return "waiting by cause is not the time in the queue";
    if (reused_of(row) != row->reused_tokens)
        return "tokens by tier are not those reused";
    if (computed_of(row) != row->computed_tokens)
        return "tokens by why are not those computed";
    if (row->reused_tokens + row->computed_tokens != row->wanted_tokens)
        return "reused and computed are not what was wanted";
    if (row->reused_tokens + row->too_slow_tokens + row->not_fetched_tokens > row->found_tokens)
        return "more was reused or passed over than found";
    if (row->lost_why != ABSENT_EVICTED && row->lost_for_turn != TURN_NOTHING)
        return "what was not evicted went for somebody";
    if (row->lost_ns != TURN_NOTHING && row->lost_ns > row->prefill_start_ns)
        return "KV was lost after it was looked for";
    return NULL;
}

static void note_waits(struct row_sums *sums, const struct turn_row *row)
{
    uint64_t at = sums->turns, gaps = row->reply_tokens > 1 ? row->reply_tokens - 1 : 1;
    if (row->end_ns > sums->last_end_ns)
        sums->last_end_ns = row->end_ns;
    if (at >= ROWS_TURNS_MOST)
        return;
    sums->ttft_of_ns[at] = row->ttft_ns;
    sums->e2e_of_ns[at] = row->ttft_ns + row->decode_ns;
    sums->gap_of_ns[at] = row->decode_ns / gaps;
}

static void note_turn(void *context, const struct turn_row *row)
{
    struct row_sums *sums = context;
    sums->all_turns++;
    sums->all_load_wait_ns += (double)row->load_wait_ns;
    if (sums->broken == NULL)
        sums->broken = what_is_broken(row);
    if (!row->measured)
        return;
    note_waits(sums, row);
    sums->turns++;
    sums->ttft_ns += (double)row->ttft_ns;
    for (uint32_t i = 0; i < turn_column_count; i++) {
        const struct turn_column *column = &turn_columns[i];
        uint64_t value = turn_value(row, column);
        if (column->kind == TURN_COUNT && value != TURN_NOTHING)
            *(uint64_t *)(void *)((char *)&sums->sum + column->offset) += value;
    }
}

static void hold(struct row_sums *sums, enum tier tier, int64_t bytes)
{
    int64_t held = sums->held_bytes[tier] += bytes;
    if (held < sums->least_bytes[tier])
        sums->least_bytes[tier] = held;
}

static void note_flow(struct row_sums *sums, const struct watch_copy *copy)
{
    uint32_t links = moved_links(copy->from, copy->to);
    if (copy->server >= ROWS_SERVERS_MOST)
        return;
    for (int link = 0; link < LINK_COUNT; link++) {
        if (!(links & LINK_BIT(link)))
            continue;
        uint64_t *from_ns = &sums->server[copy->server].from_ns[link];
        *from_ns = sums->server[copy->server].copies[link]++ == 0 || copy->begin_ns < *from_ns
                       ? copy->begin_ns
                       : *from_ns;
        sums->server[copy->server].to_ns[link] = copy->end_ns;
        sums->server[copy->server].link_bytes[link] += copy->size_bytes;
    }
}

static void note_drop(void *context, const struct watch_drop *drop)
{
    struct row_sums *sums = context;
    hold(sums, drop->from, -(int64_t)drop->size_bytes);
}

static void note_iteration(void *context, const struct watch_iteration *iteration)
{
    struct row_sums *sums = context;
    if (iteration->end_ns < iteration->begin_ns)
        sums->broken = "an iteration ends before it begins";
    if (iteration->server >= ROWS_SERVERS_MOST)
        return;
    uint64_t *before_ns = &sums->server[iteration->server].iterated_ns;
    if (iteration->begin_ns < *before_ns)
        sums->broken = "iterations of a server overlap";
    *before_ns = iteration->end_ns;
}

static void note_copy(void *context, const struct watch_copy *copy)
{
    struct row_sums *sums = context;
    uint32_t links = moved_links(copy->from, copy->to);
    if (copy->end_ns < copy->begin_ns)
        sums->broken = "a copy ends before it begins";
    sums->in_bytes[copy->to] += copy->size_bytes;
    if (copy->to != TIER_HBM)
        hold(sums, copy->to, (int64_t)copy->size_bytes);
    if (copy->kind == ACTION_LOAD && copy->from > TIER_DRAM) /* it may stay there on its way */
        hold(sums, TIER_DRAM, (int64_t)copy->size_bytes);
    note_flow(sums, copy);
    for (int link = 0; link < LINK_COUNT; link++)
        sums->link_bytes[link] += links & LINK_BIT(link) ? copy->size_bytes : 0;
}

static void note_measuring(void *context, uint64_t time_ns)
{
    struct row_sums *sums = context;
    sums->measures_ns = time_ns;
    memset(sums->link_bytes, 0, sizeof sums->link_bytes);
}

struct watch rows_watch(struct row_sums *sums)
{
    return (struct watch){ .context = sums,
                           .turn_ended = note_turn,
                           .copied = note_copy,
                           .dropped = note_drop,
                           .iterated = note_iteration,
                           .measures = note_measuring };
}
