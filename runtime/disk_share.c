/* runtime/disk_share.c - see disk_share.h. */
#include "runtime/disk_share.h"

uint32_t disk_share_window(const struct disk_share *share, bool of_slices)
{
    uint32_t transfers = share->slices + share->pages;
    uint32_t each = share->depth / (transfers > 0 ? transfers : 1);
    each = each > 0 ? each : 1;
    if (share->slices == 0 || share->pages == 0)
        return each;
    /* The same bytes for both kinds, in slices: `each` of them, but no less than a page. */
    uint32_t slices = each > share->page_slices ? each : share->page_slices;
    return of_slices ? slices : slices / share->page_slices;
}
