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
 * driver, a doorbell, the GPU fetching it), and what has ended is seen by reading the host's own
 * memory. A host that was held up in its bracket says little: the base before it is followed then,
 * within it. From bases far apart follows how fast the GPU's clock runs, by which distances are
 * multiplied: on a virtual machine's H100 events seemed up to 10 us earlier the older their base
 * was, some 100 ppm. Nor has an event happened before it was recorded. */
#include "runtime/cuda/gpu.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/units.h"

#include <stdlib.h>

static const uint64_t BASE_AGE_NS = 100 * NS_PER_MS;
/* From an event to the host that looks for it all the time: a write over PCIe, and half of a look.
 * Estimated: a round trip over PCIe takes about 1 us. */
static const uint64_t SEEN_NS = 1000;
/* The first behind a pause is slow: the host's caches and its core had to wake up. */
enum { FIRST_TRIES = 32, TRIES = 3 };
/* Between bases that say how fast the GPU's clock runs, at most: a microsecond each is 0.25 ppm. */
static const double RATE_SPAN_NS = 8e9;

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

static uint64_t width_of(const struct bracket *times)
{
    return times->end_ns - times->begin_ns;
}

/* By its end; never before its middle. */
static uint64_t moment_in(const struct bracket *times)
{
    uint64_t half_ns = width_of(times) / 2;
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
        if (width_of(&times) >= clock->narrowest_ns)
            continue;
        clock->narrowest_ns = width_of(&times);
        take_base(clock, moment_in(&times));
    }
    clock->host_per_gpu = 1.0;
    clock->span_begin_ns = clock->base_ns;
    clock->wanted_span_ns = (double)BASE_AGE_NS / 2.0;
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

/* By the GPU's clock; an event before the base has a distance below 0. */
static cudaError_t distance_of(const struct gpu_clock *clock, cudaEvent_t event,
                               double *distance_ns)
{
    float distance_ms = 0.0F;
    cudaError_t code = cudaEventElapsedTime(&distance_ms, clock->base, event);
    *distance_ns = (double)distance_ms * (double)NS_PER_MS;
    return code;
}

static uint64_t on_host(const struct gpu_clock *clock, double distance_ns)
{
    return clock->base_ns + (uint64_t)(int64_t)(distance_ns * clock->host_per_gpu);
}

static uint64_t within(uint64_t value, uint64_t least, uint64_t most)
{
    return value < least ? least : value > most ? most : value;
}

/* Spans double from the first, so that there is a rate soon, and a good one later. */
static void learn_rate(struct gpu_clock *clock, uint64_t moment_ns)
{
    if (clock->span_ns < clock->wanted_span_ns)
        return;
    clock->host_per_gpu = (double)(moment_ns - clock->span_begin_ns) / clock->span_ns;
    clock->wanted_span_ns *= 2.0;
    if (clock->wanted_span_ns <= RATE_SPAN_NS)
        return;
    clock->wanted_span_ns = RATE_SPAN_NS;
    clock->span_begin_ns = moment_ns;
    clock->span_ns = 0.0;
}

static uint64_t widest_ns(const struct gpu_clock *clock)
{
    return 2 * (clock->narrowest_ns + SEEN_NS);
}

static bool is_held_up(const struct gpu_clock *clock, const struct bracket *times)
{
    return width_of(times) > widest_ns(clock);
}

/* What held up the last of all tries may stay, as a GPU's and a link's lower clocks do. */
static void note_width(struct gpu_clock *clock, const struct bracket *times)
{
    if (is_held_up(clock, times))
        clock->narrowest_ns = widest_ns(clock);
    else if (width_of(times) < clock->narrowest_ns)
        clock->narrowest_ns = width_of(times);
}

static cudaError_t follow(struct device *device)
{
    struct gpu_clock *clock = &device->clock;
    if (clock_now_ns() - clock->base_ns < BASE_AGE_NS)
        return cudaSuccess;
    struct bracket times;
    double distance_ns = 0.0;
    bool held_up = true;
    cudaError_t code = cudaSuccess;
    for (int i = 0; i < TRIES && held_up && code == cudaSuccess; i++) {
        code = bracket(device, clock->next, &times);
        held_up = is_held_up(clock, &times);
    }
    note_width(clock, &times);
    if (code == cudaSuccess)
        code = distance_of(clock, clock->next, &distance_ns);
    if (code != cudaSuccess)
        return code;
    uint64_t moment_ns = held_up ? within(on_host(clock, distance_ns), times.begin_ns, times.end_ns)
                                 : moment_in(&times);
    clock->span_ns += distance_ns;
    if (!held_up)
        learn_rate(clock, moment_ns);
    take_base(clock, moment_ns);
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
    double distance_ns = 0.0;
    if (!gpu_ok(device, distance_of(&device->clock, event->event, &distance_ns),
                "read an event's time"))
        return;
    /* It was seen to have happened: what the bracket leaves open cannot put it later than now. */
    event->time_ns = within(on_host(&device->clock, distance_ns), event->recorded_ns, now_ns);
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
