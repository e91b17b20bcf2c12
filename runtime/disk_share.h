/* runtime/disk_share.h - how many requests of a transfer may be out, so that transfers share a disk
 * as the simulator's flows do: a lone one has all of it, several about the same bytes out each and
 * so about the same rate. Of one direction, and of the transfers that have something to ask now. */
#ifndef REPRISE_RUNTIME_DISK_SHARE_H
#define REPRISE_RUNTIME_DISK_SHARE_H

#include <stdbool.h>
#include <stdint.h>

struct disk_share {
    uint32_t depth;         /* of the disk's lane */
    uint32_t page_slices;   /* a page's bytes are those of so many slices */
    uint32_t slices, pages; /* transfers that ask for slices, for whole pages */
};

/* Requests of each transfer of that kind; at least 1. Above depth / transfers only where requests
 * of both sizes meet and a page is more than that of slices: the lane then queues what the disk
 * does not take yet. */
uint32_t disk_share_window(const struct disk_share *share, bool of_slices);

#endif
