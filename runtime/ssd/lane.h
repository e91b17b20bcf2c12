/* runtime/ssd/lane.h - one direction's queue and thread. Private to runtime/ssd/. */
#ifndef REPRISE_RUNTIME_SSD_LANE_H
#define REPRISE_RUNTIME_SSD_LANE_H

#include "runtime/ssd/ssd.h"

#include <pthread.h>
#include <stdatomic.h>

struct uring_lane;

struct pending {
    struct ssd_request request;
    uint64_t queued_ns;
    uint32_t done_bytes; /* a short transfer goes on behind them */
    bool damaged;        /* ssd_result's */
};

struct lane {
    const struct ssd_config *config;
    int file;
    double bytes_per_s;
    uint64_t free_ns; /* when the next request may begin to cross, if held to a rate */
    pthread_t thread;
    pthread_mutex_t lock; /* guards the queue, what is done, stop */
    pthread_cond_t work;
    struct pending *queue; /* a ring */
    uint32_t queue_head, queue_count, queue_capacity;
    struct ssd_result *done;
    uint32_t done_count, done_capacity;
    atomic_uint *untaken; /* both lanes' */
    bool stop, started, uring;
    bool asleep; /* io_uring only: waits for the disk, and is to be woken by what is queued */
    struct uring_lane *ring;
};

/* The next request; wait: until there is one or the lane stops. false: none. */
bool lane_get(struct lane *lane, bool wait, struct pending *pending);
/* Before a wait elsewhere than in lane_get(). false: not to be waited, since something is queued;
 * true: what is queued from now on, and stopping, calls lane_wake_uring(). *stop: the lane stops.
 */
bool lane_sleeps(struct lane *lane, bool *stop);
/* A write's checksums are set, or a read that ended well is held against them. One thread does
 * about 4 GB/s of memory that no cache holds (XXH3 as Debian builds it, SSE2), 16 of memory that
 * one does; a disk that is faster than that one way waits for it. */
void lane_hash(const struct lane *lane, struct pending *pending);
/* What the disk answered, through the tests' fault. */
int64_t lane_answer(const struct lane *lane, const struct ssd_request *request, int64_t result);
/* The request has ended, with 0 or an errno; holds the lane to its rate. */
void lane_end(struct lane *lane, const struct pending *pending, int error);

int lane_open_uring(struct lane *lane); /* 0 or -errno */
void lane_wake_uring(struct lane *lane);
void lane_close_uring(struct lane *lane);
void lane_run_uring(struct lane *lane);
void lane_run_posix(struct lane *lane);

#endif
