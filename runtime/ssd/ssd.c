/* runtime/ssd/ssd.c - the file, its lanes' queues and threads. How a lane's requests reach the
 * disk: lane_uring.c and lane_posix.c. */
#include "runtime/ssd/lane.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/units.h"
#include "runtime/ssd/scratch.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

struct ssd {
    struct ssd_config config;
    atomic_uint untaken; /* results, of both lanes: who asks often need not take locks */
    int file;
    bool direct;
    struct lane lane[2]; /* reads, writes */
};

/* ---- results ---- */

static void hold_to_rate(struct lane *lane, const struct pending *pending)
{
    if (lane->bytes_per_s <= 0.0)
        return;
    uint64_t begin_ns = pending->queued_ns + lane->config->latency_ns;
    begin_ns = begin_ns > lane->free_ns ? begin_ns : lane->free_ns;
    double time_ns = (double)pending->request.size_bytes / lane->bytes_per_s * (double)NS_PER_S;
    lane->free_ns = begin_ns + (uint64_t)(time_ns + 0.5);
    clock_sleep_until(lane->free_ns);
}

void lane_end(struct lane *lane, const struct pending *pending, int error)
{
    hold_to_rate(lane, pending);
    pthread_mutex_lock(&lane->lock);
    memory_grow(&lane->done, &lane->done_capacity, (uint64_t)lane->done_count + 1,
                sizeof *lane->done);
    lane->done[lane->done_count++] = (struct ssd_result){ .user = pending->request.user,
                                                          .error = error,
                                                          .damaged = pending->damaged,
                                                          .time_ns = clock_now_ns() };
    atomic_fetch_add(lane->untaken, 1);
    pthread_mutex_unlock(&lane->lock);
    if (lane->config->ended != NULL)
        lane->config->ended(lane->config->context);
}

int64_t lane_answer(const struct lane *lane, const struct ssd_request *request, int64_t result)
{
    if (lane->config->fault == NULL)
        return result;
    return lane->config->fault(lane->config->fault_context, request, result);
}

void lane_hash(const struct lane *lane, struct pending *pending)
{
    const struct ssd_request *request = &pending->request;
    const uint32_t slice = lane->config->slice_bytes;
    if (request->checksums == NULL)
        return;
    assert(slice > 0 && request->size_bytes % slice == 0);
    for (uint32_t i = 0; i < request->size_bytes / slice; i++) {
        uint64_t hash = XXH3_64bits((const char *)request->memory + (size_t)i * slice, slice);
        if (request->write)
            request->checksums[i] = hash;
        else
            pending->damaged |= hash != request->checksums[i];
    }
}

/* ---- the queue ---- */

bool lane_get(struct lane *lane, bool wait, struct pending *pending)
{
    pthread_mutex_lock(&lane->lock);
    lane->asleep = false;
    while (wait && lane->queue_count == 0 && !lane->stop)
        pthread_cond_wait(&lane->work, &lane->lock);
    bool got = lane->queue_count > 0;
    if (got) {
        *pending = lane->queue[lane->queue_head];
        lane->queue_head = (lane->queue_head + 1) % lane->queue_capacity;
        lane->queue_count--;
    }
    pthread_mutex_unlock(&lane->lock);
    return got;
}

bool lane_sleeps(struct lane *lane, bool *stop)
{
    pthread_mutex_lock(&lane->lock);
    lane->asleep = lane->queue_count == 0;
    *stop = lane->stop;
    bool sleeps = lane->asleep;
    pthread_mutex_unlock(&lane->lock);
    return sleeps;
}

/* With the lock held. One call wakes a lane, however many requests are queued until it is awake. */
static void wake(struct lane *lane)
{
    if (lane->asleep)
        lane_wake_uring(lane);
    lane->asleep = false;
    pthread_cond_signal(&lane->work);
}

static void grow_queue(struct lane *lane)
{
    uint32_t capacity = lane->queue_capacity > 0 ? 2 * lane->queue_capacity : 256;
    struct pending *queue = memory_new(capacity, sizeof *queue);
    for (uint32_t i = 0; i < lane->queue_count; i++)
        queue[i] = lane->queue[(lane->queue_head + i) % lane->queue_capacity];
    free(lane->queue);
    lane->queue = queue;
    lane->queue_head = 0;
    lane->queue_capacity = capacity;
}

void ssd_submit(struct ssd *ssd, const struct ssd_request *request)
{
    struct lane *lane = &ssd->lane[request->write];
    pthread_mutex_lock(&lane->lock);
    if (lane->queue_count == lane->queue_capacity)
        grow_queue(lane);
    lane->queue[(lane->queue_head + lane->queue_count++) % lane->queue_capacity] =
        (struct pending){ .request = *request, .queued_ns = clock_now_ns() };
    wake(lane);
    pthread_mutex_unlock(&lane->lock);
}

uint32_t ssd_take(struct ssd *ssd, struct ssd_result *results, uint32_t capacity)
{
    uint32_t taken = 0;
    if (atomic_load(&ssd->untaken) == 0)
        return 0;
    for (int i = 0; i < 2; i++) {
        struct lane *lane = &ssd->lane[i];
        pthread_mutex_lock(&lane->lock);
        uint32_t count = lane->done_count;
        count = count < capacity - taken ? count : capacity - taken;
        if (count > 0) {
            memcpy(results + taken, lane->done, count * sizeof *results);
            memmove(lane->done, lane->done + count, (lane->done_count - count) * sizeof *results);
        }
        lane->done_count -= count;
        taken += count;
        pthread_mutex_unlock(&lane->lock);
    }
    atomic_fetch_sub(&ssd->untaken, taken);
    return taken;
}

static void *run_lane(void *argument)
{
    struct lane *lane = argument;
    if (lane->uring)
        lane_run_uring(lane);
    else
        lane_run_posix(lane);
    return NULL;
}

/* ---- the file ---- */

/* All of it is taken at once, so that a full disk is told before anything relies on it. */
static enum status make_file(struct ssd *ssd, struct error *err)
{
    if (scratch_open(ssd->config.path, &ssd->file, &ssd->direct, err) != STATUS_OK)
        return err->status;
    if (ssd->config.size_bytes == 0)
        return STATUS_OK;
    int rc = posix_fallocate(ssd->file, 0, (off_t)ssd->config.size_bytes);
    if (rc != 0) {
        char what[96], size[24];
        snprintf(what, sizeof what, "reserve the SSD tier's %s",
                 units_format((double)ssd->config.size_bytes, UNIT_BYTES, size, sizeof size));
        return error_io(err, ssd->config.path, what, strerror(rc));
    }
    return STATUS_OK;
}

/* Until it is seen that all of it takes too long. A failure is left to the requests that meet it.
 */
static void write_first(const struct ssd *ssd)
{
    enum { CHUNK = 4 << 20 };
    static const uint64_t most_ns = 2 * NS_PER_S, look_ns = 100 * NS_PER_MS;
    uint64_t size = ssd->config.size_bytes, begin_ns = clock_now_ns(), passed_ns = 0;
    char *chunk = aligned_alloc(SSD_ALIGNMENT, CHUNK);
    if (chunk == NULL)
        return;
    memset(chunk, 0x5a, CHUNK); /* not zeros: a drive may have another way for those */
    for (uint64_t done = 0; done < size;) {
        size_t bytes = size - done < CHUNK ? (size_t)(size - done) : CHUNK;
        ssize_t written = pwrite(ssd->file, chunk, bytes, (off_t)done);
        if (written <= 0)
            break;
        done += (uint64_t)written;
        passed_ns = clock_now_ns() - begin_ns;
        double all_ns = (double)passed_ns * (double)size / (double)done;
        if (passed_ns >= look_ns && all_ns > (double)most_ns)
            break;
    }
    free(chunk);
}

static enum status start_lane(struct ssd *ssd, int index, struct error *err)
{
    struct lane *lane = &ssd->lane[index];
    lane->config = &ssd->config;
    lane->untaken = &ssd->untaken;
    lane->file = ssd->file;
    lane->bytes_per_s = index == 1 ? ssd->config.write_bytes_per_s : ssd->config.read_bytes_per_s;
    bool plain = ssd->config.engine == SSD_ENGINE_POSIX || ssd->config.memory != NULL;
    int rc = plain ? -ENOSYS : lane_open_uring(lane);
    if (rc < 0 && ssd->config.engine == SSD_ENGINE_URING)
        return error_io(err, ssd->config.path, "use io_uring", strerror(-rc));
    lane->uring = rc == 0;
    rc = pthread_create(&lane->thread, NULL, run_lane, lane);
    if (rc != 0)
        return error_io(err, ssd->config.path, "start a thread", strerror(rc));
    lane->started = true;
    return STATUS_OK;
}

enum status ssd_open(const struct ssd_config *config, struct ssd **ssd, struct error *err)
{
    struct ssd *opened = memory_new(1, sizeof *opened);
    opened->config = *config;
    opened->file = -1; /* nothing to close yet */
    for (int i = 0; i < 2; i++) {
        pthread_mutex_init(&opened->lane[i].lock, NULL);
        pthread_cond_init(&opened->lane[i].work, NULL);
    }
    enum status status = config->memory == NULL ? make_file(opened, err) : STATUS_OK;
    if (status == STATUS_OK && config->memory == NULL && config->write_first)
        write_first(opened);
    for (int i = 0; i < 2 && status == STATUS_OK; i++)
        status = start_lane(opened, i, err);
    if (status != STATUS_OK) {
        ssd_close(opened);
        return status;
    }
    *ssd = opened;
    return STATUS_OK;
}

void ssd_close(struct ssd *ssd)
{
    if (ssd == NULL)
        return;
    for (int i = 0; i < 2; i++) {
        struct lane *lane = &ssd->lane[i];
        pthread_mutex_lock(&lane->lock);
        lane->stop = true; /* what is queued is carried out first */
        wake(lane);
        pthread_mutex_unlock(&lane->lock);
        if (lane->started)
            pthread_join(lane->thread, NULL);
        lane_close_uring(lane);
        free(lane->queue);
        free(lane->done);
        pthread_mutex_destroy(&lane->lock);
        pthread_cond_destroy(&lane->work);
    }
    if (ssd->file >= 0)
        close(ssd->file);
    free(ssd);
}

uint64_t ssd_size(const struct ssd *ssd)
{
    return ssd->config.size_bytes;
}

char *ssd_describe(const struct ssd *ssd, char *text, size_t text_bytes)
{
    if (ssd->config.memory != NULL) {
        snprintf(text, text_bytes, "memory of this process");
        return text;
    }
    snprintf(text, text_bytes, "%s, %s, depth %u",
             ssd->lane[0].uring ? "io_uring" : "pread and pwrite (io_uring is not to be had)",
             ssd->direct ? "O_DIRECT" : "page cache (the file system has no O_DIRECT)",
             ssd->lane[0].uring ? ssd->config.depth : 1);
    return text;
}
