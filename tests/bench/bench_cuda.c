/* tests/bench/bench_cuda.c [PART...] - the CUDA backend's rates beside what the same GPU attained
 * otherwise in the same run:
 *   products  the best that cublasLt finds (goal 95 %)
 *   prefill   attention against the best product (60 %, where products bound it)
 *   decode    attention against a copy within HBM, read and written (85 %)
 *   launches  iterations as they are launched, and as CUDA graphs: shown
 *   copies    slices of pages against one large copy over the link (95 %)
 *   together  both directions at once, and beside products: shown
 *   ssd       the SSD tier's file in $TMPDIR, by size of request: shown
 *   sustained both ways at that file for some seconds, second by second: shown, since what a drive
 *             or a virtual machine's host takes at first it may not go on taking
 * Without PART: all. products and HBM are measured with any, since others are held against them,
 * but with launches alone. Exit code 0: all goals reached; 1: some missed; 2: no such part; 77: no
 * GPU. */
#include "tests/bench/bench_cuda.h"

#include "base/memory.h"
#include "base/units.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct backend backend_cuda;

/* ---- measuring ---- */

static void must(enum status status, const struct error *err)
{
    if (status == STATUS_OK)
        return;
    error_print(stderr, err);
    exit(error_exit_code(status));
}

void *bench_take(struct bench *b, enum tier tier, uint64_t bytes)
{
    void *memory = NULL;
    struct error err = { 0 };
    must(b->backend->allocate(b->device, tier, bytes, &memory, &err), &err);
    return memory;
}

void *bench_take_filled(struct bench *b, uint64_t elements)
{
    enum { BLOCK = 1 << 20 };
    float *values = memory_new(BLOCK, sizeof *values);
    uint16_t *memory = bench_take(b, TIER_HBM, elements * sizeof *memory);
    for (uint32_t i = 0; i < BLOCK; i++)
        values[i] = (float)(i * 2654435761U >> 8) / (float)(1 << 23) - 1.0F;
    for (uint64_t at = 0; at < elements; at += BLOCK)
        b->backend->upload(b->device, memory + at, values,
                           elements - at < BLOCK ? elements - at : BLOCK);
    free(values);
    return memory;
}

double bench_best_s(struct bench *b, enum stream stream, uint32_t repeats,
                    void (*once)(struct bench *, void *), void *context)
{
    double best = 0.0;
    for (int i = 0; i <= BENCH_TRIES; i++) {
        uint64_t begin_ns = 0, end_ns = 0;
        b->backend->record(b->device, stream, b->begin);
        for (uint32_t repeat = 0; repeat < repeats; repeat++)
            once(b, context);
        b->backend->record(b->device, stream, b->end);
        b->backend->synchronise(b->device, b->end);
        b->backend->happened(b->device, b->begin, &begin_ns);
        b->backend->happened(b->device, b->end, &end_ns);
        double took = (double)(end_ns - begin_ns) / (double)NS_PER_S / repeats;
        if (i > 0 && (best == 0.0 || took < best))
            best = took;
    }
    struct error err = { 0 };
    must(b->backend->check(b->device, &err), &err);
    return best;
}

void bench_tell(struct bench *b, const char *what, double rate, double of, double target,
                const char *unit, double scale)
{
    double share = of > 0.0 ? rate / of : 0.0;
    printf("%-52s %8.1f of %8.1f %-8s %5.1f %%", what, rate / scale, of / scale, unit,
           100.0 * share);
    if (target > 0.0)
        printf("  %s (%.0f %%)", share >= target ? "pass" : "miss", 100.0 * target);
    putchar('\n');
    fflush(stdout);
    b->missed |= share < target;
}

/* ---- parts ---- */

static const struct part {
    const char *name;
    void (*run)(struct bench *b);
    bool always;
} parts[] = { { "hbm", bench_hbm, true },
              { "products", bench_products, true },
              { "prefill", bench_prefill, false },
              { "decode", bench_decode, false },
              { "launches", bench_launches, false },
              { "copies", bench_copies, false },
              { "together", bench_together, false },
              { "ssd", bench_ssd, false },
              { "sustained", bench_sustained, false } };
enum { PARTS = sizeof parts / sizeof *parts };

static bool named(const struct part *part, int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], part->name) == 0)
            return true;
    const bool alone = argc == 2 && strcmp(argv[1], "launches") == 0;
    return (part->always && !alone) || argc == 1;
}

static bool all_known(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        int p = 0;
        while (p < PARTS && strcmp(argv[i], parts[p].name) != 0)
            p++;
        if (p < PARTS)
            continue;
        fprintf(stderr,
                "%s: expected hbm, products, prefill, decode, launches, copies, together, ssd or\n"
                "sustained\n",
                argv[i]);
        return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    struct bench b = { .backend = &backend_cuda };
    struct backend_config config = { .hbm_bytes = UINT64_C(16) << 30,
                                     .dram_bytes = UINT64_C(2) << 30 };
    struct error err = { 0 };
    char text[128];
    if (!all_known(argc, argv))
        return 2;
    if (b.backend->open(&config, &b.device, &err) != STATUS_OK) {
        printf("skipped: cannot %s: %s\n", err.expected, err.found);
        return 77;
    }
    b.begin = b.backend->event_new(b.device);
    b.end = b.backend->event_new(b.device);
    printf("%s\n", b.backend->describe(b.device, text, sizeof text));
    for (int i = 0; i < PARTS; i++)
        if (named(&parts[i], argc, argv))
            parts[i].run(&b);
    b.backend->event_free(b.device, b.begin);
    b.backend->event_free(b.device, b.end);
    b.backend->close(b.device);
    return b.missed ? 1 : 0;
}
