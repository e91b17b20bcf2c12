/* tests/bench/bench_cuda.h - what bench_cuda.c asks of cuBLAS itself. */
#ifndef REPRISE_TESTS_BENCH_BENCH_CUDA_H
#define REPRISE_TESTS_BENCH_BENCH_CUDA_H

#include <stdbool.h>
#include <stdint.h>

/* Looks for cublasLt, which best_product_s() needs. false: it is not there, which is told. */
bool yardstick_open(void);

/* The shortest time, in seconds, of out[rows][outputs] = in[rows][inputs] * weights^T in bf16 with
 * fp32 sums, over all algorithms that cublasLt's heuristic offers with 64 MiB of workspace; each is
 * warmed up and run `repeats` times at one stretch. false: cublasLt refused. Addresses on the GPU.
 */
bool best_product_s(uint32_t rows, uint32_t inputs, uint32_t outputs, const void *in,
                    const void *weights, void *out, uint32_t repeats, double *seconds);

/* The rate of plain large cudaMemcpyAsync() of pinned memory, bytes/s: what a link gives. 0:
 * failed. bytes: of one copy. */
double link_bytes_per_s(bool to_gpu, void *gpu, void *pinned, uint64_t bytes, uint32_t repeats);

/* What the GPU's clocks and buses would give: products of bf16 by tensor cores without sparsity, in
 * flop/s, and HBM in bytes/s; 0 where CUDA does not say. */
double peak_bf16_flop_per_s(void);
double peak_hbm_bytes_per_s(void);

#endif
