/* sim/engine.c - one run in virtual time: the clock and its events. */
#include "base/memory.h"
#include "sim/engine.h"
#include "sim/engine_run.h"

#include <assert.h>
#include <stdlib.h>

static void engine_init(struct engine *engine, const struct engine_setup *setup,
                        struct trace *trace)
{
    *engine = (struct engine){ .setup = setup, .trace = trace, .session_high_water = 1 };
    engine->core = placement_new(&setup->placement);
    links_init(&engine->links, setup->link_bytes_per_s, setup->link_latency_ns);
    event_heap_init(&engine->events);
    collector_init(&engine->collector, setup->experiment->warmup_turns == 0);
    ranges_init(&engine->turn_ranges);
    ranges_init(&engine->key_ranges);
    engine->running = memory_new((size_t)setup->experiment->batch + 1, sizeof *engine->running);
}

static void engine_free(struct engine *engine)
{
    placement_free(engine->core);
    links_free(&engine->links);
    event_heap_free(&engine->events);
    collector_free(&engine->collector);
    turns_free(engine);
    free(engine->running);
    free(engine->note);
}

static enum status arrive(struct engine *engine, uint32_t session, struct error *err)
{
    turns_ask(engine, session);
    copies_act(engine);
    gpu_look_up(engine);
    return turns_read_ahead(engine, err);
}

static enum status handle_event(struct engine *engine, const struct event *event, struct error *err)
{
    switch ((enum engine_event)event->kind) {
    case ENGINE_ARRIVAL:
        return arrive(engine, event->handle, err);
    case ENGINE_TURN:
        turns_ask(engine, event->handle);
        copies_act(engine);
        gpu_look_up(engine);
        break;
    case ENGINE_GPU:
        gpu_event(engine, event->handle);
        break;
    case ENGINE_SAVE:
        gpu_save_event(engine, event->handle);
        break;
    }
    return STATUS_OK;
}

/* All flows that end now are ended before anyone looks at what that makes possible. */
static void end_flows(struct engine *engine)
{
    uint32_t user;
    copies_note_progress(engine);
    while (links_step(&engine->links, engine->now_ns, &user))
        copies_flow_ended(engine, user);
    copies_act(engine);
    gpu_saving_changed(engine);
    gpu_look_up(engine);
}

enum { EVENTS_BETWEEN_TELLS = 4096 };

static bool told_to_stop(const struct engine *engine, const struct sim_progress *progress)
{
    if (progress == NULL || engine->events_done % EVENTS_BETWEEN_TELLS != 0)
        return false;
    return !progress->tell(progress->context, engine->turns_done,
                           trace_facts(engine->trace).expected_turns,
                           trace_progress(engine->trace));
}

static enum status run(struct engine *engine, const struct sim_progress *progress,
                       bool *interrupted, struct error *err)
{
    enum status status = turns_read_ahead(engine, err);
    while (status == STATUS_OK) {
        uint64_t links_ns = links_next_ns(&engine->links);
        uint64_t event_ns = event_heap_next_ns(&engine->events);
        if (links_ns == UINT64_MAX && event_ns == UINT64_MAX)
            break;
        engine->events_done++;
        if (told_to_stop(engine, progress)) {
            *interrupted = true;
            return STATUS_OK;
        }
        /* Transfers first: what has arrived by now counts for what happens now. */
        engine->now_ns = links_ns <= event_ns ? links_ns : event_ns;
        if (links_ns <= event_ns) {
            end_flows(engine);
        } else {
            struct event event = event_heap_pop(&engine->events);
            status = handle_event(engine, &event, err);
        }
    }
    return status;
}

static void set_core_metrics(const struct engine *engine, struct metrics *metrics)
{
    const struct placement_counters *now = placement_counters(engine->core);
    const struct placement_counters *then = &engine->counters_at_measure;
#define SINCE(counter) metrics->counter = (double)(now->counter - then->counter)
    SINCE(load_dram_hbm_bytes);
    SINCE(load_ssd_hbm_bytes);
    SINCE(fetch_ssd_dram_bytes);
    SINCE(save_hbm_dram_bytes);
    SINCE(save_hbm_ssd_bytes);
    SINCE(demote_dram_ssd_bytes);
    SINCE(dropped_bytes);
    SINCE(unsaved_bytes);
    SINCE(expired_bytes);
    SINCE(invalidated_bytes);
    SINCE(stored_bytes);
    SINCE(stored_never_loaded_bytes);
#undef SINCE
    metrics->peak_hbm_bytes = (double)placement_peak_bytes(engine->core, TIER_HBM);
    metrics->peak_dram_bytes = (double)placement_peak_bytes(engine->core, TIER_DRAM);
    metrics->peak_ssd_bytes = (double)placement_peak_bytes(engine->core, TIER_SSD);
}

static double link_bytes(const struct engine *engine, enum link link)
{
    double moved = links_moved_bytes(&engine->links, engine->now_ns, link);
    return (double)(uint64_t)(moved - engine->link_bytes_at_measure[link] + 0.5);
}

static void set_link_metrics(const struct engine *engine, struct metrics *metrics)
{
    metrics->ssd_read_bytes = link_bytes(engine, LINK_SSD_READ);
    metrics->ssd_written_bytes = link_bytes(engine, LINK_SSD_WRITE);
    metrics->h2d_bytes = link_bytes(engine, LINK_H2D);
    metrics->d2h_bytes = link_bytes(engine, LINK_D2H);
}

enum status engine_run(const struct engine_setup *setup, struct trace *trace,
                       const struct sim_progress *progress, struct sim_result *result,
                       struct error *err)
{
    struct engine engine;
    engine_init(&engine, setup, trace);
    enum status status = run(&engine, progress, &result->interrupted, err);
    if (status == STATUS_OK) {
        /* Nothing left to happen, yet turns wait: a bug of ours, never the user's. */
        assert(result->interrupted || (engine.queue_head == 0 && engine.running_count == 0));
        placement_end(engine.core);
        collector_finish(&engine.collector, engine.now_ns, result);
        set_core_metrics(&engine, &result->metrics);
        set_link_metrics(&engine, &result->metrics);
        result->events = engine.events_done;
    }
    engine_free(&engine);
    return status;
}
