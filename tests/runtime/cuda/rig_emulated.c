/* tests/runtime/cuda/rig_emulated.c - device memory is the heap's, so that AddressSanitizer watches
 * its ends. */
#include "tests/runtime/cuda/emulator_control.h"
#include "tests/runtime/cuda/rig.h"
#include "tests/support.h"

#include <stdlib.h>
#include <string.h>

bool rig_open(void)
{
    return true;
}

void *rig_new(size_t bytes)
{
    void *memory = NULL;
    /* Not a byte more, and aligned as cudaMalloc() aligns. */
    if (posix_memalign(&memory, 256, bytes) != 0)
        abort();
    if (bytes > 0)
        memset(memory, 0xff, bytes); /* NaN in every format: what is read must have been written */
    return memory;
}

void *rig_copy_of(const void *host, size_t bytes)
{
    void *memory = rig_new(bytes);
    if (bytes > 0) /* an empty array may be NULL */
        memcpy(memory, host, bytes);
    return memory;
}

void rig_write(void *device, const void *host, size_t bytes)
{
    memcpy(device, host, bytes);
}

void rig_read(void *host, const void *device, size_t bytes)
{
    memcpy(host, device, bytes);
}

void rig_free(void *device)
{
    free(device);
}

cudaStream_t rig_stream(void)
{
    return NULL;
}

bool rig_hopper(void)
{
    return false;
}

uint32_t rig_multiprocessors(void)
{
    return RIG_MULTIPROCESSORS;
}

bool rig_small(void)
{
    return true;
}

unsigned rig_ways(void)
{
    return 4;
}

void rig_way(unsigned i)
{
    static const struct {
        enum emulate_order order;
        enum emulate_copies copies;
        unsigned shared_kib; /* Hopper's, or an A100's */
    } ways[] = { { EMULATE_ASCENDING, EMULATE_COPIES_LATE, 228 },
                 { EMULATE_DESCENDING, EMULATE_COPIES_EARLY, 228 },
                 { EMULATE_DESCENDING, EMULATE_COPIES_LATE, 164 },
                 { EMULATE_SHUFFLED, EMULATE_COPIES_EARLY, 164 } };
    emulate_as(ways[i].order, ways[i].copies, (unsigned)test_seed() + i);
    emulate_shared_kib(ways[i].shared_kib);
}
