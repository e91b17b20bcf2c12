/* tests/bench/bench_cuda_copies.c - see bench_cuda.h: copies over the link, alone and beside
 * others, and the SSD tier's file. */
#include "tests/bench/bench_cuda.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/units.h"
#include "runtime/ssd/ssd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t TOTAL_BYTES = 512 << 20;
enum { LINK_REPEATS = 4 };

/* ---- alone ---- */

struct copying {
    struct copy *copies;
    uint32_t count;
    enum stream stream;
    enum copy_kind kind;
};

static void copy_all(struct bench *b, void *context)
{
    const struct copying *c = context;
    b->backend->copy(b->device, c->stream, c->kind, c->copies, c->count);
}

/* TOTAL_BYTES in slices of pages; every other place on either side, so that no two are neighbours.
 */
static struct copying scattered(char *hbm, char *dram, uint64_t slice, bool load)
{
    struct copying c = { .count = (uint32_t)(TOTAL_BYTES / slice),
                         .stream = load ? STREAM_LOAD : STREAM_SAVE,
                         .kind = load ? COPY_H2D : COPY_D2H };
    c.copies = memory_new(c.count, sizeof *c.copies);
    for (uint64_t i = 0; i < c.count; i++) {
        char *here = hbm + 2 * i * slice, *there = dram + 2 * (c.count - 1 - i) * slice;
        c.copies[i] = (struct copy){ load ? here : there, load ? there : here, slice };
    }
    return c;
}

static void format_slice(uint64_t slice, char text[24])
{
    bool small = slice < 1 << 20;
    snprintf(text, 24, "%llu %s", (unsigned long long)(small ? slice >> 10 : slice >> 20),
             small ? "KiB" : "MiB");
}

void bench_copies(struct bench *b)
{
    char *dram = bench_take(b, TIER_DRAM, 2 * TOTAL_BYTES),
         *hbm = bench_take(b, TIER_HBM, 2 * TOTAL_BYTES);
    for (int load = 0; load < 2; load++) {
        double link = link_bytes_per_s(load == 1, hbm, dram, TOTAL_BYTES, LINK_REPEATS);
        for (uint64_t slice = 64 << 10; slice <= 64 << 20; slice *= 4) {
            struct copying c = scattered(hbm, dram, slice, load == 1);
            char what[64], size[24];
            double took_s = bench_best_s(b, c.stream, LINK_REPEATS, copy_all, &c);
            format_slice(slice, size);
            snprintf(what, sizeof what, "copy %s in slices of %s",
                     load ? "DRAM to HBM" : "HBM to DRAM", size);
            bench_tell(b, what, (double)TOTAL_BYTES / took_s, link, 0.95, "GB/s", 1e9);
            free(c.copies);
        }
    }
    b->backend->release(b->device, TIER_DRAM, dram);
    b->backend->release(b->device, TIER_HBM, hbm);
}

/* ---- beside each other ---- */

enum { ROWS = 2048, INPUTS = 4096, OUTPUTS = 22016, PRODUCTS = 24, WORKS = 3 };

struct work {
    const struct copying *copying; /* NULL: products */
    void *in, *weights, *out;
};

static enum stream stream_of(const struct work *work)
{
    return work->copying != NULL ? work->copying->stream : STREAM_COMPUTE;
}

static void queue(struct bench *b, const struct work *work)
{
    if (work->copying != NULL)
        copy_all(b, (void *)work->copying);
    else
        for (int i = 0; i < PRODUCTS; i++)
            b->backend->gemm(b->device, ROWS, INPUTS, OUTPUTS, work->in, work->weights, work->out);
}

/* Seconds of each work when all are queued at once, the best by their sum. */
static void together_s(struct bench *b, const struct work *const *works, int count, double *seconds)
{
    struct backend_event *begin[WORKS], *end[WORKS];
    double least = 0.0;
    for (int i = 0; i < count; i++) {
        begin[i] = b->backend->event_new(b->device);
        end[i] = b->backend->event_new(b->device);
    }
    for (int try = 0; try <= BENCH_TRIES; try++) {
        double took[WORKS], sum = 0.0;
        /* Each begins when the host comes to queueing it, which takes a millisecond for thousands
         * of slices. */
        for (int i = 0; i < count; i++) {
            b->backend->record(b->device, stream_of(works[i]), begin[i]);
            queue(b, works[i]);
            b->backend->record(b->device, stream_of(works[i]), end[i]);
        }
        for (int i = 0; i < count; i++) {
            uint64_t begin_ns = 0, end_ns = 0;
            b->backend->synchronise(b->device, end[i]);
            b->backend->happened(b->device, begin[i], &begin_ns);
            b->backend->happened(b->device, end[i], &end_ns);
            took[i] = (double)(end_ns - begin_ns) / (double)NS_PER_S;
            sum += took[i];
        }
        if (try > 0 && (least == 0.0 || sum < least)) {
            least = sum;
            memcpy(seconds, took, sizeof *took * (size_t)count);
        }
    }
    for (int i = 0; i < count; i++) {
        b->backend->event_free(b->device, begin[i]);
        b->backend->event_free(b->device, end[i]);
    }
}

static void tell_pair(struct bench *b, const char *size, const double alone_s[WORKS],
                      const double both_s[2], const double all_s[WORKS])
{
    static const char *const ways[] = { "DRAM to HBM", "HBM to DRAM" };
    char what[64];
    for (int way = 0; way < 2; way++) {
        snprintf(what, sizeof what, "%s, %s, both ways, of alone", ways[way], size);
        bench_tell(b, what, (double)TOTAL_BYTES / both_s[way],
                   (double)TOTAL_BYTES / alone_s[1 + way], 0.0, "GB/s", 1e9);
        snprintf(what, sizeof what, "%s, %s, both ways and products", ways[way], size);
        bench_tell(b, what, (double)TOTAL_BYTES / all_s[1 + way],
                   (double)TOTAL_BYTES / alone_s[1 + way], 0.0, "GB/s", 1e9);
    }
    const double flops = 2.0 * ROWS * (double)INPUTS * OUTPUTS * PRODUCTS;
    snprintf(what, sizeof what, "products beside both, %s, of alone", size);
    bench_tell(b, what, flops / all_s[0], flops / alone_s[0], 0.0, "TFLOP/s", 1e12);
}

void bench_together(struct bench *b)
{
    char *dram[2], *hbm[2];
    for (int way = 0; way < 2; way++) {
        dram[way] = bench_take(b, TIER_DRAM, 2 * TOTAL_BYTES);
        hbm[way] = bench_take(b, TIER_HBM, 2 * TOTAL_BYTES);
        memset(dram[way], 0x5a, 2 * TOTAL_BYTES);
    }
    const uint64_t room = ROWS + (uint64_t)b->backend->gemm_slack_rows;
    struct work products = { .in = bench_take_filled(b, room * INPUTS),
                             .weights = bench_take_filled(b, (uint64_t)INPUTS * OUTPUTS),
                             .out = bench_take(b, TIER_HBM, 2 * room * OUTPUTS) };
    for (uint64_t slice = 64 << 10; slice <= 1 << 20; slice *= 4) {
        struct copying load = scattered(hbm[0], dram[0], slice, true),
                       save = scattered(hbm[1], dram[1], slice, false);
        struct work loads = { .copying = &load }, saves = { .copying = &save };
        const struct work *works[WORKS] = { &products, &loads, &saves };
        double alone_s[WORKS], both_s[2], all_s[WORKS];
        char size[24];
        for (int i = 0; i < WORKS; i++)
            together_s(b, &works[i], 1, &alone_s[i]);
        together_s(b, works + 1, 2, both_s);
        together_s(b, works, WORKS, all_s);
        format_slice(slice, size);
        tell_pair(b, size, alone_s, both_s, all_s);
        free(load.copies);
        free(save.copies);
    }
    for (int way = 0; way < 2; way++) {
        b->backend->release(b->device, TIER_DRAM, dram[way]);
        b->backend->release(b->device, TIER_HBM, hbm[way]);
    }
    b->backend->release(b->device, TIER_HBM, products.in);
    b->backend->release(b->device, TIER_HBM, products.weights);
    b->backend->release(b->device, TIER_HBM, products.out);
}

/* ---- the SSD tier's file ---- */

/* `bytes` of the file in requests of `size`, all queued at once, as they lie or every 7th; seconds.
 */
static double disk_s(struct ssd *ssd, char *memory, uint64_t bytes, uint32_t size, bool write)
{
    uint32_t count = (uint32_t)(bytes / size), taken = 0;
    struct ssd_result results[64];
    uint64_t begin_ns = clock_now_ns();
    for (uint32_t i = 0; i < count; i++) {
        uint64_t place = (uint64_t)i * 7 % count; /* count is a power of 2: each once */
        ssd_submit(ssd, &(struct ssd_request){ .offset = place * size,
                                               .memory = memory + place * size,
                                               .size_bytes = size,
                                               .write = write });
    }
    while (taken < count) {
        uint32_t got = ssd_take(ssd, results, 64);
        for (uint32_t i = 0; i < got; i++)
            if (results[i].error != 0)
                return -1.0;
        taken += got;
        if (got == 0)
            nanosleep(&(struct timespec){ .tv_nsec = 20000 }, NULL);
    }
    return (double)(clock_now_ns() - begin_ns) / (double)NS_PER_S;
}

/* Depth 16, as runs have it; each size writes all, then reads it. Held against the fastest size. */
void bench_ssd(struct bench *b)
{
    enum { SIZES = 4 };
    const char *folder = getenv("TMPDIR");
    char path[512], text[96];
    snprintf(path, sizeof path, "%s/bench-cuda-ssd.tmp", folder != NULL ? folder : ".");
    struct ssd_config config = { .path = path, .size_bytes = TOTAL_BYTES, .depth = 16 };
    struct ssd *ssd = NULL;
    struct error err = { 0 };
    if (ssd_open(&config, &ssd, &err) != STATUS_OK) {
        error_print(stdout, &err);
        b->missed = true;
        return;
    }
    printf("SSD: %s\n", ssd_describe(ssd, text, sizeof text));
    char *memory = bench_take(b, TIER_DRAM, TOTAL_BYTES);
    memset(memory, 0x5a, TOTAL_BYTES);
    double rate[2][SIZES], most[2] = { 0 };
    for (int i = 0; i < SIZES; i++)
        for (int read = 0; read < 2; read++) {
            double took_s = disk_s(ssd, memory, TOTAL_BYTES, (64U << 10) << (2 * i), read == 0);
            rate[read][i] = took_s > 0.0 ? (double)TOTAL_BYTES / took_s : 0.0;
            most[read] = rate[read][i] > most[read] ? rate[read][i] : most[read];
        }
    for (int read = 0; read < 2; read++)
        for (int i = 0; i < SIZES; i++) {
            char what[64], size[24];
            format_slice((UINT64_C(64) << 10) << (2 * i), size);
            snprintf(what, sizeof what, "SSD %s in requests of %s, of the best",
                     read ? "read" : "write", size);
            bench_tell(b, what, rate[read][i], most[read], 0.0, "GB/s", 1e9);
        }
    b->backend->release(b->device, TIER_DRAM, memory);
    ssd_close(ssd);
}

/* ---- the same for longer ---- */

enum { SUSTAINED_SECONDS = 8, SUSTAINED_REQUEST = 1 << 20, SUSTAINED_OUT = 4 };
static const uint64_t SUSTAINED_BYTES = UINT64_C(8) << 30;

struct sustained {
    struct ssd *ssd;
    char *memory;
    uint64_t written, asked[2], answered[2]; /* written: requests that have ended; by way */
    uint32_t state;
};

/* Writes go on through the file, reads to anywhere that was written. */
static void ask_one(struct sustained *s, bool write)
{
    const uint64_t places = SUSTAINED_BYTES / SUSTAINED_REQUEST;
    s->state = s->state * 1664525U + 1013904223U;
    uint64_t known = s->written < places ? s->written : places;
    uint64_t place = write ? s->asked[1] % places : ((uint64_t)s->state * known) >> 32;
    uint64_t slot = s->asked[write]++ % (4 * SUSTAINED_OUT) + (write ? 4 * SUSTAINED_OUT : 0);
    ssd_submit(s->ssd, &(struct ssd_request){ .offset = place * SUSTAINED_REQUEST,
                                              .memory = s->memory + slot * SUSTAINED_REQUEST,
                                              .size_bytes = SUSTAINED_REQUEST,
                                              .write = write,
                                              .user = (void *)(uintptr_t)write });
}

static bool take(struct sustained *s)
{
    struct ssd_result results[64];
    uint32_t got = ssd_take(s->ssd, results, 64);
    for (uint32_t i = 0; i < got; i++) {
        bool write = results[i].user != NULL;
        s->answered[write]++;
        s->written += write;
        if (results[i].error != 0)
            return false;
    }
    return true;
}

static bool one_second(struct sustained *s)
{
    uint64_t end_ns = clock_now_ns() + NS_PER_S;
    while (clock_now_ns() < end_ns) {
        for (int write = 0; write < 2; write++)
            while (s->asked[write] - s->answered[write] < SUSTAINED_OUT &&
                   (write == 1 || s->written > 0))
                ask_one(s, write == 1);
        if (!take(s))
            return false;
    }
    return true;
}

void bench_sustained(struct bench *b)
{
    const char *folder = getenv("TMPDIR");
    char path[512];
    snprintf(path, sizeof path, "%s/bench-cuda-ssd.tmp", folder != NULL ? folder : ".");
    struct ssd_config config = { .path = path, .size_bytes = SUSTAINED_BYTES, .depth = 16 };
    struct sustained s = { 0 };
    struct error err = { 0 };
    bool went = ssd_open(&config, &s.ssd, &err) == STATUS_OK;
    if (!went) {
        error_print(stdout, &err);
        b->missed = true;
        return;
    }
    s.memory = bench_take(b, TIER_DRAM, 8 * SUSTAINED_OUT * SUSTAINED_REQUEST);
    memset(s.memory, 0x5a, 8 * SUSTAINED_OUT * SUSTAINED_REQUEST);
    printf("SSD, 4 reads and 4 writes of 1 MiB out, GB/s read + written, by second:");
    for (int second = 0; second < SUSTAINED_SECONDS && went; second++) {
        uint64_t before[2] = { s.answered[0], s.answered[1] };
        went = one_second(&s);
        printf(" %.2f + %.2f", (double)(s.answered[0] - before[0]) * SUSTAINED_REQUEST / 1e9,
               (double)(s.answered[1] - before[1]) * SUSTAINED_REQUEST / 1e9);
    }
    printf("\n");
    b->missed |= !went;
    ssd_close(s.ssd); /* waits for what is out */
    b->backend->release(b->device, TIER_DRAM, s.memory);
}
