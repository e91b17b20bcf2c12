/* traces/info_json.c - what a trace holds, as one JSON object. */
#include "base/json_out.h"
#include "traces/info_show.h"

#include <inttypes.h>
#include <jansson.h>

static void set_whole(json_t *object, const char *key, uint64_t value)
{
    json_object_set_new(object, key, json_integer((json_int_t)value));
}

/* A count: whole where it was counted, rounded where it is an estimate. */
static void set_count(json_t *object, const char *key, double value)
{
    set_whole(object, key, (uint64_t)(value + 0.5));
}

static void set_real(json_t *object, const char *key, double value)
{
    json_object_set_new(object, key, json_real(value));
}

static json_t *curve_of(const struct trace_info *info, const struct trace_info_view *view)
{
    const struct trace_reuse *reuse = &info->reuse;
    double all = (double)info->blocks;
    json_t *curve = json_array();
    for (uint32_t i = 0; i < info_capacities(reuse); i++) {
        uint64_t capacity = reuse->capacity[i];
        json_t *point = json_object();
        set_whole(point, "blocks", capacity);
        if (view->kv_bytes_per_token > 0)
            set_real(point, "kv_bytes",
                     (double)capacity * info->facts.block_tokens *
                         (double)view->kv_bytes_per_token);
        set_count(point, "hits", reuse->hits[i]);
        set_real(point, "hit_rate", info_share(reuse->hits[i], all));
        set_real(point, "miss_ratio", 1.0 - info_share(reuse->hits[i], all));
        set_real(point, "sampled_hit_rate", info_share(reuse->sampled[i], all));
        json_object_set_new(point, "exact", json_boolean(info_is_exact(reuse, capacity)));
        json_array_append_new(curve, point);
    }
    return curve;
}

static json_t *distances_of(const struct trace_reuse *reuse)
{
    json_t *distances = json_array();
    for (uint32_t k = 0; k < TRACE_OCTAVES; k++) {
        if (reuse->octave[k] <= 0.0)
            continue;
        json_t *octave = json_object();
        set_whole(octave, "from", UINT64_C(1) << k);
        set_whole(octave, "to", (UINT64_C(2) << k) - 1);
        set_count(octave, "references", reuse->octave[k]);
        json_array_append_new(distances, octave);
    }
    return distances;
}

static json_t *sample_of(const struct trace_reuse *reuse)
{
    json_t *sample = json_object();
    set_real(sample, "rate", reuse->sample_rate);
    set_whole(sample, "blocks", reuse->sampled_blocks);
    set_whole(sample, "references", reuse->sampled_references);
    set_real(sample, "hit_rate_error_mean", reuse->error_mean);
    set_real(sample, "hit_rate_error_most", reuse->error_most);
    return sample;
}

static void set_spread(json_t *object, const char *key, const struct trace_spread *spread)
{
    json_t *values = json_object();
    if (spread->count > 0) {
        set_real(values, "mean", spread->mean);
        set_whole(values, "p50", spread->p50);
        set_whole(values, "p90", spread->p90);
        set_whole(values, "p99", spread->p99);
        set_whole(values, "most", spread->most);
    }
    json_object_set_new(object, key, values);
}

static json_t *growth_of(const struct trace_info *info)
{
    json_t *rows = json_array();
    for (uint32_t row = 0; row < TRACE_TURN_ROWS; row++) {
        const struct trace_turn_row *by_turn = &info->by_turn[row];
        if (by_turn->turns == 0)
            continue;
        json_t *object = json_object();
        set_whole(object, "from_turn", trace_turn_row_first(row));
        set_whole(object, "turns", by_turn->turns);
        set_real(object, "new_tokens_mean", by_turn->new_tokens_mean);
        set_real(object, "context_tokens_mean", by_turn->context_tokens_mean);
        json_array_append_new(rows, object);
    }
    return rows;
}

static json_t *tenants_of(const struct trace_info *info)
{
    json_t *rows = json_array();
    for (uint32_t i = 0; i < info->facts.tenants.count; i++) {
        const struct trace_tenant_row *row = &info->by_tenant[i];
        json_t *object = json_object();
        json_object_set_new(object, "tenant", json_string(info->facts.tenants.name[i]));
        set_whole(object, "sessions", row->sessions);
        set_whole(object, "requests", row->turns);
        set_whole(object, "prompt_tokens", row->prompt_tokens);
        set_whole(object, "reply_tokens", row->reply_tokens);
        json_array_append_new(rows, object);
    }
    return rows;
}

static void set_distributions(json_t *object, const struct trace_info *info)
{
    set_spread(object, "turns_a_session", &info->turns_a_session);
    set_spread(object, "prompt", &info->prompt);
    set_spread(object, "reply", &info->reply);
    set_spread(object, "context", &info->context);
    set_spread(object, "think_ns", &info->think_ns);
    set_spread(object, "arrival_gap_ns", &info->gap_ns);
    set_real(object, "arrival_gap_cv", info->gap_cv);
    set_whole(object, "busiest_minute", info->minute_most);
    json_object_set_new(object, "by_turn", growth_of(info));
    json_object_set_new(object, "tenants", tenants_of(info));
}

/* The keys lru_* are of the first capacity that was asked for. */
static void set_blocks(json_t *object, const struct trace_info *info,
                       const struct trace_info_view *view)
{
    const struct trace_reuse *reuse = &info->reuse;
    double all = (double)info->blocks;
    set_count(object, "distinct_blocks", reuse->distinct_blocks);
    set_count(object, "unbounded_hits", reuse->unbounded_hits);
    set_real(object, "unbounded_hit_rate", info_share(reuse->unbounded_hits, all));
    if (view->asked != NULL && view->asked->asked_count > 0) {
        uint64_t capacity = view->asked->asked[0];
        double hits = trace_reuse_hits(reuse, capacity);
        set_whole(object, "lru_blocks", capacity);
        set_count(object, "lru_hits", hits);
        set_real(object, "lru_hit_rate", info_share(hits, all));
    }
    if (info->blocks == 0)
        return;
    set_whole(object, "continued_requests", reuse->continued);
    set_count(object, "history_hits", reuse->history_hits);
    set_count(object, "shared_hits", reuse->shared_hits);
    json_object_set_new(object, "all_exact", json_boolean(reuse->whole));
    set_whole(object, "exact_blocks", reuse->exact_blocks);
    json_object_set_new(object, "touched_first",
                        json_string(reuse->deepest_first ? "deepest block" : "first block"));
    json_object_set_new(object, "lru_curve", curve_of(info, view));
    json_object_set_new(object, "reuse_distances", distances_of(reuse));
    json_object_set_new(object, "sample", sample_of(reuse));
    set_whole(object, "books_bytes", reuse->memory_bytes);
}

static void set_assumed(json_t *object, const char *const *assumed)
{
    json_t *words = json_array();
    for (; *assumed != NULL; assumed++)
        json_array_append_new(words, json_string(*assumed));
    json_object_set_new(object, "assumed", words);
}

static void set_skips(json_t *object, const struct trace_skips *skips)
{
    json_t *by = json_object();
    set_whole(object, "skipped_records", trace_skips_total(skips));
    for (int i = 0; i < SKIP_CAUSES; i++)
        if (skips->by[i] > 0)
            set_whole(by, trace_skip_words[i].key, skips->by[i]);
    json_object_set_new(object, "skipped_by", by);
}

void trace_info_print_json(FILE *out, const struct trace_info *info,
                           const struct trace_info_view *view)
{
    json_t *object = json_object();
    char hash[17];
    snprintf(hash, sizeof hash, "%016" PRIx64, info->hash);
    json_object_set_new(object, "format", json_string(info->facts.format));
    json_object_set_new(object, "arrivals",
                        json_string(info->facts.open_loop ? "open-loop" : "closed-loop"));
    set_whole(object, "requests", info->turns);
    set_whole(object, "sessions", info->sessions);
    set_skips(object, &info->facts.skips);
    set_assumed(object, info->facts.assumed);
    set_whole(object, "multi_turn_sessions", info->multi_turn_sessions);
    set_whole(object, "sessions_over_2k_tokens", info->sessions_over_2k);
    set_whole(object, "sessions_over_4k_tokens", info->sessions_over_4k);
    set_whole(object, "duration_ns", info->duration_ns);
    set_whole(object, "prompt_tokens", info->prompt_tokens);
    set_whole(object, "prompt_tokens_max", info->prompt.most);
    set_whole(object, "reply_tokens", info->reply_tokens);
    set_whole(object, "reply_tokens_max", info->reply.most);
    set_distributions(object, info);
    set_whole(object, "block_tokens", info->facts.block_tokens);
    set_whole(object, "blocks", info->blocks);
    set_blocks(object, info, view);
    if (info->facts.measured != TRACE_UNMEASURED)
        json_object_set_new(object, "measured", info_measured_json(info));
    json_object_set_new(object, "trace_hash", json_string(hash));
    json_dumpf(object, out, JSON_OUT | JSON_INDENT(2));
    fputc('\n', out);
    json_decref(object);
}
