/* runtime/serve_layers.c - what moves between HBM and DRAM, layer by layer, as copies on the
 * streams: loads in STREAM_LOAD, with an event a layer that computing waits for; saves in
 * STREAM_SAVE, each layer behind its computation. */
#include "runtime/serve_state.h"

#include "base/memory.h"

#include <assert.h>

char *layers_slice(const struct serve *serve, enum tier tier, uint32_t page, uint32_t layer)
{
    return serve->memory[tier] + (uint64_t)page * serve->run->page_bytes +
           layer * serve->run->slice_bytes;
}

void layers_set_rows(const struct serve *serve, struct page_move *move, uint64_t begin,
                     uint64_t end)
{
    uint64_t page_begin = move->index * serve->run->page_tokens;
    uint64_t first = begin > page_begin ? begin - page_begin : 0;
    uint64_t last =
        end - page_begin < serve->run->page_tokens ? end - page_begin : serve->run->page_tokens;
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

/* Rows row .. row + rows - 1 of each plane of a slice, or the whole slice at once. */
static void add_rows(struct serve *serve, uint32_t *count, uint32_t row, uint32_t rows, char *to,
                     const char *from)
{
    uint64_t plane = serve->run->slice_bytes / serve->run->planes,
             row_bytes = plane / serve->run->page_tokens;
    if (rows == serve->run->page_tokens) {
        add_copy(serve, count, to, from, serve->run->slice_bytes);
        return;
    }
    for (uint32_t i = 0; i < serve->run->planes; i++) {
        uint64_t at = i * plane + row * row_bytes;
        add_copy(serve, count, to + at, from + at, rows * row_bytes);
    }
}

/* Pages first .. last - 1 of the layer. */
static void copy_pages(struct serve *serve, const struct transfer_work *work, uint32_t layer,
                       uint32_t first, uint32_t last)
{
    uint32_t count = 0;
    bool loads = work->action.to == TIER_HBM;
    for (uint32_t i = first; i < last; i++) {
        const struct page_move *move = &work->page[i];
        bool staged = work->action.from >= TIER_SSD || work->action.to >= TIER_SSD;
        uint32_t dram = staged ? move->staged : loads ? move->from : move->to;
        char *in_dram = layers_slice(serve, TIER_DRAM, dram, layer);
        char *in_hbm = layers_slice(serve, TIER_HBM, loads ? move->to : move->from, layer);
        add_rows(serve, &count, move->row, move->rows, loads ? in_hbm : in_dram,
                 loads ? in_dram : in_hbm);
    }
    serve->run->backend->copy(serve->device, loads ? STREAM_LOAD : STREAM_SAVE,
                              loads ? COPY_H2D : COPY_D2H, serve->copies, count);
}

static void record_done(struct serve *serve, struct transfer_work *work)
{
    enum stream stream = work->action.to == TIER_HBM ? STREAM_LOAD : STREAM_SAVE;
    struct copying *copying = &serve->copying[stream];
    uint32_t self = (uint32_t)(work - serve->transfer) + 1;
    serve->run->backend->record(serve->device, stream, work->done);
    work->done_queued = true;
    if (copying->last != 0)
        serve->transfer[copying->last - 1].next_copying = self;
    else
        copying->first = self;
    copying->last = self;
}

struct transfer_work *layers_next_copied(struct serve *serve)
{
    for (int stream = 0; stream < STREAM_COUNT; stream++) {
        struct copying *copying = &serve->copying[stream];
        if (copying->first == 0)
            continue;
        struct transfer_work *work = &serve->transfer[copying->first - 1];
        if (!serve->run->backend->happened(serve->device, work->done, NULL))
            continue;
        work->copied = true;
        copying->first = work->next_copying;
        if (copying->first == 0)
            copying->last = 0;
        return work;
    }
    return NULL;
}

void layers_copy_within_hbm(struct serve *serve, uint32_t from, uint32_t to, uint32_t row,
                            uint32_t rows)
{
    uint32_t count = 0;
    for (uint32_t layer = 0; layer < layers_of(serve); layer++)
        add_rows(serve, &count, row, rows, layers_slice(serve, TIER_HBM, to, layer),
                 layers_slice(serve, TIER_HBM, from, layer));
    serve->run->backend->copy(serve->device, STREAM_COMPUTE, COPY_D2D, serve->copies, count);
}

/* ---- loads ---- */

uint32_t layers_new_load(struct serve *serve)
{
    uint32_t index = 0;
    while (index < serve->load_capacity && serve->load[index].used)
        index++;
    memory_grow(&serve->load, &serve->load_capacity, (uint64_t)index + 1, sizeof *serve->load);
    struct job_load *load = &serve->load[index];
    struct backend_event **arrived = load->arrived;
    if (arrived == NULL)
        arrived = events_new(serve);
    *load = (struct job_load){ .used = true, .arrived = arrived };
    return index;
}

/* One that came into no stage has nobody who asks for its layers. */
void layers_end_load(struct serve *serve, uint32_t index)
{
    struct job_load *load = &serve->load[index];
    load->transfer = 0;
    load->used = false;
    for (int i = 0; i < ENGINE_STAGES * LOADS_A_JOB; i++) {
        const struct stage *stage = &serve->stage[i / LOADS_A_JOB];
        uint32_t at = (uint32_t)(i % LOADS_A_JOB);
        load->used |= at < stage->loads && stage->load[at] == index;
    }
}

void layers_clear_stage(struct serve *serve, uint32_t stage)
{
    for (uint32_t i = 0; i < serve->stage[stage].loads; i++) {
        struct job_load *load = &serve->load[serve->stage[stage].load[i]];
        load->used = load->transfer != 0;
    }
    serve->stage[stage].loads = 0;
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
        serve->run->backend->record(serve->device, STREAM_LOAD, load->arrived[layer]);
        load->queued_layers++;
    }
    if (load->queued_layers == layers_of(serve) && !work->done_queued)
        record_done(serve, work);
}

static void queue_allowed(struct serve *serve, struct job_load *load, uint32_t layers)
{
    struct transfer_work *work = &serve->transfer[load->transfer - 1];
    if (work->action.from == TIER_DRAM)
        queue_slices(serve, work, load, layers * work->page_count);
}

void layers_queue_loads(struct serve *serve, uint32_t stage, uint32_t layers)
{
    for (uint32_t i = 0; i < serve->stage[stage].loads; i++) {
        struct job_load *load = &serve->load[serve->stage[stage].load[i]];
        if (load->transfer != 0)
            queue_allowed(serve, load,
                          load->allowed_layers < layers ? load->allowed_layers : layers);
    }
}

void layers_queue_load(struct serve *serve, struct transfer_work *work)
{
    struct job_load *load = &serve->load[work->load];
    if (work->action.from == TIER_DRAM)
        queue_allowed(serve, load, load->allowed_layers);
    else
        queue_slices(serve, work, load, work->here_count);
}

/* ---- saves ---- */

void layers_queue_save(struct serve *serve, struct transfer_work *work, const struct job_note *note)
{
    for (uint32_t layer = 0; layer < layers_of(serve); layer++) {
        if (note != NULL && note->prefilling)
            serve->run->backend->wait(serve->device, STREAM_SAVE,
                                      serve->compute.after[note->after_set][layer]);
        copy_pages(serve, work, layer, 0, work->page_count);
    }
    record_done(serve, work);
}
