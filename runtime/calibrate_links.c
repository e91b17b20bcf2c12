/* runtime/calibrate_links.c - copies and requests to the disk, as runs make them: slices of pages
 * that lie anywhere, layer after layer (serve_transfers.c), and requests of a slice or a page at
 * random places of a file that was written before, so that neither a host's nor a drive's cache
 * answers. */
#include "runtime/calibrate_state.h"
#include "runtime/disk_share.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/units.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

/* What bounds the sizes: memory, and on a link held to a rate the time that they would take. */
static const uint64_t COPY_MOST_BYTES = UINT64_C(256) << 20, COPY_MOST_NS = 50 * NS_PER_MS;
static const uint64_t DISK_MOST_BYTES = UINT64_C(1) << 30, DISK_HELD_NS = NS_PER_S;
/* A disk slower than 1 GiB in so long gives a smaller file. */
static const uint64_t DISK_FILL_NS = 5 * NS_PER_S;
static const uint64_t DISK_POINT_NS = 20 * NS_PER_MS;

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* most, or what a link of that rate moves in time_ns. 0: the link is not held to one. */
static uint64_t within(uint64_t most, double bytes_per_s, uint64_t time_ns)
{
    double bytes = bytes_per_s * (double)time_ns / (double)NS_PER_S;
    return bytes_per_s > 0.0 && bytes < (double)most ? (uint64_t)bytes : most;
}

/* ---- what lies where ---- */

static uint64_t aligned(uint64_t bytes)
{
    return (bytes + SSD_ALIGNMENT - 1) / SSD_ALIGNMENT * SSD_ALIGNMENT;
}

void calibrate_links_size(struct calibrator *c, uint64_t slice_bytes, struct ssd_config *disk)
{
    const struct calibration_config *config = c->config;
    c->slice_bytes = slice_bytes;
    c->page_bytes = slice_bytes * config->model.layers;
    uint64_t copied = within(within(COPY_MOST_BYTES, config->h2d_bytes_per_s, COPY_MOST_NS),
                             config->d2h_bytes_per_s, COPY_MOST_NS);
    uint64_t pages = least(copied / c->page_bytes, c->page_count);
    c->copy_pages = pages > 0 ? (uint32_t)pages : 1;
    /* Requests to the disk use the saves' area, writes and then reads; the other holds KV. */
    uint64_t area_bytes = aligned(c->copy_pages * c->page_bytes);
    uint64_t requests_bytes = SSD_DEPTH * aligned(c->page_bytes);
    c->dram_bytes =
        area_bytes + (area_bytes > 2 * requests_bytes ? area_bytes : 2 * requests_bytes);
    uint64_t file =
        config->ssd_bytes > 0 ? least(config->ssd_bytes, DISK_MOST_BYTES) : DISK_MOST_BYTES;
    file = within(file, config->ssd_write_bytes_per_s, DISK_HELD_NS);
    if (file < requests_bytes)
        file = requests_bytes;
    disk->size_bytes = file / aligned(c->page_bytes) * aligned(c->page_bytes);
    disk->depth = SSD_DEPTH;
}

/* 0 .. count - 1 in an order without order, the same each time. */
static uint32_t *shuffled(uint32_t count, uint64_t stream)
{
    struct random random = random_from(1, stream);
    uint32_t *order = memory_new(count, sizeof *order);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t other = (uint32_t)random_below(&random, i + 1);
        order[i] = order[other];
        order[other] = i;
    }
    return order;
}

void calibrate_links_prepare(struct calibrator *c, void *dram)
{
    c->scattered = shuffled(c->page_count, 1);
    c->spots = shuffled(c->copy_pages, 2);
    c->copies = memory_new(c->copy_pages, sizeof *c->copies);
    c->kept = dram;
    c->saves = c->kept + aligned(c->copy_pages * c->page_bytes);
}

void calibrate_links_free(struct calibrator *c)
{
    free(c->scattered);
    free(c->spots);
    free(c->copies);
}

/* ---- copies ---- */

enum direction { SAVE, LOAD };

/* The i-th page of a copy: loads and saves use pages of their own where the pool has as many. */
static struct copy page_copy(const struct calibrator *c, enum direction way, char *area, uint32_t i,
                             uint64_t offset, uint64_t bytes)
{
    bool kept = area == c->kept;
    uint32_t page = c->scattered[(i + (kept ? 0 : c->page_count / 2)) % c->page_count];
    char *hbm = (char *)executor_pool(c->executor) + page * c->page_bytes + offset;
    char *dram = area + c->spots[i] * c->page_bytes + offset;
    return (struct copy){ .to = way == LOAD ? hbm : dram,
                          .from = way == LOAD ? dram : hbm,
                          .size_bytes = bytes };
}

/* A layer's slices of the first `count` pages, or the pages as they are. */
static void queue(struct calibrator *c, enum direction way, char *area, uint32_t count,
                  uint64_t offset, uint64_t bytes)
{
    for (uint32_t i = 0; i < count; i++)
        c->copies[i] = page_copy(c, way, area, i, offset, bytes);
    c->backend->copy(c->device, way == LOAD ? STREAM_LOAD : STREAM_SAVE,
                     way == LOAD ? COPY_H2D : COPY_D2H, c->copies, count);
}

/* Slices, layer after layer; both ways: layer by layer in turns, so that both begin at once. */
static void queue_slices(struct calibrator *c, bool loads, bool saves, uint32_t slices)
{
    for (uint32_t layer = 0; slices > 0; layer++) {
        uint32_t count = slices < c->copy_pages ? slices : c->copy_pages;
        if (loads)
            queue(c, LOAD, c->kept, count, layer * c->slice_bytes, c->slice_bytes);
        if (saves)
            queue(c, SAVE, c->saves, count, layer * c->slice_bytes, c->slice_bytes);
        slices -= count;
    }
    if (loads)
        c->backend->record(c->device, STREAM_LOAD, c->loaded);
    if (saves)
        c->backend->record(c->device, STREAM_SAVE, c->saved);
}

static void copy_once(struct calibrator *c, uint32_t slices, bool counts)
{
    double bytes = (double)slices * (double)c->slice_bytes, slice = (double)c->slice_bytes;
    uint32_t count = c->samples->count;
    uint64_t begin_ns = clock_now_ns();
    queue_slices(c, false, true, slices);
    calibrate_add(c, "copy_d2h", bytes, slice, (double)(calibrate_end_of(c, c->saved) - begin_ns));
    begin_ns = clock_now_ns();
    queue_slices(c, true, false, slices);
    calibrate_add(c, "copy_h2d", bytes, slice, (double)(calibrate_end_of(c, c->loaded) - begin_ns));
    begin_ns = clock_now_ns();
    queue_slices(c, true, true, slices);
    uint64_t load_ns = calibrate_end_of(c, c->loaded) - begin_ns;
    uint64_t save_ns = calibrate_end_of(c, c->saved) - begin_ns;
    calibrate_add(c, "copy_h2d_both", bytes, slice, (double)load_ns);
    calibrate_add(c, "copy_d2h_both", bytes, slice, (double)save_ns);
    if (!counts)
        c->samples->count = count;
}

/* From one slice to all of an area in steps of four. */
static uint32_t next_size(const struct calibrator *c, uint32_t slices)
{
    uint32_t all = c->copy_pages * c->config->model.layers;
    return slices == all ? 0 : slices < all / 4 ? slices * 4 : all;
}

uint32_t calibrate_links_steps(const struct calibrator *c)
{
    uint32_t steps = 1; /* the disk's */
    for (uint32_t slices = 1; slices > 0; slices = next_size(c, slices))
        steps++;
    return steps;
}

bool calibrate_links_copies(struct calibrator *c)
{
    queue(c, SAVE, c->kept, c->copy_pages, 0, c->page_bytes);
    c->backend->record(c->device, STREAM_SAVE, c->saved);
    c->backend->synchronise(c->device, c->saved);
    for (uint32_t slices = 1; slices > 0; slices = next_size(c, slices)) {
        for (uint32_t repeat = 0; repeat <= c->config->repeats; repeat++)
            copy_once(c, slices, repeat > 0);
        if (!calibrate_step(c))
            return false;
    }
    return true;
}

/* ---- a prefill while both links copy ---- */

/* Whole pages, which are quicker to queue: the host must come to the prefill while they move. */
static void queue_pages(struct calibrator *c, uint32_t rounds)
{
    for (uint32_t i = 0; i < rounds; i++) {
        queue(c, LOAD, c->kept, c->copy_pages, 0, c->page_bytes);
        queue(c, SAVE, c->saves, c->copy_pages, 0, c->page_bytes);
    }
    c->backend->record(c->device, STREAM_LOAD, c->loaded);
    c->backend->record(c->device, STREAM_SAVE, c->saved);
}

/* Whether both links were busy until the prefill had ended. */
static bool prefill_beside(struct calibrator *c, uint32_t rounds, bool counts)
{
    uint32_t window = c->config->window_tokens, count = c->samples->count;
    queue_pages(c, rounds);
    calibrate_prefill(c, "prefill_beside_copies", window / 4, window / 2, counts);
    uint64_t end_ns = calibrate_end_of(c, c->end);
    bool beside = calibrate_end_of(c, c->loaded) >= end_ns;
    beside &= calibrate_end_of(c, c->saved) >= end_ns;
    if (!beside)
        c->samples->count = count;
    return beside;
}

/* Copies that ended sooner than the prefill would show less than there is: twice as many then, and
 * no sample where even ROUNDS_MOST do not last. */
void calibrate_links_prefill(struct calibrator *c)
{
    enum { ROUNDS_MOST = 256 };
    uint32_t rounds = 1, window = c->config->window_tokens;
    for (uint32_t repeat = 0; repeat <= c->config->repeats && rounds <= ROUNDS_MOST; repeat++) {
        calibrate_prefill(c, "prefill_alone", window / 4, window / 2, repeat > 0);
        while (!prefill_beside(c, rounds, repeat > 0) && rounds <= ROUNDS_MOST)
            rounds *= 2;
    }
}

/* ---- the disk ---- */

struct requests {
    bool write, in_order; /* in_order: from the file's beginning; else at random places */
    uint64_t bytes;       /* of each */
    uint32_t depth;       /* out at once */
    uint64_t count;       /* at least so many; more until... */
    uint64_t time_ns;     /* ... so long has passed, */
    uint64_t most;        /* or there are so many */
};

/* One direction's requests while they are made, each in a place of memory of its own. */
struct asking {
    const struct requests *requests;
    struct random random;
    uint64_t asked, answered, last_ns;
    uint32_t place[SSD_DEPTH], places; /* that are free */
    char *memory;
};

static struct asking begin_asking(const struct calibrator *c, const struct requests *requests)
{
    uint64_t apart = requests->write ? 0 : SSD_DEPTH * aligned(c->page_bytes);
    struct asking asking = { .requests = requests,
                             .random = random_from(1, requests->bytes + requests->depth),
                             .places = requests->depth,
                             .memory = c->saves + apart };
    for (uint32_t i = 0; i < requests->depth; i++)
        asking.place[i] = i;
    return asking;
}

static void ask(struct calibrator *c, struct asking *asking)
{
    const struct requests *requests = asking->requests;
    uint64_t spots = c->disk_bytes / requests->bytes;
    uint64_t spot = requests->in_order ? asking->asked : random_below(&asking->random, spots);
    uintptr_t place = asking->place[--asking->places];
    asking->asked++;
    ssd_submit(c->ssd, &(struct ssd_request){ .offset = spot * requests->bytes,
                                              .memory = asking->memory + place * requests->bytes,
                                              .size_bytes = (uint32_t)requests->bytes,
                                              .write = requests->write,
                                              .user = (void *)(place << 1 | requests->write) });
}

/* Of asking[write]; a direction that is not asked has no results. */
static enum status take_results(struct calibrator *c, struct asking *const asking[2],
                                struct error *err)
{
    struct ssd_result results[64];
    uint32_t count = ssd_take(c->ssd, results, 64);
    for (uint32_t i = 0; i < count; i++) {
        bool write = (uintptr_t)results[i].user & 1;
        struct asking *of = asking[write];
        if (results[i].error != 0)
            return error_io(err, c->config->serve.ssd_path, write ? "write" : "read",
                            strerror(results[i].error));
        of->place[of->places++] = (uint32_t)((uintptr_t)results[i].user >> 1);
        of->answered++;
        of->last_ns = results[i].time_ns;
    }
    if (count == 0)
        sched_yield(); /* a nap would be longer than a request */
    return STATUS_OK;
}

static bool wants_more(const struct asking *asking, uint64_t begin_ns)
{
    const struct requests *requests = asking->requests;
    return asking->asked < requests->count ||
           (asking->asked < requests->most && clock_now_ns() < begin_ns + requests->time_ns);
}

/* Keeps the requests of each direction out, or of one (the other NULL), for as long as either wants
 * more; each_ns[write]: how long one took, of those that were out at once. */
static enum status ask_disk(struct calibrator *c, struct asking *const asking[2], double each_ns[2],
                            struct error *err)
{
    uint64_t begin_ns = clock_now_ns();
    bool more = true, out = true;
    while (more || out) {
        bool wanted = false;
        out = false;
        for (int write = 0; write < 2 && more; write++)
            wanted |= asking[write] != NULL && wants_more(asking[write], begin_ns);
        more = wanted;
        for (int write = 0; write < 2; write++) {
            struct asking *way = asking[write];
            while (way != NULL && more && way->places > 0 && way->asked < way->requests->most)
                ask(c, way);
            out |= way != NULL && way->answered < way->asked;
        }
        if (take_results(c, asking, err) != STATUS_OK)
            return err->status;
    }
    for (int write = 0; write < 2; write++)
        if (asking[write] != NULL)
            each_ns[write] =
                (double)(asking[write]->last_ns - begin_ns) / (double)asking[write]->answered;
    return STATUS_OK;
}

/* Nothing is read that was not written: a file system answers for the rest without its disk. */
static enum status fill_disk(struct calibrator *c, uint64_t size_bytes, struct error *err)
{
    uint64_t page = aligned(c->page_bytes);
    double each_ns[2];
    const struct requests all = { .write = true,
                                  .in_order = true,
                                  .bytes = page,
                                  .depth = SSD_DEPTH,
                                  .count = SSD_DEPTH,
                                  .time_ns = DISK_FILL_NS,
                                  .most = size_bytes / page };
    struct asking writes = begin_asking(c, &all);
    enum status status = ask_disk(c, (struct asking *[]){ NULL, &writes }, each_ns, err);
    c->disk_bytes = writes.asked * page;
    return status;
}

static struct requests requests_of(bool write, uint64_t bytes, uint32_t depth)
{
    return (struct requests){ .write = write,
                              .bytes = bytes,
                              .depth = depth,
                              .count = 2 * depth,
                              .time_ns = DISK_POINT_NS,
                              .most = UINT64_MAX };
}

static enum status disk_point(struct calibrator *c, bool write, uint64_t bytes, uint32_t depth,
                              struct error *err)
{
    const struct requests some = requests_of(write, bytes, depth);
    for (uint32_t repeat = 0; repeat <= c->config->repeats; repeat++) {
        struct asking asking = begin_asking(c, &some);
        struct asking *const one[2] = { write ? NULL : &asking, write ? &asking : NULL };
        double each_ns[2] = { 0 };
        if (ask_disk(c, one, each_ns, err) != STATUS_OK)
            return err->status;
        if (repeat > 0)
            calibrate_add(c, write ? "ssd_write" : "ssd_read", (double)bytes, depth,
                          each_ns[write]);
    }
    return STATUS_OK;
}

/* Slices are read, as loads do, while pages are written, as saves and demotions do. */
static enum status disk_both(struct calibrator *c, struct error *err)
{
    const struct disk_share share = { SSD_DEPTH, c->config->model.layers, .pages = 1 };
    const uint32_t page_depth = disk_share_window(&share, false);
    const struct requests reads = requests_of(false, aligned(c->slice_bytes), SSD_DEPTH);
    const struct requests writes = requests_of(true, aligned(c->page_bytes), page_depth);
    for (uint32_t repeat = 0; repeat <= c->config->repeats; repeat++) {
        struct asking read = begin_asking(c, &reads), write = begin_asking(c, &writes);
        double each_ns[2];
        if (ask_disk(c, (struct asking *[]){ &read, &write }, each_ns, err) != STATUS_OK)
            return err->status;
        if (repeat == 0)
            continue;
        calibrate_add(c, "ssd_read_both", (double)reads.bytes, SSD_DEPTH, each_ns[0]);
        calibrate_add(c, "ssd_write_both", (double)writes.bytes, page_depth, each_ns[1]);
    }
    return STATUS_OK;
}

/* One at a time, one of two transfers', a lone one's or all together. */
enum status calibrate_links_disk(struct calibrator *c, struct error *err)
{
    static const uint32_t depths[] = { 1, SSD_DEPTH / 2, SSD_DEPTH };
    const uint64_t sizes[] = { aligned(c->slice_bytes), aligned(c->page_bytes) };
    enum status status = fill_disk(c, ssd_size(c->ssd), err);
    for (int size = 0; size < (c->config->model.layers > 1 ? 2 : 1); size++)
        for (size_t depth = 0; depth < sizeof depths / sizeof *depths; depth++)
            for (int write = 1; write >= 0 && status == STATUS_OK; write--)
                status = disk_point(c, write == 1, sizes[size], depths[depth], err);
    if (status == STATUS_OK)
        status = disk_both(c, err);
    return status == STATUS_OK && !calibrate_step(c) ? error_interrupted(err) : status;
}
