/* traces/info_stats.c - see info_stats.h. */
#include "traces/info_stats.h"

#include "base/units.h"

#include <math.h>

#define MINUTE_NS (60 * NS_PER_S)

void info_stats_init(struct info_stats *stats)
{
    *stats = (struct info_stats){ 0 };
    for (int i = 0; i < STATS_COUNT; i++)
        histogram_init(&stats->spread[i]);
}

void info_stats_free(struct info_stats *stats)
{
    for (int i = 0; i < STATS_COUNT; i++)
        histogram_free(&stats->spread[i]);
}

/* Turns 1, 2, 3, 4, then 5 to 8, 9 to 16, 17 to 32, and all above. */
static uint32_t row_of(uint32_t turn)
{
    uint32_t row = turn <= 4 ? turn - 1 : 33 - (uint32_t)__builtin_clz(turn - 1);
    return row < TRACE_TURN_ROWS ? row : TRACE_TURN_ROWS - 1;
}

uint32_t trace_turn_row_first(uint32_t row)
{
    return row < 4 ? row + 1 : (UINT32_C(1) << (row - 2)) + 1;
}

static void add_turn(struct info_stats *stats, const struct trace_turn *turn, uint32_t number,
                     uint64_t context, struct trace_info *info)
{
    uint32_t row = row_of(number);
    histogram_add(&stats->spread[STATS_PROMPT], turn->prompt_tokens, 1);
    histogram_add(&stats->spread[STATS_REPLY], turn->reply_tokens, 1);
    histogram_add(&stats->spread[STATS_CONTEXT], context, 1);
    if (number > 1)
        histogram_add(&stats->spread[STATS_THINK], turn->think_ns, 1);
    info->prompt_tokens += turn->prompt_tokens;
    info->reply_tokens += turn->reply_tokens;
    info->by_turn[row].turns++;
    stats->new_tokens[row] += turn->prompt_tokens;
    stats->context_tokens[row] += (double)context;
}

static void add_arrival(struct info_stats *stats, uint64_t arrival_ns, bool first)
{
    uint64_t minute = arrival_ns / MINUTE_NS;
    if (first) {
        stats->first_ns = arrival_ns;
    } else {
        uint64_t gap_ns = arrival_ns - stats->last_ns;
        histogram_add(&stats->spread[STATS_GAP], gap_ns, 1);
        stats->gap_squares += (double)gap_ns / 1e9 * ((double)gap_ns / 1e9);
    }
    stats->in_minute = !first && minute == stats->minute ? stats->in_minute + 1 : 1;
    stats->minute = minute;
    if (stats->in_minute > stats->in_minute_most)
        stats->in_minute_most = stats->in_minute;
    stats->last_ns = arrival_ns;
}

static void add_to_tenant(const struct trace_session *session, struct trace_tenant_row *row)
{
    row->sessions++;
    row->turns += session->turn_count;
    for (uint32_t i = 0; i < session->turn_count; i++) {
        row->prompt_tokens += session->turns[i].prompt_tokens;
        row->reply_tokens += session->turns[i].reply_tokens;
    }
}

void info_stats_session(struct info_stats *stats, const struct trace_session *session,
                        struct trace_info *info)
{
    uint64_t tokens = 0;
    add_arrival(stats, session->arrival_ns, info->sessions == 0);
    for (uint32_t i = 0; i < session->turn_count; i++) {
        const struct trace_turn *turn = &session->turns[i];
        add_turn(stats, turn, i + 1, tokens + turn->prompt_tokens, info);
        tokens += (uint64_t)turn->prompt_tokens + turn->reply_tokens;
    }
    histogram_add(&stats->spread[STATS_TURNS], session->turn_count, 1);
    info->sessions++;
    info->turns += session->turn_count;
    info->multi_turn_sessions += session->turn_count > 1;
    info->sessions_over_2k += tokens > 2048;
    info->sessions_over_4k += tokens > 4096;
    add_to_tenant(session, &info->by_tenant[session->tenant]);
}

static struct trace_spread spread_of(const struct histogram *histogram)
{
    return (struct trace_spread){ .count = histogram->count,
                                  .mean = histogram_mean(histogram),
                                  .p50 = histogram_quantile(histogram, 0.5),
                                  .p90 = histogram_quantile(histogram, 0.9),
                                  .p99 = histogram_quantile(histogram, 0.99),
                                  .most = histogram->max };
}

void info_stats_result(const struct info_stats *stats, struct trace_info *info)
{
    const struct histogram *spread = stats->spread;
    info->turns_a_session = spread_of(&spread[STATS_TURNS]);
    info->prompt = spread_of(&spread[STATS_PROMPT]);
    info->reply = spread_of(&spread[STATS_REPLY]);
    info->context = spread_of(&spread[STATS_CONTEXT]);
    info->think_ns = spread_of(&spread[STATS_THINK]);
    info->gap_ns = spread_of(&spread[STATS_GAP]);
    info->duration_ns = stats->last_ns - stats->first_ns;
    info->minute_most = stats->in_minute_most;
    double mean_s = info->gap_ns.mean / 1e9;
    if (mean_s > 0.0) {
        double variance = stats->gap_squares / (double)info->gap_ns.count - mean_s * mean_s;
        info->gap_cv = variance > 0.0 ? sqrt(variance) / mean_s : 0.0;
    }
    for (uint32_t row = 0; row < TRACE_TURN_ROWS; row++) {
        struct trace_turn_row *by_turn = &info->by_turn[row];
        if (by_turn->turns == 0)
            continue;
        by_turn->new_tokens_mean = stats->new_tokens[row] / (double)by_turn->turns;
        by_turn->context_tokens_mean = stats->context_tokens[row] / (double)by_turn->turns;
    }
}
