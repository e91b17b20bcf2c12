/* sim/engine/waiting.c - what turns that were asked wait for, as time: a place in the batch, HBM,
 * KV, or nothing but the GPUs' work before them. The server's queue is one: whatever keeps its next
 * turn from starting keeps those behind it. */
#include "sim/engine/state.h"
#include "sim/engine/watching.h"

/* A turn that is prepared has its HBM. An estimate of the others: of what the next one shares with
 * turns that run nothing is left out. */
static bool hbm_has_room(const struct engine *engine)
{
    if (engine->waits_for_room)
        return false;
    if (engine->prepared.count > 0 || engine->queue_head == 0)
        return true;
    const struct session *next = session_of(engine, engine->queue_head);
    return placement_has_room(engine->core,
                              kv_layout_room(&engine->setup->kv, room_at_start(engine, next)));
}

static bool all_prepared_load(const struct engine *engine)
{
    return engine->prepared.count > 0 && !queue_may_start(engine, engine->now_ns);
}

static enum wait_cause cause_of(const struct engine *engine)
{
    if (!hbm_has_room(engine))
        return WAIT_HBM;
    if (!batch_place_left(engine))
        return engine->held_places > 0 ? WAIT_KV : WAIT_BATCH;
    if (engine->waits_for_kv || all_prepared_load(engine))
        return WAIT_KV;
    return WAIT_GPU;
}

void waiting_count(struct engine *engine)
{
    if (engine->waiting > 0) {
        collector_add_waiting(collector_of(engine), engine->wait_cause, engine->waiting,
                              engine->wait_since_ns, engine->now_ns);
        engine->waited_ns[engine->wait_cause] += engine->now_ns - engine->wait_since_ns;
    }
    engine->wait_since_ns = engine->now_ns;
}

void waiting_add(struct engine *engine, int turns)
{
    struct service *service = engine->service;
    waiting_count(engine);
    engine->waiting += (uint32_t)turns;
    service->waiting += (uint32_t)turns;
    collector_set_queue(&service->collector, engine->now_ns, service->waiting);
    watching_queue(engine);
}

void waiting_look(struct engine *engine)
{
    if (engine->waiting == 0)
        return;
    enum wait_cause cause = cause_of(engine);
    if (cause == engine->wait_cause)
        return;
    waiting_count(engine);
    engine->wait_cause = cause;
}
