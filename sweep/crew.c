/* sweep/crew.c - see crew.h. Two rings under one lock: what waits, and what is done. */
#include "sweep/crew.h"

#include "base/clock.h"
#include "base/memory.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define THREADS_MOST 1024

/* Items first..count-1 are in the ring; it is emptied, not wrapped, when first reaches count. */
struct ring {
    uint32_t *item;
    uint32_t first, count, capacity;
};

struct crew {
    void (*work)(void *context, uint32_t item);
    void *context;
    pthread_mutex_t lock;
    pthread_cond_t given, done;
    struct ring waiting, ended; /* under lock, as `closed` is */
    bool closed;                /* no more items will be given */
    uint32_t owed;              /* the owner's: given and not taken back or forgotten */
    uint32_t threads;
    pthread_t *thread;
};

static void ring_push(struct ring *ring, uint32_t item)
{
    memory_grow(&ring->item, &ring->capacity, (uint64_t)ring->count + 1, sizeof *ring->item);
    ring->item[ring->count++] = item;
}

static bool ring_pop(struct ring *ring, uint32_t *item)
{
    if (ring->first == ring->count)
        return false;
    *item = ring->item[ring->first++];
    if (ring->first == ring->count)
        ring->first = ring->count = 0;
    return true;
}

uint32_t crew_size(uint64_t wanted, uint64_t items)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    uint64_t threads = wanted > 0 ? wanted : cores > 0 ? (uint64_t)cores : 1;
    if (threads > THREADS_MOST)
        threads = THREADS_MOST;
    return (uint32_t)(items > 0 && items < threads ? items : threads);
}

static void *serve(void *argument)
{
    struct crew *crew = argument;
    uint32_t item;
    pthread_mutex_lock(&crew->lock);
    for (;;) {
        while (!ring_pop(&crew->waiting, &item)) {
            if (crew->closed) {
                pthread_mutex_unlock(&crew->lock);
                return NULL;
            }
            pthread_cond_wait(&crew->given, &crew->lock);
        }
        pthread_mutex_unlock(&crew->lock);
        crew->work(crew->context, item);
        pthread_mutex_lock(&crew->lock);
        ring_push(&crew->ended, item);
        pthread_cond_signal(&crew->done);
    }
}

enum status crew_start(uint32_t threads, void (*work)(void *context, uint32_t item), void *context,
                       struct crew **crew, struct error *err)
{
    struct crew *started = memory_new(1, sizeof *started);
    started->work = work;
    started->context = context;
    started->thread = memory_new(threads, sizeof *started->thread);
    pthread_mutex_init(&started->lock, NULL);
    pthread_cond_init(&started->given, NULL);
    clock_condition_init(&started->done);
    int rc = 0;
    while (rc == 0 && started->threads < threads) {
        rc = pthread_create(&started->thread[started->threads], NULL, serve, started);
        if (rc == 0)
            started->threads++;
    }
    if (started->threads == 0) {
        crew_end(started);
        return error_io(err, NULL, "start a thread", strerror(rc));
    }
    *crew = started;
    return STATUS_OK;
}

void crew_give(struct crew *crew, uint32_t item)
{
    pthread_mutex_lock(&crew->lock);
    ring_push(&crew->waiting, item);
    pthread_cond_signal(&crew->given);
    pthread_mutex_unlock(&crew->lock);
    crew->owed++;
}

bool crew_take(struct crew *crew, uint64_t wait_ns, uint32_t *item)
{
    struct timespec until = clock_timespec(clock_now_ns() + wait_ns);
    pthread_mutex_lock(&crew->lock);
    bool taken = ring_pop(&crew->ended, item);
    while (!taken && wait_ns > 0 && pthread_cond_timedwait(&crew->done, &crew->lock, &until) == 0)
        taken = ring_pop(&crew->ended, item);
    pthread_mutex_unlock(&crew->lock);
    crew->owed -= taken;
    return taken;
}

uint32_t crew_owes(const struct crew *crew)
{
    return crew->owed;
}

void crew_forget_waiting(struct crew *crew)
{
    pthread_mutex_lock(&crew->lock);
    crew->owed -= crew->waiting.count - crew->waiting.first;
    crew->waiting.first = crew->waiting.count = 0;
    pthread_mutex_unlock(&crew->lock);
}

void crew_end(struct crew *crew)
{
    if (crew == NULL)
        return;
    crew_forget_waiting(crew);
    pthread_mutex_lock(&crew->lock);
    crew->closed = true;
    pthread_cond_broadcast(&crew->given);
    pthread_mutex_unlock(&crew->lock);
    for (uint32_t i = 0; i < crew->threads; i++)
        pthread_join(crew->thread[i], NULL);
    pthread_cond_destroy(&crew->done);
    pthread_cond_destroy(&crew->given);
    pthread_mutex_destroy(&crew->lock);
    free(crew->waiting.item);
    free(crew->ended.item);
    free(crew->thread);
    free(crew);
}
