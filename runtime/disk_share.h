/* runtime/disk_share.h - how many requests of a transfer may be out, so that transfers share a disk
 * as the simulator's flows do: about the same bytes out each, and so about the same rate. Of one
 * direction, and of the transfers that have something to ask now. A direction has as many bytes out
 * whether slices or whole pages are asked for, since a disk that serves in order of asking gives
 * each direction what it has of all that is out (measured on a virtual machine's: 16 slices beside
 * 16 pages of 8 slices read 0.34 GB/s beside 2.7 GB/s written). */
#ifndef REPRISE_RUNTIME_DISK_SHARE_H
#define REPRISE_RUNTIME_DISK_SHARE_H

#include <stdbool.h>
#include <stdint.h>

struct disk_share {
    uint32_t depth;         /* of the disk's lane: slices out */
    uint32_t page_slices;   /* a page's bytes are those of so many slices */
    uint32_t slices, pages; /* transfers that ask for slices, for whole pages */
};

/* Requests of each transfer of that kind; at least 1. More bytes than the transfer's share of depth
 * only where a page, which cannot be cut, is more: transfers of slices beside it then have as much,
 * and the lane queues what the disk does not take yet. */
uint32_t disk_share_window(const struct disk_share *share, bool of_slices);

#endif
