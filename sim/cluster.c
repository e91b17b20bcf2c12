/* sim/cluster.c - one run in virtual time: the clock, its events, and what the counts come to. */
#include "base/memory.h"
#include "sim/cluster_run.h"
#include "sim/engine.h"
#include "sim/engine/core_metrics.h"

#include <assert.h>
#include <stdlib.h>

/* ---- coming and going ---- */

static struct handles handles_new(uint32_t most)
{
    return (struct handles){ .item = memory_new(most, sizeof(uint32_t)) };
}

void handles_remove(struct handles *handles, uint32_t at)
{
    handles->count--;
    for (uint32_t i = at; i < handles->count; i++)
        handles->item[i] = handles->item[i + 1];
}

/* A server that only decodes keeps what it decodes, and stores nothing. */
static struct placement_config core_config(const struct cluster *cluster, uint32_t index)
{
    struct placement_config config = cluster->setup->placement;
    config.pool = cluster->pool;
    if (index < cluster->prefill_engines)
        return config;
    config.pool = NULL;
    config.policy = policy_find("none");
    config.fetches = false;
    config.unit_tokens = UINT32_MAX;
    config.hbm_cache_bytes = 0;
    config.capacity_bytes[TIER_DRAM] = config.capacity_bytes[TIER_SSD] = 0;
    return config;
}

static void engine_init(struct cluster *cluster, uint32_t index)
{
    const struct engine_setup *setup = cluster->setup;
    struct engine *engine = &cluster->engine[index];
    struct placement_config config = core_config(cluster, index);
    uint32_t batch = setup->experiment->batch + 1;
    *engine = (struct engine){ .cluster = cluster, .setup = setup, .index = index };
    engine->core = placement_new(&config);
    links_init(&engine->links, setup->link_bytes_per_s, setup->link_latency_ns);
    for (int pair = 0; pair < PAIR_COUNT; pair++)
        links_share(&engine->links, (enum link_pair)pair, setup->both_bytes_per_s[pair]);
    engine->prepared = handles_new(batch);
    engine->prefilling = handles_new(batch);
    engine->running = handles_new(batch);
    engine->joining = handles_new(batch);
    engine->stalling_prefills = handles_new(batch);
    engine->chunk = memory_new(batch, sizeof *engine->chunk);
    /* Three loads a turn (from DRAM, SSD, the pool), of turns that are prepared or in one
     * iteration. */
    engine->loads = 3 * (batch + 1);
    engine->load = memory_new(engine->loads, sizeof *engine->load);
}

static void engine_free(struct engine *engine)
{
    placement_free(engine->core);
    links_free(&engine->links);
    free(engine->prepared.item);
    free(engine->prefilling.item);
    free(engine->running.item);
    free(engine->joining.item);
    free(engine->stalling_prefills.item);
    free(engine->chunk);
    free(engine->load);
    free(engine->note);
}

static void cluster_init(struct cluster *cluster, const struct engine_setup *setup,
                         struct trace *trace)
{
    const struct experiment *experiment = setup->experiment;
    *cluster = (struct cluster){ .setup = setup, .trace = trace, .session_high_water = 1 };
    event_heap_init(&cluster->events);
    collector_init(&cluster->collector, experiment);
    ranges_init(&cluster->turn_ranges);
    ranges_init(&cluster->key_ranges);
    ranges_init(&cluster->seen_ranges);
    cluster->engines = experiment->replicas;
    cluster->prefill_engines =
        experiment->prefill_replicas > 0 ? experiment->prefill_replicas : experiment->replicas;
    if (setup->remote_bytes > 0)
        cluster->pool =
            pool_new(setup->remote_bytes / setup->kv.bytes_per_token, setup->placement.ttl_ns);
    cluster->engine = memory_new(cluster->engines, sizeof *cluster->engine);
    for (uint32_t i = 0; i < cluster->engines; i++)
        engine_init(cluster, i);
}

static void cluster_free(struct cluster *cluster)
{
    for (uint32_t i = 0; i < cluster->engines; i++)
        engine_free(&cluster->engine[i]);
    free(cluster->engine);
    pool_free(cluster->pool);
    event_heap_free(&cluster->events);
    collector_free(&cluster->collector);
    turns_free(cluster);
}

/* ---- events ---- */

/* An event's kind also says whose it is. */
enum { KIND_BITS = 8 };

void cluster_schedule(struct engine *engine, uint64_t time_ns, enum engine_event kind,
                      uint32_t handle)
{
    event_heap_push(&engine->cluster->events, time_ns, (uint32_t)kind | engine->index << KIND_BITS,
                    handle);
}

static void ask(struct cluster *cluster, uint32_t session)
{
    struct engine *engine = turns_ask(cluster, session);
    copies_act(engine);
    gpu_look_up(engine);
}

static enum status handle_event(struct cluster *cluster, const struct event *event,
                                struct error *err)
{
    struct engine *engine = &cluster->engine[event->kind >> KIND_BITS];
    switch ((enum engine_event)(event->kind & ((1U << KIND_BITS) - 1))) {
    case ENGINE_ARRIVAL:
        ask(cluster, event->handle);
        return turns_read_ahead(cluster, err);
    case ENGINE_TURN:
        ask(cluster, event->handle);
        break;
    case ENGINE_GPU:
        gpu_event(engine, event->handle);
        break;
    case ENGINE_SAVE:
        ends_save(engine, event->handle, session_of(engine, event->handle)->prefill_tokens);
        break;
    case ENGINE_LOOK:
        gpu_look_up(engine);
        break;
    }
    return STATUS_OK;
}

/* All flows that end now are ended before anyone looks at what that makes possible. */
static void end_flows(struct engine *engine)
{
    uint32_t user;
    copies_note_progress(engine);
    while (links_step(&engine->links, now_of(engine), &user))
        copies_flow_ended(engine, user);
    copies_act(engine);
    gpu_saving_changed(engine);
    gpu_look_up(engine);
}

/* The server whose links change next; ties go to the lowest index. */
static struct engine *next_links(const struct cluster *cluster, uint64_t *next_ns)
{
    struct engine *first = NULL;
    *next_ns = UINT64_MAX;
    for (uint32_t i = 0; i < cluster->engines; i++) {
        uint64_t time_ns = links_next_ns(&cluster->engine[i].links);
        if (time_ns < *next_ns) {
            *next_ns = time_ns;
            first = &cluster->engine[i];
        }
    }
    return first;
}

enum { EVENTS_BETWEEN_TELLS = 4096 };

static bool told_to_stop(const struct cluster *cluster, const struct sim_progress *progress)
{
    if (progress == NULL || cluster->events_done % EVENTS_BETWEEN_TELLS != 0)
        return false;
    return !progress->tell(progress->context, cluster->turns_done,
                           trace_facts(cluster->trace).expected_turns,
                           trace_progress(cluster->trace));
}

static enum status run(struct cluster *cluster, const struct sim_progress *progress,
                       bool *interrupted, struct error *err)
{
    enum status status = turns_read_ahead(cluster, err);
    while (status == STATUS_OK) {
        uint64_t links_ns, event_ns = event_heap_next_ns(&cluster->events);
        struct engine *moving = next_links(cluster, &links_ns);
        if (links_ns == UINT64_MAX && event_ns == UINT64_MAX)
            break;
        cluster->events_done++;
        if (told_to_stop(cluster, progress)) {
            *interrupted = true;
            return STATUS_OK;
        }
        /* Transfers first: what has arrived by now counts for what happens now. */
        cluster->now_ns = links_ns <= event_ns ? links_ns : event_ns;
        if (links_ns <= event_ns) {
            end_flows(moving);
        } else {
            struct event event = event_heap_pop(&cluster->events);
            status = handle_event(cluster, &event, err);
        }
    }
    return status;
}

/* ---- what the counts come to ---- */

void cluster_start_measuring(struct cluster *cluster)
{
    collector_measure_from(&cluster->collector, cluster->now_ns);
    for (uint32_t i = 0; i < cluster->engines; i++) {
        struct engine *engine = &cluster->engine[i];
        engine->counters_at_measure = *placement_counters(engine->core);
        engine->turns_at_measure = engine->turns_routed;
        for (int link = 0; link < LINK_COUNT; link++)
            engine->link_bytes_at_measure[link] =
                links_moved_bytes(&engine->links, cluster->now_ns, (enum link)link);
        placement_reset_peaks(engine->core);
    }
    if (cluster->pool == NULL)
        return;
    cluster->pool_at_measure = *pool_counters(cluster->pool);
    pool_reset_peak(cluster->pool);
}

static double link_bytes(const struct engine *engine, enum link link)
{
    double moved = links_moved_bytes(&engine->links, now_of(engine), link);
    return (double)(uint64_t)(moved - engine->link_bytes_at_measure[link] + 0.5);
}

static void add_link_metrics(const struct engine *engine, struct metrics *metrics)
{
    metrics->ssd_read_bytes += link_bytes(engine, LINK_SSD_READ);
    metrics->ssd_written_bytes += link_bytes(engine, LINK_SSD_WRITE);
    metrics->h2d_bytes += link_bytes(engine, LINK_H2D);
    metrics->d2h_bytes += link_bytes(engine, LINK_D2H);
    metrics->network_bytes += link_bytes(engine, LINK_NETWORK);
    metrics->remote_read_bytes += link_bytes(engine, LINK_NETWORK_IN);
}

/* How many times its fair share of turns the busiest server was given. */
static double imbalance(const struct cluster *cluster)
{
    uint64_t most = 0, all = 0;
    for (uint32_t i = 0; i < cluster->prefill_engines; i++) {
        uint64_t turns = cluster->engine[i].turns_routed - cluster->engine[i].turns_at_measure;
        most = turns > most ? turns : most;
        all += turns;
    }
    return all > 0 ? (double)most * cluster->prefill_engines / (double)all : 0.0;
}

static void add_pool_metrics(const struct cluster *cluster, struct metrics *metrics)
{
    if (cluster->pool == NULL)
        return;
    double bytes_per_token = (double)cluster->setup->kv.bytes_per_token;
    const struct pool_counters *now = pool_counters(cluster->pool);
    const struct pool_counters *then = &cluster->pool_at_measure;
    metrics->peak_remote_bytes = (double)pool_peak_tokens(cluster->pool) * bytes_per_token;
    metrics->remote_dropped_bytes =
        (double)(now->dropped_tokens - then->dropped_tokens) * bytes_per_token;
    metrics->remote_expired_bytes =
        (double)(now->expired_tokens - then->expired_tokens) * bytes_per_token;
}

static void set_metrics(struct cluster *cluster, struct sim_result *result)
{
    collector_finish(&cluster->collector, cluster->now_ns, result);
    struct metrics *metrics = &result->metrics;
    for (uint32_t i = 0; i < cluster->engines; i++) {
        placement_end(cluster->engine[i].core);
        core_metrics_add(cluster->engine[i].core, &cluster->engine[i].counters_at_measure, metrics);
        add_link_metrics(&cluster->engine[i], metrics);
    }
    add_pool_metrics(cluster, metrics);
    metrics->gpu_utilisation /= cluster->engines;
    metrics->router_imbalance = imbalance(cluster);
    result->events = cluster->events_done;
}

static bool is_at_rest(const struct cluster *cluster)
{
    for (uint32_t i = 0; i < cluster->engines; i++)
        if (cluster->engine[i].turns_here > 0)
            return false;
    return cluster->waiting == 0;
}

enum status cluster_run(const struct engine_setup *setup, struct trace *trace,
                        const struct sim_progress *progress, struct sim_result *result,
                        struct error *err)
{
    struct cluster cluster;
    cluster_init(&cluster, setup, trace);
    enum status status = run(&cluster, progress, &result->interrupted, err);
    if (status == STATUS_OK) {
        /* Nothing left to happen, yet turns wait: a bug of ours, never the user's. */
        bool is_whole = result->interrupted || is_at_rest(&cluster);
        assert(is_whole);
        (void)is_whole;
        set_metrics(&cluster, result);
    }
    cluster_free(&cluster);
    return status;
}
