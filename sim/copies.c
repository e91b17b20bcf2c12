/* sim/copies.c - what the engine wants copied, as flows over the links; a turn's loads are followed
 * layer by layer. */
#include "sim/cluster.h"

#include "base/memory.h"
#include "sim/engine/moved.h"

/* A flow's user word: the core's transfer, one of the loads' slots, or a session handed over. */
#define USER_LOAD UINT32_C(0x80000000)
#define USER_HANDOVER UINT32_C(0x40000000)
#define USER_KINDS (USER_LOAD | USER_HANDOVER)

static uint32_t start_flow(struct server *server, uint32_t mask, uint64_t size_bytes, uint32_t user)
{
    lane_links_changed(server);
    return links_start(&server->links, now_of(server), mask, size_bytes, user);
}

/* ---- loads ---- */

/* Starts what may move of the load and does not yet, behind what moves now. */
static void start_layers(struct server *server, struct moving_load *load)
{
    uint32_t layers = server->cluster->setup->model.layers;
    uint32_t first = load->begun_layers, last = load->allowed_layers;
    if (load->flow != 0 || first >= last)
        return;
    uint64_t from = load->size_bytes * first / layers, to = load->size_bytes * last / layers;
    load->begun_layers = last;
    overlap_load_begin(&load->progress, first, last, now_of(server), to - from);
    load->flow =
        start_flow(server, load->links, to - from, USER_LOAD | (uint32_t)(load - server->load));
}

void copies_begin_load(struct server *server, const struct engine_action *action)
{
    memory_grow(&server->load, &server->loads, (uint64_t)action->slot + 1, sizeof *server->load);
    if (action->slot >= server->loads_used)
        server->loads_used = action->slot + 1;
    struct moving_load *load = &server->load[action->slot];
    *load = (struct moving_load){ .transfer = action->copy.id,
                                  .session = action->session,
                                  .links = moved_links(action->copy.from, TIER_HBM),
                                  .stage = action->stage,
                                  .allowed_layers = action->layers,
                                  .size_bytes = action->copy.size_bytes };
    start_layers(server, load);
}

void copies_allow(struct server *server, const struct engine_action *action)
{
    struct moving_load *load = &server->load[action->slot];
    load->allowed_layers = action->layers;
    start_layers(server, load);
}

void copies_note_progress(struct server *server)
{
    for (uint32_t i = 0; i < server->loads_used; i++) {
        struct moving_load *load = &server->load[i];
        if (load->flow != 0 && load->stage != STAGE_NONE)
            overlap_note_progress(&load->progress, now_of(server),
                                  links_done_bytes(&server->links, now_of(server), load->flow),
                                  &server->arrivals[load->stage]);
    }
}

static void load_flow_ended(struct server *server, struct moving_load *load)
{
    if (load->stage != STAGE_NONE)
        overlap_load_end(&load->progress, now_of(server), &server->arrivals[load->stage]);
    load->flow = 0;
    if (load->begun_layers < server->cluster->setup->model.layers) {
        start_layers(server, load);
        return;
    }
    uint32_t transfer = load->transfer, session = load->session;
    load->transfer = 0;
    while (server->loads_used > 0 && server->load[server->loads_used - 1].transfer == 0)
        server->loads_used--;
    engine_transfer_ended(server->engine, now_of(server), transfer);
    if (device_waits_for(server, session) && !engine_is_loading(server->engine, session))
        device_loads_ended(server);
}

/* ---- all others ---- */

void copies_begin(struct server *server, const struct engine_action *action)
{
    const struct action *copy = &action->copy;
    start_flow(server, moved_links(copy->from, copy->to), copy->size_bytes, copy->id);
}

void copies_hand_over(struct server *server, uint32_t session, uint64_t size_bytes)
{
    start_flow(server, LINK_BIT(LINK_NETWORK), size_bytes, USER_HANDOVER | session);
}

void copies_flow_ended(struct server *server, uint32_t user)
{
    if (user & USER_LOAD)
        load_flow_ended(server, &server->load[user & ~USER_KINDS]);
    else if (user & USER_HANDOVER)
        handover_ended(server, user & ~USER_KINDS);
    else
        engine_transfer_ended(server->engine, now_of(server), user);
}
