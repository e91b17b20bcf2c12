/* sim/engine/loads.c - the placement core's actions on their way to the driver: what they mean for
 * the engine's own books, and how many layers of a turn's loads may come in before it starts. */
#include "base/memory.h"
#include "sim/engine/state.h"
#include "sim/engine/watching.h"

#include <assert.h>

struct engine_action *actions_add(struct engine *engine, enum engine_action_kind kind)
{
    memory_grow(&engine->action, &engine->action_capacity, (uint64_t)engine->actions + 1,
                sizeof *engine->action);
    struct engine_action *action = &engine->action[engine->actions++];
    *action = (struct engine_action){ .kind = kind };
    return action;
}

/* ---- loads ---- */

/* The layers of a load that may come in before its turn starts: those that the read buffer holds.
 */
static uint32_t buffered_layers(const struct engine *engine)
{
    uint32_t layers = engine->setup->model.layers;
    if (experiment_of(engine)->preloading == PRELOAD_NONE)
        return 0;
    if (loads_in_background(engine))
        return layers;
    uint32_t buffer = experiment_of(engine)->read_buffer_layers;
    return buffer < layers ? buffer : layers;
}

static void allow(struct engine *engine, struct load *load, uint32_t layers)
{
    if (layers <= load->layers)
        return;
    if (load->layers == 0)
        watching_moves(engine, load->transfer);
    load->layers = layers;
    struct engine_action *action = actions_add(engine, ENGINE_ALLOW);
    action->session = load->session;
    action->slot = (uint32_t)(load - engine->load);
    action->stage = load->stage;
    action->layers = layers;
    action->copy.id = load->transfer;
}

static struct load *free_load(struct engine *engine)
{
    for (uint32_t i = 0; i < engine->loads; i++)
        if (engine->load[i].transfer == 0)
            return &engine->load[i];
    assert(false && "more loads than turns that may be prepared");
    return NULL;
}

static void note_moving(struct engine *engine, const struct action *copy)
{
    memory_grow(&engine->moving, &engine->moving_capacity, (uint64_t)copy->id + 1,
                sizeof *engine->moving);
    engine->moving[copy->id] = *copy;
    watching_moves(engine, copy->id);
}

/* Another turn's prefill that still loads has the links first. */
static void begin_load(struct engine *engine, const struct action *copy)
{
    struct load *load = free_load(engine);
    uint32_t slot = (uint32_t)(load - engine->load);
    bool background = loads_in_background(engine);
    *load = (struct load){ .transfer = copy->id,
                           .session = engine->note[copy->job].session,
                           .stage = background ? STAGE_NONE : engine->stage_of_prepared };
    engine->loading++;
    if (slot >= engine->loads_used)
        engine->loads_used = slot + 1;
    if (background || !engine_is_loading(engine, engine->iteration.loading))
        load->layers = buffered_layers(engine);
    struct engine_action *action = actions_add(engine, ENGINE_LOAD);
    action->session = load->session;
    action->slot = slot;
    action->stage = load->stage;
    action->layers = load->layers;
    action->copy = *copy;
    action->copy.size_bytes = kv_layout_load_bytes(&engine->setup->kv, copy->size_bytes);
    note_moving(engine, &action->copy);
}

/* KV is read in the order of the turns, one stream as in the paper: the read buffer fills when the
 * prefill that runs now waits for nothing more, or it would be slowed down by the next one's. */
static void fill_read_buffer(struct engine *engine)
{
    for (struct load *load = engine->load; load < engine->load + engine->loads_used; load++)
        if (load->transfer != 0 && load->layers == 0)
            allow(engine, load, buffered_layers(engine));
}

void loads_start_rest(struct engine *engine, uint32_t session)
{
    for (struct load *load = engine->load; load < engine->load + engine->loads_used; load++)
        if (load->transfer != 0 && load->session == session)
            allow(engine, load, engine->setup->model.layers);
}

bool engine_is_loading(const struct engine *engine, uint32_t session)
{
    if (engine->loading == 0)
        return false;
    for (const struct load *load = engine->load; load < engine->load + engine->loads_used; load++)
        if (load->transfer != 0 && load->session == session)
            return true;
    return false;
}

static struct load *load_of(struct engine *engine, uint32_t transfer)
{
    if (engine->loading == 0)
        return NULL;
    for (struct load *load = engine->load; load < engine->load + engine->loads_used; load++)
        if (load->transfer == transfer)
            return load;
    return NULL;
}

void loads_ended(struct engine *engine, uint32_t transfer)
{
    struct load *load = load_of(engine, transfer);
    if (load == NULL)
        return;
    uint32_t session = load->session;
    load->transfer = 0;
    engine->loading--;
    while (engine->loads_used > 0 && engine->load[engine->loads_used - 1].transfer == 0)
        engine->loads_used--;
    if (engine->gpus == GPUS_BUSY && engine->iteration.loading == session &&
        !engine_is_loading(engine, session))
        fill_read_buffer(engine);
}

/* ---- the core's actions ---- */

static void release(struct engine *engine, const struct action *copy)
{
    struct job_note *note = &engine->note[copy->job];
    engine->write_buffer_used_bytes -= note->buffered_bytes;
    engine->held_places -= note->holds_place;
    engine->stalling_jobs -= note->stalls;
    *note = (struct job_note){ 0 };
    actions_add(engine, ENGINE_RELEASED)->copy = *copy;
}

/* The core's copies grow only: that a turn's end leaves another state in the old one's place is
 * added here. */
static uint64_t state_bytes(struct engine *engine, const struct action *copy)
{
    bool of_job = copy->kind == ACTION_SAVE && copy->job != 0; /* not of idle units */
    if (!of_job || !engine->note[copy->job].writes_state)
        return 0;
    engine->note[copy->job].writes_state = false;
    return engine->setup->kv.shape.state_bytes;
}

static void begin_copy(struct engine *engine, const struct action *copy)
{
    struct engine_action *action = actions_add(engine, ENGINE_COPY);
    action->copy = *copy;
    action->copy.size_bytes = kv_layout_copy_bytes(&engine->setup->kv, copy->size_bytes, copy->to) +
                              state_bytes(engine, copy);
    note_moving(engine, &action->copy);
}

static void take_in(struct engine *engine, const struct action *copy)
{
    switch (copy->kind) {
    case ACTION_LOAD:
        begin_load(engine, copy);
        break;
    case ACTION_RELEASE:
        release(engine, copy);
        break;
    case ACTION_DROP:
        actions_add(engine, ENGINE_DROP)->copy = *copy;
        watching_dropped(engine, copy);
        break;
    case ACTION_SHARE:
        actions_add(engine, ENGINE_SHARED)->copy = *copy;
        break;
    default:
        begin_copy(engine, copy);
    }
}

void actions_drain(struct engine *engine)
{
    enum { AT_ONCE = 64 };
    struct action actions[AT_ONCE];
    uint32_t count;
    engine->undrained = false;
    do {
        count = placement_take(engine->core, actions, AT_ONCE);
        for (uint32_t i = 0; i < count; i++)
            take_in(engine, &actions[i]);
    } while (count == AT_ONCE);
}

bool engine_take(struct engine *engine, struct engine_action *action)
{
    if (engine->actions_taken == engine->actions) {
        engine->actions_taken = engine->actions = 0;
        if (engine->undrained)
            actions_drain(engine);
        if (engine->actions == 0)
            return false;
    }
    *action = engine->action[engine->actions_taken++];
    return true;
}
