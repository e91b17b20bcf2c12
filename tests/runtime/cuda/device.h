/* tests/runtime/cuda/device.h - where test_device.c runs: a GPU, or the emulated one. */
#ifndef REPRISE_TESTS_RUNTIME_CUDA_DEVICE_H
#define REPRISE_TESTS_RUNTIME_CUDA_DEVICE_H

#include "runtime/backend.h"

extern const struct backend backend_cuda;

/* Prints why and returns false where there is none. */
bool device_is_there(void);

#endif
