/* runtime/ssd/lane_uring.c - up to `depth` requests at the disk by io_uring, and as many again that
 * are hashed meanwhile: the disk goes on while one is, and has the next at once when one ends. The
 * thread waits for the disk and for new requests in one place, the ring: an eventfd is polled in it
 * beside the requests. liburing is loaded when a lane is opened; most of it is in its header. */
#define _GNU_SOURCE /* liburing.h needs it */
#include "runtime/ssd/lane.h"

#include "base/library.h"
#include "base/memory.h"

#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/* A request goes from one to the next, and skips hashing where it has no checksums. */
enum place_state {
    PLACE_EMPTY,
    PLACE_UNHASHED, /* a write, before it may go to the disk */
    PLACE_READY,
    PLACE_AT_DISK,
    PLACE_UNCHECKED, /* a read, before it may be told */
    PLACE_DONE,
};

struct place {
    struct pending pending;
    enum place_state state;
    uint64_t number; /* in the order of asking */
    uint64_t entry;  /* of which of the ring's entries it was, at the disk */
    int error;
};

/* X(member, liburing's name) */
#define URING_FUNCTIONS(X)                                                                         \
    X(queue_init, io_uring_queue_init)                                                             \
    X(queue_exit, io_uring_queue_exit)                                                             \
    X(submit, io_uring_submit)                                                                     \
    X(submit_and_wait, io_uring_submit_and_wait)                                                   \
    X(peek, io_uring_peek_batch_cqe)

struct uring {
#define URING_MEMBER(member, name) __typeof__(name) *member;
    URING_FUNCTIONS(URING_MEMBER)
#undef URING_MEMBER
};

struct uring_lane {
    struct uring uring;
    struct io_uring ring;
    struct place *places; /* in no order */
    uint32_t place_count, used, at_disk, depth;
    uint64_t next, told; /* numbers: of the next request, of results told */
    uint64_t entries;    /* that were filled, ever */
    int wake;            /* an eventfd */
    bool armed;          /* it is polled */
    int refused;         /* the errno with which the kernel took no more; 0: it does */
    uint32_t puts_off;   /* times in a row that it had no room */
};

static const uint64_t WAKE = UINT64_MAX; /* the user data of the eventfd; else a place's index */

/* ---- opening ---- */

static const char *const files[] = { "liburing.so.2", NULL };

#define FUNCTION(member, name) { #name, offsetof(struct uring, member) },
static const struct library_function functions[] = { URING_FUNCTIONS(FUNCTION){ 0 } };
#undef FUNCTION

static const struct library liburing = {
    .name = "liburing", .files = files, .folder = REPRISE_URING_LIBRARIES, .functions = functions
};

/* -ENOPKG: a machine without liburing is one without io_uring. */
static int open_ring(struct uring_lane *ring)
{
    struct error err = { 0 };
    if (library_open(&liburing, NULL, &ring->uring, &err) != STATUS_OK)
        return -ENOPKG;
    return ring->uring.queue_init(ring->depth + 1, &ring->ring, 0);
}

int lane_open_uring(struct lane *lane)
{
    struct uring_lane *ring = memory_new(1, sizeof *ring);
    ring->depth = lane->config->depth;
    int rc = open_ring(ring);
    if (rc < 0) {
        free(ring);
        return rc;
    }
    ring->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (ring->wake < 0) {
        rc = -errno;
        ring->uring.queue_exit(&ring->ring);
        free(ring);
        return rc;
    }
    ring->place_count = 2 * ring->depth;
    ring->places = memory_new(ring->place_count, sizeof *ring->places);
    lane->ring = ring;
    return 0;
}

void lane_close_uring(struct lane *lane)
{
    if (lane->ring == NULL)
        return;
    lane->ring->uring.queue_exit(&lane->ring->ring);
    close(lane->ring->wake);
    free(lane->ring->places);
    free(lane->ring);
}

/* ---- to the disk ---- */

/* The one that was asked first; NULL: none. Places are few: a scan is shorter than a request. */
static struct place *oldest(struct uring_lane *ring, enum place_state state)
{
    struct place *found = NULL;
    for (uint32_t i = 0; i < ring->place_count; i++) {
        struct place *place = &ring->places[i];
        if (place->state == state && (found == NULL || place->number < found->number))
            found = place;
    }
    return found;
}

/* A ring of depth + 1 entries with at most depth requests and one poll in it always has one free.
 */
static struct io_uring_sqe *next_entry(struct uring_lane *ring)
{
    ring->entries++;
    return io_uring_get_sqe(&ring->ring);
}

static void ask_disk(struct lane *lane, struct place *place)
{
    struct uring_lane *ring = lane->ring;
    const struct ssd_request *request = &place->pending.request;
    uint32_t done = place->pending.done_bytes;
    char *memory = (char *)request->memory + done;
    if (ring->refused != 0) {
        place->error = ring->refused;
        place->state = PLACE_DONE;
        ring->at_disk--;
        return;
    }
    place->entry = ring->entries;
    struct io_uring_sqe *entry = next_entry(ring);
    if (request->write)
        io_uring_prep_write(entry, lane->file, memory, request->size_bytes - done,
                            request->offset + done);
    else
        io_uring_prep_read(entry, lane->file, memory, request->size_bytes - done,
                           request->offset + done);
    io_uring_sqe_set_data64(entry, (uint64_t)(place - ring->places));
    place->state = PLACE_AT_DISK;
}

/* The kernel takes no more: what it has not taken yet has failed; what it has, it may still end. */
static void refuse(struct uring_lane *ring, int error)
{
    uint64_t taken = ring->entries - io_uring_sq_ready(&ring->ring);
    ring->refused = error;
    for (uint32_t i = 0; i < ring->place_count; i++) {
        struct place *place = &ring->places[i];
        if (place->state == PLACE_AT_DISK && place->entry >= taken) {
            place->error = error;
            place->state = PLACE_DONE;
            ring->at_disk--;
        }
    }
}

/* rc is io_uring_submit()'s. Out of room for a moment is usual (io_uring_enter(2)); for ten seconds
 * it is not. */
static void look_at_submission(struct uring_lane *ring, int rc)
{
    enum { PAUSE_NS = 1000000, PUTS_OFF_MOST = 10000 };
    bool room = rc != -EAGAIN && rc != -EBUSY;
    ring->puts_off = room ? 0 : ring->puts_off + 1;
    if (rc >= 0 || rc == -EINTR)
        return;
    if (!room && ring->puts_off < PUTS_OFF_MOST)
        nanosleep(&(struct timespec){ .tv_nsec = PAUSE_NS }, NULL);
    else if (ring->refused == 0)
        refuse(ring, -rc);
}

static void take_requests(struct lane *lane)
{
    struct uring_lane *ring = lane->ring;
    struct pending pending;
    struct place *place;
    while ((place = oldest(ring, PLACE_EMPTY)) != NULL && lane_get(lane, false, &pending)) {
        bool hashed = pending.request.write && pending.request.checksums != NULL;
        *place = (struct place){ .pending = pending,
                                 .state = hashed ? PLACE_UNHASHED : PLACE_READY,
                                 .number = ring->next++ };
        ring->used++;
    }
}

static void fill_disk(struct lane *lane)
{
    struct uring_lane *ring = lane->ring;
    struct place *place;
    while (ring->at_disk < ring->depth && (place = oldest(ring, PLACE_READY)) != NULL) {
        ring->at_disk++;
        ask_disk(lane, place);
    }
    if (ring->refused == 0 && io_uring_sq_ready(&ring->ring) > 0)
        look_at_submission(ring, ring->uring.submit(&ring->ring));
}

/* ---- from the disk ---- */

static void note(struct lane *lane, struct place *place, int64_t result)
{
    const struct ssd_request *request = &place->pending.request;
    result = lane_answer(lane, request, result);
    if (result > 0)
        place->pending.done_bytes += (uint32_t)result;
    if (result == -EINTR || result == -EAGAIN ||
        (result > 0 && place->pending.done_bytes < request->size_bytes)) {
        ask_disk(lane, place);
        return;
    }
    lane->ring->at_disk--;
    place->error = result < 0 ? (int)-result : result == 0 ? EIO : 0;
    bool checked = !request->write && request->checksums != NULL && place->error == 0;
    place->state = checked ? PLACE_UNCHECKED : PLACE_DONE;
}

static void take_answers(struct lane *lane)
{
    struct uring_lane *ring = lane->ring;
    struct io_uring_cqe *entry;
    eventfd_t times;
    while (ring->uring.peek(&ring->ring, &entry, 1) == 1) {
        uint64_t user = io_uring_cqe_get_data64(entry);
        int64_t result = entry->res;
        io_uring_cqe_seen(&ring->ring, entry);
        if (user == WAKE) {
            eventfd_read(ring->wake, &times);
            ring->armed = false;
        } else {
            note(lane, &ring->places[user], result);
        }
    }
}

/* false: nothing was to be hashed. */
static bool hash_one(struct lane *lane)
{
    struct place *place = oldest(lane->ring, PLACE_UNHASHED);
    if (place == NULL)
        place = oldest(lane->ring, PLACE_UNCHECKED);
    if (place == NULL)
        return false;
    lane_hash(lane, &place->pending);
    place->state = place->state == PLACE_UNHASHED ? PLACE_READY : PLACE_DONE;
    return true;
}

/* A lane held to a rate is one pipe: what was asked later ends later. */
static void tell(struct lane *lane)
{
    struct uring_lane *ring = lane->ring;
    struct place *place;
    while ((place = oldest(ring, PLACE_DONE)) != NULL &&
           (lane->bytes_per_s <= 0.0 || place->number == ring->told)) {
        ring->told++;
        ring->used--;
        place->state = PLACE_EMPTY;
        lane_end(lane, &place->pending, place->error);
    }
}

/* ---- the thread ---- */

void lane_wake_uring(struct lane *lane)
{
    eventfd_write(lane->ring->wake, 1); /* cannot fail: nobody writes 2^64 times */
}

/* What the kernel took before it refused ends by itself, and is looked for. */
static void wait_without_ring(struct uring_lane *ring)
{
    struct pollfd news = { .fd = ring->wake, .events = POLLIN };
    eventfd_t times;
    if (poll(&news, 1, ring->at_disk > 0 ? 1 : -1) > 0)
        eventfd_read(ring->wake, &times);
}

/* Until the disk answers or, if there is a place for it, something is queued. false: the lane
 * stops, and nothing is left. */
static bool wait_for_news(struct lane *lane)
{
    struct uring_lane *ring = lane->ring;
    bool stop = false;
    if (ring->used < ring->place_count && !lane_sleeps(lane, &stop))
        return true;
    if (stop && ring->used == 0)
        return false;
    if (ring->refused != 0) {
        wait_without_ring(ring);
        return true;
    }
    if (!ring->armed) {
        struct io_uring_sqe *entry = next_entry(ring);
        io_uring_prep_poll_add(entry, ring->wake, POLLIN);
        io_uring_sqe_set_data64(entry, WAKE);
        ring->armed = true;
    }
    look_at_submission(ring, ring->uring.submit_and_wait(&ring->ring, 1));
    return true;
}

void lane_run_uring(struct lane *lane)
{
    do {
        do {
            take_answers(lane);
            take_requests(lane);
            fill_disk(lane);
            tell(lane);
        } while (hash_one(lane));
    } while (wait_for_news(lane));
}
