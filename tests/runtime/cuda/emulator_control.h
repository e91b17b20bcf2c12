/* tests/runtime/cuda/emulator_control.h - what a test may choose of the emulator: the order in
 * which a block's threads run, when asynchronous copies happen, how much shared memory there is. */
#ifndef REPRISE_TESTS_RUNTIME_CUDA_EMULATOR_CONTROL_H
#define REPRISE_TESTS_RUNTIME_CUDA_EMULATOR_CONTROL_H

#ifdef __cplusplus
extern "C" {
#endif

enum emulate_order { EMULATE_ASCENDING, EMULATE_DESCENDING, EMULATE_SHUFFLED, EMULATE_ORDERS };
enum emulate_copies { EMULATE_COPIES_LATE, EMULATE_COPIES_EARLY };

/* For the launches that follow. seed: of EMULATE_SHUFFLED. */
void emulate_as(enum emulate_order order, enum emulate_copies copies, unsigned seed);
/* A multiprocessor's, from now on: kernels choose their stages by it. 228 KiB at first. */
void emulate_shared_kib(unsigned kib);

#ifdef __cplusplus
}
#endif

#endif
