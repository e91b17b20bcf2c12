/* tests/runtime/cuda/fake_cuda.cpp - see fake_cuda.h. */
#include "tests/runtime/cuda/fake_cuda.h"
#include "tests/runtime/cuda/emulator.h"

#include <cuda_runtime_api.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <map>
#include <memory>
#include <random>
#include <sys/mman.h>
#include <vector>

/* One cudaEventRecord(): what waits for an event waits for the record it had then. */
struct moment {
    bool happened = false;
    double device_ms = 0;
};

struct operation {
    std::function<void()> run;
    std::shared_ptr<moment> records, waits;
};

struct CUstream_st {
    unsigned bit;
    std::deque<operation> queue;
};

struct CUevent_st {
    std::shared_ptr<moment> present;
    bool timed;
};

namespace
{

constexpr double CLOCK_START_MS = 5e8, CLOCK_FASTER = 1.008;

struct state {
    fake_cuda wanted;
    fake_counts counts;
    std::vector<cudaStream_t> streams;
    std::map<char *, size_t> device, pinned;
    std::minstd_rand random;
    cudaError_t sticky, last;
    unsigned questions;
    uint32_t event_us; /* fake_cuda_delay_events() */
    double passed_ms;
    bool loaded[FAKE_ANSWERS];
} s;

[[noreturn]] void die(const char *why)
{
    std::fprintf(stderr, "fake CUDA: %s\n", why);
    std::abort();
}

double device_now_ms()
{
    using namespace std::chrono;
    if (s.wanted.still_clock)
        return CLOCK_START_MS + s.passed_ms;
    return CLOCK_START_MS + s.passed_ms +
           duration<double, std::milli>(steady_clock::now().time_since_epoch()).count() *
               CLOCK_FASTER;
}

cudaError_t answer(cudaError_t error)
{
    if (s.sticky != cudaSuccess)
        error = s.sticky;
    if (error != cudaSuccess)
        s.last = error;
    return error;
}

bool blocked(const CUstream_st *stream)
{
    const operation &next = stream->queue.front();
    return next.waits && !next.waits->happened;
}

void run(operation *work)
{
    if (work->run && s.sticky == cudaSuccess) {
        if (s.wanted.fail_after > 0 && --s.wanted.fail_after == 0)
            s.sticky = cudaErrorIllegalAddress;
        else
            work->run();
    }
    if (work->records) {
        work->records->happened = true;
        work->records->device_ms = device_now_ms();
    }
}

bool step(cudaStream_t stream)
{
    if (stream->queue.empty() || blocked(stream))
        return false;
    operation work = std::move(stream->queue.front());
    stream->queue.pop_front();
    run(&work);
    return true;
}

void need(const std::shared_ptr<moment> &wanted);

/* The stream's next operation, and whatever it waits for. */
void push_on(cudaStream_t stream)
{
    if (blocked(stream))
        need(stream->queue.front().waits);
    step(stream);
}

cudaStream_t stream_of(const std::shared_ptr<moment> &wanted)
{
    for (cudaStream_t stream : s.streams)
        for (const operation &work : stream->queue)
            if (work.records == wanted)
                return stream;
    die("an event is waited for whose record nobody will run");
}

/* No more than must be run for it. */
void need(const std::shared_ptr<moment> &wanted)
{
    while (!wanted->happened)
        push_on(stream_of(wanted));
}

/* What may have happened by itself since the last call. */
void pass_time()
{
    for (bool moved = true; moved;) {
        moved = false;
        for (cudaStream_t stream : s.streams)
            while (s.wanted.eager & stream->bit && step(stream))
                moved = true;
    }
    while (s.wanted.seed != 0 && !s.streams.empty() && s.random() % 4 != 0)
        step(s.streams[s.random() % s.streams.size()]);
}

/* What is as large as cuBLAS's workspace is never touched: filling it for every device, and letting
 * AddressSanitizer watch it, would be most of the tests' time. */
bool huge(size_t bytes)
{
    return bytes >= UINT64_C(16) << 20;
}

void *new_memory(size_t bytes)
{
    void *memory = nullptr;
    if (huge(bytes)) {
        memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED)
            die("the test's machine has no memory");
    } else if (posix_memalign(&memory, 256, bytes) != 0)
        die("the test's machine has no memory");
    else
        std::memset(memory, 0xff, bytes); /* NaN in every format */
    return memory;
}

void free_memory(void *memory, size_t bytes)
{
    if (huge(bytes)) {
        munmap(memory, bytes);
        return;
    }
    std::memset(memory, 0xff, bytes);
    std::free(memory);
}

void add_pinned(void *memory, size_t bytes)
{
    s.counts.allocations++;
    s.pinned[static_cast<char *>(memory)] = bytes;
    s.counts.pinned_bytes += bytes;
}

void check_stream(cudaStream_t stream)
{
    if (std::find(s.streams.begin(), s.streams.end(), stream) == s.streams.end())
        die("a stream that is not there (or the default stream, which orders all others)");
}

cudaError_t queue(cudaStream_t stream, operation work)
{
    check_stream(stream);
    stream->queue.push_back(std::move(work));
    pass_time();
    return answer(cudaSuccess);
}

void queue_launch(cudaStream_t stream, std::function<void()> work)
{
    s.counts.launches++;
    queue(stream, { std::move(work), nullptr, nullptr });
}

const bool emulated_launches_are_queued = (emulate_queue = queue_launch, true);

bool within(const std::map<char *, size_t> &ranges, const void *start, size_t bytes)
{
    char *address = static_cast<char *>(const_cast<void *>(start));
    auto after = ranges.upper_bound(address);
    if (after == ranges.begin())
        return false;
    auto range = std::prev(after);
    return address + bytes <= range->first + range->second;
}

void check_device(const void *start, size_t bytes)
{
    if (!within(s.device, start, bytes))
        die("a copy's device side is not in one allocation");
}

/* The host's side of a copy: how much of it is the caller's again when the call returns. */
operation copy_operation(void *to, const void *from, size_t bytes, cudaMemcpyKind kind)
{
    if (kind != cudaMemcpyHostToDevice)
        check_device(from, bytes);
    if (kind != cudaMemcpyDeviceToHost)
        check_device(to, bytes);
    if (kind == cudaMemcpyHostToDevice && !within(s.pinned, from, bytes)) {
        s.counts.pageable_copies++;
        const char *bytes_now = static_cast<const char *>(from);
        std::vector<char> copied(bytes_now, bytes_now + bytes);
        return { [=] { std::memcpy(to, copied.data(), bytes); }, nullptr, nullptr };
    }
    return { [=] { std::memmove(to, from, bytes); }, nullptr, nullptr };
}

/* Not asleep, which takes longer than what is asked here. */
void spin(uint32_t us)
{
    const auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(us);
    while (std::chrono::steady_clock::now() < end)
        continue;
}

void drain(cudaStream_t stream)
{
    while (!stream->queue.empty())
        push_on(stream);
}

} /* namespace */

/* ---- what tests ask ---- */

fake_cuda fake_cuda_default()
{
    fake_cuda wanted = {};
    wanted.major = 8;
    wanted.patience = 1;
    wanted.answers = 2;
    wanted.memory_bytes = UINT64_C(1) << 30;
    wanted.pinnable_bytes = UINT64_C(1) << 30;
    return wanted;
}

void fake_cuda_is(const fake_cuda *wanted)
{
    if (!s.streams.empty() || !s.device.empty() || !s.pinned.empty())
        die("a device was left open");
    s = state{};
    s.wanted = *wanted;
    s.random.seed(wanted->seed);
}

fake_cuda fake_cuda_now()
{
    return s.wanted;
}

void fake_cuda_hurry(unsigned eager)
{
    s.wanted.eager = eager;
}

void fake_cuda_delay_events(uint32_t us)
{
    s.event_us = us;
}

void fake_cuda_fail_after(uint32_t operations)
{
    s.wanted.fail_after = operations + 1;
}

fake_counts fake_cuda_counts()
{
    s.counts.streams = static_cast<uint32_t>(s.streams.size());
    s.counts.pinned_ranges = s.pinned.size();
    return s.counts;
}

bool fake_cuda_holds(const void *start, uint64_t bytes)
{
    return within(s.device, start, bytes);
}

void fake_cuda_count_heuristic()
{
    s.counts.heuristics++;
}

void fake_cuda_count_product(uint32_t answer)
{
    s.counts.products++;
    s.counts.answer = answer;
}

void fake_cuda_pass(double ms)
{
    s.passed_ms += ms;
}

bool fake_cuda_loads(uint32_t answer)
{
    const bool loads = !s.loaded[answer];
    s.loaded[answer] = true;
    return loads;
}

/* ---- CUDA: the device ---- */

cudaError_t cudaGetDeviceCount(int *count)
{
    *count = s.wanted.no_gpu ? 0 : 1;
    return answer(s.wanted.no_gpu ? cudaErrorNoDevice : cudaSuccess);
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp *properties, int)
{
    *properties = {};
    std::snprintf(properties->name, sizeof properties->name, "Fake GPU");
    properties->major = s.wanted.major;
    properties->multiProcessorCount = 8;
    return answer(cudaSuccess);
}

cudaError_t cudaSetDevice(int)
{
    return answer(cudaSuccess);
}

cudaError_t cudaRuntimeGetVersion(int *version)
{
    *version = CUDART_VERSION;
    return answer(cudaSuccess);
}

cudaError_t cudaDriverGetVersion(int *version)
{
    *version = s.wanted.no_gpu ? 0 : CUDART_VERSION;
    return answer(cudaSuccess);
}

cudaError_t cudaGetLastError()
{
    pass_time();
    cudaError_t error = s.sticky != cudaSuccess ? s.sticky : s.last;
    s.last = cudaSuccess;
    return error;
}

const char *cudaGetErrorString(cudaError_t error)
{
    switch (error) {
    case cudaSuccess:
        return "no error";
    case cudaErrorInvalidValue:
        return "invalid argument";
    case cudaErrorMemoryAllocation:
        return "out of memory";
    case cudaErrorNoDevice:
        return "no CUDA-capable device is detected";
    case cudaErrorNotReady:
        return "device not ready";
    case cudaErrorIllegalAddress:
        return "an illegal memory access was encountered";
    case cudaErrorNotSupported:
        return "operation not supported";
    default:
        return "another error";
    }
}

/* ---- memory ---- */

cudaError_t cudaMalloc(void **memory, size_t bytes)
{
    if (s.counts.device_bytes + bytes > s.wanted.memory_bytes)
        return answer(cudaErrorMemoryAllocation);
    if (answer(cudaSuccess) != cudaSuccess)
        return s.sticky;
    s.counts.allocations++;
    *memory = new_memory(bytes);
    s.device[static_cast<char *>(*memory)] = bytes;
    s.counts.device_bytes += bytes;
    return cudaSuccess;
}

cudaError_t cudaFree(void *memory)
{
    if (memory == nullptr)
        return answer(cudaSuccess);
    auto found = s.device.find(static_cast<char *>(memory));
    if (found == s.device.end())
        die("cudaFree of what cudaMalloc did not give");
    s.counts.allocations++;
    free_memory(memory, found->second);
    s.counts.device_bytes -= found->second;
    s.device.erase(found);
    return answer(cudaSuccess);
}

cudaError_t cudaHostRegister(void *memory, size_t bytes, unsigned)
{
    if (s.counts.pinned_bytes + bytes > s.wanted.pinnable_bytes)
        return answer(cudaErrorMemoryAllocation);
    s.counts.pinnings++;
    add_pinned(memory, bytes);
    return answer(cudaSuccess);
}

cudaError_t cudaHostUnregister(void *memory)
{
    auto found = s.pinned.find(static_cast<char *>(memory));
    if (found == s.pinned.end())
        die("cudaHostUnregister of what is not registered");
    s.counts.allocations++;
    s.counts.pinned_bytes -= found->second;
    s.pinned.erase(found);
    return answer(cudaSuccess);
}

cudaError_t cudaHostAlloc(void **memory, size_t bytes, unsigned)
{
    if (posix_memalign(memory, 4096, bytes) != 0)
        die("the test's machine has no memory");
    add_pinned(*memory, bytes);
    return answer(cudaSuccess);
}

cudaError_t cudaFreeHost(void *memory)
{
    cudaHostUnregister(memory);
    std::free(memory);
    return answer(cudaSuccess);
}

/* ---- copies ---- */

cudaError_t cudaMemsetAsync(void *memory, int value, size_t bytes, cudaStream_t stream)
{
    check_device(memory, bytes);
    return queue(stream, { [=] { std::memset(memory, value, bytes); }, nullptr, nullptr });
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream)
{
    s.counts.copies++;
    cudaError_t error = queue(stream, copy_operation(to, from, bytes, kind));
    if (kind == cudaMemcpyDeviceToHost && !within(s.pinned, to, bytes)) {
        s.counts.pageable_copies++;
        drain(stream); /* CUDA returns when it is there */
        return answer(cudaSuccess);
    }
    return error;
}

cudaError_t cudaMemcpyBatchAsync(void *const *to, const void *const *from, const size_t *bytes,
                                 size_t count, cudaMemcpyAttributes *attributes,
                                 size_t *attribute_first, size_t attribute_count,
                                 cudaStream_t stream)
{
    if (s.wanted.no_batches)
        return answer(cudaErrorCallRequiresNewerDriver);
    if (count == 0 || attribute_count != 1 || attribute_first[0] != 0 ||
        attributes->srcAccessOrder != cudaMemcpySrcAccessOrderStream)
        return answer(cudaErrorInvalidValue);
    std::vector<std::function<void()>> copies;
    for (size_t i = 0; i < count; i++) {
        cudaMemcpyKind kind = within(s.device, from[i], bytes[i])
                                  ? within(s.device, to[i], bytes[i]) ? cudaMemcpyDeviceToDevice
                                                                      : cudaMemcpyDeviceToHost
                                  : cudaMemcpyHostToDevice;
        copies.push_back(copy_operation(to[i], from[i], bytes[i], kind).run);
    }
    s.counts.batches++;
    s.counts.batched_copies += static_cast<uint32_t>(count);
    std::shuffle(copies.begin(), copies.end(), s.random);
    return queue(stream, { [copies] {
                              for (const auto &copy : copies)
                                  copy();
                          },
                           nullptr, nullptr });
}

/* ---- streams ---- */

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags)
{
    if (flags != cudaStreamNonBlocking)
        die("a stream that waits for the default stream");
    *stream = new CUstream_st{ 1u << s.streams.size(), {} };
    s.streams.push_back(*stream);
    return answer(cudaSuccess);
}

cudaError_t cudaStreamDestroy(cudaStream_t stream)
{
    check_stream(stream);
    drain(stream);
    s.streams.erase(std::find(s.streams.begin(), s.streams.end(), stream));
    delete stream;
    return answer(cudaSuccess);
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream)
{
    check_stream(stream);
    drain(stream);
    return answer(cudaSuccess);
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned)
{
    if (!event->present)
        return answer(cudaSuccess);
    return queue(stream, { nullptr, nullptr, event->present });
}

/* ---- events ---- */

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned flags)
{
    s.counts.events++;
    *event = new CUevent_st{ nullptr, flags != cudaEventDisableTiming };
    return answer(cudaSuccess);
}

cudaError_t cudaEventCreate(cudaEvent_t *event)
{
    return cudaEventCreateWithFlags(event, 0);
}

cudaError_t cudaEventDestroy(cudaEvent_t event)
{
    s.counts.events--;
    delete event; /* its record lives on in the streams */
    return answer(cudaSuccess);
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream)
{
    event->present = std::make_shared<moment>();
    return queue(stream, { nullptr, event->present, nullptr });
}

/* One who asks again and again sees it happen in the end, an operation for so many questions. */
cudaError_t cudaEventQuery(cudaEvent_t event)
{
    pass_time();
    if (event->present && !event->present->happened) {
        if (++s.questions % s.wanted.patience == 0)
            push_on(stream_of(event->present));
        return answer(cudaErrorNotReady);
    }
    return answer(cudaSuccess);
}

cudaError_t cudaEventSynchronize(cudaEvent_t event)
{
    pass_time();
    if (event->present && !event->present->happened)
        spin(s.event_us);
    if (event->present)
        need(event->present);
    return answer(cudaSuccess);
}

cudaError_t cudaEventElapsedTime(float *ms, cudaEvent_t begin, cudaEvent_t end)
{
    if (!begin->present || !end->present || !begin->timed || !end->timed)
        return answer(cudaErrorInvalidResourceHandle);
    if (!begin->present->happened || !end->present->happened)
        return answer(cudaErrorNotReady);
    *ms = static_cast<float>(end->present->device_ms - begin->present->device_ms);
    return answer(cudaSuccess);
}
