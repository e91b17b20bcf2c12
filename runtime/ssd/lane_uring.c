/* runtime/ssd/lane_uring.c - up to `depth` requests at the disk by io_uring. Results are told in
 * the order of asking, so that a lane held to a rate is one pipe. */
#define _GNU_SOURCE /* liburing.h needs it */
#include "runtime/ssd/lane.h"

#include "base/memory.h"

#include <errno.h>
#include <liburing.h>
#include <stdlib.h>

enum place_state { PLACE_EMPTY, PLACE_AT_DISK, PLACE_DONE };

struct place {
    struct pending pending;
    enum place_state state;
    int error;
};

/* Requests `oldest` .. `next` - 1 (modulo depth) are in places. */
struct uring_lane {
    struct io_uring ring;
    struct place *places;
    uint64_t oldest, next;
    uint32_t depth;
};

int lane_open_uring(struct lane *lane)
{
    struct uring_lane *ring = memory_new(1, sizeof *ring);
    ring->depth = lane->config->depth;
    int rc = io_uring_queue_init(ring->depth, &ring->ring, 0);
    if (rc < 0) {
        free(ring);
        return rc;
    }
    ring->places = memory_new(ring->depth, sizeof *ring->places);
    lane->ring = ring;
    return 0;
}

void lane_close_uring(struct lane *lane)
{
    if (lane->ring == NULL)
        return;
    io_uring_queue_exit(&lane->ring->ring);
    free(lane->ring->places);
    free(lane->ring);
}

/* A ring of `depth` entries with at most that many requests in it always has one free. */
static void ask_disk(struct lane *lane, uint64_t number)
{
    struct uring_lane *ring = lane->ring;
    struct place *place = &ring->places[number % ring->depth];
    const struct ssd_request *request = &place->pending.request;
    uint32_t done = place->pending.done_bytes;
    char *memory = (char *)request->memory + done;
    struct io_uring_sqe *entry = io_uring_get_sqe(&ring->ring);
    if (request->write)
        io_uring_prep_write(entry, lane->file, memory, request->size_bytes - done,
                            request->offset + done);
    else
        io_uring_prep_read(entry, lane->file, memory, request->size_bytes - done,
                           request->offset + done);
    io_uring_sqe_set_data64(entry, number);
    place->state = PLACE_AT_DISK;
}

static void fill(struct lane *lane)
{
    struct uring_lane *ring = lane->ring;
    struct pending pending;
    while (ring->next - ring->oldest < ring->depth &&
           lane_get(lane, ring->next == ring->oldest, &pending)) {
        ring->places[ring->next % ring->depth] = (struct place){ .pending = pending };
        ask_disk(lane, ring->next++);
    }
}

static void note(struct lane *lane, uint64_t number, int64_t result)
{
    struct place *place = &lane->ring->places[number % lane->ring->depth];
    result = lane_answer(lane, &place->pending.request, result);
    if (result > 0)
        place->pending.done_bytes += (uint32_t)result;
    if (result == -EINTR || result == -EAGAIN ||
        (result > 0 && place->pending.done_bytes < place->pending.request.size_bytes)) {
        ask_disk(lane, number);
        return;
    }
    place->state = PLACE_DONE;
    place->error = result < 0 ? (int)-result : result == 0 ? EIO : 0;
}

static void tell_oldest(struct lane *lane)
{
    struct uring_lane *ring = lane->ring;
    while (ring->oldest < ring->next) {
        struct place *place = &ring->places[ring->oldest % ring->depth];
        if (place->state != PLACE_DONE)
            return;
        place->state = PLACE_EMPTY;
        ring->oldest++;
        lane_end(lane, &place->pending, place->error);
    }
}

void lane_run_uring(struct lane *lane)
{
    struct uring_lane *ring = lane->ring;
    for (;;) {
        fill(lane);
        if (ring->next == ring->oldest)
            return; /* told to stop, and nothing is left */
        io_uring_submit_and_wait(&ring->ring, 1);
        struct io_uring_cqe *entry;
        while (io_uring_peek_cqe(&ring->ring, &entry) == 0) {
            uint64_t number = io_uring_cqe_get_data64(entry);
            int64_t result = entry->res;
            io_uring_cqe_seen(&ring->ring, entry);
            note(lane, number, result);
        }
        tell_oldest(lane);
    }
}
