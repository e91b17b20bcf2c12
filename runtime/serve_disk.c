/* runtime/serve_disk.c - what transfers ask of the disk, and of the pool behind the network's link,
 * which is asked in the same way: slices of a load, layer after layer; whole pages of all others.
 * What one may have out at a disk: disk_share.h. Answers come in any order. */
#include "runtime/serve_state.h"

#include "runtime/disk_share.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

bool disk_goes_down(const struct transfer_work *work)
{
    return work->action.kind == ACTION_DEMOTE || work->action.kind == ACTION_WRITE;
}

/* From SSD to the pool: read first, then written. */
static bool passes_on(const struct transfer_work *work)
{
    return work->action.from == TIER_SSD && work->action.to == TIER_REMOTE;
}

uint32_t disk_requests(const struct serve *serve, const struct transfer_work *work)
{
    if (work->action.kind == ACTION_LOAD)
        return work->page_count * layers_of(serve);
    return work->page_count * (passes_on(work) ? 2 : 1);
}

/* Whether the transfer's request of that number writes. */
static bool writes(const struct transfer_work *work, uint32_t number)
{
    return passes_on(work) ? number >= work->page_count : work->action.to >= TIER_SSD;
}

/* Where it goes, by tier. */
static enum tier tier_of(const struct transfer_work *work, uint32_t number)
{
    return writes(work, number) ? work->action.to : work->action.from;
}

static struct disk *disk_of(struct serve *serve, const struct transfer_work *work, uint32_t number)
{
    return &serve->disk[tier_of(work, number) - TIER_SSD];
}

static uint32_t dram_page(const struct transfer_work *work, const struct page_move *move)
{
    if (work->action.from == TIER_DRAM)
        return move->from;
    return work->action.to == TIER_DRAM ? move->to : move->staged;
}

static struct ssd_request request_at(struct serve *serve, uint32_t index, uint32_t number)
{
    const struct transfer_work *work = &serve->transfer[index];
    const struct page_move *move = &work->page[number % work->page_count];
    bool by_slice = work->action.kind == ACTION_LOAD, write = writes(work, number);
    uint32_t layer = by_slice ? number / work->page_count : 0;
    uint64_t page = write ? move->to : move->from;
    return (struct ssd_request){
        .offset = page * serve->run->page_bytes + layer * serve->run->slice_bytes,
        .memory = layers_slice(serve, TIER_DRAM, dram_page(work, move), layer),
        .size_bytes = (uint32_t)(by_slice ? serve->run->slice_bytes : serve->run->page_bytes),
        .write = write,
        .user = (void *)(((uintptr_t)index << 32) | number),
        .checksums = &disk_of(serve, work, number)->checksum[page * layers_of(serve) + layer],
    };
}

/* ---- who may ask ---- */

/* Requests that may be made by now: layers of a load; what has been read is written on. */
static uint32_t allowed_requests(struct serve *serve, uint32_t index)
{
    const struct transfer_work *work = &serve->transfer[index];
    if (work->action.kind == ACTION_LOAD)
        return work->page_count * serve->load[work->load].allowed_layers;
    bool reads = passes_on(work) && work->answered < work->page_count;
    return reads ? work->page_count : disk_requests(serve, work);
}

/* Whether it has something at a disk or to ask of it: of those that share it now. */
static bool uses_disk(struct serve *serve, uint32_t index)
{
    const struct transfer_work *work = &serve->transfer[index];
    if (!work->live || (work->action.from < TIER_SSD && work->action.to < TIER_SSD))
        return false;
    if (work->action.kind == ACTION_SAVE && !work->staged_writes)
        return false; /* its KV is still on the way to DRAM */
    return work->answered < allowed_requests(serve, index);
}

/* Marks a page that is to be written as what it will hold. */
static void note_asked(struct serve *serve, const struct transfer_work *work, uint32_t number)
{
    const struct page_move *move = &work->page[number % work->page_count];
    if (writes(work, number))
        pages_pool(serve, work->action.to)->bad[move->to] =
            disk_goes_down(work) && serve->pool[TIER_DRAM].bad[dram_page(work, move)];
}

static void ask_disk(struct serve *serve, uint32_t index, uint32_t window)
{
    struct transfer_work *work = &serve->transfer[index];
    struct disk *disk = disk_of(serve, work, work->answered);
    uint32_t allowed = allowed_requests(serve, index);
    while (work->asked < allowed && work->asked - work->answered < window) {
        note_asked(serve, work, work->asked);
        struct ssd_request request = request_at(serve, index, work->asked++);
        ssd_submit(disk->ssd, &request);
    }
    uint32_t out = work->asked - work->answered;
    if (out > serve->run->report->ssd_most_out)
        serve->run->report->ssd_most_out = out;
}

/* Of the disk's transfers in one direction. */
static void pump(struct serve *serve, enum tier tier, bool write)
{
    struct disk_share share = { .depth = serve->disk[tier - TIER_SSD].depth,
                                .page_slices = layers_of(serve) };
    for (int pass = 0; pass < 2; pass++) /* counts, then asks */
        for (uint32_t i = 0; i < serve->transfer_capacity; i++) {
            const struct transfer_work *work = &serve->transfer[i];
            bool load = work->action.kind == ACTION_LOAD;
            if (!uses_disk(serve, i) || writes(work, work->answered) != write ||
                tier_of(work, work->answered) != tier)
                continue;
            if (pass == 1)
                ask_disk(serve, i, disk_share_window(&share, load));
            share.slices += pass == 0 && load;
            share.pages += pass == 0 && !load;
        }
}

void disk_pump(struct serve *serve)
{
    if (!serve->disk_changed)
        return;
    serve->disk_changed = false;
    for (int i = 0; i < 2 * DISKS; i++)
        if (serve->disk[i / 2].ssd != NULL)
            pump(serve, (enum tier)(TIER_SSD + i / 2), i % 2 == 1);
}

static void take_read(struct serve *serve, struct transfer_work *work, uint32_t number,
                      const struct ssd_request *request, const struct ssd_result *result)
{
    const struct page_move *move = &work->page[number % work->page_count];
    struct page_pool *from = pages_pool(serve, work->action.from);
    bool known_bad = from->bad[move->from];
    bool bad = known_bad || result->error != 0 || result->damaged;
    serve->run->report->checksum_failures += result->damaged && !known_bad;
    if (work->action.from == TIER_SSD)
        serve->run->report->ssd_read_bytes += request->size_bytes;
    if (!bad)
        return;
    from->bad[move->from] = true;
    serve->pool[TIER_DRAM].bad[dram_page(work, move)] = true;
    if (work->action.kind == ACTION_LOAD)
        serve->note[work->action.job].damaged = true;
}

static void take_write(struct serve *serve, const struct transfer_work *work, uint32_t number,
                       const struct ssd_request *request, int error)
{
    const struct page_move *move = &work->page[number % work->page_count];
    if (work->action.to == TIER_SSD)
        serve->run->report->ssd_written_bytes += request->size_bytes;
    if (error != 0 || (disk_goes_down(work) && serve->pool[TIER_DRAM].bad[dram_page(work, move)]))
        pages_pool(serve, work->action.to)->bad[move->to] = true;
}

static void take_result(struct serve *serve, const struct ssd_result *result)
{
    uint32_t index = (uint32_t)((uintptr_t)result->user >> 32);
    uint32_t number = (uint32_t)((uintptr_t)result->user & UINT32_MAX);
    struct transfer_work *work = &serve->transfer[index];
    struct ssd_request request = request_at(serve, index, number);
    work->answered++;
    if (result->error != 0 && serve->run->report->ssd_errors++ == 0)
        serve->run->report->ssd_error = result->error;
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

enum status serve_check_disk(const struct serve_report *report, const struct serve_config *config,
                             struct error *err)
{
    char reason[256];
    if (report->ssd_errors + report->checksum_failures == 0)
        return STATUS_OK;
    snprintf(reason, sizeof reason,
             "the disk refused %" PRIu64 " requests (%s), %" PRIu64
             " reads gave other bytes than were written; "
             "the run ended, but is no result",
             report->ssd_errors, report->ssd_error != 0 ? strerror(report->ssd_error) : "none",
             report->checksum_failures);
    return error_io(err, config->ssd_path, "serve from the SSD tier", reason);
}

bool disk_poll(struct serve *serve)
{
    struct ssd_result results[64];
    bool news = false;
    for (int disk = 0; disk < DISKS; disk++) {
        struct ssd *ssd = serve->disk[disk].ssd;
        uint32_t count;
        while (ssd != NULL && (count = ssd_take(ssd, results, 64)) > 0) {
            for (uint32_t i = 0; i < count; i++)
                take_result(serve, &results[i]);
            serve->disk_changed = news = true;
        }
    }
    return news;
}
