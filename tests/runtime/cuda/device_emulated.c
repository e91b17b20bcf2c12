/* tests/runtime/cuda/device_emulated.c - see device.h. */
#include "tests/runtime/cuda/device.h"
#include "tests/runtime/cuda/fake_cuda.h"

bool device_is_there(void)
{
    struct fake_cuda machine = fake_cuda_default();
    fake_cuda_is(&machine);
    return true;
}
