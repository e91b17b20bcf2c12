/* runtime/pages.h - which pages of a tier hold whose KV. Counting only: no bytes move here.
 * Private to runtime/.
 *
 * A session's tokens are counted from its first ever ("absolute"), so that cutting off the oldest
 * tokens changes no page: a copy covers tokens [cut, end), in pages first, first + 1, ... of
 * page_tokens each. A block's are counted from its own first. */
#ifndef REPRISE_RUNTIME_PAGES_H
#define REPRISE_RUNTIME_PAGES_H

#include <stdbool.h>
#include <stdint.h>

/* Invariant: a page is free, or has at least one user: a copy, and each transfer under way. */
struct page_pool {
    uint32_t *free_page;
    uint32_t free_count, total;
    uint16_t *users;
    bool
        *bad; /* its KV is not what was computed: an error of the disk, or a checksum that failed */
};

void page_pool_init(struct page_pool *pool, uint32_t pages);
void page_pool_free(struct page_pool *pool);
/* false: none is left. */
bool page_take(struct page_pool *pool, uint32_t *page);
void page_use(struct page_pool *pool, uint32_t page);
void page_leave(struct page_pool *pool, uint32_t page); /* the last user's leaving frees it */

struct kv_copy {
    uint32_t *page;
    uint32_t count, capacity;
    uint64_t first; /* absolute index of page[0] */
    uint64_t end;   /* tokens before it are here, from the session's cut on */
};

/* The page of an absolute index, which the copy must hold. */
uint32_t copy_page(const struct kv_copy *copy, uint64_t index);
/* One more page behind the others: in use already, for the copy. */
void copy_append(struct kv_copy *copy, uint32_t page);
/* The page, in use already, becomes the copy's at that index: in the place of the one there, or behind
 * the last; the first of an empty copy. */
void copy_put(struct kv_copy *copy, struct page_pool *pool, uint64_t index, uint32_t page);
/* Takes pages so that the copy holds all that tokens [begin, end) lie in; an empty copy starts with
 * begin's. false: the pool has too few; what was taken stays. */
bool copy_reserve(struct kv_copy *copy, struct page_pool *pool, uint64_t begin, uint64_t end,
                  uint32_t page_tokens);
/* Leaves pages that hold only tokens before cut; all, when nothing of the copy is left. */
void copy_cut(struct kv_copy *copy, struct page_pool *pool, uint64_t cut, uint32_t page_tokens);
void copy_clear(struct kv_copy *copy, struct page_pool *pool);
void copy_free(struct kv_copy *copy); /* of its array, not its pages */

#endif
