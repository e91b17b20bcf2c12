/* runtime/cuda/streams.c - copies and events.
 *
 * Copies: a page's slice of one layer is some 4 to 64 KiB, which crosses PCIe in about the time
 * that starting a copy takes. Neighbours are joined, and what is left goes to the driver as one
 * cudaMemcpyBatchAsync() (CUDA 12.8 and later; vLLM's swap_blocks, LMCache's direct copies and cuDF
 * do likewise). Not a kernel that reads pinned memory, as LMCache also has: it would take
 * multiprocessors from the computation beside which copies are to run.
 *
 * Times: CUDA tells how far apart two events are, in milliseconds as a float, whose resolution is
 * 0.5 us up to 4 s and worse beyond, and its clock drifts against the host's. So a base event,
 * whose moment on CLOCK_MONOTONIC is known, follows behind: every BASE_AGE_NS a new one is recorded
 * in a stream that has no other work, which brackets it between two readings of the host's clock.
 * It happened near the bracket's end: what the host queues takes long to reach an idle stream (the
 * driver, a doorbell, the GPU fetching it: some 10 to 20 us on a virtual machine's H100), and what
 * has ended is seen by reading the host's own memory. With the base in the middle of its bracket all
 * events of that H100 were 10 us early, and copies of 7 us ended before they were queued. A host
 * that was held up in its bracket says little: the base before it is followed then, within it. */
#include "runtime/cuda/gpu.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/units.h"

#include <stdlib.h>

static const uint64_t BASE_AGE_NS = 100 * NS_PER_MS;
/* From an event to the host that looks for it all the time: a write over PCIe, and half of a look.
 * Estimated: a round trip over PCIe takes about 1 us. */
static const uint64_t SEEN_NS = 1000;
enum { FIRST_TRIES = 32 };

/* ---- the clock ---- */

/* event happened between the two. */
struct bracket {
    uint64_t begin_ns, end_ns;
};

static cudaError_t bracket(struct device *device, cudaEvent_t event, struct bracket *times)
{
    times->begin_ns = clock_now_ns();
    cudaError_t code = cudaEventRecord(event, device->aside);
    if (code == cudaSuccess)
        code = cudaEventSynchronize(event);
    times->end_ns = clock_now_ns();
    return code;
}

/* By its end; never before its middle. */
static uint64_t moment_in(const struct bracket *times)
{
    uint64_t half_ns = (times->end_ns - times->begin_ns) / 2;
    return times->end_ns - (half_ns < SEEN_NS ? half_ns : SEEN_NS);
}

static void take_base(struct gpu_clock *clock, uint64_t moment_ns)
{
    cudaEvent_t base = clock->next;
    clock->next = clock->base;
    clock->base = base;
    clock->base_ns = moment_ns;
}

/* The base is the event of the narrowest of some brackets. */
static cudaError_t first_base(struct gpu_clock *clock, struct device *device)
{
    clock->narrowest_ns = UINT64_MAX;
    cudaError_t code = cudaSuccess;
    for (int i = 0; i < FIRST_TRIES && code == cudaSuccess; i++) {
        struct bracket times;
        code = bracket(device, clock->next, &times);
        if (times.end_ns - times.begin_ns >= clock->narrowest_ns)
            continue;
        clock->narrowest_ns = times.end_ns - times.begin_ns;
        take_base(clock, moment_in(&times));
    }
    return code;
}

enum status gpu_clock_start(struct device *device, struct error *err)
{
    struct gpu_clock *clock = &device->clock;
    cudaError_t code = cudaEventCreate(&clock->base);
    if (code == cudaSuccess)
        code = cudaEventCreate(&clock->next);
    if (code == cudaSuccess)
        code = first_base(clock, device);
    return code == cudaSuccess
               ? STATUS_OK
               : error_io(err, "cuda", "read the GPU's clock", cudaGetErrorString(code));
}

void gpu_clock_end(struct device *device)
{
    if (device->clock.base != NULL)
        cudaEventDestroy(device->clock.base);
    if (device->clock.next != NULL)
        cudaEventDestroy(device->clock.next);
}

/* On the host's clock; an event before the base has a distance below 0. */
static cudaError_t time_of(const struct gpu_clock *clock, cudaEvent_t event, uint64_t *time_ns)
{
    float distance_ms = 0.0F;
    cudaError_t code = cudaEventElapsedTime(&distance_ms, clock->base, event);
    *time_ns = clock->base_ns + (uint64_t)(int64_t)((double)distance_ms * (double)NS_PER_MS);
    return code;
}

static uint64_t within(uint64_t value, uint64_t least, uint64_t most)
{
    return value < least ? least : value > most ? most : value;
}

static cudaError_t follow(struct device *device)
{
    struct gpu_clock *clock = &device->clock;
    if (clock_now_ns() - clock->base_ns < BASE_AGE_NS)
        return cudaSuccess;
    struct bracket times;
    uint64_t predicted_ns;
    cudaError_t code = bracket(device, clock->next, &times);
    if (code == cudaSuccess)
        code = time_of(clock, clock->next, &predicted_ns);
    if (code != cudaSuccess)
        return code;
    bool held_up = times.end_ns - times.begin_ns > 2 * clock->narrowest_ns;
    take_base(clock, held_up ? within(predicted_ns, times.begin_ns, times.end_ns)
                             : moment_in(&times));
    return cudaSuccess;
}

/* ---- events ---- */

struct backend_event *gpu_event_new(struct device *device)
{
    struct backend_event *event = memory_new(1, sizeof *event);
    gpu_ok(device, cudaEventCreate(&event->event), "make an event");
    return event;
}

void gpu_event_free(struct device *device, struct backend_event *event)
{
    (void)device;
    if (event == NULL)
        return;
    if (event->event != NULL)
        cudaEventDestroy(event->event);
    free(event);
}

void gpu_record(struct device *device, enum stream stream, struct backend_event *event)
{
    event->state = EVENT_RECORDED;
    event->recorded_ns = clock_now_ns();
    if (!device->failed)
        gpu_ok(device, cudaEventRecord(event->event, device->stream[stream]), "record an event");
}

void gpu_wait(struct device *device, enum stream stream, struct backend_event *event)
{
    if (!device->failed && event->state == EVENT_RECORDED)
        gpu_ok(device, cudaStreamWaitEvent(device->stream[stream], event->event, 0),
               "wait for an event");
}

static void take_time(struct device *device, struct backend_event *event)
{
    event->state = EVENT_HAPPENED;
    uint64_t now_ns = clock_now_ns();
    event->time_ns = now_ns;
    if (device->failed || !gpu_ok(device, follow(device), "follow the GPU's clock"))
        return;
    uint64_t time_ns;
    if (!gpu_ok(device, time_of(&device->clock, event->event, &time_ns), "read an event's time"))
        return;
    event->time_ns = within(time_ns, event->recorded_ns, now_ns);
}

/* Behind a failure events have happened: what waits for them shall come to its check(). */
static void look(struct device *device, struct backend_event *event)
{
    cudaError_t code = device->failed ? cudaSuccess : cudaEventQuery(event->event);
    if (code == cudaErrorNotReady) {
        cudaGetLastError(); /* which CUDA keeps as if it were one: the next launch would seem bad */
        return;
    }
    gpu_ok(device, code, "run what is queued");
    take_time(device, event);
}

bool gpu_happened(struct device *device, struct backend_event *event, uint64_t *time_ns)
{
    if (event->state == EVENT_RECORDED)
        look(device, event);
    if (event->state != EVENT_HAPPENED)
        return false;
    if (time_ns != NULL)
        *time_ns = event->time_ns;
    return true;
}

void gpu_synchronise(struct device *device, struct backend_event *event)
{
    if (event->state != EVENT_RECORDED)
        return;
    if (!device->failed)
        gpu_ok(device, cudaEventSynchronize(event->event), "run what is queued");
    take_time(device, event);
}

/* ---- copies ---- */

static void free_lists(struct copy_list *list)
{
    free(list->to);
    free(list->from);
    free(list->bytes);
}

void gpu_copies_free(struct device *device)
{
    free_lists(&device->copies);
}

/* Copies with neighbours joined; how many are left. */
static uint32_t join(struct copy_list *list, const struct copy *copies, uint32_t count)
{
    if (count > list->capacity) {
        free_lists(list);
        list->capacity = count * 2;
        list->to = memory_new(list->capacity, sizeof *list->to);
        list->from = memory_new(list->capacity, sizeof *list->from);
        list->bytes = memory_new(list->capacity, sizeof *list->bytes);
    }
    uint32_t left = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct copy *copy = &copies[i];
        if (copy->size_bytes == 0)
            continue;
        bool joins = left > 0 && (char *)list->to[left - 1] + list->bytes[left - 1] == copy->to &&
                     (const char *)list->from[left - 1] + list->bytes[left - 1] == copy->from;
        if (joins) {
            list->bytes[left - 1] += copy->size_bytes;
            continue;
        }
        list->to[left] = copy->to;
        list->from[left] = copy->from;
        list->bytes[left++] = copy->size_bytes;
    }
    return left;
}

/* false: the driver has no batches, or refuses this one; nothing is queued then.
 *
 * Registered memory needs no condition here. The documentation of cudaMemcpyBatchAsync() (CUDA
 * 13.0) asks nothing of where the memory is from: SrcAccessOrderStream, "the source will be
 * accessed in stream order", is right for any of it (...DuringApiCall is for sources that do not
 * outlive the call, ...Any for those that nothing queued writes), and location hints are ignored
 * but for managed memory and pageable memory that the GPU can reach. Where
 * CanUseHostPointerForRegisteredMem is 0, registered memory has another address on the GPU, and
 * kernels must use that; in copies whose direction CUDA infers, "either the host or the unified
 * device pointer value may be used" ("Unified Addressing", of which 64-bit processes have all).
 * HostRegisterSupported is cudaHostRegister()'s own, which dram.c reports. A driver that thinks
 * otherwise answers "invalid value", and copies go one by one. */
static bool copy_batch(struct device *device, cudaStream_t stream, uint32_t count)
{
#if CUDART_VERSION >= 13000 /* 12.8's had one parameter more */
    struct copy_list *list = &device->copies;
    struct cudaMemcpyAttributes attributes = { .srcAccessOrder = cudaMemcpySrcAccessOrderStream,
                                               .flags = cudaMemcpyFlagPreferOverlapWithCompute };
    size_t first = 0;
    cudaError_t code = cudaMemcpyBatchAsync(list->to, list->from, list->bytes, count, &attributes,
                                            &first, 1, stream);
    if (code == cudaErrorNotSupported || code == cudaErrorCallRequiresNewerDriver ||
        code == cudaErrorInvalidValue) {
        cudaGetLastError();
        return false;
    }
    gpu_ok(device, code, "copy");
    return true;
#else
    (void)device, (void)stream, (void)count;
    return false;
#endif
}

void gpu_copy(struct device *device, enum stream stream, enum copy_kind kind,
              const struct copy *copies, uint32_t count)
{
    static const enum cudaMemcpyKind kinds[] = { cudaMemcpyHostToDevice, cudaMemcpyDeviceToHost,
                                                 cudaMemcpyDeviceToDevice };
    struct copy_list *list = &device->copies;
    if (device->failed)
        return;
    uint32_t left = join(list, copies, count);
    if (left > 1 && !list->one_by_one) {
        list->one_by_one = !copy_batch(device, device->stream[stream], left);
        if (!list->one_by_one)
            return;
    }
    for (uint32_t i = 0; i < left; i++)
        if (!gpu_ok(device,
                    cudaMemcpyAsync(list->to[i], list->from[i], list->bytes[i], kinds[kind],
                                    device->stream[stream]),
                    "copy"))
            return;
}
