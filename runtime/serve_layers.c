/* runtime/serve_layers.c - what moves between HBM and DRAM, layer by layer, as copies on the
 * streams: loads in STREAM_LOAD, with an event a layer that computing waits for; saves in
 * STREAM_SAVE, each layer behind its computation. */
#include "runtime/serve_state.h"

#include "base/memory.h"

#include <assert.h>

char *layers_slice(const struct serve *serve, enum tier tier, uint32_t page, uint32_t layer)
{
    return serve->memory[tier] + (uint64_t)page * serve->page_bytes + layer * serve->slice_bytes;
}

void layers_set_rows(const struct serve *serve, struct page_move *move, uint64_t begin,
                     uint64_t end)
{
    uint64_t page_begin = move->index * serve->page_tokens;
    uint64_t first = begin > page_begin ? begin - page_begin : 0;
    uint64_t last = end - page_begin < serve->page_tokens ? end - page_begin : serve->page_tokens;
    move->row = (uint32_t)first;
    move->rows = (uint32_t)(last - first);
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
        char *in_dram = layers_slice(serve, TIER_DRAM, dram, layer);
        char *in_hbm = layers_slice(serve, TIER_HBM, loads ? move->to : move->from, layer);
        add_rows(serve, &count, move, loads ? in_hbm : in_dram, loads ? in_dram : in_hbm);
    }
    serve->backend->copy(serve->device, loads ? STREAM_LOAD : STREAM_SAVE,
                         loads ? COPY_H2D : COPY_D2H, serve->copies, count);
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

void layers_note_copied(struct serve *serve)
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

struct job_load *layers_load_of(struct serve *serve, uint32_t index)
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
    if (load->queued_layers == layers_of(serve) && !work->done_queued)
        record_done(serve, work);
}

void layers_queue_loads(struct serve *serve, uint32_t stage, uint32_t layers)
{
    for (int i = 0; i < LOADS_A_JOB; i++) {
        struct job_load *load = &serve->stage[stage].load[i];
        uint32_t allowed = load->allowed_layers < layers ? load->allowed_layers : layers;
        if (!load->live || load->transfer == 0)
            continue;
        struct transfer_work *work = &serve->transfer[load->transfer - 1];
        if (work->action.from == TIER_DRAM)
            queue_slices(serve, work, load, allowed * work->page_count);
    }
}

void layers_queue_read(struct serve *serve, uint32_t transfer)
{
    struct transfer_work *work = &serve->transfer[transfer];
    queue_slices(serve, work, layers_load_of(serve, transfer), work->here_count);
}

/* ---- saves ---- */

void layers_queue_save(struct serve *serve, struct transfer_work *work, const struct job_note *note)
{
    for (uint32_t layer = 0; layer < layers_of(serve); layer++) {
        if (note->prefilling)
            serve->backend->wait(serve->device, STREAM_SAVE,
                                 serve->compute.after[note->after_set][layer]);
        copy_pages(serve, work, layer, 0, work->page_count);
    }
    record_done(serve, work);
}
