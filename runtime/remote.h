/* runtime/remote.h - the remote pool's stand-in: memory of this process in which several servers'
 * loops keep KV by key. What is in it is the placement core's to say (sim/placement/pool.h); here is
 * which pages that is. Private to runtime/.
 *
 * A copy's pages are numbered as its unit's are (serve_state.h). Pages of a copy are replaced, never
 * written again, so that one server may read while another makes the copy longer. */
#ifndef REPRISE_RUNTIME_REMOTE_H
#define REPRISE_RUNTIME_REMOTE_H

#include "base/keymap.h"
#include "runtime/pages.h"

struct remote_copy {
    uint64_t key; /* first: the keymap reads it here */
    struct kv_copy copy;
    uint32_t next_free;
};

struct remote {
    struct page_pool pages;
    char *memory;       /* pages, [page][layer]; NULL: there is no pool */
    uint64_t *checksum; /* [page][layer] */
    struct keymap map;
    struct remote_copy *item; /* [0] is never used */
    uint32_t capacity, high_water, free_item;
};

/* Memory for so many pages; 0: nothing. */
void remote_init(struct remote *remote, uint32_t pages, uint64_t page_bytes, uint32_t layers);
void remote_free(struct remote *remote);

/* The page of the key's copy, which is there. */
uint32_t remote_page(const struct remote *remote, uint64_t key, uint64_t index);
/* The page, in use already, becomes the copy's at that index. */
void remote_put(struct remote *remote, uint64_t key, uint64_t index, uint32_t page);
/* Leaves pages that hold only what is before that place. */
void remote_cut(struct remote *remote, uint64_t key, uint64_t place, uint32_t page_tokens);
/* The copy goes; a key of which there is none is fine. Its pages stay with those who read them. */
void remote_forget(struct remote *remote, uint64_t key);

#endif
