/* runtime/cuda/failures.c - a device's first failure is kept, and told once. Nothing is queued
 * after it. */
#include "runtime/cuda/gpu.h"

void gpu_fail(struct device *device, const char *what, const char *reason)
{
    if (!device->failed)
        error_io(&device->err, "cuda", what, reason);
    device->failed = true;
}

bool gpu_ok(struct device *device, cudaError_t code, const char *what)
{
    if (code == cudaSuccess)
        return true;
    cudaGetLastError(); /* it is kept here now */
    gpu_fail(device, what, cudaGetErrorString(code));
    return false;
}

bool gpu_launched(struct device *device, const char *what)
{
    return gpu_ok(device, cudaGetLastError(), what);
}

enum status gpu_check(struct device *device, struct error *err)
{
    enum status status = device->err.status;
    if (status == STATUS_OK)
        return STATUS_OK;
    if (err->status == STATUS_OK)
        *err = device->err;
    device->err = (struct error){ 0 };
    return status;
}
