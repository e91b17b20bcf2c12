/* tests/bench/bench_cuda.h - what the rooms of bench_cuda share.
 *   bench_cuda.c          which parts are run, time, and a line of the report
 *   bench_cuda_compute.c  products and attention
 *   bench_cuda_copies.c   the link, alone, both ways and beside products; the SSD tier's file
 *   bench_cuda_launches.c launches of an iteration, and the same as a graph
 *   bench_cuda_plain.c    the yardsticks: CUDA and cublasLt used plainly
 * Everything is held against what the same run attained otherwise, not against a datasheet. */
#ifndef REPRISE_TESTS_BENCH_BENCH_CUDA_H
#define REPRISE_TESTS_BENCH_BENCH_CUDA_H

#include "runtime/backend.h"

#include <stdbool.h>
#include <stdint.h>

enum { BENCH_TRIES = 5 };

struct bench {
    const struct backend *backend;
    struct device *device;
    struct backend_event *begin, *end;
    double product_flop_per_s; /* the best product of this run */
    double hbm_bytes_per_s;    /* a copy within HBM: read and written */
    bool missed;
};

/* ---- bench_cuda.c ---- */

void *bench_take(struct bench *b, enum tier tier, uint64_t bytes);
/* Elements that are as good as random: of zeros a GPU multiplies with less power, so at a higher
 * clock. */
void *bench_take_filled(struct bench *b, uint64_t elements);
/* The best of BENCH_TRIES stretches of `repeats` calls, after one to warm up; in seconds, of one
 * call. */
double bench_best_s(struct bench *b, enum stream stream, uint32_t repeats,
                    void (*once)(struct bench *, void *), void *context);
/* One line: rate beside `of`, both in units of `scale`. target 0: shown, not judged. */
void bench_tell(struct bench *b, const char *what, double rate, double of, double target,
                const char *unit, double scale);

/* ---- the parts ---- */

void bench_hbm(struct bench *b);      /* first: sets hbm_bytes_per_s */
void bench_products(struct bench *b); /* second: sets product_flop_per_s */
void bench_prefill(struct bench *b);
void bench_decode(struct bench *b);
void bench_launches(struct bench *b);
void bench_copies(struct bench *b);
void bench_together(struct bench *b);
void bench_ssd(struct bench *b);
void bench_sustained(struct bench *b);

/* ---- bench_cuda_plain.c ---- */

/* out[rows][outputs] = in[rows][inputs] * weights^T in bf16 with fp32 sums by the algorithm that is
 * fastest of all that cublasLt's heuristic offers with 64 MiB of workspace. */
struct best_product;
/* Addresses on the GPU. NULL: cublasLt refused. */
struct best_product *best_product_new(uint32_t rows, uint32_t inputs, uint32_t outputs,
                                      const void *in, const void *weights, void *out);
void best_product_free(struct best_product *product);
/* Seconds of one of `repeats` at one stretch; below 0: failed. */
double best_product_s(struct best_product *product, uint32_t repeats);

/* The rate of plain large cudaMemcpyAsync() of pinned memory, bytes/s: what a link gives. 0:
 * failed. bytes: of one copy. */
double link_bytes_per_s(bool to_gpu, void *gpu, void *pinned, uint64_t bytes, uint32_t repeats);

/* What the GPU's clocks and buses would give, to be shown beside: products of bf16 by tensor cores
 * without sparsity, in flop/s, and HBM in bytes/s; 0 where CUDA does not say. */
double peak_bf16_flop_per_s(void);
double peak_hbm_bytes_per_s(void);

#endif
