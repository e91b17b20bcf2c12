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
void rig_read(void *host, const void *device,
              size_t bytes); /* when all that was launched is done */
void rig_free(void *device);
cudaStream_t rig_stream(void);

/* Ways to run the same launches that must not change a bit: the emulator's thread orders,
 * moments of copying and sizes of shared memory; on a GPU, once more. rig_way() chooses one of
 * rig_ways(). */
unsigned rig_ways(void);
void rig_way(unsigned i);

/* Whether the GPU is of compute capability 9.0: kernel_attention's hopper. */
bool rig_hopper(void);

/* Multiprocessors to plan for. */
#define RIG_MULTIPROCESSORS 8u

#endif
