/* traces/info_print.c - what a trace holds, as a table for people. */
#include "base/units.h"
#include "traces/info_show.h"

#include <inttypes.h>
#include <string.h>

bool info_is_exact(const struct trace_reuse *reuse, uint64_t capacity)
{
    return reuse->whole || capacity <= reuse->exact_blocks;
}

static bool was_asked(const struct trace_info_view *view, uint64_t capacity)
{
    for (uint32_t i = 0; view->asked != NULL && i < view->asked->asked_count; i++)
        if (view->asked->asked[i] == capacity)
            return true;
    return false;
}

uint32_t info_capacities(const struct trace_reuse *reuse)
{
    uint32_t count = 0;
    while (count < reuse->capacities &&
           (count == 0 || (double)reuse->capacity[count - 1] < reuse->distinct_blocks))
        count++;
    return count;
}

double info_share(double part, double whole)
{
    return whole > 0.0 ? part / whole : 0.0;
}

/* ---- blocks ---- */

static void print_blocks(FILE *out, const struct trace_info *info,
                         const struct trace_info_view *view)
{
    const struct trace_reuse *reuse = &info->reuse;
    const char *about = reuse->whole ? "" : "about ";
    double all = (double)info->blocks;
    fprintf(out, "blocks               %" PRIu64 " references of %u tokens, %s%.0f different\n",
            info->blocks, info->facts.block_tokens, about, reuse->distinct_blocks);
    fprintf(out, "prefix hits          %s%.0f of %" PRIu64 " blocks (%.2f %%), unbounded cache\n",
            about, reuse->unbounded_hits, info->blocks,
            100.0 * info_share(reuse->unbounded_hits, all));
    for (uint32_t i = 0; view->asked != NULL && i < view->asked->asked_count; i++) {
        uint64_t capacity = view->asked->asked[i];
        double hits = trace_reuse_hits(reuse, capacity);
        fprintf(out,
                "                     %s%.0f of %" PRIu64 " blocks (%.2f %%), LRU of %" PRIu64
                " blocks\n",
                info_is_exact(reuse, capacity) ? "" : "about ", hits, info->blocks,
                100.0 * info_share(hits, all), capacity);
    }
}

/* ---- the curve ---- */

/* 1, 2 or 5 and zeros, or asked for. */
static bool is_shown(const struct trace_info_view *view, uint64_t capacity)
{
    uint64_t digit = capacity;
    while (digit % 10 == 0)
        digit /= 10;
    return digit == 1 || digit == 2 || digit == 5 || was_asked(view, capacity);
}

static void print_hits(FILE *out, const struct trace_info *info, const struct trace_info_view *view,
                       double blocks, double hits)
{
    double hit_rate = info_share(hits, (double)info->blocks);
    char bytes[32] = "";
    uint64_t block_bytes = view->kv_bytes_per_token * info->facts.block_tokens;
    if (block_bytes > 0)
        units_format(blocks * (double)block_bytes, UNIT_BYTES, bytes, sizeof bytes);
    fprintf(out, "%14.0f %10s %13.0f %9.2f %% %9.2f %%", blocks, bytes, hits, 100.0 * hit_rate,
            100.0 * (1.0 - hit_rate));
}

static void print_capacity(FILE *out, const struct trace_info *info,
                           const struct trace_info_view *view, uint32_t i)
{
    const struct trace_reuse *reuse = &info->reuse;
    print_hits(out, info, view, (double)reuse->capacity[i], reuse->hits[i]);
    if (info_is_exact(reuse, reuse->capacity[i]))
        fprintf(out, " %9.2f %%\n", 100.0 * info_share(reuse->sampled[i], (double)info->blocks));
    else
        fprintf(out, "   estimate\n");
}

/* Where the curve ends: room for every block there is. */
static void print_unbounded(FILE *out, const struct trace_info *info,
                            const struct trace_info_view *view)
{
    const struct trace_reuse *reuse = &info->reuse;
    print_hits(out, info, view, reuse->distinct_blocks, reuse->unbounded_hits);
    fprintf(out, "   all blocks%s\n", reuse->whole ? "" : ", an estimate");
}

static void print_sample(FILE *out, const struct trace_reuse *reuse)
{
    char memory[32];
    units_format((double)reuse->memory_bytes, UNIT_BYTES, memory, sizeof memory);
    fprintf(out,
            "%s; sampled: %" PRIu64 " blocks, 1 in %.4g,\n"
            "off the exact curve by %.2f points in the mean, %.2f at most. Books: %s\n",
            reuse->whole ? "hits are exact" : "hits are exact up to exact-blocks, estimates above",
            reuse->sampled_blocks, 1.0 / reuse->sample_rate, 100.0 * reuse->error_mean,
            100.0 * reuse->error_most, memory);
}

static void print_curve(FILE *out, const struct trace_info *info,
                        const struct trace_info_view *view)
{
    const struct trace_reuse *reuse = &info->reuse;
    fprintf(out, "\nLRU of so many blocks, leading runs, %s touched first\n",
            reuse->deepest_first ? "deepest block" : "first block");
    fprintf(out, "%14s %10s %13s %11s %11s %11s\n", "blocks",
            view->kv_bytes_per_token > 0 ? "KV" : "", "hits", "hit rate", "misses", "sampled");
    for (uint32_t i = 0; i < info_capacities(reuse); i++)
        if (is_shown(view, reuse->capacity[i]))
            print_capacity(out, info, view, i);
    print_unbounded(out, info, view);
    if (view->kv_bytes_per_token > 0)
        fprintf(out, "KV: of %s, %" PRIu64 " bytes a token\n", view->model,
                view->kv_bytes_per_token);
    print_sample(out, reuse);
}

static void print_distances(FILE *out, const struct trace_info *info)
{
    enum { BAR = 30 };
    static const char bar[] = "##############################";
    const struct trace_reuse *reuse = &info->reuse;
    double most = 0.0, again = 0.0;
    uint32_t last = 0;
    for (uint32_t k = 0; k < TRACE_OCTAVES; k++) {
        again += reuse->octave[k];
        most = reuse->octave[k] > most ? reuse->octave[k] : most;
        last = reuse->octave[k] > 0.0 ? k : last;
    }
    fprintf(out, "\nreuse distance, different blocks touched in between, itself included\n");
    for (uint32_t k = 0; k <= last; k++) {
        double share = info_share(reuse->octave[k], (double)info->blocks);
        int length = (int)(BAR * info_share(reuse->octave[k], most) + 0.5);
        fprintf(out, "%14" PRIu64 "%s %12.0f %7.2f %% %.*s\n", UINT64_C(1) << k,
                k > 0 ? " on" : "   ", reuse->octave[k], 100.0 * share, length, bar);
    }
    fprintf(out, "%17s %12.0f %7.2f %%\n", "first references", (double)info->blocks - again,
            100.0 * info_share((double)info->blocks - again, (double)info->blocks));
}

/* ---- turns and times ---- */

static void print_spread(FILE *out, const char *name, const struct trace_spread *spread,
                         enum unit_kind unit)
{
    const double values[] = { spread->mean, (double)spread->p50, (double)spread->p90,
                              (double)spread->p99, (double)spread->most };
    char text[32];
    fprintf(out, "%-20s", name);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        if (unit == UNIT_DURATION)
            fprintf(out, " %11s", units_format(values[i], unit, text, sizeof text));
        else
            fprintf(out, i == 0 ? " %11.2f" : " %11.0f", values[i]);
    fputc('\n', out);
}

static void print_spreads(FILE *out, const struct trace_info *info)
{
    fprintf(out, "\n%-20s %11s %11s %11s %11s %11s\n", "", "mean", "P50", "P90", "P99", "most");
    if (!info->facts.open_loop)
        print_spread(out, "turns a session", &info->turns_a_session, UNIT_PLAIN);
    print_spread(out, "prompt tokens", &info->prompt, UNIT_PLAIN);
    print_spread(out, "reply tokens", &info->reply, UNIT_PLAIN);
    if (!info->facts.open_loop)
        print_spread(out, "context tokens", &info->context, UNIT_PLAIN);
    if (info->think_ns.count > 0)
        print_spread(out, "think time", &info->think_ns, UNIT_DURATION);
    if (info->gap_ns.count > 0)
        print_spread(out, "between arrivals", &info->gap_ns, UNIT_DURATION);
}

static void print_bursts(FILE *out, const struct trace_info *info)
{
    double minutes = (double)info->duration_ns / (60.0 * (double)NS_PER_S);
    if (info->gap_ns.count == 0)
        return;
    fprintf(out, "bursts               deviation over mean between arrivals %.2f (Poisson: 1)",
            info->gap_cv);
    if (minutes >= 2.0)
        fprintf(out, "; busiest minute %" PRIu64 ", %.2f times the mean", info->minute_most,
                (double)info->minute_most * minutes / (double)info->sessions);
    fputc('\n', out);
}

static void print_growth(FILE *out, const struct trace_info *info)
{
    if (info->multi_turn_sessions == 0)
        return;
    fprintf(out, "\n%-20s %11s %11s %11s\n", "turn", "turns", "new tokens", "context");
    for (uint32_t row = 0; row < TRACE_TURN_ROWS; row++)
        if (info->by_turn[row].turns > 0)
            fprintf(out, "%4u%-16s %11" PRIu64 " %11.0f %11.0f\n", trace_turn_row_first(row),
                    row >= 4 ? " on" : "", info->by_turn[row].turns,
                    info->by_turn[row].new_tokens_mean, info->by_turn[row].context_tokens_mean);
}

static void print_tenants(FILE *out, const struct trace_info *info)
{
    if (info->facts.tenants.count == 0)
        return;
    fprintf(out, "\n%-31s %11s %11s %14s %14s\n", "tenant",
            info->facts.open_loop ? "requests" : "sessions", "turns", "prompt tokens",
            "reply tokens");
    for (uint32_t i = 0; i < info->facts.tenants.count; i++) {
        const struct trace_tenant_row *row = &info->by_tenant[i];
        fprintf(out, "%-31s %11" PRIu64 " %11" PRIu64 " %14" PRIu64 " %14" PRIu64 "\n",
                info->facts.tenants.name[i], row->sessions, row->turns, row->prompt_tokens,
                row->reply_tokens);
    }
}

static void print_sharing(FILE *out, const struct trace_info *info)
{
    const struct trace_reuse *reuse = &info->reuse;
    double hits = reuse->history_hits + reuse->shared_hits;
    fprintf(out,
            "whose reuse          %" PRIu64 " requests continue an earlier one (%.1f %%);\n"
            "                     %.1f %% of hits are its history, %.1f %% prefixes that others "
            "share\n",
            reuse->continued, 100.0 * info_share((double)reuse->continued, (double)info->turns),
            100.0 * info_share(reuse->history_hits, hits),
            100.0 * info_share(reuse->shared_hits, hits));
}

/* ---- all ---- */

static void print_sessions(FILE *out, const struct trace_info *info)
{
    double sessions = (double)info->sessions;
    fprintf(out,
            "turns                %" PRIu64 " (%.2f a session; %.1f %% of sessions have several)\n",
            info->turns, info_share((double)info->turns, sessions),
            100.0 * info_share((double)info->multi_turn_sessions, sessions));
    fprintf(out, "session length       %.1f %% over 2K tokens, %.1f %% over 4K\n",
            100.0 * info_share((double)info->sessions_over_2k, sessions),
            100.0 * info_share((double)info->sessions_over_4k, sessions));
}

void trace_info_print_table(FILE *out, const struct trace_info *info,
                            const struct trace_info_view *view)
{
    char duration[32], skipped[192];
    bool open_loop = info->facts.open_loop;
    double seconds = (double)info->duration_ns / (double)NS_PER_S;
    units_format((double)info->duration_ns, UNIT_DURATION, duration, sizeof duration);
    fprintf(out, "format               %s (%s)\n", info->facts.format,
            open_loop ? "open loop: requests at their times"
                      : "closed loop: a turn follows the reply before it");
    fprintf(out, "%s %" PRIu64 "\n", open_loop ? "requests            " : "sessions            ",
            info->sessions);
    if (trace_skips_total(&info->facts.skips) > 0) {
        trace_skips_print(&info->facts.skips, skipped, sizeof skipped);
        fprintf(out, "skipped              %s\n", skipped);
    }
    for (int i = 0; info->facts.assumed[i] != NULL; i++)
        fprintf(out, "assumed              %s\n", info->facts.assumed[i]);
    fprintf(out, "arrivals span        %s (%.3g/s)\n", duration,
            info_share((double)info->sessions, seconds));
    fprintf(out, "tokens               %" PRIu64 " of prompts, %" PRIu64 " of replies\n",
            info->prompt_tokens, info->reply_tokens);
    if (!open_loop)
        print_sessions(out, info);
    if (info->blocks > 0) {
        print_blocks(out, info, view);
        print_sharing(out, info);
        info_print_measured(out, info);
    } else {
        fprintf(out,
                "blocks               none: the trace does not say which prefixes are shared\n");
    }
    print_bursts(out, info);
    print_spreads(out, info);
    print_growth(out, info);
    print_tenants(out, info);
    if (info->blocks == 0)
        return;
    print_curve(out, info, view);
    print_distances(out, info);
}
