/* runtime/serve_books.c - what a run knows while it runs: the engines, and of each server its
 * pages, transfers, loads and events. */
#include "runtime/serve_state.h"

#include "base/memory.h"

#include <stdlib.h>

/* ---- coming ---- */

struct backend_event **events_new(const struct serve *serve)
{
    struct backend_event **events = memory_new(layers_of(serve), sizeof *events);
    for (uint32_t i = 0; i < layers_of(serve); i++)
        events[i] = serve->run->backend->event_new(serve->device);
    return events;
}

static void open_compute(struct serve *serve)
{
    const struct run *run = serve->run;
    struct compute *compute = &serve->compute;
    size_t batch = run->experiment->batch;
    compute->tokens = memory_new(rows_of(run), sizeof *compute->tokens);
    compute->sequences = memory_new(batch, sizeof *compute->sequences);
    if (run->config->observe != NULL)
        compute->logits = memory_new(batch * run->setup.model.vocabulary, sizeof *compute->logits);
    compute->ended = run->backend->event_new(serve->device);
    for (int i = 0; i < AFTER_SETS; i++)
        compute->after[i] = events_new(serve);
}

void open_books(struct run *run)
{
    service_init(&run->service, &run->setup, run->trace);
    event_heap_init(&run->events);
    if (run->service.pool != NULL)
        pool_tell_drops(run->service.pool);
    for (uint32_t i = 0; i < run->serves; i++) {
        struct serve *serve = &run->serve[i];
        serve->engine = run->service.engine[i];
        engine_tell_shares(serve->engine);
        for (int tier = 0; tier < TIER_COUNT; tier++)
            page_pool_init(&serve->pool[tier], pages_of(run, (enum tier)tier));
        open_compute(serve);
    }
}

/* ---- going ---- */

static void events_free(const struct serve *serve, struct backend_event **events)
{
    for (uint32_t i = 0; events != NULL && i < layers_of(serve); i++)
        serve->run->backend->event_free(serve->device, events[i]);
    free(events);
}

/* A run that was stopped leaves work in the streams, which uses what is freed next. */
static void wait_for_streams(struct serve *serve)
{
    const struct backend *backend = serve->run->backend;
    for (int stream = 0; stream < STREAM_COUNT; stream++) {
        struct backend_event *last = backend->event_new(serve->device);
        backend->record(serve->device, (enum stream)stream, last);
        backend->synchronise(serve->device, last);
        backend->event_free(serve->device, last);
    }
}

static void close_compute(struct serve *serve)
{
    for (int i = 0; i < AFTER_SETS; i++)
        events_free(serve, serve->compute.after[i]);
    serve->run->backend->event_free(serve->device, serve->compute.ended);
    free(serve->compute.tokens);
    free(serve->compute.sequences);
    free(serve->compute.logits);
}

static void close_transfers(struct serve *serve)
{
    for (uint32_t i = 0; i < serve->load_capacity; i++)
        events_free(serve, serve->load[i].arrived);
    for (uint32_t i = 0; i < serve->transfer_capacity; i++) {
        serve->run->backend->event_free(serve->device, serve->transfer[i].done);
        free(serve->transfer[i].page);
        free(serve->transfer[i].part);
        free(serve->transfer[i].here);
    }
    free(serve->load);
    free(serve->transfer);
    free(serve->copies);
}

static void close_pages(struct serve *serve)
{
    for (uint32_t i = 0; i < serve->unit_capacity * TIER_COUNT; i++)
        copy_free(&serve->unit[i / TIER_COUNT][i % TIER_COUNT]);
    for (uint32_t i = 0; i < serve->note_capacity; i++) {
        copy_free(&serve->note[i].hbm);
        copy_free(&serve->note[i].held);
    }
    for (int tier = 0; tier < TIER_COUNT; tier++)
        page_pool_free(&serve->pool[tier]);
    free(serve->unit);
    free(serve->note);
}

void close_books(struct run *run)
{
    for (uint32_t i = 0; i < run->serves; i++) /* before what its requests point to */
        close_disks(&run->serve[i]);
    for (uint32_t i = 0; i < run->serves; i++) {
        wait_for_streams(&run->serve[i]);
        close_compute(&run->serve[i]);
        close_transfers(&run->serve[i]);
        close_pages(&run->serve[i]);
    }
    service_free(&run->service);
    event_heap_free(&run->events);
}
