/* traces/info_measured.c - what the trace's own engine made of it: hits that it tells, and what a
 * log of KV events says of its cache. */
#include "traces/info_show.h"

#include <inttypes.h>

static double percent(uint64_t part, uint64_t whole)
{
    return 100.0 * info_share((double)part, (double)whole);
}

static void print_log(FILE *out, const struct trace_engine_log *log)
{
    fprintf(out,
            "engine's cache       %" PRIu64 " blocks stored, %" PRIu64 " removed, at most %" PRIu64
            " there at once%s\n"
            "stored again         %" PRIu64
            " (%.2f %% of stored): there once and removed since; a larger cache\n"
            "                     or a tier below has them. %" PRIu64 " were in such a tier\n",
            log->stored_blocks, log->removed_blocks, log->resident_peak_blocks,
            log->servers > 1 ? ", of one server" : "", log->stored_again_blocks,
            percent(log->stored_again_blocks, log->stored_blocks), log->from_below_blocks);
    if (log->stored_twice_blocks > 0)
        fprintf(out,
                "computed twice       %" PRIu64
                " blocks: stored while another request had just stored them\n",
                log->stored_twice_blocks);
    if (log->servers > 1)
        fprintf(out,
                "servers              %" PRIu64
                ", each with its own cache: import.server=N for one of them\n",
                log->servers);
    if (log->unknown_parents + log->removed_unknown_blocks + log->lost_batches > 0)
        fprintf(out,
                "not in the log       %" PRIu64 " parents, %" PRIu64 " removed blocks, %" PRIu64
                " batches by number: it began late, or lost some;\n"
                "                     hits and sizes are lower bounds by as much\n",
                log->unknown_parents, log->removed_unknown_blocks, log->lost_batches);
    if (log->passed_over_events > 0)
        fprintf(out,
                "passed over          %" PRIu64
                " events: of other groups of layers, or unknown here\n",
                log->passed_over_events);
}

void info_print_measured(FILE *out, const struct trace_info *info)
{
    bool events = info->facts.measured == TRACE_MEASURED_BY_EVENTS;
    if (info->facts.measured == TRACE_UNMEASURED)
        return;
    fprintf(out, "measured hits        %" PRIu64 " of %" PRIu64 " blocks (%.2f %%), %s\n",
            info->measured_hits, info->blocks, percent(info->measured_hits, info->blocks),
            events ? "the engine's own: at least, as a request that\n"
                     "                     found all its blocks leaves no event"
                   : "the cache's own answers");
    if (events)
        print_log(out, &info->facts.engine);
}

static void set_whole(json_t *object, const char *key, uint64_t value)
{
    json_object_set_new(object, key, json_integer((json_int_t)value));
}

json_t *info_measured_json(const struct trace_info *info)
{
    const struct trace_engine_log *log = &info->facts.engine;
    bool events = info->facts.measured == TRACE_MEASURED_BY_EVENTS;
    json_t *object = json_object();
    json_object_set_new(object, "by", json_string(events ? "kv events" : "look-ups"));
    json_object_set_new(object, "lower_bound", json_boolean(events));
    set_whole(object, "hits", info->measured_hits);
    if (!events)
        return object;
    set_whole(object, "hits_below", info->measured_hits_below);
    set_whole(object, "servers", log->servers);
    set_whole(object, "stored_blocks", log->stored_blocks);
    set_whole(object, "stored_twice_blocks", log->stored_twice_blocks);
    set_whole(object, "stored_again_blocks", log->stored_again_blocks);
    set_whole(object, "from_below_blocks", log->from_below_blocks);
    set_whole(object, "removed_blocks", log->removed_blocks);
    set_whole(object, "removed_unknown_blocks", log->removed_unknown_blocks);
    set_whole(object, "unknown_parents", log->unknown_parents);
    set_whole(object, "clearings", log->clearings);
    set_whole(object, "passed_over_events", log->passed_over_events);
    set_whole(object, "lost_batches", log->lost_batches);
    set_whole(object, "resident_peak_blocks", log->resident_peak_blocks);
    return object;
}
