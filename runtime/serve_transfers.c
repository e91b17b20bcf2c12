/* runtime/serve_transfers.c - what the placement core wants moved, as copies on the streams and
 * requests to the disk, page by page; a job's loads and saves layer by layer.
 *
 *   DRAM to HBM   STREAM_LOAD, an event a layer
 *
 *   SSD to HBM    slices of the layers in order into staging pages, each then as above
 *
 *   HBM to DRAM   STREAM_SAVE, each layer behind its computation
 *
 *   HBM to SSD    as HBM to DRAM into staging pages, then their writes
 *
 *   SSD <-> DRAM  whole pages
 *
 * What a transfer may have out at the disk: disk_share.h. Results come in any order. */
#include "runtime/serve_state.h"

#include "base/memory.h"
#include "runtime/disk_share.h"

#include <assert.h>
#include <string.h>

/* ---- places ---- */

/* From DRAM to SSD, whether DRAM keeps it or not. */
static bool goes_down(const struct transfer_work *work)
{
    return work->action.kind == ACTION_DEMOTE || work->action.kind == ACTION_WRITE;
}

static char *slice_at(const struct serve *serve, enum tier tier, uint32_t page, uint32_t layer)
{
    return serve->memory[tier] + (uint64_t)page * serve->page_bytes + layer * serve->slice_bytes;
}

static uint64_t *checksum_of(struct serve *serve, uint32_t page, uint32_t layer)
{
    return &serve->checksum[(uint64_t)page * serve->model.layers + layer];
}

struct kv_copy *transfers_copy(struct serve *serve, uint32_t unit, enum tier tier)
{
    memory_grow(&serve->unit, &serve->unit_capacity, (uint64_t)unit + 1, sizeof *serve->unit);
    return &serve->unit[unit][tier];
}

static uint32_t tokens_of(const struct serve *serve, uint64_t bytes)
{
    return (uint32_t)(bytes / serve->kv_bytes_per_token);
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

/* Rows of the page at `index` that tokens [begin, end) lie in. */
static void set_rows(const struct serve *serve, struct page_move *move, uint64_t begin,
                     uint64_t end)
{
    uint64_t page_begin = move->index * serve->page_tokens;
    uint64_t first = begin > page_begin ? begin - page_begin : 0;
    uint64_t last = end - page_begin < serve->page_tokens ? end - page_begin : serve->page_tokens;
    move->row = (uint32_t)first;
    move->rows = (uint32_t)(last - first);
}

static bool stage_page(struct serve *serve, struct page_move *move)
{
    if (page_take(&serve->pool[TIER_DRAM], &move->staged))
        return true;
    serve_fail(serve, "find a free page in DRAM",
               "none is left to pass a load or save from or to SSD");
    return false;
}

/* To the disk: slices of a load, or whole pages. */
static uint32_t request_count(const struct serve *serve, const struct transfer_work *work)
{
    bool by_slice = work->action.kind == ACTION_LOAD;
    return work->page_count * (by_slice ? serve->model.layers : 1);
}

/* ---- copies between HBM and DRAM ---- */

static void add_copy(struct serve *serve, uint32_t *count, char *to, const char *from,
                     uint64_t bytes)
{
    memory_grow(&serve->copies, &serve->copies_capacity, (uint64_t)*count + 1,
                sizeof *serve->copies);
    serve->copies[(*count)++] = (struct copy){ .to = to, .from = from, .size_bytes = bytes };
}

/* The moved rows of K and of V, or the whole slice at once. */
static void add_rows(struct serve *serve, uint32_t *count, const struct page_move *move, char *to,
                     const char *from)
{
    uint64_t half = serve->slice_bytes / 2, row_bytes = half / serve->page_tokens;
    if (move->rows == serve->page_tokens) {
        add_copy(serve, count, to, from, serve->slice_bytes);
        return;
    }
    uint64_t at = move->row * row_bytes, bytes = move->rows * row_bytes;
    add_copy(serve, count, to + at, from + at, bytes);
    add_copy(serve, count, to + half + at, from + half + at, bytes);
}

/* Pages first .. last - 1 of the layer. */
static void copy_pages(struct serve *serve, const struct transfer_work *work, uint32_t layer,
                       uint32_t first, uint32_t last)
{
    uint32_t count = 0;
    bool loads = work->action.to == TIER_HBM;
    for (uint32_t i = first; i < last; i++) {
        const struct page_move *move = &work->page[i];
        bool staged = work->action.from == TIER_SSD || work->action.to == TIER_SSD;
        uint32_t dram = staged ? move->staged : loads ? move->from : move->to;
        char *in_dram = slice_at(serve, TIER_DRAM, dram, layer);
        char *in_hbm = slice_at(serve, TIER_HBM, loads ? move->to : move->from, layer);
        add_rows(serve, &count, move, loads ? in_hbm : in_dram, loads ? in_dram : in_hbm);
    }
    serve->backend->copy(serve->device, loads ? STREAM_LOAD : STREAM_SAVE,
                         loads ? COPY_H2D : COPY_D2H, serve->copies, count);
}

static void copy_layer(struct serve *serve, const struct transfer_work *work, uint32_t layer)
{
    copy_pages(serve, work, layer, 0, work->page_count);
}

static void record_done(struct serve *serve, struct transfer_work *work)
{
    enum stream stream = work->action.to == TIER_HBM ? STREAM_LOAD : STREAM_SAVE;
    struct copying *copying = &serve->copying[stream];
    uint32_t self = (uint32_t)(work - serve->transfer) + 1;
    serve->backend->record(serve->device, stream, work->done);
    work->done_queued = true;
    if (copying->last != 0)
        serve->transfer[copying->last - 1].next_copying = self;
    else
        copying->first = self;
    copying->last = self;
}

/* Marks the transfers whose copies have been made. */
static void note_copied(struct serve *serve)
{
    for (int stream = 0; stream < STREAM_COUNT; stream++) {
        struct copying *copying = &serve->copying[stream];
        while (copying->first != 0) {
            struct transfer_work *work = &serve->transfer[copying->first - 1];
            if (!serve->backend->happened(serve->device, work->done, NULL))
                break;
            work->copied = true;
            copying->first = work->next_copying;
            if (copying->first == 0)
                copying->last = 0;
        }
    }
}

/* ---- loads ---- */

static struct job_load *load_of(struct serve *serve, uint32_t index)
{
    const struct transfer_work *work = &serve->transfer[index];
    struct stage *stage = &serve->stage[serve->note[work->action.job].stage];
    for (int i = 0; i < LOADS_A_JOB; i++)
        if (stage->load[i].live && stage->load[i].transfer == index + 1)
            return &stage->load[i];
    assert(false);
    return NULL;
}

/* Copies the first ready_slices of the load, layer after layer, as far as they are not yet. */
static void queue_slices(struct serve *serve, struct transfer_work *work, struct job_load *load,
                         uint32_t ready_slices)
{
    while (load->queued_slices < ready_slices) {
        uint32_t layer = load->queued_slices / work->page_count, begin = layer * work->page_count;
        uint32_t end =
            ready_slices - begin < work->page_count ? ready_slices - begin : work->page_count;
        copy_pages(serve, work, layer, load->queued_slices - begin, end);
        load->queued_slices = begin + end;
        if (end < work->page_count)
            break;
        serve->backend->record(serve->device, STREAM_LOAD, load->arrived[layer]);
        load->queued_layers++;
    }
    if (load->queued_layers == serve->model.layers && !work->done_queued)
        record_done(serve, work);
}

static void begin_load(struct serve *serve, const struct action *action)
{
    uint32_t index, tokens = tokens_of(serve, action->size_bytes);
    struct transfer_work *work = transfer_slot(serve, &index);
    struct job_note *note = &serve->note[action->job];
    const struct serve_turn_session *session = &serve->session[note->session];
    struct stage *stage = &serve->stage[note->stage];
    struct job_load *load = stage->load[0].live ? &stage->load[1] : &stage->load[0];
    struct backend_event **arrived = load->arrived;
    *load = (struct job_load){ .transfer = index + 1, .live = true, .arrived = arrived };
    work->action = *action;
    bool ssd = action->from == TIER_SSD;
    uint64_t begin = note->base + (ssd ? session->hits.tokens[TIER_DRAM] : 0), end = begin + tokens;
    struct kv_copy *from = transfers_copy(serve, note->unit, action->from);
    for (uint64_t i = begin / serve->page_tokens; i * serve->page_tokens < end; i++) {
        struct page_move *move = add_page(work, i);
        move->from = copy_page(from, i);
        move->to = copy_page(&note->hbm, i);
        page_use(&serve->pool[action->from], move->from);
        set_rows(serve, move, begin, end);
        if (ssd && !stage_page(serve, move))
            return;
        if (!ssd && serve->pool[TIER_DRAM].bad[move->from])
            note->damaged = true;
    }
    uint32_t goal;
    for (uint32_t unit = UNIT_NONE;
         (unit = placement_transfer_next(serve->core, action->id, unit, &goal)) != UNIT_NONE;)
        add_part(work, unit, note->base + goal);
    if (ssd) {
        uint32_t slices = request_count(serve, work);
        memory_grow(&work->here, &work->here_capacity, slices, sizeof *work->here);
        memset(work->here, 0, slices * sizeof *work->here);
    }
}

/* ---- requests to the disk ---- */

static struct ssd_request request_at(struct serve *serve, uint32_t index, uint32_t number)
{
    const struct transfer_work *work = &serve->transfer[index];
    bool by_slice = work->action.kind == ACTION_LOAD, write = work->action.to == TIER_SSD;
    const struct page_move *move = &work->page[number % work->page_count];
    uint32_t layer = by_slice ? number / work->page_count : 0;
    uint32_t dram = work->action.kind == ACTION_FETCH ? move->to
                    : goes_down(work)                 ? move->from
                                                      : move->staged;
    uint32_t page = write ? move->to : move->from;
    return (struct ssd_request){
        .offset = (uint64_t)page * serve->page_bytes + layer * serve->slice_bytes,
        .memory = slice_at(serve, TIER_DRAM, dram, layer),
        .size_bytes = (uint32_t)(by_slice ? serve->slice_bytes : serve->page_bytes),
        .write = write,
        .user = (void *)(((uintptr_t)index << 32) | number),
        .checksums = checksum_of(serve, page, layer),
    };
}

/* Layers of a load that may be asked for. */
static uint32_t allowed_requests(struct serve *serve, uint32_t index)
{
    const struct transfer_work *work = &serve->transfer[index];
    if (work->action.kind != ACTION_LOAD)
        return request_count(serve, work);
    return work->page_count * load_of(serve, index)->allowed_layers;
}

/* Whether it has something at the disk or to ask of it: of those that share it now. */
static bool uses_disk(struct serve *serve, uint32_t index)
{
    const struct transfer_work *work = &serve->transfer[index];
    if (!work->live || (work->action.from != TIER_SSD && work->action.to != TIER_SSD))
        return false;
    if (work->action.kind == ACTION_SAVE && !work->staged_writes)
        return false; /* its KV is still on the way to DRAM */
    return work->answered < allowed_requests(serve, index);
}

/* Marks a page that is to be written as what it will hold. */
static void note_asked(struct serve *serve, const struct transfer_work *work, uint32_t number)
{
    const struct page_move *move = &work->page[number % work->page_count];
    if (work->action.to == TIER_SSD)
        serve->pool[TIER_SSD].bad[move->to] =
            goes_down(work) && serve->pool[TIER_DRAM].bad[move->from];
}

static void ask_disk(struct serve *serve, uint32_t index, uint32_t window)
{
    struct transfer_work *work = &serve->transfer[index];
    uint32_t allowed = allowed_requests(serve, index);
    while (work->asked < allowed && work->asked - work->answered < window) {
        note_asked(serve, work, work->asked);
        struct ssd_request request = request_at(serve, index, work->asked++);
        ssd_submit(serve->ssd, &request);
    }
    uint32_t out = work->asked - work->answered;
    if (out > serve->report->ssd_most_out)
        serve->report->ssd_most_out = out;
}

/* Asks for what may be asked now, if anything has changed: of all transfers, since each one's share
 * depends on the others. */
static void pump(struct serve *serve)
{
    if (!serve->disk_changed)
        return;
    serve->disk_changed = false;
    struct disk_share share[2] = { { .depth = serve->ssd_depth,
                                     .page_slices = serve->model.layers } };
    share[1] = share[0];
    for (uint32_t i = 0; i < serve->transfer_capacity; i++) {
        const struct action *action = &serve->transfer[i].action;
        if (!uses_disk(serve, i))
            continue;
        struct disk_share *way = &share[action->to == TIER_SSD];
        way->slices += action->kind == ACTION_LOAD;
        way->pages += action->kind != ACTION_LOAD;
    }
    for (uint32_t i = 0; i < serve->transfer_capacity; i++) {
        const struct action *action = &serve->transfer[i].action;
        if (uses_disk(serve, i))
            ask_disk(
                serve, i,
                disk_share_window(&share[action->to == TIER_SSD], action->kind == ACTION_LOAD));
    }
}

static void take_read(struct serve *serve, struct transfer_work *work, uint32_t number,
                      const struct ssd_request *request, const struct ssd_result *result)
{
    const struct page_move *move = &work->page[number % work->page_count];
    bool known_bad = serve->pool[TIER_SSD].bad[move->from];
    bool bad = known_bad || result->error != 0 || result->damaged;
    serve->report->checksum_failures += result->damaged && !known_bad;
    serve->report->ssd_read_bytes += request->size_bytes;
    if (!bad)
        return;
    serve->pool[TIER_SSD].bad[move->from] = true;
    if (work->action.kind == ACTION_FETCH) {
        serve->pool[TIER_DRAM].bad[move->to] = true;
    } else {
        serve->pool[TIER_DRAM].bad[move->staged] = true;
        serve->note[work->action.job].damaged = true;
    }
}

static void take_write(struct serve *serve, const struct transfer_work *work, uint32_t number,
                       const struct ssd_request *request, int error)
{
    const struct page_move *move = &work->page[number % work->page_count];
    serve->report->ssd_written_bytes += request->size_bytes;
    if (error != 0 || (goes_down(work) && serve->pool[TIER_DRAM].bad[move->from]))
        serve->pool[TIER_SSD].bad[move->to] = true;
}

static void take_result(struct serve *serve, const struct ssd_result *result)
{
    uint32_t index = (uint32_t)((uintptr_t)result->user >> 32);
    uint32_t number = (uint32_t)((uintptr_t)result->user & UINT32_MAX);
    struct transfer_work *work = &serve->transfer[index];
    struct ssd_request request = request_at(serve, index, number);
    work->answered++;
    serve->report->ssd_errors += result->error != 0;
    if (request.write)
        take_write(serve, work, number, &request, result->error);
    else
        take_read(serve, work, number, &request, result);
    if (work->action.kind != ACTION_LOAD)
        return;
    work->here[number] = true;
    while (work->here_count < work->asked && work->here[work->here_count])
        work->here_count++;
    queue_slices(serve, work, load_of(serve, index), work->here_count);
}

/* ---- saves, fetches, demotions ---- */

static void begin_save(struct serve *serve, const struct action *action)
{
    uint32_t index;
    struct transfer_work *work = transfer_slot(serve, &index);
    struct job_note *note = &serve->note[action->job];
    struct kv_copy *to = transfers_copy(serve, note->unit, action->to);
    uint64_t end = note->base + note->ready_tokens;
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
        set_rows(serve, move, moved, end);
        if (ssd && !stage_page(serve, move))
            return;
    }
    for (uint32_t layer = 0; layer < serve->model.layers; layer++) {
        if (note->prefilling)
            serve->backend->wait(serve->device, STREAM_SAVE, serve->after[note->after_set][layer]);
        copy_layer(serve, work, layer);
    }
    record_done(serve, work);
}

/* The base from which the core counts a unit's tokens, by its copy with the given length. */
static uint64_t base_of(struct serve *serve, uint32_t unit, enum tier tier)
{
    uint64_t bytes = placement_copy_bytes(serve->core, unit, tier);
    return transfers_copy(serve, unit, tier)->end - tokens_of(serve, bytes);
}

static void add_whole_pages(struct serve *serve, struct transfer_work *work, uint32_t unit,
                            uint32_t goal)
{
    enum tier from = work->action.from, to = work->action.to;
    uint64_t base = base_of(serve, unit, from), end = base + goal;
    struct kv_copy *target = transfers_copy(serve, unit, to);
    struct kv_copy *source = transfers_copy(serve, unit, from);
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
         (unit = placement_transfer_next(serve->core, action->id, unit, &goal)) != UNIT_NONE;)
        add_whole_pages(serve, work, unit, goal);
    serve->disk_changed = true;
}

/* ---- the core's actions ---- */

static void drop(struct serve *serve, uint32_t unit, enum tier tier)
{
    copy_clear(transfers_copy(serve, unit, tier), &serve->pool[tier]);
}

static void release(struct serve *serve, uint32_t job)
{
    struct job_note *note = &serve->note[job];
    copy_clear(&note->hbm, &serve->pool[TIER_HBM]);
    serve->write_buffer_used_bytes -= note->buffered_bytes;
    serve->held_places -= note->holds_place;
    serve->stalling_jobs -= note->stalls;
    note->buffered_bytes = 0;
    note->holds_place = note->stalls = false;
}

static void act(struct serve *serve, const struct action *action)
{
    switch (action->kind) {
    case ACTION_LOAD:
        begin_load(serve, action);
        break;
    case ACTION_SAVE:
        begin_save(serve, action);
        break;
    case ACTION_FETCH:
    case ACTION_DEMOTE:
    case ACTION_WRITE:
        begin_pages(serve, action);
        break;
    case ACTION_DROP:
        drop(serve, action->unit, action->from);
        break;
    case ACTION_RELEASE:
        release(serve, action->job);
        break;
    }
}

static void act_all(struct serve *serve)
{
    struct action actions[64];
    uint32_t count;
    while ((count = placement_take(serve->core, actions, 64)) > 0)
        for (uint32_t i = 0; i < count && serve->err.status == STATUS_OK; i++)
            act(serve, &actions[i]);
}

void transfers_act(struct serve *serve)
{
    act_all(serve);
    pump(serve);
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
    struct kv_copy *copy = transfers_copy(serve, part->unit, TIER_DRAM);
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

static void count_moved(struct serve *serve, const struct action *action)
{
    double bytes = (double)action->size_bytes;
    serve->moved_bytes[MOVED_SSD_READ] += action->from == TIER_SSD ? bytes : 0.0;
    serve->moved_bytes[MOVED_SSD_WRITE] += action->to == TIER_SSD ? bytes : 0.0;
    serve->moved_bytes[MOVED_H2D] += action->to == TIER_HBM ? bytes : 0.0;
    serve->moved_bytes[MOVED_D2H] += action->from == TIER_HBM ? bytes : 0.0;
}

static void end_transfer(struct serve *serve, struct transfer_work *work)
{
    struct action action = work->action;
    if (action.kind == ACTION_LOAD) {
        load_of(serve, (uint32_t)(work - serve->transfer))->transfer = 0;
        if (work->part_count > 0)
            keep_staged(serve, work);
    }
    for (uint32_t i = 0; i < work->part_count && action.kind != ACTION_LOAD; i++)
        transfers_copy(serve, work->part[i].unit, action.to)->end = work->part[i].end;
    leave_pages(serve, work);
    count_moved(serve, &action);
    work->live = false;
    serve->transfers_live--;
    serve->disk_changed = true;
    placement_transfer_ended(serve->core, serve->now_ns, action.id);
    if (action.kind == ACTION_DEMOTE ||
        action.kind == ACTION_WRITE) /* a turn may have cut the unit meanwhile */
        for (uint32_t i = 0; i < work->part_count; i++) {
            uint64_t tokens =
                tokens_of(serve, placement_copy_bytes(serve->core, work->part[i].unit, TIER_SSD));
            struct kv_copy *copy = transfers_copy(serve, work->part[i].unit, TIER_SSD);
            copy_cut(copy, &serve->pool[TIER_SSD], copy->end - tokens, serve->page_tokens);
        }
    act_all(serve);
}

bool transfers_poll(struct serve *serve)
{
    struct ssd_result results[64];
    bool news = false;
    uint32_t count;
    while (serve->ssd != NULL && (count = ssd_take(serve->ssd, results, 64)) > 0) {
        for (uint32_t i = 0; i < count; i++)
            take_result(serve, &results[i]);
        serve->disk_changed = news = true;
    }
    note_copied(serve);
    /* What ends here may start others, in any place. */
    for (uint32_t i = 0; i < serve->transfer_capacity && serve->transfers_live > 0; i++)
        if (serve->transfer[i].live && has_ended(serve, &serve->transfer[i])) {
            end_transfer(serve, &serve->transfer[i]);
            news = true;
        }
    pump(serve);
    return news;
}

/* ---- what jobs and turns ask ---- */

void transfers_allow(struct serve *serve, uint32_t job, uint32_t layers)
{
    struct stage *stage = &serve->stage[serve->note[job].stage];
    for (int i = 0; i < LOADS_A_JOB; i++) {
        struct job_load *load = &stage->load[i];
        if (!load->live || load->transfer == 0 || load->allowed_layers >= layers)
            continue;
        load->allowed_layers = layers;
        struct transfer_work *work = &serve->transfer[load->transfer - 1];
        if (work->action.from == TIER_DRAM)
            queue_slices(serve, work, load, layers * work->page_count);
        else
            serve->disk_changed = true;
    }
    pump(serve);
}

static bool going_down(const struct serve *serve, uint32_t unit)
{
    for (uint32_t i = 0; i < serve->transfer_capacity; i++) {
        const struct transfer_work *work = &serve->transfer[i];
        for (uint32_t p = 0; work->live && p < work->part_count; p++)
            if (work->part[p].unit == unit && goes_down(work))
                return true;
    }
    return false;
}

void transfers_follow_cut(struct serve *serve, uint32_t unit, uint64_t cut)
{
    for (int tier = TIER_DRAM; tier < TIER_COUNT; tier++)
        if (tier != TIER_SSD || !going_down(serve, unit))
            copy_cut(transfers_copy(serve, unit, (enum tier)tier), &serve->pool[tier], cut,
                     serve->page_tokens);
}

void transfers_repair(struct serve *serve, uint32_t job)
{
    const struct job_note *note = &serve->note[job];
    const struct kv_copy *copy = transfers_copy(serve, note->unit, TIER_DRAM);
    for (uint32_t i = 0; i < copy->count; i++) {
        if (!serve->pool[TIER_DRAM].bad[copy->page[i]])
            continue;
        uint32_t from = copy_page(&note->hbm, copy->first + i);
        struct copy whole = { .to = slice_at(serve, TIER_DRAM, copy->page[i], 0),
                              .from = slice_at(serve, TIER_HBM, from, 0),
                              .size_bytes = serve->page_bytes };
        serve->backend->copy(serve->device, STREAM_SAVE, COPY_D2H, &whole, 1);
        serve->pool[TIER_DRAM].bad[copy->page[i]] = false;
    }
}
