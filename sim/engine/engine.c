/* sim/engine/engine.c - coming and going of an engine, what it is told, and what it says is next.
 */
#include "sim/engine/engine.h"

#include "base/memory.h"
#include "sim/engine/core_metrics.h"
#include "sim/engine/router.h"
#include "sim/engine/state.h"
#include "sim/engine/watching.h"

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
static struct placement_config core_config(const struct service *service, uint32_t index)
{
    struct placement_config config = service->setup->placement;
    config.pool = service->pool;
    config.pool_user = index;
    if (index < service->prefill_engines)
        return config;
    config.pool = NULL;
    config.policy = policy_find("none");
    config.fetches = false;
    config.unit_tokens = UINT32_MAX;
    config.hbm_cache_bytes = 0;
    config.capacity_bytes[TIER_DRAM] = config.capacity_bytes[TIER_SSD] = 0;
    return config;
}

struct engine *engine_new(struct service *service, uint32_t index)
{
    struct engine *engine = memory_new(1, sizeof *engine);
    struct placement_config config = core_config(service, index);
    uint32_t batch = service->setup->experiment->batch + 1;
    *engine = (struct engine){ .service = service, .setup = service->setup, .index = index };
    engine->core = placement_new(&config);
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
    return engine;
}

void engine_free(struct engine *engine)
{
    if (engine == NULL)
        return;
    placement_free(engine->core);
    free(engine->prepared.item);
    free(engine->prefilling.item);
    free(engine->running.item);
    free(engine->joining.item);
    free(engine->stalling_prefills.item);
    free(engine->chunk);
    free(engine->load);
    free(engine->note);
    free(engine->action);
    free(engine->moving);
    watching_free(engine);
    free(engine);
}

/* ---- what happened ---- */

void engine_add_turns(struct engine *engine, int turns)
{
    engine->turns_here += (uint32_t)turns;
    router_note_load(engine->service, engine->index, engine->turns_here);
}

void engine_note_job(struct engine *engine, uint32_t job, uint32_t session)
{
    memory_grow(&engine->note, &engine->note_capacity, (uint64_t)job + 1, sizeof *engine->note);
    engine->note[job] =
        (struct job_note){ .session = session, .turn = session_of(engine, session)->asked };
}

/* Source of the block that is computed: vLLM v1's KVCacheManager.get_computed_blocks(), whose
 * longest hit is of the prompt less one token (v1/core/kv_cache_manager.py), while what the
 * connector found is all of it less one token (v1/core/sched/scheduler.py); SGLang matches the
 * prompt less one token alone. */
void engine_limit_job(struct engine *engine, const struct session *session)
{
    const struct experiment *experiment = experiment_of(engine);
    uint32_t block = engine->setup->unit_tokens, most = UINT32_MAX, prompt = UINT32_MAX;
    if (block != UINT32_MAX && session->prefill_tokens > 0)
        most = (session->prefill_tokens - 1) / block * block;
    if (experiment->replies != REPLIES_EVERYWHERE)
        prompt = kv_layout_stored(&engine->setup->kv, session_context(session));
    placement_limit(engine->core, session->job,
                    (struct placement_limits){
                        .save_tokens = prompt,
                        .prompt_tokens = session->prefill_tokens,
                        .hbm_tokens = experiment->last_block != LAST_REUSED ? most : UINT32_MAX,
                        .below_tokens = experiment->last_block == LAST_COMPUTED ? most : UINT32_MAX,
                    });
}

uint32_t engine_expect_turn(const struct engine *engine, const struct session *session,
                            uint32_t step)
{
    if (engine->setup->unit_tokens != UINT32_MAX)
        return ENGINE_EXPECTED; /* of a chain that is to be built */
    return placement_expect(engine->core, session->id, step);
}

void engine_ask(struct engine *engine, uint64_t now_ns, uint32_t handle, struct chain chain)
{
    struct service *service = engine->service;
    struct session *session = session_of(engine, handle);
    engine->now_ns = now_ns;
    session->server = session->decode_server = engine->index;
    session->reached_ns = now_ns;
    sessions_note_cut(&service->sessions, handle, &chain);
    on_behalf_of(engine, handle);
    placement_set_tenant(engine->core, session->tenant,
                         &service->sessions.terms.of[session->tenant]);
    session->job = placement_queue(engine->core, now_ns, chain.keys, chain.count,
                                   chain.context_tokens, chain.capacity);
    if (engine->setup->unit_tokens == UINT32_MAX)
        placement_set_base(engine->core, session->job, session->base_tokens, session->generation);
    engine_limit_job(engine, session);
    engine_note_job(engine, session->job, handle);
    actions_drain(engine);
    engine_add_turns(engine, 1);
    queue_push(engine, handle);
    waiting_add(engine, 1);
    watching_asked(engine, handle);
    engine->pending |= PENDING_LOOK;
}

void engine_transfer_ended(struct engine *engine, uint64_t now_ns, uint32_t transfer)
{
    engine->now_ns = now_ns;
    moved_add(&engine->moved, &engine->moving[transfer]);
    watching_moved(engine, transfer);
    placement_on_behalf(engine->core, engine->moving[transfer].behalf);
    placement_transfer_ended(engine->core, now_ns, transfer);
    engine->undrained = true; /* others that end now come first */
    loads_ended(engine, transfer);
}

void engine_look(struct engine *engine, uint64_t now_ns)
{
    engine->now_ns = now_ns;
    engine->pending |= PENDING_STALL | PENDING_LOOK;
}

void engine_prompt_ready(struct engine *engine, uint64_t now_ns, uint32_t session)
{
    engine->now_ns = now_ns;
    ends_save(engine, session, session_of(engine, session)->prefill_tokens);
}

/* ---- what is next ---- */

static bool take_pending(struct engine *engine, enum pending what)
{
    bool was = (engine->pending & what) != 0;
    engine->pending &= ~(unsigned)what;
    return was;
}

enum engine_step engine_step(struct engine *engine, uint64_t now_ns, uint64_t most_repeats,
                             struct engine_iteration *iteration)
{
    enum engine_step step = ENGINE_NOTHING;
    engine->now_ns = now_ns;
    if (engine->undrained)
        actions_drain(engine);
    while (engine->pending != 0 && step == ENGINE_NOTHING) {
        if (take_pending(engine, PENDING_AHEAD))
            queue_prepare_ahead(engine);
        else if (take_pending(engine, PENDING_STALL))
            batch_end_stall(engine);
        else if (take_pending(engine, PENDING_NEXT))
            step = batch_next(engine, most_repeats);
        else if (take_pending(engine, PENDING_LOOK)) {
            queue_prepare_ahead(engine);
            if (engine->gpus == GPUS_IDLE)
                engine->pending |= PENDING_NEXT;
            else if (batch_wants_cut(engine))
                step = ENGINE_CUT;
        }
    }
    if (step == ENGINE_START)
        *iteration = engine->iteration;
    waiting_look(engine);
    return step;
}

enum engine_step engine_decode_on(struct engine *engine, uint64_t until_ns, uint64_t *now_ns,
                                  uint64_t *ended, struct engine_iteration *iteration)
{
    enum engine_step step = batch_decode_on(engine, until_ns, ended);
    *now_ns = engine->now_ns;
    *iteration = engine->iteration;
    return step;
}

/* ---- turns that one server prefills and another decodes ---- */

void engine_announce(struct engine *decoder, uint64_t now_ns, uint32_t handle)
{
    struct session *session = session_of(decoder, handle);
    decoder->now_ns = now_ns;
    on_behalf_of(decoder, handle);
    session->decode_job = placement_queue(decoder->core, now_ns, &session->id, 1, 0, 1);
    engine_note_job(decoder, session->decode_job, handle);
    actions_drain(decoder);
    engine_add_turns(decoder, 1);
}

bool engine_expect(struct engine *decoder, uint64_t now_ns, uint32_t handle)
{
    const struct session *session = session_of(decoder, handle);
    struct placement_hits none;
    decoder->now_ns = now_ns;
    decoder->undrained = true;
    on_behalf_of(decoder, handle);
    if (!batch_place_left(decoder) ||
        placement_prepare(decoder->core, now_ns, session->decode_job, 0,
                          kv_layout_room(&decoder->setup->kv, session_total(session)), TIER_HBM,
                          &none) != PREPARE_DONE)
        return false;
    actions_drain(decoder);
    decoder->expected++;
    return true;
}

void engine_handed_over(struct engine *engine, uint64_t now_ns, uint32_t handle,
                        uint64_t size_bytes)
{
    engine->now_ns = now_ns;
    engine->moved.handed_over_bytes += size_bytes;
    ends_job(engine, session_of(engine, handle)->job);
    engine_add_turns(engine, -1);
}

void engine_join(struct engine *decoder, uint64_t now_ns, uint32_t handle)
{
    decoder->now_ns = now_ns;
    decoder->expected--;
    handles_add(&decoder->joining, handle);
    decoder->pending |= PENDING_LOOK;
}

/* ---- what it knows ---- */

struct placement *engine_core(const struct engine *engine)
{
    return engine->core;
}

void engine_tell_shares(struct engine *engine)
{
    placement_tell_shares(engine->core);
}

void engine_skip_drops(struct engine *engine)
{
    placement_skip_drops(engine->core);
}

uint32_t engine_turns(const struct engine *engine)
{
    return engine->turns_here;
}

uint32_t engine_waiting(const struct engine *engine)
{
    return engine->waiting;
}

void engine_serve_for(struct engine *engine, struct service *service)
{
    engine->service = service;
    engine_use_pool(engine, service->pool);
}

void engine_use_pool(struct engine *engine, struct pool *pool)
{
    placement_use_pool(engine->core, pool);
}

uint64_t engine_moved_bytes(const struct engine *engine, enum link link)
{
    return moved_over(&engine->moved, link);
}

uint64_t engine_turns_measured(const struct engine *engine)
{
    return engine->turns_measured;
}

void engine_start_measuring(struct engine *engine)
{
    engine->counters_at_measure = *placement_counters(engine->core);
    engine->moved_at_measure = engine->moved;
    placement_start_measuring(engine->core);
}

void engine_end(struct engine *engine)
{
    waiting_count(engine);
}

void engine_add_metrics(struct engine *engine, struct metrics *metrics)
{
    placement_end(engine->core);
    core_metrics_add(engine->core, &engine->setup->kv, &engine->counters_at_measure, metrics);
    moved_add_metrics(&engine->moved, &engine->moved_at_measure, metrics);
}

void engine_add_tenant_metrics(const struct engine *engine, struct tenant_result *tenants,
                               uint32_t count)
{
    core_metrics_add_tenants(engine->core, &engine->setup->kv, &engine->counters_at_measure,
                             tenants, count);
}
