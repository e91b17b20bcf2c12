/* runtime/host/streams.c - a stream is a ring of commands and the thread that runs them in order.
 * A copy held to a rate ends when its bytes would have crossed such a link: it begins when it was
 * queued, when the one before ended or when what it waited for happened, whichever is last, so that
 * what sleeping overshoots does not add up. Operators are held likewise, but only events show when
 * they end: so an event waits for its stream, and an operator that took longer than it should is
 * made up for by those that follow before the next event. */
#include "runtime/host/host.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/units.h"

#include <stdlib.h>
#include <string.h>

/* ---- the thread ---- */

static void happen(struct device *device, struct backend_event *event)
{
    event->state = EVENT_HAPPENED;
    event->time_ns = clock_now_ns();
    device->news = true;
    pthread_cond_broadcast(&device->changed);
}

double host_held_ns(const struct device *device, double flop, double flop_share, double bytes)
{
    const struct held_rates *held = &device->held;
    double flop_s = held->flop_per_s > 0.0 ? flop / (held->flop_per_s * flop_share) : 0.0;
    double bytes_s = held->bytes_per_s > 0.0 ? bytes / held->bytes_per_s : 0.0;
    return (flop_s > bytes_s ? flop_s : bytes_s) * (double)NS_PER_S;
}

/* The operator's end on the device that is stood for. */
static void hold_operator(struct host_stream *stream, const struct command *command)
{
    uint64_t begin_ns = command->queued_ns > stream->free_ns ? command->queued_ns : stream->free_ns;
    stream->free_ns = begin_ns + (uint64_t)(command->held_ns + 0.5);
    stream->holds = true;
}

/* With the lock held, but for the sleep: what was queued before the event has ended. */
static void wait_for_held(struct device *device, struct host_stream *stream)
{
    uint64_t now_ns = clock_now_ns();
    if (!stream->holds)
        return;
    stream->holds = false;
    if (now_ns >= stream->free_ns) {
        device->late_ns += now_ns - stream->free_ns;
        stream->free_ns = now_ns;
        return;
    }
    pthread_mutex_unlock(&device->lock);
    clock_sleep_until(stream->free_ns);
    pthread_mutex_lock(&device->lock);
}

/* With the lock held, which the command itself runs without. */
static void carry_out(struct device *device, struct command *command)
{
    if (command->waits) {
        struct host_stream *stream = &device->stream[command->stream];
        while (command->event->state == EVENT_RECORDED && !device->stop)
            pthread_cond_wait(&device->changed, &device->lock);
        /* A copy behind this wait began to cross no sooner, however early it was queued. */
        if (command->event->time_ns > stream->free_ns)
            stream->free_ns = command->event->time_ns;
    } else if (command->event != NULL) {
        wait_for_held(device, &device->stream[command->stream]);
        happen(device, command->event);
    } else {
        pthread_mutex_unlock(&device->lock);
        command->run(device, command);
        pthread_mutex_lock(&device->lock);
        if (command->held_ns > 0.0)
            hold_operator(&device->stream[command->stream], command);
    }
}

struct worker {
    struct device *device;
    enum stream stream;
};

static void *work(void *argument)
{
    struct worker worker = *(struct worker *)argument;
    free(argument);
    struct device *device = worker.device;
    struct host_stream *stream = &device->stream[worker.stream];
    pthread_mutex_lock(&device->lock);
    for (;;) {
        while (stream->next_run == stream->next_put && !device->stop)
            pthread_cond_wait(&stream->work, &device->lock);
        if (stream->next_run == stream->next_put)
            break;
        carry_out(device, &stream->ring[stream->next_run % STREAM_RING]);
        stream->next_run++;
        pthread_cond_broadcast(&stream->room);
    }
    pthread_mutex_unlock(&device->lock);
    return NULL;
}

enum status streams_start(struct device *device, struct error *err)
{
    pthread_mutex_init(&device->lock, NULL);
    clock_condition_init(&device->changed);
    for (int i = 0; i < STREAM_COUNT; i++) {
        clock_condition_init(&device->stream[i].work);
        clock_condition_init(&device->stream[i].room);
        device->stream[i].ring = memory_new(STREAM_RING, sizeof *device->stream[i].ring);
    }
    for (int i = 0; i < STREAM_COUNT; i++) {
        struct worker *worker = memory_new(1, sizeof *worker);
        *worker = (struct worker){ .device = device, .stream = (enum stream)i };
        int rc = pthread_create(&device->stream[i].thread, NULL, work, worker);
        if (rc != 0) {
            free(worker);
            return error_io(err, NULL, "start a stream's thread", strerror(rc));
        }
        device->stream[i].started = true;
    }
    return STATUS_OK;
}

void streams_stop(struct device *device)
{
    for (int i = 0; i < STREAM_COUNT; i++)
        if (device->stream[i].started)
            streams_drain(device, (enum stream)i);
    pthread_mutex_lock(&device->lock);
    device->stop = true;
    pthread_cond_broadcast(&device->changed);
    for (int i = 0; i < STREAM_COUNT; i++)
        pthread_cond_broadcast(&device->stream[i].work);
    pthread_mutex_unlock(&device->lock);
    for (int i = 0; i < STREAM_COUNT; i++) {
        struct host_stream *stream = &device->stream[i];
        if (stream->started)
            pthread_join(stream->thread, NULL);
        for (int slot = 0; slot < STREAM_RING; slot++)
            free(stream->ring[slot].extra);
        free(stream->ring);
        pthread_cond_destroy(&stream->work);
        pthread_cond_destroy(&stream->room);
    }
    pthread_cond_destroy(&device->changed);
    pthread_mutex_destroy(&device->lock);
}

/* ---- queueing ---- */

static void make_extra(struct command *command, uint64_t extra_bytes)
{
    if (extra_bytes > command->extra_capacity) {
        free(command->extra);
        command->extra = memory_new(1, extra_bytes);
        command->extra_capacity = extra_bytes;
    }
    command->extra_bytes = extra_bytes;
}

struct command *streams_slot(struct device *device, enum stream which, uint64_t extra_bytes)
{
    struct host_stream *stream = &device->stream[which];
    pthread_mutex_lock(&device->lock);
    while (stream->next_put - stream->next_run == STREAM_RING)
        pthread_cond_wait(&stream->room, &device->lock);
    struct command *command = &stream->ring[stream->next_put % STREAM_RING];
    pthread_mutex_unlock(&device->lock);
    void *extra = command->extra;
    uint64_t capacity = command->extra_capacity;
    *command = (struct command){
        .stream = which, .queued_ns = clock_now_ns(), .extra = extra, .extra_capacity = capacity
    };
    make_extra(command, extra_bytes);
    return command;
}

void streams_put(struct device *device, enum stream which)
{
    pthread_mutex_lock(&device->lock);
    device->stream[which].next_put++;
    pthread_cond_signal(&device->stream[which].work);
    pthread_mutex_unlock(&device->lock);
}

void streams_drain(struct device *device, enum stream which)
{
    struct host_stream *stream = &device->stream[which];
    pthread_mutex_lock(&device->lock);
    while (stream->next_run != stream->next_put)
        pthread_cond_wait(&stream->room, &device->lock);
    pthread_mutex_unlock(&device->lock);
}

/* ---- copies ---- */

static void hold_to_rate(struct host_stream *stream, const struct command *command, uint64_t bytes)
{
    if (stream->bytes_per_s <= 0.0)
        return;
    uint64_t begin_ns = command->queued_ns > stream->free_ns ? command->queued_ns : stream->free_ns;
    stream->free_ns =
        begin_ns + (uint64_t)((double)bytes / stream->bytes_per_s * (double)NS_PER_S + 0.5);
    clock_sleep_until(stream->free_ns);
}

static void run_copy(struct device *device, struct command *command)
{
    const struct copy *copies = command->extra;
    uint64_t bytes = 0;
    for (uint64_t i = 0; i < command->count; i++) {
        memcpy(copies[i].to, copies[i].from, copies[i].size_bytes);
        bytes += copies[i].size_bytes;
    }
    if (command->kind != COPY_D2D)
        hold_to_rate(&device->stream[command->stream], command, bytes);
}

void host_copy(struct device *device, enum stream stream, enum copy_kind kind,
               const struct copy *copies, uint32_t count)
{
    if (count == 0)
        return;
    struct command *command = streams_slot(device, stream, count * sizeof *copies);
    memcpy(command->extra, copies, count * sizeof *copies);
    command->run = run_copy;
    command->kind = (uint32_t)kind;
    command->count = count;
    streams_put(device, stream);
}

/* ---- events ---- */

struct backend_event *host_event_new(struct device *device)
{
    (void)device;
    return memory_new(1, sizeof(struct backend_event));
}

void host_event_free(struct device *device, struct backend_event *event)
{
    (void)device;
    free(event);
}

void host_record(struct device *device, enum stream stream, struct backend_event *event)
{
    struct command *command = streams_slot(device, stream, 0);
    command->event = event;
    pthread_mutex_lock(&device->lock);
    event->state = EVENT_RECORDED;
    pthread_mutex_unlock(&device->lock);
    streams_put(device, stream);
}

void host_wait(struct device *device, enum stream stream, struct backend_event *event)
{
    struct command *command = streams_slot(device, stream, 0);
    command->event = event;
    command->waits = true;
    streams_put(device, stream);
}

bool host_happened(struct device *device, struct backend_event *event, uint64_t *time_ns)
{
    pthread_mutex_lock(&device->lock);
    bool happened = event->state == EVENT_HAPPENED;
    if (happened && time_ns != NULL)
        *time_ns = event->time_ns;
    pthread_mutex_unlock(&device->lock);
    return happened;
}

void host_synchronise(struct device *device, struct backend_event *event)
{
    pthread_mutex_lock(&device->lock);
    while (event->state == EVENT_RECORDED)
        pthread_cond_wait(&device->changed, &device->lock);
    pthread_mutex_unlock(&device->lock);
}

void host_sleep_until(struct device *device, uint64_t time_ns)
{
    struct timespec until = clock_timespec(time_ns);
    int rc = 0;
    pthread_mutex_lock(&device->lock);
    while (!device->news && rc == 0) {
        if (time_ns == UINT64_MAX)
            rc = pthread_cond_wait(&device->changed, &device->lock);
        else
            rc = pthread_cond_timedwait(&device->changed, &device->lock, &until);
    }
    device->news = false;
    pthread_mutex_unlock(&device->lock);
}

void host_wake(struct device *device)
{
    pthread_mutex_lock(&device->lock);
    device->news = true;
    pthread_cond_broadcast(&device->changed);
    pthread_mutex_unlock(&device->lock);
}
