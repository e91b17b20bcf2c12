/* runtime/serve_transfers.c - what the engine wants copied: which pages that is, its beginning and
 * its end.
 *
 *   DRAM to HBM   copies, an event a layer
 *
 *   SSD to HBM    slices of the layers in order into staging pages, each then as above
 *
 *   HBM to DRAM   copies, each layer behind its computation
 *
 *   HBM to SSD    as HBM to DRAM into staging pages, then their writes
 *
 *   SSD <-> DRAM  whole pages */
#include "runtime/serve_state.h"

#include "base/memory.h"

#include <string.h>

/* ---- places ---- */

/* The unit's copy in the tier. */
static struct kv_copy *copy_of(struct serve *serve, uint32_t unit, enum tier tier)
{
    memory_grow(&serve->unit, &serve->unit_capacity, (uint64_t)unit + 1, sizeof *serve->unit);
    return &serve->unit[unit][tier];
}

static uint32_t tokens_of(const struct serve *serve, uint64_t bytes)
{
    return (uint32_t)(bytes / serve->setup.kv.bytes_per_token);
}

static bool reserve(struct serve *serve, struct kv_copy *copy, enum tier tier, uint64_t begin,
                    uint64_t end)
{
    if (copy_reserve(copy, &serve->pool[tier], begin, end, serve->page_tokens))
        return true;
    serve_fail(
        serve, tier == TIER_SSD ? "find a free page on SSD" : "find a free page in DRAM",
        "every one is in use: pages that are not full take more than the tier's capacity allows "
        "for");
    return false;
}

/* ---- a transfer's pages ---- */

static struct transfer_work *transfer_slot(struct serve *serve, uint32_t *index)
{
    *index = 0;
    while (*index < serve->transfer_capacity && serve->transfer[*index].live)
        (*index)++;
    memory_grow(&serve->transfer, &serve->transfer_capacity, (uint64_t)*index + 1,
                sizeof *serve->transfer);
    struct transfer_work *work = &serve->transfer[*index];
    *work = (struct transfer_work){ .live = true,
                                    .page = work->page,
                                    .page_capacity = work->page_capacity,
                                    .part = work->part,
                                    .part_capacity = work->part_capacity,
                                    .here = work->here,
                                    .here_capacity = work->here_capacity,
                                    .done = work->done };
    if (work->done == NULL)
        work->done = serve->backend->event_new(serve->device);
    serve->transfers_live++;
    return work;
}

static void add_part(struct transfer_work *work, uint32_t unit, uint64_t end)
{
    memory_grow(&work->part, &work->part_capacity, (uint64_t)work->part_count + 1,
                sizeof *work->part);
    work->part[work->part_count++] = (struct transfer_part){ .unit = unit, .end = end };
}

static struct page_move *add_page(struct transfer_work *work, uint64_t index)
{
    memory_grow(&work->page, &work->page_capacity, (uint64_t)work->page_count + 1,
                sizeof *work->page);
    struct page_move *move = &work->page[work->page_count++];
    *move = (struct page_move){ .index = index };
    return move;
}

static bool stage_page(struct serve *serve, struct page_move *move)
{
    if (page_take(&serve->pool[TIER_DRAM], &move->staged))
        return true;
    serve_fail(serve, "find a free page in DRAM",
               "none is left to pass a load or save from or to SSD");
    return false;
}

/* ---- loads ---- */

static void begin_load(struct serve *serve, const struct engine_action *engine_action)
{
    const struct action *action = &engine_action->copy;
    uint32_t index, tokens = tokens_of(serve, action->size_bytes);
    struct transfer_work *work = transfer_slot(serve, &index);
    struct job_note *note = &serve->note[action->job];
    const struct session *session = session_at(serve, note->session);
    struct stage *stage = &serve->stage[note->stage];
    struct job_load *load = stage->load[0].live ? &stage->load[1] : &stage->load[0];
    struct backend_event **arrived = load->arrived;
    *load = (struct job_load){ .transfer = index + 1,
                               .allowed_layers = engine_action->layers,
                               .live = true,
                               .arrived = arrived };
    work->action = *action;
    bool ssd = action->from == TIER_SSD;
    uint64_t begin = note->base + (ssd ? session->hits.tokens[TIER_DRAM] : 0), end = begin + tokens;
    struct kv_copy *from = copy_of(serve, note->unit, action->from);
    for (uint64_t i = begin / serve->page_tokens; i * serve->page_tokens < end; i++) {
        struct page_move *move = add_page(work, i);
        move->from = copy_page(from, i);
        move->to = copy_page(&note->hbm, i);
        page_use(&serve->pool[action->from], move->from);
        layers_set_rows(serve, move, begin, end);
        if (ssd && !stage_page(serve, move))
            return;
        if (!ssd && serve->pool[TIER_DRAM].bad[move->from])
            note->damaged = true;
    }
    uint32_t goal;
    for (uint32_t unit = UNIT_NONE;
         (unit = placement_transfer_next(engine_core(serve->engine), action->id, unit, &goal)) !=
         UNIT_NONE;)
        add_part(work, unit, note->base + goal);
    if (ssd) {
        uint32_t slices = work->page_count * layers_of(serve);
        memory_grow(&work->here, &work->here_capacity, slices, sizeof *work->here);
        memset(work->here, 0, slices * sizeof *work->here);
    }
}

/* ---- saves, fetches, demotions ---- */

static void begin_save(struct serve *serve, const struct action *action)
{
    uint32_t index, goal;
    struct transfer_work *work = transfer_slot(serve, &index);
    const struct job_note *note = &serve->note[action->job];
    struct kv_copy *to = copy_of(serve, note->unit, action->to);
    placement_transfer_next(engine_core(serve->engine), action->id, UNIT_NONE, &goal);
    uint64_t end = note->base + goal;
    uint64_t begin = end - tokens_of(serve, action->size_bytes);
    bool ssd = action->to == TIER_SSD;
    work->action = *action;
    add_part(work, note->unit, end);
    /* A page of the disk is written whole. */
    uint64_t moved = ssd ? begin / serve->page_tokens * serve->page_tokens : begin;
    if (moved < note->base)
        moved = note->base;
    if (!reserve(serve, to, action->to, to->count > 0 ? to->first * serve->page_tokens : begin,
                 end))
        return;
    for (uint64_t i = begin / serve->page_tokens; i * serve->page_tokens < end; i++) {
        struct page_move *move = add_page(work, i);
        move->from = copy_page(&note->hbm, i);
        move->to = copy_page(to, i);
        page_use(&serve->pool[action->to], move->to);
        layers_set_rows(serve, move, moved, end);
        if (ssd && !stage_page(serve, move))
            return;
    }
    layers_queue_save(serve, work, note);
}

/* The base from which the core counts a unit's tokens, by its copy with the given length. */
static uint64_t base_of(struct serve *serve, uint32_t unit, enum tier tier)
{
    uint64_t bytes = placement_copy_bytes(engine_core(serve->engine), unit, tier);
    return copy_of(serve, unit, tier)->end - tokens_of(serve, bytes);
}

static void add_whole_pages(struct serve *serve, struct transfer_work *work, uint32_t unit,
                            uint32_t goal)
{
    enum tier from = work->action.from, to = work->action.to;
    uint64_t base = base_of(serve, unit, from), end = base + goal;
    struct kv_copy *target = copy_of(serve, unit, to);
    struct kv_copy *source = copy_of(serve, unit, from);
    uint64_t begin = target->count > 0 ? target->end : base;
    if (!reserve(serve, target, to, begin, end))
        return;
    add_part(work, unit, end);
    for (uint64_t i = begin / serve->page_tokens; i * serve->page_tokens < end; i++) {
        struct page_move *move = add_page(work, i);
        move->from = copy_page(source, i);
        move->to = copy_page(target, i);
        page_use(&serve->pool[from], move->from);
        page_use(&serve->pool[to], move->to);
    }
}

static void begin_pages(struct serve *serve, const struct action *action)
{
    uint32_t index, goal;
    struct transfer_work *work = transfer_slot(serve, &index);
    work->action = *action;
    for (uint32_t unit = UNIT_NONE;
         (unit = placement_transfer_next(engine_core(serve->engine), action->id, unit, &goal)) !=
         UNIT_NONE;)
        add_whole_pages(serve, work, unit, goal);
    serve->disk_changed = true;
}

void transfers_begin(struct serve *serve, const struct engine_action *action)
{
    switch (action->copy.kind) {
    case ACTION_LOAD:
        begin_load(serve, action);
        break;
    case ACTION_SAVE:
        begin_save(serve, &action->copy);
        break;
    default:
        begin_pages(serve, &action->copy);
    }
}

/* ---- ends ---- */

static bool has_ended(struct serve *serve, struct transfer_work *work)
{
    if (work->action.kind == ACTION_SAVE && work->action.to == TIER_SSD) {
        if (work->copied && !work->staged_writes)
            work->staged_writes = serve->disk_changed = true;
        return work->staged_writes && work->answered == work->page_count;
    }
    if (work->action.kind == ACTION_LOAD || work->action.kind == ACTION_SAVE)
        return work->copied;
    return work->answered == work->page_count;
}

/* What a load from SSD staged becomes DRAM's copy where the core keeps it. */
static void keep_staged(struct serve *serve, struct transfer_work *work)
{
    const struct transfer_part *part = &work->part[0];
    struct kv_copy *copy = copy_of(serve, part->unit, TIER_DRAM);
    struct page_pool *pool = &serve->pool[TIER_DRAM];
    for (uint32_t i = 0; i < work->page_count; i++) {
        struct page_move *move = &work->page[i];
        if (copy->count > 0 && move->index < copy->first + copy->count) {
            page_leave(pool, copy->page[move->index - copy->first]);
            copy->page[move->index - copy->first] = move->staged;
            continue;
        }
        memory_grow(&copy->page, &copy->capacity, (uint64_t)copy->count + 1, sizeof *copy->page);
        if (copy->count == 0)
            copy->first = move->index;
        copy->page[copy->count++] = move->staged;
    }
    copy->end = part->end;
}

static void leave_pages(struct serve *serve, const struct transfer_work *work)
{
    const struct action *action = &work->action;
    bool staged = action->kind == ACTION_LOAD && action->from == TIER_SSD && work->part_count == 0;
    staged |= action->kind == ACTION_SAVE && action->to == TIER_SSD;
    for (uint32_t i = 0; i < work->page_count; i++) {
        const struct page_move *move = &work->page[i];
        if (action->from != TIER_HBM)
            page_leave(&serve->pool[action->from], move->from);
        if (action->to != TIER_HBM)
            page_leave(&serve->pool[action->to], move->to);
        if (staged)
            page_leave(&serve->pool[TIER_DRAM], move->staged);
    }
}

/* A turn may have cut the unit while it went down. */
static void follow_cut_meanwhile(struct serve *serve, const struct transfer_work *work)
{
    for (uint32_t i = 0; i < work->part_count; i++) {
        uint32_t unit = work->part[i].unit;
        struct kv_copy *copy = copy_of(serve, unit, TIER_SSD);
        uint64_t bytes = placement_copy_bytes(engine_core(serve->engine), unit, TIER_SSD);
        copy_cut(copy, &serve->pool[TIER_SSD], copy->end - tokens_of(serve, bytes),
                 serve->page_tokens);
    }
}

static void end_transfer(struct serve *serve, struct transfer_work *work)
{
    struct action action = work->action;
    if (action.kind == ACTION_LOAD) {
        layers_load_of(serve, (uint32_t)(work - serve->transfer))->transfer = 0;
        if (work->part_count > 0)
            keep_staged(serve, work);
    }
    for (uint32_t i = 0; i < work->part_count && action.kind != ACTION_LOAD; i++)
        copy_of(serve, work->part[i].unit, action.to)->end = work->part[i].end;
    leave_pages(serve, work);
    work->live = false;
    serve->transfers_live--;
    serve->disk_changed = true;
    engine_transfer_ended(serve->engine, serve->now_ns, action.id);
    if (disk_goes_down(work))
        follow_cut_meanwhile(serve, work);
}

bool transfers_poll(struct serve *serve)
{
    bool news = disk_poll(serve), ended = false;
    layers_note_copied(serve);
    /* What ends here may start others, in any place. */
    for (uint32_t i = 0; i < serve->transfer_capacity && serve->transfers_live > 0; i++)
        if (serve->transfer[i].live && has_ended(serve, &serve->transfer[i])) {
            end_transfer(serve, &serve->transfer[i]);
            serve_act(serve); /* before the next end: what the core wants is of this one */
            ended = true;
        }
    if (ended) {
        engine_look(serve->engine, serve->now_ns);
        serve_go_on(serve);
    }
    disk_pump(serve);
    return news || ended;
}

/* ---- what else the engine says ---- */

void transfers_allow(struct serve *serve, const struct engine_action *action)
{
    for (int i = 0; i < LOADS_A_JOB; i++) {
        struct job_load *load = &serve->stage[action->stage].load[i];
        if (load->live && load->transfer != 0 &&
            serve->transfer[load->transfer - 1].action.id == action->copy.id)
            load->allowed_layers = action->layers;
    }
    serve->disk_changed = true;
}

void transfers_drop(struct serve *serve, uint32_t unit, enum tier tier)
{
    copy_clear(copy_of(serve, unit, tier), &serve->pool[tier]);
}

void transfers_release(struct serve *serve, uint32_t job)
{
    if (job < serve->note_capacity)
        copy_clear(&serve->note[job].hbm, &serve->pool[TIER_HBM]);
}

static bool going_down(const struct serve *serve, uint32_t unit)
{
    for (uint32_t i = 0; i < serve->transfer_capacity; i++) {
        const struct transfer_work *work = &serve->transfer[i];
        for (uint32_t p = 0; work->live && p < work->part_count; p++)
            if (work->part[p].unit == unit && disk_goes_down(work))
                return true;
    }
    return false;
}

/* The core has cut or dropped the unit's copies. */
static void follow_cut(struct serve *serve, uint32_t unit, uint64_t cut)
{
    for (int tier = TIER_DRAM; tier < TIER_COUNT; tier++)
        if (tier != TIER_SSD || !going_down(serve, unit))
            copy_cut(copy_of(serve, unit, (enum tier)tier), &serve->pool[tier], cut,
                     serve->page_tokens);
}

void transfers_prepare(struct serve *serve, const struct engine_action *action)
{
    const struct session *session = session_at(serve, action->session);
    memory_grow(&serve->note, &serve->note_capacity, (uint64_t)session->job + 1,
                sizeof *serve->note);
    struct job_note *note = note_of(serve, session);
    struct kv_copy hbm = note->hbm; /* empty; keeps its array */
    *note = (struct job_note){ .session = action->session,
                               .unit = placement_unit(engine_core(serve->engine), session->id),
                               .base = session->cut_total_tokens,
                               .stage = action->stage,
                               .hbm = hbm };
    if (action->cut_tokens > 0)
        follow_cut(serve, note->unit, action->cut_tokens == CUT_ALL ? UINT64_MAX : note->base);
    for (int i = 0; i < LOADS_A_JOB; i++)
        serve->stage[note->stage].load[i].live = false;
    if (!copy_reserve(&note->hbm, &serve->pool[TIER_HBM], note->base,
                      note->base + session_total(session), serve->page_tokens))
        serve_fail(serve, "find a free page in HBM", "every one is in use");
}

void transfers_repair(struct serve *serve, const struct job_note *note)
{
    const struct kv_copy *copy = copy_of(serve, note->unit, TIER_DRAM);
    for (uint32_t i = 0; i < copy->count; i++) {
        if (!serve->pool[TIER_DRAM].bad[copy->page[i]])
            continue;
        uint32_t from = copy_page(&note->hbm, copy->first + i);
        struct copy whole = { .to = layers_slice(serve, TIER_DRAM, copy->page[i], 0),
                              .from = layers_slice(serve, TIER_HBM, from, 0),
                              .size_bytes = serve->page_bytes };
        serve->backend->copy(serve->device, STREAM_SAVE, COPY_D2H, &whole, 1);
        serve->pool[TIER_DRAM].bad[copy->page[i]] = false;
    }
}
