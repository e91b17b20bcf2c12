/* tests/runtime/cuda/emulator.cpp - see emulator.h. One block at a time; global state is the block
 * that runs, as on the device. */
#include "tests/runtime/cuda/emulator.h"
#include "tests/runtime/cuda/emulator_control.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <ucontext.h>
#include <vector>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

dim3 threadIdx, blockIdx, blockDim, gridDim;

namespace
{

constexpr size_t STACK_BYTES = 256 * 1024;
constexpr size_t LAST_FRAMES_BYTES = 4096; /* of those functions */
constexpr unsigned WARP = 32;
constexpr size_t SLOT_BYTES = 64; /* the most that a lane brings to a meeting: an mma's operands */

/* Where a stack of calls stands. ucontext's swapcontext() asks the kernel for the signal mask at
 * every switch, which is nearly all of its time; on x86-64 what the ABI lets a function change is
 * saved by hand instead. */
#ifdef __x86_64__
typedef void *place;
extern "C" void emulator_switch(place *from, place to);
asm(R"(
    .text
    .globl emulator_switch
    .type emulator_switch, @function
emulator_switch:
    push %rbp
    push %rbx
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rsp, (%rdi)
    mov %rsi, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbx
    pop %rbp
    ret
    .size emulator_switch, .-emulator_switch
)");

void place_switch(place *from, place *to)
{
    emulator_switch(from, *to);
}

/* At the stack's end, what emulator_switch() pops: six registers, then the address it returns to;
 * the ABI wants the stack 8 bytes off a multiple of 16 where a function begins. */
void place_new(place *at, unsigned char *stack, void (*function)())
{
    void **top = reinterpret_cast<void **>(stack + STACK_BYTES) - 8;
    std::memset(top, 0, 8 * sizeof *top);
    top[6] = reinterpret_cast<void *>(function);
    *at = top;
}
#else
typedef ucontext_t place;

void place_switch(place *from, place *to)
{
    swapcontext(from, to);
}

void place_new(place *at, unsigned char *stack, void (*function)())
{
    getcontext(at);
    at->uc_stack.ss_sp = stack;
    at->uc_stack.ss_size = STACK_BYTES;
    at->uc_link = nullptr;
    makecontext(at, function, 0);
}
#endif

/* A meeting point: it has happened `times` times; `here` have come to the next. */
struct meeting {
    unsigned here = 0, members = 0;
    uint64_t times = 0;
};

struct copy {
    void *to;
    unsigned char content[16]; /* EARLY: unused */
    const void *from;
    unsigned copied;
    uint64_t group;
};

struct stack_memory {
    alignas(64) unsigned char bytes[STACK_BYTES];
    uintptr_t fenced_from = 0; /* frames above it that never returned; ASan */
};

struct fiber {
    place context;
    stack_memory *stack = nullptr;
    bool ended = false;
    bool waited = false; /* for the kernels ahead */
    const meeting *waits_for = nullptr;
    uint64_t waits_until = 0; /* runs again once waits_for->times >= this */
    uint64_t group = 0;       /* of asynchronous copies, the one being filled */
    std::vector<copy> copies; /* issued, not made */
};

struct warp {
    meeting meets;
    /* Two sets, used in turn: a lane that is a meeting ahead writes where nobody reads. */
    alignas(16) unsigned char slots[2][WARP * SLOT_BYTES];
};

struct block {
    std::vector<fiber> fibers;
    std::vector<warp> warps;
    meeting meets;
    std::unique_ptr<unsigned char[]> shared;
    const std::function<void()> *kernel = nullptr;
    unsigned current = 0;
    place scheduler;
    const void *scheduler_stack = nullptr;
    size_t scheduler_stack_bytes = 0;
};

block *running;
emulate_order order_now = EMULATE_ASCENDING;
emulate_copies copies_now = EMULATE_COPIES_LATE;
unsigned shared_kib_now = 228;
std::minstd_rand shuffle_random(1);

[[noreturn]] void die(const char *why)
{
    std::fprintf(stderr, "emulator: block (%u,%u,%u), thread %u: %s\n", blockIdx.x, blockIdx.y,
                 blockIdx.z, threadIdx.x, why);
    std::abort();
}

void leave(fiber *from, bool for_good)
{
#ifdef __SANITIZE_ADDRESS__
    void *fake = nullptr;
    __sanitizer_start_switch_fiber(for_good ? nullptr : &fake, running->scheduler_stack,
                                   running->scheduler_stack_bytes);
    place_switch(&from->context, &running->scheduler);
    __sanitizer_finish_switch_fiber(fake, nullptr, nullptr);
#else
    static_cast<void>(for_good);
    place_switch(&from->context, &running->scheduler);
#endif
}

void fiber_main()
{
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_finish_switch_fiber(nullptr, &running->scheduler_stack,
                                    &running->scheduler_stack_bytes);
#endif
    (*running->kernel)();
    fiber *self = &running->fibers[running->current];
    if (!self->copies.empty() && self->copies.back().group < self->group)
        die("ends with asynchronous copies committed and never waited for");
    self->ended = true;
#ifdef __SANITIZE_ADDRESS__
    self->stack->fenced_from = reinterpret_cast<uintptr_t>(&self) - LAST_FRAMES_BYTES;
#endif
    leave(self, true);
}

void enter(unsigned thread)
{
    fiber *to = &running->fibers[thread];
    running->current = thread;
    threadIdx = dim3(thread);
#ifdef __SANITIZE_ADDRESS__
    void *fake = nullptr;
    __sanitizer_start_switch_fiber(&fake, to->stack->bytes, STACK_BYTES);
    place_switch(&running->scheduler, &to->context);
    __sanitizer_finish_switch_fiber(fake, nullptr, nullptr);
#else
    place_switch(&running->scheduler, &to->context);
#endif
}

void meet(meeting *point)
{
    fiber *self = &running->fibers[running->current];
    if (++point->here == point->members) {
        point->here = 0;
        point->times++;
        return;
    }
    self->waits_for = point;
    self->waits_until = point->times + 1;
    leave(self, false);
}

bool can_run(const fiber &f)
{
    return !f.ended && (f.waits_for == nullptr || f.waits_for->times >= f.waits_until);
}

/* Runs every fiber of order[first, end) that can; false when none could. */
bool run_once(const std::vector<unsigned> &order, size_t first, size_t end)
{
    bool ran = false;
    for (size_t i = first; i < end; i++)
        if (can_run(running->fibers[order[i]])) {
            enter(order[i]);
            ran = true;
        }
    return ran;
}

/* In order, a warp runs as far ahead of the others as it can, and so overwrites what they have yet
 * to read; shuffled, all go on together. */
bool run_warps(std::vector<unsigned> *order)
{
    if (order_now == EMULATE_SHUFFLED) {
        std::shuffle(order->begin(), order->end(), shuffle_random);
        return run_once(*order, 0, order->size());
    }
    bool ran = false;
    for (size_t first = 0; first < order->size(); first += WARP)
        while (run_once(*order, first, first + WARP))
            ran = true;
    return ran;
}

std::vector<unsigned> thread_order(unsigned threads)
{
    std::vector<unsigned> order(threads);
    for (unsigned i = 0; i < threads; i++)
        order[i] = order_now == EMULATE_DESCENDING ? threads - 1 - i : i;
    return order;
}

/* CUDA promises none. */
std::vector<unsigned> block_order(unsigned blocks)
{
    std::vector<unsigned> order(blocks);
    for (unsigned i = 0; i < blocks; i++)
        order[i] = order_now == EMULATE_DESCENDING ? blocks - 1 - i : i;
    if (order_now == EMULATE_SHUFFLED)
        std::shuffle(order.begin(), order.end(), shuffle_random);
    return order;
}

/* Kept from launch to launch: making them is dearer than a small kernel. */
stack_memory *stack_of_thread(unsigned thread)
{
    static std::vector<std::unique_ptr<stack_memory>> stacks;
    while (stacks.size() <= thread)
        stacks.emplace_back(new stack_memory);
    return stacks[thread].get();
}

void start_fiber(fiber *f, unsigned thread)
{
    f->stack = stack_of_thread(thread);
    f->ended = f->waited = false;
    f->waits_for = nullptr;
    f->group = 0;
    f->copies.clear();
#ifdef __SANITIZE_ADDRESS__
    /* The fiber before never returned from its last functions, whose frames' ends are still fenced.
     */
    if (f->stack->fenced_from != 0)
        __asan_unpoison_memory_region(reinterpret_cast<void *>(f->stack->fenced_from),
                                      reinterpret_cast<uintptr_t>(f->stack->bytes) + STACK_BYTES -
                                          f->stack->fenced_from);
#endif
    place_new(&f->context, f->stack->bytes, fiber_main);
}

void run_block(size_t shared_bytes)
{
    unsigned threads = static_cast<unsigned>(running->fibers.size());
    std::memset(running->shared.get(), 0xff, shared_bytes); /* NaN in every format */
    for (unsigned i = 0; i < threads; i++)
        start_fiber(&running->fibers[i], i);
    running->meets = meeting{};
    running->meets.members = threads;
    for (warp &w : running->warps) {
        w.meets = meeting{};
        w.meets.members = WARP;
    }
    std::vector<unsigned> order = thread_order(threads);
    while (run_warps(&order))
        ;
    for (const fiber &f : running->fibers)
        if (!f.ended)
            die("waits for threads that have ended or wait elsewhere");
}

void make_copy(const copy &c)
{
    unsigned char content[16] = { 0 };
    if (c.copied > 0)
        std::memcpy(content, c.from, c.copied);
    std::memcpy(c.to, content, sizeof content);
}

float fp16_bits_to_float(uint16_t bits)
{
    uint32_t exponent = (bits >> 10) & 31u, fraction = bits & 1023u;
    float magnitude = exponent == 0    ? std::ldexp(static_cast<float>(fraction), -24)
                      : exponent == 31 ? (fraction ? NAN : INFINITY)
                                       : std::ldexp(static_cast<float>(1024 + fraction),
                                                    static_cast<int>(exponent) - 25);
    return bits & 0x8000u ? -magnitude : magnitude;
}

} /* namespace */

extern "C" void emulate_as(enum emulate_order order, enum emulate_copies copies, unsigned seed)
{
    order_now = order;
    copies_now = copies;
    shuffle_random.seed(seed);
}

extern "C" void emulate_shared_kib(unsigned kib)
{
    shared_kib_now = kib;
}

size_t multiprocessor_shared_bytes()
{
    return size_t{ 1024 } * shared_kib_now;
}

void emulate_launch(dim3 grid, dim3 threads, size_t shared_bytes,
                    const std::function<void()> &kernel)
{
    if (threads.y != 1 || threads.z != 1 || threads.x % WARP != 0)
        die("blocks are one row of whole warps");
    block b;
    b.fibers = std::vector<fiber>(threads.x);
    b.warps = std::vector<warp>(threads.x / WARP);
    b.shared.reset(new unsigned char[shared_bytes]);
    b.kernel = &kernel;
    running = &b;
    gridDim = grid;
    blockDim = threads;
    for (unsigned i : block_order(grid.x * grid.y * grid.z)) {
        blockIdx = dim3(i % grid.x, i / grid.x % grid.y, i / grid.x / grid.y);
        run_block(shared_bytes);
    }
    running = nullptr;
}

void (*emulate_queue)(struct CUstream_st *stream, std::function<void()> work);

void emulate_launch_on(struct CUstream_st *stream, dim3 grid, dim3 threads, size_t shared_bytes,
                       std::function<void()> kernel)
{
    if (emulate_queue == nullptr)
        emulate_launch(grid, threads, shared_bytes, kernel);
    else
        emulate_queue(stream, [=] { emulate_launch(grid, threads, shared_bytes, kernel); });
}

/* A kernel ahead has always ended here; what is seen is a thread that would not have waited. */
void emulate_launch_early_on(struct CUstream_st *stream, dim3 grid, dim3 threads,
                             size_t shared_bytes, std::function<void()> kernel)
{
    emulate_launch_on(stream, grid, threads, shared_bytes, [=] {
        kernel();
        if (!running->fibers[running->current].waited)
            die("ends without having waited for the kernels ahead");
    });
}

void wait_for_kernels_ahead()
{
    running->fibers[running->current].waited = true;
}

unsigned char *dynamic_shared()
{
    return running->shared.get();
}

void __syncthreads()
{
    meet(&running->meets);
}

void __syncwarp()
{
    meet(&running->warps[running->current / WARP].meets);
}

const void *emulate_warp_meet(const void *in, size_t bytes)
{
    warp *w = &running->warps[running->current / WARP];
    unsigned char *slots = w->slots[w->meets.times % 2];
    if (bytes > SLOT_BYTES)
        die("brings more to a meeting than a slot holds");
    std::memcpy(slots + (running->current % WARP) * bytes, in, bytes);
    meet(&w->meets);
    return slots;
}

void emulate_copy_async(void *to, const void *from, unsigned copied)
{
    fiber *self = &running->fibers[running->current];
    if ((reinterpret_cast<uintptr_t>(to) | (copied ? reinterpret_cast<uintptr_t>(from) : 0)) % 16)
        die("an asynchronous copy is not aligned to 16 bytes");
    copy c = { to, { 0 }, from, copied, self->group };
    if (copies_now == EMULATE_COPIES_EARLY)
        make_copy(c);
    else
        self->copies.push_back(c);
}

void emulate_copy_commit()
{
    running->fibers[running->current].group++;
}

void emulate_copy_wait(unsigned groups_in_flight)
{
    fiber *self = &running->fibers[running->current];
    size_t made = 0;
    while (made < self->copies.size() && self->copies[made].group + groups_in_flight < self->group)
        make_copy(self->copies[made++]);
    self->copies.erase(self->copies.begin(), self->copies.begin() + static_cast<long>(made));
}

void emulate_load_matrices(uint32_t out[4], const void *row, bool transposed)
{
    if (reinterpret_cast<uintptr_t>(row) % 16)
        die("a row of ldmatrix is not aligned to 16 bytes");
    const void *const *rows = static_cast<const void *const *>(emulate_warp_meet(&row, sizeof row));
    unsigned lane = threadIdx.x % WARP, group = lane / 4, pair = lane % 4;
    for (unsigned m = 0; m < 4; m++) {
        uint16_t low, high;
        const auto element = [&](unsigned r, unsigned c, uint16_t *value) {
            std::memcpy(value, static_cast<const uint16_t *>(rows[8 * m + r]) + c, sizeof *value);
        };
        element(transposed ? 2 * pair : group, transposed ? group : 2 * pair, &low);
        element(transposed ? 2 * pair + 1 : group, transposed ? group : 2 * pair + 1, &high);
        out[m] = low | static_cast<uint32_t>(high) << 16;
    }
    __syncwarp(); /* ldmatrix reads at once: nobody may overwrite a row before all have read */
}

void emulate_mma(float sum[4], const uint32_t a[4], const uint32_t b[2],
                 float (*to_float)(uint16_t))
{
    float mine[12]; /* both elements of a0, a1, a2, a3, b0, b1 */
    for (unsigned i = 0; i < 12; i++) {
        uint32_t pair = i < 8 ? a[i / 2] : b[i / 2 - 4];
        mine[i] = to_float(static_cast<uint16_t>(i % 2 ? pair >> 16 : pair));
    }
    const float(*all)[12] = static_cast<const float(*)[12]>(emulate_warp_meet(mine, sizeof mine));
    unsigned lane = threadIdx.x % WARP;
    for (unsigned i = 0; i < 4; i++) {
        unsigned row = lane / 4 + 8 * (i / 2), column = 2 * (lane % 4) + i % 2;
        float total = sum[i];
        for (unsigned k = 0; k < 16; k++) {
            /* Element k of A's row, of B's column: PTX ISA, fragments of mma.m16n8k16. */
            unsigned pair = k % 8 / 2, half = k / 8;
            total += all[4 * (row % 8) + pair][4 * half + 2 * (row / 8) + k % 2] *
                     all[4 * column + pair][8 + 2 * half + k % 2];
        }
        sum[i] = total;
    }
}

float emulate_to_float(bf16 value)
{
    uint32_t bits = static_cast<uint32_t>(value.bits) << 16;
    float out;
    std::memcpy(&out, &bits, sizeof out);
    return out;
}

void emulate_from_float(float value, bf16 *out)
{
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    bits += std::isnan(value) ? 0u : 0x7fffu + ((bits >> 16) & 1u);
    out->bits = static_cast<uint16_t>(bits >> 16);
}

float emulate_to_float(fp16 value)
{
    return fp16_bits_to_float(value.bits);
}

void emulate_from_float(float value, fp16 *out)
{
    uint16_t sign = std::signbit(value) ? 0x8000u : 0u;
    float magnitude = std::fabs(value);
    uint32_t bits;
    if (!(magnitude <= 3.402823466e38f))
        bits = std::isnan(value) ? 0x7e00u : 0x7c00u;
    else if (magnitude < 6.103515625e-05f) /* subnormal: a multiple of 2^-24 */
        bits = static_cast<uint32_t>(std::lrint(std::ldexp(magnitude, 24)));
    else {
        int exponent;
        float fraction = std::frexp(magnitude, &exponent); /* in [0.5, 1) */
        bits = static_cast<uint32_t>(std::lrint(std::ldexp(fraction, 11))) - 1024u +
               (static_cast<uint32_t>(std::clamp(exponent + 14, 0, 31)) << 10);
        bits = std::min<uint32_t>(bits, 0x7c00u);
    }
    out->bits = static_cast<uint16_t>(sign | bits);
}

float emulate_to_float(fp8 value)
{
    const int exponent = value.code >> 3 & 15, fraction = value.code & 7;
    const float magnitude =
        exponent == 15 && fraction == 7
            ? NAN
            : std::ldexp(static_cast<float>(exponent == 0 ? fraction : 8 + fraction),
                         (exponent == 0 ? 1 : exponent) - 10);
    return value.code & 0x80 ? -magnitude : magnitude;
}

/* The number of steps to the value: 2^-9 below 2^-6, then an eighth of the power of two. */
void emulate_from_float(float value, fp8 *out)
{
    const float magnitude = std::fabs(value);
    unsigned code = 0x7eu;
    if (std::isnan(value))
        code = 0x7fu;
    else if (magnitude < 0x1p-6f)
        code = static_cast<unsigned>(std::lrint(std::ldexp(magnitude, 9)));
    else if (magnitude < 448.0f) {
        const int exponent = std::ilogb(magnitude);
        code = static_cast<unsigned>(std::lrint(std::ldexp(magnitude, 3 - exponent)) +
                                     8 * (exponent + 6));
    }
    out->code = static_cast<uint8_t>((std::signbit(value) ? 0x80u : 0u) | std::min(code, 0x7fu));
}
