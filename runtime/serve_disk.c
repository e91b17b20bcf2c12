/* runtime/serve_disk.c - what transfers ask of the disk: slices of a load, layer after layer; whole
 * pages of all others. What one may have out at the disk: disk_share.h. Answers come in any order.
 */
#include "runtime/serve_state.h"

#include "runtime/disk_share.h"

bool disk_goes_down(const struct transfer_work *work)
{
    return work->action.kind == ACTION_DEMOTE || work->action.kind == ACTION_WRITE;
}

static uint64_t *checksum_of(struct serve *serve, uint32_t page, uint32_t layer)
{
    return &serve->checksum[(uint64_t)page * layers_of(serve) + layer];
}

/* To the disk: slices of a load, or whole pages. */
static uint32_t request_count(const struct serve *serve, const struct transfer_work *work)
{
    bool by_slice = work->action.kind == ACTION_LOAD;
    return work->page_count * (by_slice ? layers_of(serve) : 1);
}

static struct ssd_request request_at(struct serve *serve, uint32_t index, uint32_t number)
{
    const struct transfer_work *work = &serve->transfer[index];
    bool by_slice = work->action.kind == ACTION_LOAD, write = work->action.to == TIER_SSD;
    const struct page_move *move = &work->page[number % work->page_count];
    uint32_t layer = by_slice ? number / work->page_count : 0;
    uint32_t dram = work->action.kind == ACTION_FETCH ? move->to
                    : disk_goes_down(work)            ? move->from
                                                      : move->staged;
    uint32_t page = write ? move->to : move->from;
    return (struct ssd_request){
        .offset = (uint64_t)page * serve->page_bytes + layer * serve->slice_bytes,
        .memory = layers_slice(serve, TIER_DRAM, dram, layer),
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
    return work->page_count * serve->load[work->load].allowed_layers;
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
            disk_goes_down(work) && serve->pool[TIER_DRAM].bad[move->from];
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

void disk_pump(struct serve *serve)
{
    if (!serve->disk_changed)
        return;
    serve->disk_changed = false;
    struct disk_share share[2] = { { .depth = serve->ssd_depth, .page_slices = layers_of(serve) } };
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
    if (error != 0 || (disk_goes_down(work) && serve->pool[TIER_DRAM].bad[move->from]))
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
    layers_queue_load(serve, work);
}

bool disk_poll(struct serve *serve)
{
    struct ssd_result results[64];
    bool news = false;
    uint32_t count;
    while (serve->ssd != NULL && (count = ssd_take(serve->ssd, results, 64)) > 0) {
        for (uint32_t i = 0; i < count; i++)
            take_result(serve, &results[i]);
        serve->disk_changed = news = true;
    }
    return news;
}
