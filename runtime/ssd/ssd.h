/* runtime/ssd/ssd.h - a file as the SSD tier: asynchronous reads and writes past the page cache.
 * Two lanes, one a direction, each a thread that keeps up to `depth` requests at the disk by
 * io_uring; where io_uring or O_DIRECT is not to be had, pread and pwrite, or the page cache, and
 * ssd_describe() says so. A lane can be held to a rate, so that results do not depend on whose disk
 * it is: a request then ends when its bytes would have crossed such a disk, in the order of asking.
 * One that is not held tells each result when it ended, in any order: a slow request holds back no
 * other. The file is scratch (scratch.h): made anew when opened, without a name, gone when closed
 * or when the process ends, however it does. */
#ifndef REPRISE_RUNTIME_SSD_H
#define REPRISE_RUNTIME_SSD_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SSD_ALIGNMENT 4096 /* of offsets, sizes and memory */
#define SSD_DEPTH 16       /* of a run that names none; what calibrate measures goes as deep */

struct ssd;

enum ssd_engine { SSD_ENGINE_AUTO, SSD_ENGINE_URING, SSD_ENGINE_POSIX };

struct ssd_request {
    uint64_t offset;
    void *memory;
    uint32_t size_bytes;
    bool write;
    void *user; /* comes back in the result */
    /* XXH3 of 64 bits of each slice_bytes, in the lane's thread: a write sets them before it goes
     * to the disk, a read is held against them. NULL: none. The request's until its result. */
    uint64_t *checksums;
};

struct ssd_config {
    const char *path; /* a folder, or a file in one that is not there; read by ssd_open() alone */
    /* In the file's place: size_bytes of memory, the caller's, which several may share as long as no
     * two write to one place; NULL: the file. */
    void *memory;
    uint64_t latency_ns; /* before the first byte of a request crosses; held rates only */
    uint64_t size_bytes;
    uint32_t depth;       /* requests at the disk at once, each direction; 1 to 256 */
    uint32_t slice_bytes; /* that a checksum is of; divides the size of requests that have some */
    double read_bytes_per_s, write_bytes_per_s; /* 0: as fast as it goes */
    /* Blocks that were reserved and never written cost the file system more when they first are.
     * true: ssd_open() writes them all, if that takes less than 2 s; else it leaves them. */
    bool write_first;
    enum ssd_engine engine;
    /* Called from the lane's thread when something ended; may be NULL. */
    void (*ended)(void *context);
    void *context;
    /* Tests only, else NULL: sees each request when the disk is done with it; what it returns
     * (bytes or -errno) is taken for the disk's answer. May change a read's memory. */
    int64_t (*fault)(void *context, const struct ssd_request *request, int64_t result);
    void *fault_context;
};

/* STATUS_IO: the file cannot be made, or the disk has no room for size_bytes. */
enum status ssd_open(const struct ssd_config *config, struct ssd **ssd, struct error *err);
/* Waits for what is queued; the file is gone then. NULL is fine. */
void ssd_close(struct ssd *ssd);
/* "io_uring, O_DIRECT, depth 16", or what is missing; returns text. */
char *ssd_describe(const struct ssd *ssd, char *text, size_t text_bytes);

uint64_t ssd_size(const struct ssd *ssd); /* bytes of the file */

/* Queues it. The memory is the request's until its result. */
void ssd_submit(struct ssd *ssd, const struct ssd_request *request);

struct ssd_result {
    void *user;
    int error;        /* errno; 0: all bytes were moved */
    bool damaged;     /* a read without error whose bytes are not what the checksums are of */
    uint64_t time_ns; /* CLOCK_MONOTONIC */
};
/* Takes at most capacity results, of each lane in the order in which they ended. */
uint32_t ssd_take(struct ssd *ssd, struct ssd_result *results, uint32_t capacity);

#endif
