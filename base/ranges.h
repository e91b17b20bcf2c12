/* base/ranges.h - hands out ranges of an index space, and takes them back: the caller keeps the
 * arrays. Sizes are rounded up to powers of two; a returned range serves the next request of its
 * size. So that a session's turns or a job's chain lie side by side without an allocation each. */
#ifndef REPRISE_BASE_RANGES_H
#define REPRISE_BASE_RANGES_H

#include <stdint.h>

struct range_stack {
    uint32_t *first;
    uint32_t count, capacity;
};

struct ranges {
    uint32_t high_water; /* indices ever handed out: what the caller's array must hold */
    struct range_stack returned[32];
};

/* Index 0 is never handed out. */
void ranges_init(struct ranges *ranges);
void ranges_free(struct ranges *ranges);
/* The first index of a range of at least count >= 1. */
uint32_t ranges_take(struct ranges *ranges, uint32_t count);
/* count: as it was taken. */
void ranges_return(struct ranges *ranges, uint32_t first, uint32_t count);
/* How many a range taken for count holds. */
uint32_t ranges_size(uint32_t count);

#endif
