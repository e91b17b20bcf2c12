/* tests/runtime/cuda/device_gpu.c - see device.h. CUDA does not survive a fork, so these tests run
 * in one process (CK_FORK=no, set by CMake). */
#include "tests/runtime/cuda/device.h"

#include <stdio.h>

bool device_is_there(void)
{
    struct backend_config config = { .hbm_bytes = 1 << 20, .dram_bytes = 1 << 20 };
    struct device *device;
    struct error err = { 0 };
    if (backend_cuda.open(&config, &device, &err) == STATUS_OK) {
        backend_cuda.close(device);
        return true;
    }
    printf("skipped: cannot %s: %s\n", err.expected, err.found);
    return false;
}
