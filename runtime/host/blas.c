/* runtime/host/blas.c - see blas.h. OpenBLAS (0.3.21) asks for its threads and for 128 MiB of
 * addresses for each, and cannot be told "no": where a thread cannot be started it raises SIGINT,
 * as if the user had asked to stop, or waits for that thread for ever; where an address range is
 * not to be had it asks again, for ever. So room for both is looked for first; and who takes it in
 * the meantime (of all processes' memory, where the system does not overcommit) is told of. */
#define _GNU_SOURCE /* MAP_ANONYMOUS, MAP_NORESERVE */
#include "runtime/host/blas.h"

#include "base/clock.h"
#include "base/last_words.h"
#include "base/library.h"
#include "base/memory.h"
#include "base/start_guard.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const char *const files[] = { "libopenblas.so.0", NULL };

#define FUNCTION(member, name) { #name, offsetof(struct blas, member) },
static const struct library_function functions[] = { BLAS_FUNCTIONS(FUNCTION){ 0 } };
#undef FUNCTION

static const struct library openblas = {
    .name = "OpenBLAS", .files = files, .folder = REPRISE_OPENBLAS_LIBRARIES, .functions = functions
};

/* Of a thread, its stack with it; of the library itself and what it brings. */
static const uint64_t THREAD_BYTES = 160 << 20, LIBRARY_BYTES = 64 << 20;

static enum status no_room(uint32_t threads, const char *reason, struct error *err)
{
    char what[96];
    snprintf(what, sizeof what, "start OpenBLAS with %u thread%s (%llu MB of addresses)",
             (unsigned)threads, threads == 1 ? "" : "s",
             (unsigned long long)(THREAD_BYTES * threads + LIBRARY_BYTES) / 1000000);
    return error_io(err, "host", what, reason);
}

static enum status look_for_addresses(uint32_t threads, struct error *err)
{
    size_t bytes = (size_t)(THREAD_BYTES * threads + LIBRARY_BYTES);
    void *room = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (room == MAP_FAILED)
        return no_room(threads, strerror(errno), err);
    munmap(room, bytes);
    return STATUS_OK;
}

static void *pass(void *gate)
{
    pthread_mutex_lock(gate);
    pthread_mutex_unlock(gate);
    return NULL;
}

/* All that are wanted at once, each held until the last one is there. */
static enum status look_for_threads(uint32_t threads, struct error *err)
{
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    pthread_t *started = memory_new(threads, sizeof *started);
    uint32_t count = 0;
    int rc = 0;
    pthread_mutex_lock(&gate);
    while (count < threads && (rc = pthread_create(&started[count], NULL, pass, &gate)) == 0)
        count++;
    pthread_mutex_unlock(&gate);
    for (uint32_t i = 0; i < count; i++)
        pthread_join(started[i], NULL);
    free(started);
    return rc == 0 ? STATUS_OK : no_room(threads, strerror(rc), err);
}

/* ---- an eye on the clock ---- */

/* A start takes a tenth of a second; on a machine that hardly moves, some. */
static const uint64_t START_NS = UINT64_C(30000000000);

struct watch {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool started;
    pthread_t thread;
};

/* OpenBLAS cannot be stopped, nor unloaded: the process ends. */
static void *keep_watch(void *argument)
{
    struct watch *watch = argument;
    const struct timespec end = clock_timespec(clock_now_ns() + START_NS);
    int rc = 0;
    pthread_mutex_lock(&watch->lock);
    while (!watch->started && rc == 0)
        rc = pthread_cond_timedwait(&watch->changed, &watch->lock, &end);
    if (!watch->started)
        last_words("host: cannot start OpenBLAS: it came to no end within 30 s, as where memory "
                   "or threads are refused to it");
    pthread_mutex_unlock(&watch->lock);
    return NULL;
}

static enum status watch_begin(struct watch *state, struct error *err)
{
    pthread_mutex_init(&state->lock, NULL);
    clock_condition_init(&state->changed);
    state->started = false;
    int rc = pthread_create(&state->thread, NULL, keep_watch, state);
    return rc == 0 ? STATUS_OK : error_io(err, "host", "start a thread", strerror(rc));
}

static void watch_end(struct watch *state)
{
    pthread_mutex_lock(&state->lock);
    state->started = true;
    pthread_cond_signal(&state->changed);
    pthread_mutex_unlock(&state->lock);
    pthread_join(state->thread, NULL);
}

/* ---- starting it ---- */

static const char start[] = "start OpenBLAS"; /* where it crashes, or ends the process */

/* While OpenBLAS is loaded SIGINT waits: its own is taken back and told as what it is, a user's
 * comes through then. Its threads are left with all signals to others. */
static enum status load(struct blas *blas, uint32_t threads, struct error *err)
{
    char number[16];
    sigset_t all, before, interrupt;
    siginfo_t info;
    const struct timespec at_once = { 0 };
    sigfillset(&all);
    sigemptyset(&interrupt);
    sigaddset(&interrupt, SIGINT);
    snprintf(number, sizeof number, "%u", (unsigned)threads);
    setenv("OPENBLAS_NUM_THREADS", number, 1); /* or it starts as many as there are cores */
    pthread_sigmask(SIG_BLOCK, &all, &before);
    struct start_guard guard;
    start_guard_begin(&guard, start);
    enum status status = library_open(&openblas, "host", blas, err);
    if (status == STATUS_OK)
        blas->set_threads((int)threads);
    start_guard_end(&guard);
    bool raised = sigtimedwait(&interrupt, &info, &at_once) == SIGINT;
    bool own = raised && info.si_code == SI_TKILL && info.si_pid == getpid();
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (own)
        return no_room(threads, "a thread cannot be started", err);
    if (raised)
        raise(SIGINT);
    return status;
}

/* A product large enough for all threads, so that each takes its memory now: later there may be
 * none left. */
static void take_memory(const struct blas *blas)
{
    enum { SIDE = 256 };
    float *in = memory_new((size_t)2 * SIDE * SIDE, sizeof *in), *out = in + SIDE * SIDE;
    struct start_guard guard;
    start_guard_begin(&guard, start);
    blas->sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, SIDE, SIDE, SIDE, 1.0F, in, SIDE, in, SIDE,
                0.0F, out, SIDE);
    start_guard_end(&guard);
    free(in);
}

enum status blas_open(struct blas *blas, uint32_t threads, struct error *err)
{
    if (look_for_addresses(threads, err) != STATUS_OK ||
        look_for_threads(threads, err) != STATUS_OK)
        return err->status;
    struct watch watch;
    if (watch_begin(&watch, err) != STATUS_OK)
        return err->status;
    enum status status = load(blas, threads, err);
    if (status == STATUS_OK)
        take_memory(blas);
    watch_end(&watch);
    return status;
}
