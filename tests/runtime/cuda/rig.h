/* tests/runtime/cuda/rig.h - where the kernels under test run: on a GPU (rig_gpu.c), or emulated on
 * this CPU (rig_emulated.c). The same tests are linked with either. */
#ifndef REPRISE_TESTS_RUNTIME_CUDA_RIG_H
#define REPRISE_TESTS_RUNTIME_CUDA_RIG_H

#include "runtime/cuda/kernels.h"

#include <stdbool.h>
#include <stddef.h>

/* Prints why and returns false where there is nothing to run on: the test is skipped. Called in
 * every test's process. */
bool rig_open(void);

/* Device memory of exactly that size. */
void *rig_new(size_t bytes);
void *rig_copy_of(const void *host, size_t bytes);
void rig_write(void *device, const void *host, size_t bytes);
void rig_read(void *host, const void *device,
              size_t bytes); /* when all that was launched is done */
void rig_free(void *device);
cudaStream_t rig_stream(void);

/* Ways to run the same launches that must not change a bit: the emulator's thread orders,
 * moments of copying and sizes of shared memory; on a GPU, once more, but not where test_small():
 * compute-sanitizer looks for what a second run could show. rig_way() chooses one of rig_ways(). */
unsigned rig_ways(void);
void rig_way(unsigned i);

/* Whether the GPU is of compute capability 9.0: kernel_attention's hopper. */
bool rig_hopper(void);

/* Multiprocessors to plan for in small cases, so that they are cut; those that there are. */
#define RIG_MULTIPROCESSORS 8u
uint32_t rig_multiprocessors(void);

/* Whether shapes shall be as small as still takes every branch: emulated, or where test_small(). */
bool rig_small(void);

#endif
