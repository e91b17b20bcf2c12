/* sim/engine_copies.c - what the placement core wants moved, as flows over the links; a turn's
 * loads are followed layer by layer. */
#include "base/memory.h"
#include "sim/engine.h"

#include <assert.h>

/* A flow's user word: the core's transfer, one of the engine's loads, or a session handed over. */
#define USER_LOAD UINT32_C(0x80000000)
#define USER_HANDOVER UINT32_C(0x40000000)
#define USER_KINDS (USER_LOAD | USER_HANDOVER)

static uint32_t links_crossed(enum tier from, enum tier to)
{
    static const uint32_t crossed[TIER_KINDS][TIER_KINDS] = {
        [TIER_HBM] = { [TIER_DRAM] = LINK_BIT(LINK_D2H),
                       [TIER_SSD] = LINK_BIT(LINK_D2H) | LINK_BIT(LINK_SSD_WRITE) },
        [TIER_DRAM] = { [TIER_HBM] = LINK_BIT(LINK_H2D),
                        [TIER_SSD] = LINK_BIT(LINK_SSD_WRITE),
                        [TIER_REMOTE] = LINK_BIT(LINK_NETWORK) },
        [TIER_SSD] = { [TIER_HBM] = LINK_BIT(LINK_H2D) | LINK_BIT(LINK_SSD_READ),
                       [TIER_DRAM] = LINK_BIT(LINK_SSD_READ),
                       [TIER_REMOTE] = LINK_BIT(LINK_SSD_READ) | LINK_BIT(LINK_NETWORK) },
        [TIER_REMOTE] = { [TIER_HBM] = LINK_BIT(LINK_H2D) | LINK_BIT(LINK_NETWORK_IN),
                          [TIER_DRAM] = LINK_BIT(LINK_NETWORK_IN) },
    };
    return crossed[from][to];
}

/* The layers of a load that may move before its turn starts: those that the read buffer holds. */
static uint32_t buffered_layers(const struct engine *engine)
{
    uint32_t layers = engine->setup->model.layers;
    if (engine->setup->experiment->preloading == PRELOAD_NONE)
        return 0;
    if (engine->setup->experiment->preloading == PRELOAD_BACKGROUND)
        return layers;
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
    overlap_load_begin(&load->progress, first, last, now_of(engine), to - from);
    load->flow = links_start(&engine->links, now_of(engine), load->links, to - from,
                             USER_LOAD | (uint32_t)(load - engine->load));
}

static struct load *free_load(struct engine *engine)
{
    for (uint32_t i = 0; i < engine->loads; i++)
        if (engine->load[i].action == 0)
            return &engine->load[i];
    assert(!"more loads than turns that may be prepared");
    return NULL;
}

static void begin_load(struct engine *engine, const struct action *action)
{
    struct load *load = free_load(engine);
    bool background = engine->setup->experiment->preloading == PRELOAD_BACKGROUND;
    *load =
        (struct load){ .action = action->id,
                       .session = engine->note[action->job].session,
                       .links = links_crossed(action->from, TIER_HBM),
                       .arrivals = background ? ARRIVALS_NONE : engine->arrivals_of_prepared,
                       .size_bytes = kv_layout_load_bytes(&engine->setup->kv, action->size_bytes) };
    engine->loading++;
    if ((uint32_t)(load - engine->load) >= engine->loads_used)
        engine->loads_used = (uint32_t)(load - engine->load) + 1;
    if (background || !copies_loading(engine, engine->iteration.loading))
        start_layers(engine, load, buffered_layers(engine));
}

/* KV is read in the order of the turns, one stream as in the paper: the read buffer fills when the
 * prefill that runs now waits for nothing more, or it would be slowed down by the next one's. */
static void fill_read_buffer(struct engine *engine)
{
    for (struct load *load = engine->load; load < engine->load + engine->loads_used; load++)
        if (load->action != 0 && load->begun_layers == 0)
            start_layers(engine, load, buffered_layers(engine));
}

void copies_start_rest(struct engine *engine, uint32_t session)
{
    for (struct load *load = engine->load; load < engine->load + engine->loads_used; load++) {
        if (load->action == 0 || load->session != session || load->flow != 0)
            continue;
        start_layers(engine, load, engine->setup->model.layers);
    }
}

void copies_note_progress(struct engine *engine)
{
    if (engine->loading == 0)
        return;
    for (struct load *load = engine->load; load < engine->load + engine->loads_used; load++)
        if (load->flow != 0 && load->arrivals != ARRIVALS_NONE)
            overlap_note_progress(&load->progress, now_of(engine),
                                  links_done_bytes(&engine->links, now_of(engine), load->flow),
                                  &engine->arrivals[load->arrivals]);
}

bool copies_loading(const struct engine *engine, uint32_t session)
{
    if (engine->loading == 0)
        return false;
    for (const struct load *load = engine->load; load < engine->load + engine->loads_used; load++)
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

/* The core's copies grow only: that a turn's end leaves another state in the old one's place is
 * added here. */
static uint64_t state_bytes(struct engine *engine, const struct action *action)
{
    bool of_job = action->kind == ACTION_SAVE && action->job != 0; /* not of idle units */
    if (!of_job || !engine->note[action->job].writes_state)
        return 0;
    engine->note[action->job].writes_state = false;
    return engine->setup->kv.shape.state_bytes;
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
        links_start(&engine->links, now_of(engine), links_crossed(action->from, action->to),
                    action->size_bytes + state_bytes(engine, action), action->id);
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

void copies_hand_over(struct engine *engine, uint32_t session, uint64_t size_bytes)
{
    links_start(&engine->links, now_of(engine), LINK_BIT(LINK_NETWORK), size_bytes,
                USER_HANDOVER | session);
}

static bool iteration_waits_for(const struct engine *engine, uint32_t session)
{
    return engine->gpu == GPU_LOADING && engine->iteration.loading == session;
}

/* If these were the read buffer's layers, the rest follows: at once if the prefill has started,
 * else when it does. */
static void load_flow_ended(struct engine *engine, struct load *load)
{
    if (load->arrivals != ARRIVALS_NONE)
        overlap_load_end(&load->progress, now_of(engine), &engine->arrivals[load->arrivals]);
    load->flow = 0;
    if (load->begun_layers < engine->setup->model.layers) {
        if (iteration_waits_for(engine, load->session))
            copies_start_rest(engine, load->session);
        return;
    }
    uint32_t action = load->action, session = load->session;
    load->action = 0;
    engine->loading--;
    while (engine->loads_used > 0 && engine->load[engine->loads_used - 1].action == 0)
        engine->loads_used--;
    placement_transfer_ended(engine->core, now_of(engine), action);
    if (iteration_waits_for(engine, session) && !copies_loading(engine, session)) {
        gpu_loads_ended(engine);
        fill_read_buffer(engine);
    }
}

void copies_flow_ended(struct engine *engine, uint32_t user)
{
    if (user & USER_LOAD)
        load_flow_ended(engine, &engine->load[user & ~USER_KINDS]);
    else if (user & USER_HANDOVER)
        handover_ended(engine, user & ~USER_KINDS);
    else
        placement_transfer_ended(engine->core, now_of(engine), user);
}
