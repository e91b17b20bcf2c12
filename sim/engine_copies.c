/* sim/engine_copies.c - what the placement core wants moved, as flows over the links; a turn's
 * loads are followed layer by layer. */
#include "base/memory.h"
#include "sim/engine.h"

#include <assert.h>

/* A flow's user word: the core's transfer, or one of the engine's loads. */
#define USER_LOAD UINT32_C(0x80000000)

static uint32_t links_crossed(enum tier from, enum tier to)
{
    static const uint32_t crossed[TIER_COUNT][TIER_COUNT] = {
        [TIER_HBM] = { 0, LINK_BIT(LINK_D2H), LINK_BIT(LINK_D2H) | LINK_BIT(LINK_SSD_WRITE) },
        [TIER_DRAM] = { LINK_BIT(LINK_H2D), 0, LINK_BIT(LINK_SSD_WRITE) },
        [TIER_SSD] = { LINK_BIT(LINK_H2D) | LINK_BIT(LINK_SSD_READ), LINK_BIT(LINK_SSD_READ), 0 },
    };
    return crossed[from][to];
}

/* The layers of a load that may move before its turn starts: those that the read buffer holds. */
static uint32_t buffered_layers(const struct engine *engine)
{
    if (engine->setup->experiment->preloading == PRELOAD_NONE)
        return 0;
    uint32_t layers = engine->setup->model.layers;
    uint32_t buffer = engine->setup->experiment->read_buffer_layers;
    return buffer < layers ? buffer : layers;
}

/* Starts what is left of the load's first `last` layers. */
static void start_layers(struct engine *engine, struct load *load, uint32_t last)
{
    uint32_t layers = engine->setup->model.layers, first = load->begun_layers;
    if (first >= last)
        return;
    uint64_t from = load->size_bytes * first / layers, to = load->size_bytes * last / layers;
    load->begun_layers = last;
    overlap_load_begin(&load->progress, first, last, engine->now_ns, to - from);
    load->flow = links_start(&engine->links, engine->now_ns, load->links, to - from,
                             USER_LOAD | (uint32_t)(load - engine->load));
}

static void begin_load(struct engine *engine, const struct action *action)
{
    struct load *load = engine->load;
    while (load->action != 0)
        load++;
    assert(load < engine->load + LOADS_MAX);
    *load = (struct load){ .action = action->id,
                           .session = engine->note[action->job].session,
                           .links = links_crossed(action->from, TIER_HBM),
                           .arrivals = engine->arrivals_of_prepared,
                           .size_bytes = action->size_bytes };
    if (!copies_loading(engine, engine->prefilling))
        start_layers(engine, load, buffered_layers(engine));
}

/* KV is read in the order of the turns, one stream as in the paper: the read buffer fills when the
 * prefill that runs now waits for nothing more, or it would be slowed down by the next one's. */
static void fill_read_buffer(struct engine *engine)
{
    for (struct load *load = engine->load; load < engine->load + LOADS_MAX; load++)
        if (load->action != 0 && load->begun_layers == 0)
            start_layers(engine, load, buffered_layers(engine));
}

void copies_start_rest(struct engine *engine, uint32_t session)
{
    for (struct load *load = engine->load; load < engine->load + LOADS_MAX; load++) {
        if (load->action == 0 || load->session != session || load->flow != 0)
            continue;
        start_layers(engine, load, engine->setup->model.layers);
    }
}

void copies_note_progress(struct engine *engine)
{
    for (struct load *load = engine->load; load < engine->load + LOADS_MAX; load++)
        if (load->flow != 0)
            overlap_note_progress(&load->progress, engine->now_ns,
                                  links_done_bytes(&engine->links, engine->now_ns, load->flow),
                                  &engine->arrivals[load->arrivals]);
}

bool copies_loading(const struct engine *engine, uint32_t session)
{
    for (const struct load *load = engine->load; load < engine->load + LOADS_MAX; load++)
        if (load->action != 0 && load->session == session)
            return true;
    return false;
}

static void release(struct engine *engine, uint32_t job)
{
    struct job_note *note = &engine->note[job];
    engine->write_buffer_used_bytes -= note->buffered_bytes;
    engine->held_places -= note->holds_place;
    engine->stalling_jobs -= note->stalls;
    *note = (struct job_note){ 0 };
}

static void act(struct engine *engine, const struct action *action)
{
    switch (action->kind) {
    case ACTION_LOAD:
        begin_load(engine, action);
        break;
    case ACTION_DROP:
        break;
    case ACTION_RELEASE:
        release(engine, action->job);
        break;
    default:
        links_start(&engine->links, engine->now_ns, links_crossed(action->from, action->to),
                    action->size_bytes, action->id);
    }
}

void copies_act(struct engine *engine)
{
    struct action actions[64];
    uint32_t count;
    while ((count = placement_take(engine->core, actions, 64)) > 0)
        for (uint32_t i = 0; i < count; i++)
            act(engine, &actions[i]);
}

/* If these were the read buffer's layers, the rest follows: at once if the prefill has started,
 * else when it does. */
static void load_flow_ended(struct engine *engine, struct load *load)
{
    overlap_load_end(&load->progress, engine->now_ns, &engine->arrivals[load->arrivals]);
    load->flow = 0;
    bool prefilling = engine->prefilling == load->session;
    if (load->begun_layers < engine->setup->model.layers) {
        if (prefilling)
            copies_start_rest(engine, load->session);
        return;
    }
    uint32_t action = load->action;
    load->action = 0;
    placement_transfer_ended(engine->core, engine->now_ns, action);
    if (prefilling && !copies_loading(engine, engine->prefilling)) {
        gpu_loads_ended(engine);
        fill_read_buffer(engine);
    }
}

void copies_flow_ended(struct engine *engine, uint32_t user)
{
    if (user & USER_LOAD) {
        load_flow_ended(engine, &engine->load[user & ~USER_LOAD]);
        return;
    }
    placement_transfer_ended(engine->core, engine->now_ns, user);
}
