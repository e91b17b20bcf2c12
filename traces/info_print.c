/* traces/info_print.c - what a trace holds, as a table for people. */
#include "base/units.h"
#include "traces/info_show.h"

#include <inttypes.h>
#include <string.h>

bool info_is_exact(const struct trace_reuse *reuse, uint64_t capacity)
{
    return reuse->whole || capacity <= reuse->exact_blocks;
}

bool info_was_asked(const struct trace_info_view *view, uint64_t capacity)
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
    return digit == 1 || digit == 2 || digit == 5 || info_was_asked(view, capacity);
}

static void print_capacity(FILE *out, const struct trace_info *info,
                           const struct trace_info_view *view, uint32_t i)
{
    const struct trace_reuse *reuse = &info->reuse;
    double all = (double)info->blocks, hit_rate = info_share(reuse->hits[i], all);
    char bytes[32] = "";
    uint64_t block_bytes = view->kv_bytes_per_token * info->facts.block_tokens;
    if (block_bytes > 0)
        units_format((double)reuse->capacity[i] * (double)block_bytes, UNIT_BYTES, bytes,
                     sizeof bytes);
    fprintf(out, "%14" PRIu64 " %10s %13.0f %9.2f %% %9.2f %%", reuse->capacity[i], bytes,
            reuse->hits[i], 100.0 * hit_rate, 100.0 * (1.0 - hit_rate));
    if (info_is_exact(reuse, reuse->capacity[i]))
        fprintf(out, " %9.2f %%\n", 100.0 * info_share(reuse->sampled[i], all));
    else
        fprintf(out, "   estimate\n");
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
    char duration[32];
    bool open_loop = info->facts.open_loop;
    double turns = (double)info->turns, seconds = (double)info->duration_ns / (double)NS_PER_S;
    units_format((double)info->duration_ns, UNIT_DURATION, duration, sizeof duration);
    fprintf(out, "format               %s (%s)\n", info->facts.format,
            open_loop ? "open loop: requests at recorded times"
                      : "closed loop: a turn follows the reply before it");
    fprintf(out, "%s %" PRIu64 "\n", open_loop ? "requests            " : "sessions            ",
            info->sessions);
    if (info->facts.skipped > 0)
        fprintf(out,
                "skipped              %" PRIu64 " records: failed requests, or without a reply\n",
                info->facts.skipped);
    fprintf(out, "arrivals span        %s (%.3g/s)\n", duration,
            info_share((double)info->sessions, seconds));
    fprintf(out, "prompt tokens        %" PRIu64 " (mean %.0f, longest %" PRIu64 ")\n",
            info->prompt_tokens, info_share((double)info->prompt_tokens, turns),
            info->prompt_tokens_max);
    fprintf(out, "reply tokens         %" PRIu64 " (mean %.0f, longest %" PRIu64 ")\n",
            info->reply_tokens, info_share((double)info->reply_tokens, turns),
            info->reply_tokens_max);
    if (!open_loop)
        print_sessions(out, info);
    if (info->blocks == 0) {
        fprintf(out,
                "blocks               none: the trace does not say which prefixes are shared\n");
        return;
    }
    print_blocks(out, info, view);
    print_curve(out, info, view);
    print_distances(out, info);
}
