/* tests/runtime/cuda/fake_cuda.h - a CUDA runtime and a cuBLAS without a GPU, under which the
 * backend's own source runs on a CPU: kernels by the emulator, products by loops.
 *
 * What it is for is time. A stream is a queue, and what is queued runs when the test's choice of
 * `eager` streams says: at once, or only when somebody must wait for it. CUDA promises no more than
 * the order within a stream and what events order; every choice keeps that, and a result that
 * depends on the choice shows a wait that is missing or memory that is used again too early. More
 * that is seen:
 * - device memory begins as NaN and is poisoned again when freed; the heap's ends are watched by
 *   AddressSanitizer;
 * - a copy of a batch is made in any order; of pageable memory, when it is called;
 * - the device's clock runs from another start and a little faster;
 * - a query that says "not ready" leaves that as the last error, as CUDA's does;
 * - work queued on a freed stream, events or memory freed twice: the process ends with a message.
 * What is not: rates; two operations that truly run at once (each is whole). */
#ifndef REPRISE_TESTS_RUNTIME_CUDA_FAKE_CUDA_H
#define REPRISE_TESTS_RUNTIME_CUDA_FAKE_CUDA_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Streams in the order in which they were made: bit i of `eager`. */
enum { FAKE_COMPUTE = 1, FAKE_LOAD = 2, FAKE_SAVE = 4, FAKE_ALL = 0xffff };
/* How to multiply, as cuBLAS's heuristic answers; answer 0 needs more workspace than there is. */
enum { FAKE_ANSWERS = 5 };
struct fake_cuda {
    unsigned eager;
    unsigned seed;     /* not 0: besides, single operations are run at random */
    unsigned patience; /* cudaEventQuery() is answered "not ready" so often for one operation */
    bool no_gpu, no_batches, no_cublas;
    int major; /* compute capability */
    uint64_t memory_bytes;
    uint64_t pinnable_bytes; /* of the host's memory, by cudaHostRegister() */
    uint32_t fail_after;     /* operations that run well; the next one fails. 0: none does */
    int answers;             /* that cuBLAS's heuristic gives at most */
    bool still_clock;        /* the device's clock goes on by product_ms only, and not by itself */
    double product_ms[FAKE_ANSWERS];
    double load_ms;          /* that the first product by an answer takes besides */
    uint32_t product_us;     /* that a product takes in truth, besides */
    uint32_t refused_answer; /* which cuBLAS takes back when it is to multiply; 0: none */
};
/* The machine as a test wants it; nothing may be open. {0} with major and memory as an A100's. */
struct fake_cuda fake_cuda_default(void);
void fake_cuda_is(const struct fake_cuda *wanted);
struct fake_cuda fake_cuda_now(void);
/* Changes only what is eager. */
void fake_cuda_hurry(unsigned eager);
/* From now on a host that waits for an event of a stream that is not eager waits so long first. */
void fake_cuda_delay_events(uint32_t us);
/* From now on; see fail_after. */
void fake_cuda_fail_after(uint32_t operations);

struct fake_counts {
    uint32_t copies, batches, batched_copies, pageable_copies, launches;
    uint32_t heuristics;       /* products that cuBLAS was asked how to do */
    uint32_t products, answer; /* that were queued; of heuristics, by which the last was */
    uint32_t allocations;      /* of device and pinned memory, and their ends */
    uint32_t streams, events;  /* that are there */
    uint64_t device_bytes, pinned_ranges, pinned_bytes;
    uint32_t pinnings; /* calls of cudaHostRegister() that gave some */
};
struct fake_counts fake_cuda_counts(void);

/* For fake_cublas.cpp. Whether all of it is in one allocation on the device. */
bool fake_cuda_holds(const void *start, uint64_t bytes);
void fake_cuda_count_heuristic(void);
void fake_cuda_count_product(uint32_t answer);
/* The device's clock goes on by so much. */
void fake_cuda_pass(double ms);
/* Whether the kernel of cuBLAS's answer is loaded with this question. */
bool fake_cuda_loads(uint32_t answer);

#ifdef __cplusplus
}
#endif

#endif
