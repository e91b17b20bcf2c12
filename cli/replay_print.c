/* cli/replay_print.c - see replay_print.h. */
#include "cli/replay_print.h"

#include "base/json_out.h"
#include "base/shown.h"
#include "base/units.h"
#include "cli/table.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#define WIDTH_MOST 100
#define COLUMNS 14

static double percent(double part, double whole)
{
    return whole > 0.0 ? 100.0 * part / whole : 0.0;
}

/* What the bound has and the run has not. */
static uint64_t regret_hits(const struct replay_runs *all, const struct replay_run *run)
{
    return all->sizes[run->size].bound.hits - run->result.all_hits;
}

static double regret_ns(const struct replay_runs *all, const struct replay_run *run)
{
    return fmax(0.0, all->sizes[run->size].bound.saved_ns - run->result.saved_ns);
}

/* ---- the table ---- */

static void add_size(FILE *out, const struct replay_size *size)
{
    const char *separator = "";
    for (int tier = 0; tier < TIER_COUNT; tier++) {
        if (size->blocks[tier] == 0)
            continue;
        fprintf(out, "%s%s ", separator, tier_name((enum tier)tier));
        if (size->blocks[tier] == UINT64_MAX)
            fprintf(out, "without limit");
        else
            fprintf(out, "%" PRIu64 " blocks", size->blocks[tier]);
        separator = ", ";
    }
    fprintf(out, "\n");
}

static void add_headings(struct table *table)
{
    static const char *const headings[COLUMNS] = {
        "",         "hits",        "of blocks", "of tokens", "time saved", "of all time", "regret",
        "of bound", "regret time", "DRAM hits", "SSD hits",  "written",    "evicted",     "M refs/s"
    };
    for (int i = 0; i < COLUMNS; i++)
        table_add(table, "%s", headings[i]);
}

static void add_time(struct table *table, double ns, double whole_ns)
{
    char text[32];
    table_add(table, "%s", units_format(ns, UNIT_DURATION, text, sizeof text));
    table_add(table, "%.2f %%", percent(ns, whole_ns));
}

static void add_regret(struct table *table, const struct replay_runs *all,
                       const struct replay_run *run)
{
    const struct bound_result *bound = &all->sizes[run->size].bound;
    uint64_t hits = regret_hits(all, run);
    if (all->bound == NULL) {
        for (int i = 0; i < 3; i++)
            table_add(table, "-");
        return;
    }
    table_add(table, "%.2f points", percent((double)hits, (double)run->result.references));
    table_add(table, "%.1f %%", percent((double)hits, (double)bound->hits));
    table_add(table, "%.1f %%", percent(regret_ns(all, run), bound->saved_ns));
}

static uint64_t sum_of(const uint64_t by_tier[TIER_COUNT])
{
    return by_tier[TIER_HBM] + by_tier[TIER_DRAM] + by_tier[TIER_SSD];
}

static void add_run(struct table *table, const struct replay_runs *all,
                    const struct replay_run *run)
{
    const struct replay_result *result = &run->result;
    double references = (double)result->references;
    table_add(table, "%s", run->config.policy->name);
    table_add(table, "%" PRIu64, result->all_hits);
    table_add(table, "%.2f %%", percent((double)result->all_hits, references));
    table_add(table, "%.2f %%", percent((double)result->hit_tokens, (double)result->prompt_tokens));
    add_time(table, result->saved_ns, result->whole_ns);
    add_regret(table, all, run);
    table_add(table, "%" PRIu64, result->hits[TIER_DRAM]);
    table_add(table, "%" PRIu64, result->hits[TIER_SSD]);
    table_add(table, "%" PRIu64, sum_of(result->written));
    table_add(table, "%" PRIu64, sum_of(result->evicted));
    table_add(table, "%.1f", run->cpu_s > 0.0 ? references / run->cpu_s / 1e6 : 0.0);
}

static void add_bound(struct table *table, const struct replay_size *size,
                      const struct replay_result *any)
{
    table_add(table, "bound");
    table_add(table, "%" PRIu64, size->bound.hits);
    table_add(table, "%.2f %%", percent((double)size->bound.hits, (double)any->references));
    table_add(table, "-");
    add_time(table, size->bound.saved_ns, any->whole_ns);
    for (int i = 6; i < COLUMNS; i++)
        table_add(table, "%s", i < 9 ? "0" : "-");
}

/* The same in every size: what the engine hit with the cache that it had. */
static void add_measured(struct table *table, const struct replay_measured *measured,
                         const struct replay_result *any)
{
    table_add(table, "measured (the engine's own)");
    table_add(table, "%" PRIu64, measured->hits);
    table_add(table, "%.2f %%", percent((double)measured->hits, (double)any->references));
    table_add(table, "%.2f %%", percent((double)measured->hit_tokens, (double)any->prompt_tokens));
    for (int i = 4; i < COLUMNS; i++)
        table_add(table, "-");
}

static void print_size(FILE *out, const struct replay_about *about, const struct replay_runs *all,
                       uint32_t size)
{
    struct table table;
    const struct replay_result *any = NULL;
    fprintf(out, "\n");
    add_size(out, &all->sizes[size]);
    table_init(&table, COLUMNS);
    add_headings(&table);
    for (uint32_t i = 0; i < all->run_count; i++) {
        if (all->runs[i].size != size)
            continue;
        any = &all->runs[i].result;
        add_run(&table, all, &all->runs[i]);
    }
    if (all->bound != NULL && any != NULL)
        add_bound(&table, &all->sizes[size], any);
    if (about->facts.measured != TRACE_UNMEASURED && any != NULL)
        add_measured(&table, &all->measured, any);
    table_print(out, &table, WIDTH_MOST);
    table_end(&table);
}

static void print_measured(FILE *out, const struct trace_facts *facts,
                           const struct replay_measured *measured)
{
    if (facts->measured == TRACE_MEASURED_BY_LOOKUPS)
        fprintf(out, "measured  each look-up's own answer, from the log\n");
    if (facts->measured != TRACE_MEASURED_BY_EVENTS)
        return;
    fprintf(out,
            "measured  blocks that were there when others were stored behind them: a lower bound, "
            "as a\n"
            "          request that found all its blocks leaves no event. At most %" PRIu64
            " blocks at once\n"
            "          on a server (--blocks measured); %" PRIu64
            " hits more were in tiers below\n",
            facts->engine.resident_peak_blocks, measured->hits_below);
    if (facts->engine.servers > 1)
        fprintf(out,
                "          %" PRIu64 " servers, each with its own cache; the policies' is one "
                "that all share:\n          import.server=N replays one of them\n",
                facts->engine.servers);
}

void replay_print_table(FILE *out, const struct replay_about *about, const struct replay_runs *all)
{
    const struct replay_result *any = &all->runs[0].result;
    char memory[32];
    fputs("trace     ", out);
    shown_put(out, about->trace);
    fprintf(out, " (%s): %" PRIu64 " requests, %" PRIu64 " references of %u tokens\n",
            about->format, any->requests, any->references, about->block_tokens);
    fprintf(out, "time      to compute again what hits, by %s\n", about->server);
    if (all->bound != NULL)
        fprintf(out, "bound     no policy hits more, or saves more time; found with %s\n",
                units_format((double)all->bound_bytes, UNIT_BYTES, memory, sizeof memory));
    print_measured(out, &about->facts, &all->measured);
    for (uint32_t size = 0; size < all->size_count; size++)
        print_size(out, about, all, size);
}

/* ---- JSON ---- */

static void set_whole(json_t *object, const char *key, uint64_t value)
{
    json_object_set_new(object, key, json_integer((json_int_t)value));
}

static json_t *by_tier(const uint64_t value[TIER_COUNT], bool limits)
{
    static const char *const names[TIER_COUNT] = { "hbm", "dram", "ssd" };
    json_t *object = json_object();
    for (int tier = 0; tier < TIER_COUNT; tier++) {
        if (limits && value[tier] == UINT64_MAX)
            json_object_set_new(object, names[tier], json_null());
        else
            set_whole(object, names[tier], value[tier]);
    }
    return object;
}

static json_t *run_json(const struct replay_runs *all, const struct replay_run *run)
{
    const struct replay_result *result = &run->result;
    json_t *object = json_object();
    json_object_set_new(object, "policy", json_string(run->config.policy->name));
    set_whole(object, "hits", result->all_hits);
    json_object_set_new(object, "hits_by_tier", by_tier(result->hits, false));
    set_whole(object, "hit_tokens", result->hit_tokens);
    json_object_set_new(object, "written_by_tier", by_tier(result->written, false));
    json_object_set_new(object, "evicted_by_tier", by_tier(result->evicted, false));
    json_object_set_new(object, "saved_ns", json_real(result->saved_ns));
    set_whole(object, "memory_bytes", result->memory_bytes);
    if (all->bound != NULL) {
        set_whole(object, "regret_hits", regret_hits(all, run));
        json_object_set_new(object, "regret_ns", json_real(regret_ns(all, run)));
    }
    return object;
}

static json_t *size_json(const struct replay_runs *all, uint32_t size)
{
    const struct bound_result *bound = &all->sizes[size].bound;
    json_t *object = json_object(), *list = json_array();
    json_object_set_new(object, "blocks", by_tier(all->sizes[size].blocks, true));
    if (all->bound != NULL) {
        set_whole(object, "bound_hits", bound->hits);
        json_object_set_new(object, "bound_saved_ns", json_real(bound->saved_ns));
    }
    for (uint32_t i = 0; i < all->run_count; i++)
        if (all->runs[i].size == size)
            json_array_append_new(list, run_json(all, &all->runs[i]));
    json_object_set_new(object, "runs", list);
    return object;
}

static json_t *measured_json(const struct trace_facts *facts,
                             const struct replay_measured *measured)
{
    bool events = facts->measured == TRACE_MEASURED_BY_EVENTS;
    json_t *object = json_object();
    json_object_set_new(object, "by", json_string(events ? "kv events" : "look-ups"));
    json_object_set_new(object, "lower_bound", json_boolean(events));
    set_whole(object, "hits", measured->hits);
    set_whole(object, "hit_tokens", measured->hit_tokens);
    if (events) {
        set_whole(object, "hits_below", measured->hits_below);
        set_whole(object, "resident_peak_blocks", facts->engine.resident_peak_blocks);
        set_whole(object, "servers", facts->engine.servers);
    }
    return object;
}

void replay_print_json(FILE *out, const struct replay_about *about, const struct replay_runs *all)
{
    const struct replay_result *any = &all->runs[0].result;
    json_t *object = json_object(), *sizes = json_array();
    json_object_set_new(object, "trace", json_string(about->trace));
    json_object_set_new(object, "format", json_string(about->format));
    json_object_set_new(object, "server", json_string(about->server));
    set_whole(object, "block_tokens", about->block_tokens);
    set_whole(object, "requests", any->requests);
    set_whole(object, "references", any->references);
    set_whole(object, "prompt_tokens", any->prompt_tokens);
    json_object_set_new(object, "whole_ns", json_real(any->whole_ns));
    if (about->facts.measured != TRACE_UNMEASURED)
        json_object_set_new(object, "measured", measured_json(&about->facts, &all->measured));
    for (uint32_t size = 0; size < all->size_count; size++)
        json_array_append_new(sizes, size_json(all, size));
    json_object_set_new(object, "sizes", sizes);
    json_dumpf(object, out, JSON_OUT | JSON_INDENT(2) | JSON_REAL_PRECISION(17));
    fputc('\n', out);
    json_decref(object);
}
