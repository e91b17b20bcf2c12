/* sim/placement/sketch.h - how often keys were seen lately, about: a count-min sketch. A key has a counter in
 * each of four rows, or in four places of one; the least of them is its count, never too low. When so many
 * were counted, all counters are halved.
 * Sources: Cormode and Muthukrishnan, "An improved data stream summary" (J. Algorithms 55, 2005); Mooncake Store
 * include/count_min_sketch.h at 3b5a594 (rows of 4,096 counters up to 255, halved after 16,384); Dynamo
 * lib/kvbm-logical's TinyLFU at 9c7dd4d (one row, counters up to 15, halved after 10 times its capacity). The
 * hash functions are ours. */
#ifndef REPRISE_SIM_PLACEMENT_SKETCH_H
#define REPRISE_SIM_PLACEMENT_SKETCH_H

#include <stdbool.h>
#include <stdint.h>

enum { SKETCH_HASHES = 4 };

struct sketch {
    uint8_t *count; /* NULL: nothing was counted yet */
    uint32_t columns;
    bool one_row;
    uint8_t most;
    uint64_t period, counted; /* halved after so many; since then */
};

struct sketch sketch_new(uint32_t columns, bool one_row, uint8_t most, uint64_t period);
void sketch_free(struct sketch *sketch);
/* The key is seen once more: its count from now on. */
uint8_t sketch_add(struct sketch *sketch, uint64_t key);

#endif
