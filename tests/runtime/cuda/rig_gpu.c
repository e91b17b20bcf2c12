/* tests/runtime/cuda/rig_gpu.c - the kernels on a real GPU. CUDA does not survive a fork, so these
 * tests run in one process (CK_FORK=no, set by CMake). */
#include "tests/runtime/cuda/rig.h"
#include "tests/support.h"

#include <cuda_runtime_api.h>
#include <stdio.h>
#include <stdlib.h>

static void must(cudaError_t error, const char *what)
{
    if (error == cudaSuccess)
        return;
    fprintf(stderr, "rig: %s: %s\n", what, cudaGetErrorString(error));
    exit(1);
}

bool rig_open(void)
{
    int count = 0;
    cudaError_t error = cudaGetDeviceCount(&count);
    if (error == cudaSuccess && count > 0)
        return true;
    printf("skipped: no GPU (%s)\n",
           error == cudaSuccess ? "none is there" : cudaGetErrorString(error));
    return false;
}

void *rig_new(size_t bytes)
{
    void *memory = NULL;
    must(cudaMalloc(&memory, bytes), "cudaMalloc");
    must(cudaMemset(memory, 0xff, bytes), "cudaMemset");
    return memory;
}

void *rig_copy_of(const void *host, size_t bytes)
{
    void *memory = rig_new(bytes);
    must(cudaMemcpy(memory, host, bytes, cudaMemcpyHostToDevice), "cudaMemcpy");
    return memory;
}

void rig_write(void *device, const void *host, size_t bytes)
{
    must(cudaMemcpy(device, host, bytes, cudaMemcpyHostToDevice), "cudaMemcpy");
}

void rig_read(void *host, const void *device, size_t bytes)
{
    must(cudaGetLastError(), "launch");
    must(cudaDeviceSynchronize(), "kernel");
    must(cudaMemcpy(host, device, bytes, cudaMemcpyDeviceToHost), "cudaMemcpy");
}

void rig_free(void *device)
{
    must(cudaFree(device), "cudaFree");
}

cudaStream_t rig_stream(void)
{
    return NULL; /* the default stream */
}

static int attribute(enum cudaDeviceAttr which)
{
    int device = 0, value = 0;
    must(cudaGetDevice(&device), "cudaGetDevice");
    must(cudaDeviceGetAttribute(&value, which, device), "attribute");
    return value;
}

bool rig_hopper(void)
{
    return attribute(cudaDevAttrComputeCapabilityMajor) == 9 &&
           attribute(cudaDevAttrComputeCapabilityMinor) == 0;
}

uint32_t rig_multiprocessors(void)
{
    return (uint32_t)attribute(cudaDevAttrMultiProcessorCount);
}

bool rig_small(void)
{
    return test_small();
}

unsigned rig_ways(void)
{
    return test_small() ? 1 : 2;
}

void rig_way(unsigned i)
{
    (void)i;
}
