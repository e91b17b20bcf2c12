/* runtime/disk_share.c - see disk_share.h. */
#include "runtime/disk_share.h"

uint32_t disk_share_window(const struct disk_share *share, bool of_slices)
{
    uint32_t transfers = share->slices + share->pages;
    uint32_t each = share->depth / (transfers > 0 ? transfers : 1); /* slices */
    each = each > 0 ? each : 1;
    if (share->pages > 0 && each < share->page_slices) /* a page cannot be cut */
        each = share->page_slices;
    return of_slices ? each : each / share->page_slices;
}
