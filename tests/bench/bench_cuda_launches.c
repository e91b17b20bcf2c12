/* tests/bench/bench_cuda_launches.c - see bench_cuda.h: whether launching kernels shows in an
 * iteration, and what would be gained by replaying its layers as one CUDA graph. Shown, not judged.
 *
 * Of each iteration:
 *   host      the host's time to queue it on an idle GPU
 *   alone     from the call to its end seen, one at a time as the serving loop runs them
 *   in a row  the GPU's time of one of several behind each other, all queued while it was busy: the
 *             host is no limit. alone - in a row is what the first launches and the end's way cost
 * and of its layers but the first, queued likewise:
 *   launched  the GPU's time of them as they are
 *   graph     of the very same launches, captured and replayed as one graph
 *   capture + update + launch    the host's time for a graph of the next iteration, whose pages are
 *             others; beside it, what queueing those layers takes as it is
 *   layer     kernels of one, cublasLt's counted as they are
 * A time with a * was the host's: the GPU had begun before all was queued.
 *
 * Where kernels begin early (runtime/cuda/device.cuh), all is measured once more by a process of
 * this program that launches plainly (REPRISE_CUDA_LAUNCHES=plain, runtime/cuda/launch.cu). */
#include "tests/bench/bench_cuda.h"

#include "base/clock.h"
#include "base/memory.h"
#include "runtime/cuda/gpu.h"
#include "runtime/executor.h"

#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum {
    TRIES = 15,
    PAGE_TOKENS = 16,
    CONTEXTS_MOST = 32,
    ROWS_MOST = 128,
    CONTEXT_MOST = 1104,
    CONTEXT_PAGES = CONTEXT_MOST / PAGE_TOKENS,
    IN_A_ROW_MOST = 6,   /* of the staging ring's 16 slots, a prefill takes two of one kind */
    LAUNCHES_MOST = 800, /* a stream holds about 1,000 before the host must wait */
    STALL_BYTES = 256 << 20
};

static const struct model models[] = {
    { .layers = 8, .hidden = 4096, .heads = 32, .kv_heads = 8, .head_dim = 128, .ffn = 14336 },
    { .layers = 32, .hidden = 1024, .heads = 16, .kv_heads = 4, .head_dim = 64, .ffn = 3584 },
};
static const struct shape {
    const char *name;
    uint32_t count, cached, new_tokens;
} shapes[] = { { "decode of 1", 1, 1023, 1 },
               { "decode of 8", 8, 1023, 1 },
               { "decode of 32", 32, 1023, 1 },
               { "prefill of 100 over 1,000", 1, 1000, 100 } };

struct launches {
    struct bench *b;
    struct executor *executor;
    uint32_t layers;
    const struct shape *shape;
    struct sequence sequences[CONTEXTS_MOST];
    uint32_t pages[CONTEXTS_MOST][CONTEXT_PAGES], tokens[ROWS_MOST];
    cudaStream_t stream;
    cudaEvent_t begin, end;
    cudaGraphExec_t graph;
    char *stall; /* twice STALL_BYTES */
};

static void must(cudaError_t code, const char *what)
{
    if (code == cudaSuccess)
        return;
    fprintf(stderr, "bench_cuda launches: cannot %s: %s\n", what, cudaGetErrorString(code));
    exit(3);
}

static void must_be_well(enum status status, const struct error *err)
{
    if (status == STATUS_OK)
        return;
    error_print(stderr, err);
    exit(error_exit_code(status));
}

/* ---- what is queued ---- */

static void begin_iteration(struct launches *l)
{
    executor_begin(l->executor, l->sequences, l->shape->count, l->tokens);
}

static void whole_iteration(struct launches *l)
{
    executor_forward(l->executor, l->sequences, l->shape->count, l->tokens);
}

static void later_layers(struct launches *l)
{
    for (uint32_t i = 1; i < l->layers; i++)
        executor_layer(l->executor, i);
}

static void replay(struct launches *l)
{
    must(cudaGraphLaunch(l->graph, l->stream), "launch a graph");
}

/* What is queued behind it comes to the GPU when the host has long queued it. */
static void stall(struct launches *l, double for_us)
{
    const double copy_us = 2.0 * STALL_BYTES / 5e6; /* no HBM today is faster than 5 TB/s */
    for (uint32_t copies = 4 + (uint32_t)(for_us / copy_us); copies > 0; copies--)
        must(cudaMemcpyAsync(l->stall + STALL_BYTES, l->stall, STALL_BYTES,
                             cudaMemcpyDeviceToDevice, l->stream),
             "copy");
}

/* ---- time, in microseconds ---- */

static int by_size(const void *left, const void *right)
{
    const double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static double median(double values[TRIES])
{
    qsort(values, TRIES, sizeof *values, by_size);
    return values[TRIES / 2];
}

static double since_us(uint64_t begin_ns)
{
    return (double)(clock_now_ns() - begin_ns) / 1e3;
}

/* The host's time for it, on an idle stream. */
static double host_us(struct launches *l, void (*what)(struct launches *))
{
    double took[TRIES];
    for (int i = 0; i < TRIES; i++) {
        must(cudaStreamSynchronize(l->stream), "run what is queued");
        const uint64_t begin_ns = clock_now_ns();
        what(l);
        took[i] = since_us(begin_ns);
    }
    must(cudaStreamSynchronize(l->stream), "run what is queued");
    return median(took);
}

/* From the call until the host, which asks all the time, has seen its end. */
static double alone_us(struct launches *l)
{
    double took[TRIES];
    for (int i = 0; i < TRIES; i++) {
        must(cudaStreamSynchronize(l->stream), "run what is queued");
        const uint64_t begin_ns = clock_now_ns();
        whole_iteration(l);
        must(cudaEventRecord(l->end, l->stream), "record an event");
        while (cudaEventQuery(l->end) == cudaErrorNotReady)
            cudaGetLastError();
        took[i] = since_us(begin_ns);
    }
    return median(took);
}

struct gpu_time {
    double us;
    bool host_was_late;
};

/* Of one of `times` behind each other; host_takes_us: of one. */
static struct gpu_time gpu_us(struct launches *l, void (*what)(struct launches *), uint32_t times,
                              double host_takes_us)
{
    struct gpu_time time = { 0 };
    double took[TRIES];
    for (int i = 0; i < TRIES; i++) {
        float ms = 0.0F;
        stall(l, 2.0 * times * host_takes_us);
        must(cudaEventRecord(l->begin, l->stream), "record an event");
        for (uint32_t t = 0; t < times; t++)
            what(l);
        must(cudaEventRecord(l->end, l->stream), "record an event");
        time.host_was_late |= cudaEventQuery(l->begin) == cudaSuccess;
        cudaGetLastError();
        must(cudaEventSynchronize(l->end), "run what is queued");
        must(cudaEventElapsedTime(&ms, l->begin, l->end), "read the time");
        took[i] = 1e3 * (double)ms / times;
    }
    time.us = median(took);
    return time;
}

static uint32_t times_in_a_row(const struct launches *l)
{
    const uint32_t times = LAUNCHES_MOST / (12 * l->layers);
    return times < 1 ? 1 : times < IN_A_ROW_MOST ? times : IN_A_ROW_MOST;
}

/* ---- the graph ---- */

/* Behind executor_begin() and layer 0: the plan is made and on its way, nothing is staged. */
static cudaGraph_t captured(struct launches *l)
{
    cudaGraph_t graph = NULL;
    must(cudaStreamBeginCapture(l->stream, cudaStreamCaptureModeRelaxed), "capture");
    later_layers(l);
    must(cudaStreamEndCapture(l->stream, &graph), "capture");
    return graph;
}

struct graph_cost {
    double capture_us, update_us, launch_us; /* the host's */
    size_t kernels;                          /* of all these layers */
    bool updates;
};

/* Whether CUDA would: of what it cannot update, a graph is made anew. */
static bool update(struct launches *l, cudaGraph_t graph)
{
#if CUDART_VERSION >= 12000
    cudaGraphExecUpdateResultInfo result;
    const cudaError_t code = cudaGraphExecUpdate(l->graph, graph, &result);
#else
    cudaGraphNode_t node;
    enum cudaGraphExecUpdateResult result;
    const cudaError_t code = cudaGraphExecUpdate(l->graph, graph, &node, &result);
#endif
    cudaGetLastError();
    return code == cudaSuccess;
}

/* l->graph is made. */
static struct graph_cost make_graph(struct launches *l)
{
    struct graph_cost cost = { .updates = true };
    double capturing[TRIES], updating[TRIES];
    cudaGraph_t graph = captured(l);
    must(cudaGraphGetNodes(graph, NULL, &cost.kernels), "count a graph's nodes");
    must(cudaGraphInstantiateWithFlags(&l->graph, graph, 0), "make a graph");
    must(cudaGraphDestroy(graph), "free a graph");
    for (int i = 0; i < TRIES; i++) {
        uint64_t begin_ns = clock_now_ns();
        graph = captured(l);
        capturing[i] = since_us(begin_ns);
        begin_ns = clock_now_ns();
        cost.updates &= update(l, graph);
        updating[i] = since_us(begin_ns);
        must(cudaGraphDestroy(graph), "free a graph");
    }
    cost.capture_us = median(capturing);
    cost.update_us = median(updating);
    replay(l); /* the first is slower */
    cost.launch_us = host_us(l, replay);
    return cost;
}

/* ---- a line of the report ---- */

static void set_shape(struct launches *l, const struct shape *shape)
{
    l->shape = shape;
    for (uint32_t i = 0; i < shape->count; i++)
        l->sequences[i] =
            (struct sequence){ l->pages[i], CONTEXT_PAGES, 0, shape->cached, shape->new_tokens };
}

static char star(struct gpu_time time)
{
    return time.host_was_late ? '*' : ' ';
}

static void measure(struct launches *l, const struct shape *shape)
{
    const uint32_t times = times_in_a_row(l);
    set_shape(l, shape);
    whole_iteration(l);
    const double host = host_us(l, whole_iteration), alone = alone_us(l);
    const struct gpu_time row = gpu_us(l, whole_iteration, times, host);
    printf("%-26s %7.1f %8.1f %8.1f%c  ", shape->name, host, alone, row.us, star(row));
    fflush(stdout);
    begin_iteration(l);
    executor_layer(l->executor, 0);
    const double layers_host = host_us(l, later_layers);
    const struct gpu_time launched = gpu_us(l, later_layers, times, layers_host);
    const struct graph_cost cost = make_graph(l);
    const struct gpu_time graph = gpu_us(l, replay, times, cost.launch_us);
    must(cudaGraphExecDestroy(l->graph), "free a graph");
    printf("%8.1f%c %8.1f%c %5.1f %% %6.2f  %7.1f +%6.1f%s +%6.1f  (%.1f)\n", launched.us,
           star(launched), graph.us, star(graph), 100.0 * (1.0 - graph.us / launched.us),
           (double)cost.kernels / (l->layers - 1), cost.capture_us, cost.update_us,
           cost.updates ? "" : " (refused)", cost.launch_us, layers_host);
    fflush(stdout);
    struct error err = { 0 };
    must_be_well(l->b->backend->check(l->b->device, &err), &err);
}

static struct model model_of(const struct model *widths)
{
    struct model model = *widths;
    model.gated_ffn = true;
    model.vocabulary = 4096;
    model.kv_bytes_per_value = 2;
    return model;
}

/* By the heuristic's first choice, which warming leaves to shapes that were used: what it would
 * time might come out otherwise in the process that this one is compared with. */
static void settle_products(struct launches *l)
{
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        set_shape(l, &shapes[i]);
        whole_iteration(l);
    }
}

static void measure_model(struct launches *l, const struct model *widths)
{
    struct executor_config config = { .backend = l->b->backend,
                                      .device = l->b->device,
                                      .model = model_of(widths),
                                      .page_tokens = PAGE_TOKENS,
                                      .pages = CONTEXTS_MOST * CONTEXT_PAGES,
                                      .rows = ROWS_MOST,
                                      .contexts = CONTEXTS_MOST,
                                      .seed = 1 };
    struct error err = { 0 };
    must_be_well(executor_new(&config, &l->executor, &err), &err);
    l->layers = widths->layers;
    settle_products(l);
    executor_warm(l->executor, CONTEXT_MOST);
    printf("%u layers of %-13u us: %7s %8s %8s   %8s  %8s  %7s %6s  capture + update + launch "
           "(queue)\n",
           widths->layers, widths->hidden, "host", "alone", "in a row", "launched", "graph", "less",
           "layer");
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        measure(l, &shapes[i]);
    executor_free(l->executor);
}

/* ---- the part ---- */

/* Pages that lie one behind the other: what is measured here is not how they are read. */
static void number_pages(struct launches *l)
{
    for (uint32_t i = 0; i < CONTEXTS_MOST; i++)
        for (uint32_t p = 0; p < CONTEXT_PAGES; p++)
            l->pages[i][p] = i * CONTEXT_PAGES + p;
}

static const char SWITCH[] = "REPRISE_CUDA_LAUNCHES";

/* A process of its own: whether kernels begin early is settled with the first launch. */
static void once_more_plainly(void)
{
    char *const arguments[] = { "bench_cuda", "launches", NULL };
    pid_t child;
    int status = 0;
    setenv(SWITCH, "plain", 1);
    fflush(stdout);
    if (posix_spawn(&child, "/proc/self/exe", NULL, NULL, arguments, environ) != 0 ||
        waitpid(child, &status, 0) != child || status != 0)
        printf("launches, plain: could not be measured (status %d)\n", status);
    unsetenv(SWITCH);
}

void bench_launches(struct bench *b)
{
    struct launches *l = memory_new(1, sizeof *l);
    const bool plain = getenv(SWITCH) != NULL, can = b->device->major >= 9;
    l->b = b;
    l->stream = b->device->stream[STREAM_COMPUTE];
    l->stall = bench_take(b, TIER_HBM, UINT64_C(2) * STALL_BYTES);
    must(cudaEventCreate(&l->begin), "make an event");
    must(cudaEventCreate(&l->end), "make an event");
    number_pages(l);
    printf("launches, %s; contexts of 1,024 tokens; the layers but the first: as launched, as one "
           "graph\n",
           plain ? "each when the one ahead has ended (plain)"
           : can ? "begun early"
                 : "plain: this GPU begins none early");
    for (size_t i = 0; i < sizeof models / sizeof *models; i++)
        measure_model(l, &models[i]);
    cudaEventDestroy(l->begin);
    cudaEventDestroy(l->end);
    b->backend->release(b->device, TIER_HBM, l->stall);
    free(l);
    if (can && !plain)
        once_more_plainly();
}
