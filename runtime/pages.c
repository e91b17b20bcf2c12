/* runtime/pages.c - see pages.h. */
#include "runtime/pages.h"

#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void page_pool_init(struct page_pool *pool, uint32_t pages)
{
    *pool = (struct page_pool){ .total = pages, .free_count = pages };
    pool->free_page = memory_new(pages, sizeof *pool->free_page);
    pool->users = memory_new(pages, sizeof *pool->users);
    pool->bad = memory_new(pages, sizeof *pool->bad);
    for (uint32_t i = 0; i < pages; i++)
        pool->free_page[i] = pages - 1 - i;
}

void page_pool_free(struct page_pool *pool)
{
    free(pool->free_page);
    free(pool->users);
    free(pool->bad);
}

bool page_take(struct page_pool *pool, uint32_t *page)
{
    if (pool->free_count == 0)
        return false;
    *page = pool->free_page[--pool->free_count];
    assert(pool->users[*page] == 0);
    pool->users[*page] = 1;
    pool->bad[*page] = false;
    return true;
}

void page_use(struct page_pool *pool, uint32_t page)
{
    assert(pool->users[page] > 0 && pool->users[page] < UINT16_MAX);
    pool->users[page]++;
}

void page_leave(struct page_pool *pool, uint32_t page)
{
    assert(pool->users[page] > 0);
    if (--pool->users[page] == 0)
        pool->free_page[pool->free_count++] = page;
}

uint32_t copy_page(const struct kv_copy *copy, uint64_t index)
{
    assert(index >= copy->first && index - copy->first < copy->count);
    return copy->page[index - copy->first];
}

void copy_append(struct kv_copy *copy, uint32_t page)
{
    memory_grow(&copy->page, &copy->capacity, (uint64_t)copy->count + 1, sizeof *copy->page);
    copy->page[copy->count++] = page;
}

void copy_put(struct kv_copy *copy, struct page_pool *pool, uint64_t index, uint32_t page)
{
    if (copy->count == 0)
        copy->first = index;
    assert(index >= copy->first && index - copy->first <= copy->count);
    if (index - copy->first == copy->count) {
        copy_append(copy, page);
        return;
    }
    page_leave(pool, copy->page[index - copy->first]);
    copy->page[index - copy->first] = page;
}

bool copy_reserve(struct kv_copy *copy, struct page_pool *pool, uint64_t begin, uint64_t end,
                  uint32_t page_tokens)
{
    if (copy->count == 0)
        copy->first = begin / page_tokens;
    uint64_t wanted = (end + page_tokens - 1) / page_tokens - copy->first;
    memory_grow(&copy->page, &copy->capacity, wanted, sizeof *copy->page);
    while (copy->count < wanted) {
        if (!page_take(pool, &copy->page[copy->count]))
            return false;
        copy->count++;
    }
    return true;
}

void copy_cut(struct kv_copy *copy, struct page_pool *pool, uint64_t cut, uint32_t page_tokens)
{
    if (copy->end <= cut) {
        copy_clear(copy, pool);
        return;
    }
    uint32_t gone = 0;
    while (gone < copy->count && (copy->first + gone + 1) * page_tokens <= cut)
        page_leave(pool, copy->page[gone++]);
    if (gone == 0)
        return;
    copy->count -= gone;
    copy->first += gone;
    memmove(copy->page, copy->page + gone, copy->count * sizeof *copy->page);
}

void copy_clear(struct kv_copy *copy, struct page_pool *pool)
{
    for (uint32_t i = 0; i < copy->count; i++)
        page_leave(pool, copy->page[i]);
    copy->count = 0;
    copy->end = 0;
}

void copy_free(struct kv_copy *copy)
{
    free(copy->page);
    copy->page = NULL;
    copy->count = copy->capacity = 0;
}
