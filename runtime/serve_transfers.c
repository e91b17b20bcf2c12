/* runtime/serve_transfers.c - what the engine wants copied: its beginning and its end.
 *
 *   DRAM to HBM          copies, an event a layer
 *
 *   SSD or pool to HBM   slices of the layers in order into staging pages, each then as above
 *
 *   HBM to DRAM          copies, each layer behind its computation
 *
 *   HBM to SSD           as HBM to DRAM into staging pages, then their writes
 *
 *   SSD or pool <-> DRAM whole pages
 *
 *   SSD to pool          whole pages into staging pages, then their writes */
#include "runtime/serve_state.h"

#include "base/memory.h"

#include <string.h>

/* ---- beginnings ---- */

static struct transfer_work *transfer_slot(struct serve *serve)
{
    uint32_t index = 0;
    while (index < serve->transfer_capacity && serve->transfer[index].live)
        index++;
    memory_grow(&serve->transfer, &serve->transfer_capacity, (uint64_t)index + 1,
                sizeof *serve->transfer);
    struct transfer_work *work = &serve->transfer[index];
    *work = (struct transfer_work){ .live = true,
                                    .page = work->page,
                                    .page_capacity = work->page_capacity,
                                    .part = work->part,
                                    .part_capacity = work->part_capacity,
                                    .here = work->here,
                                    .here_capacity = work->here_capacity,
                                    .done = work->done };
    if (work->done == NULL)
        work->done = serve->run->backend->event_new(serve->device);
    serve->transfers_live++;
    return work;
}

static void begin_load(struct serve *serve, struct transfer_work *work,
                       const struct engine_action *action)
{
    pages_place(serve);
    if (serve->run->err.status != STATUS_OK)
        return;
    uint32_t index = layers_new_load(serve);
    struct job_load *load = &serve->load[index];
    work->load = index;
    load->transfer = (uint32_t)(work - serve->transfer) + 1;
    load->allowed_layers = action->layers;
    if (action->stage != STAGE_NONE) {
        struct stage *stage = &serve->stage[action->stage];
        stage->load[stage->loads++] = index;
    }
    if (!moves_of_load(serve, work))
        return;
    if (work->action.from == TIER_DRAM) {
        if (action->stage == STAGE_NONE) /* nobody asks layer by layer */
            layers_queue_load(serve, work);
        return;
    }
    uint32_t slices = work->page_count * layers_of(serve);
    memory_grow(&work->here, &work->here_capacity, slices, sizeof *work->here);
    memset(work->here, 0, slices * sizeof *work->here);
}

static void begin_save(struct serve *serve, struct transfer_work *work)
{
    bool idle = work->action.job == 0;
    if (idle ? moves_of_idle_save(serve, work) : moves_of_save(serve, work))
        layers_queue_save(serve, work, idle ? NULL : &serve->note[work->action.job]);
}

void transfers_begin(struct serve *serve, const struct engine_action *action)
{
    struct transfer_work *work = transfer_slot(serve);
    work->action = action->copy;
    serve->disk_changed = true;
    if (action->copy.kind == ACTION_LOAD)
        begin_load(serve, work, action);
    else if (action->copy.kind == ACTION_SAVE)
        begin_save(serve, work);
    else
        moves_of_pages(serve, work);
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
    return work->answered == disk_requests(serve, work);
}

static void leave_hbm(struct serve *serve, struct transfer_work *work)
{
    const struct action *action = &work->action;
    if (work->left_hbm || (action->from != TIER_HBM && action->to != TIER_HBM))
        return;
    work->left_hbm = true;
    for (uint32_t i = 0; i < work->page_count; i++)
        page_leave(&serve->pool[TIER_HBM],
                   action->from == TIER_HBM ? work->page[i].from : work->page[i].to);
}

/* Pages that pass on through DRAM: those of it that nobody keeps are free again. */
static bool passes_dram(const struct action *action)
{
    bool to_hbm = action->to == TIER_HBM && action->from != TIER_DRAM;
    return to_hbm || (action->from == TIER_HBM && action->to == TIER_SSD) ||
           (action->from == TIER_SSD && action->to == TIER_REMOTE);
}

static void leave_pages(struct serve *serve, struct transfer_work *work)
{
    const struct action *action = &work->action;
    leave_hbm(serve, work);
    for (uint32_t i = 0; i < work->page_count; i++) {
        const struct page_move *move = &work->page[i];
        if (action->from != TIER_HBM)
            page_leave(pages_pool(serve, action->from), move->from);
        if (action->to != TIER_HBM && action->to != TIER_REMOTE && !move->fresh)
            page_leave(&serve->pool[action->to], move->to);
        if (passes_dram(action) && !move->kept)
            page_leave(&serve->pool[TIER_DRAM], move->staged);
    }
}

/* The pool's copy: longer, and without what its session has lost. */
static void note_in_pool(struct serve *serve, const struct page_move *move)
{
    struct remote *remote = &serve->run->remote;
    remote_put(remote, move->key, move->index, move->to);
    remote_cut(remote, move->key, move->begin, serve->run->page_tokens);
}

static void note_copies(struct serve *serve, const struct transfer_work *work)
{
    enum tier tier = transfers_fill(work);
    for (uint32_t i = 0; i < work->page_count; i++) {
        const struct page_move *move = &work->page[i];
        if (move->kept || move->fresh)
            copy_put(pages_copy(serve, move->unit, tier), &serve->pool[tier], move->index,
                     move->kept ? move->staged : move->to);
        else if (tier == TIER_REMOTE)
            note_in_pool(serve, move);
    }
    for (uint32_t i = 0; i < work->part_count; i++)
        pages_copy(serve, work->part[i].unit, tier)->end = work->part[i].end;
}

/* A turn may have cut the units while their copies grew. */
static void follow_cut_meanwhile(struct serve *serve, const struct transfer_work *work)
{
    enum tier tier = transfers_fill(work);
    for (uint32_t i = 0; i < work->part_count && serve->run->unit_pages == 0; i++) {
        uint32_t unit = work->part[i].unit;
        copy_cut(pages_copy(serve, unit, tier), &serve->pool[tier], pages_base(serve, unit, tier),
                 serve->run->page_tokens);
    }
}

static void end_transfer(struct serve *serve, struct transfer_work *work)
{
    struct action action = work->action;
    if (action.kind == ACTION_LOAD)
        layers_end_load(serve, work->load);
    note_copies(serve, work);
    leave_pages(serve, work);
    work->live = false;
    serve->transfers_live--;
    serve->disk_changed = true;
    engine_transfer_ended(serve->engine, serve->run->now_ns, action.id);
    if (action.to != TIER_REMOTE)
        follow_cut_meanwhile(serve, work);
}

/* Pages in HBM that were saved are free when their copies have been made: a turn that was preempted
 * meanwhile needs them no more. */
static void note_copied(struct serve *serve)
{
    struct transfer_work *work;
    while ((work = layers_next_copied(serve)) != NULL)
        if (work->action.kind == ACTION_SAVE)
            leave_hbm(serve, work);
}

bool transfers_wait_for_a_save(struct serve *serve)
{
    uint32_t first = serve->copying[STREAM_SAVE].first;
    if (first == 0)
        return false;
    serve->run->backend->synchronise(serve->device, serve->transfer[first - 1].done);
    note_copied(serve);
    return true;
}

bool transfers_poll(struct serve *serve)
{
    bool news = disk_poll(serve), ended = false;
    note_copied(serve);
    /* What ends here may start others, in any place. */
    for (uint32_t i = 0; i < serve->transfer_capacity && serve->transfers_live > 0; i++)
        if (serve->transfer[i].live && has_ended(serve, &serve->transfer[i])) {
            end_transfer(serve, &serve->transfer[i]);
            serve_act(serve); /* before the next end: what the core wants is of this one */
            ended = true;
        }
    if (ended) {
        engine_look(serve->engine, serve->run->now_ns);
        serve_go_on(serve);
    }
    disk_pump(serve);
    return news || ended;
}

void transfers_allow(struct serve *serve, const struct engine_action *action)
{
    const struct stage *stage = &serve->stage[action->stage];
    for (uint32_t i = 0; i < stage->loads; i++) {
        struct job_load *load = &serve->load[stage->load[i]];
        if (load->transfer != 0 && serve->transfer[load->transfer - 1].action.id == action->copy.id)
            load->allowed_layers = action->layers;
    }
    serve->disk_changed = true;
}
