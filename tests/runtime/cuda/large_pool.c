/* tests/runtime/cuda/large_pool.c - see large_pool.h. */
#include "tests/runtime/cuda/large_pool.h"

#include "base/memory.h"
#include "base/random.h"
#include "base/spread.h"
#include "tests/runtime/cuda/reference.h"
#include "tests/runtime/cuda/rig.h"
#include "tests/runtime/formats.h"
#include "tests/support.h"

#include <stdlib.h>
#include <string.h>

/* More than 2^32 values, whatever their width. */
#define POOL_VALUES (UINT64_C(9) << 29)

/* ---- values ---- */

enum { VALUES = 1 << 16 }; /* different ones; drawn once */

static struct {
    bool made;
    uint16_t element[VALUES];
    uint8_t code[VALUES]; /* the E4M3 nearest to it */
    double of_code[256];
} made_values;

static void make_values(void)
{
    if (made_values.made)
        return;
    struct random random = random_from(test_seed(), 0);
    for (uint32_t i = 0; i < VALUES; i++) {
        uint16_t bits = element_bits(ELEMENT_BF16, (float)random_normal(&random));
        made_values.element[i] = bits;
        made_values.code[i] = fp8_nearest((double)element_value(ELEMENT_BF16, bits));
    }
    for (uint32_t code = 0; code < 256; code++)
        made_values.of_code[code] = fp8_value((uint8_t)code);
    made_values.made = true;
}

/* Which of the values a place has; splitmix64's last steps, four places a number. */
static uint32_t index_at(uint64_t place)
{
    uint64_t x = (place / 4 + 1) * UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return (x ^ x >> 31) >> 16 * (place % 4) & (VALUES - 1);
}

uint16_t large_element(uint64_t place)
{
    return made_values.element[index_at(place)];
}

static uint32_t value_bytes(const struct large_pool *pool)
{
    return pool->fp8 ? 1 : 2;
}

double large_value(const struct large_pool *pool, uint64_t place)
{
    if (pool->fp8)
        return made_values.of_code[pool->slices[place]];
    uint16_t bits;
    memcpy(&bits, pool->slices + 2 * place, sizeof bits);
    return (double)element_value(ELEMENT_BF16, bits);
}

/* ---- places ---- */

void large_lay_out(struct large_sequences *out, const struct large_group *groups,
                   uint32_t page_tokens)
{
    uint32_t first_page = 0;
    *out = (struct large_sequences){ 0 };
    for (uint32_t g = 0; g < LARGE_GROUPS_MAX; g++)
        for (uint32_t i = 0; i < groups[g].count; i++) {
            uint32_t tokens = groups[g].cached_tokens + groups[g].new_tokens;
            struct kernel_sequence *s = &out->of[out->count++];
            *s = (struct kernel_sequence){ .first_page = first_page,
                                           .skip = i % 4 == 3 ? 7 % page_tokens : 0,
                                           .cached_tokens = groups[g].cached_tokens,
                                           .new_tokens = groups[g].new_tokens,
                                           .first_row = out->rows };
            out->rows += s->new_tokens;
            out->longest = tokens > out->longest ? tokens : out->longest;
            first_page += (s->skip + tokens + page_tokens - 1) / page_tokens;
        }
}

static uint32_t tokens_of(const struct kernel_sequence *s)
{
    return s->cached_tokens + s->new_tokens;
}

static uint64_t slice_values(const struct large_pool *pool)
{
    return (uint64_t)pool->planes * pool->page_tokens * pool->width;
}

uint64_t large_page_stride(const struct large_pool *pool)
{
    return LARGE_LAYERS * slice_values(pool);
}

uint64_t large_layer_offset(const struct large_pool *pool)
{
    return LARGE_LAYER * slice_values(pool);
}

uint64_t large_row(const struct large_pool *pool, uint32_t sequence, uint32_t token, uint32_t plane)
{
    const struct kernel_sequence *s = &pool->sequences->of[sequence];
    uint64_t slot = s->skip + token, page = s->first_page + slot / pool->page_tokens;
    return page * slice_values(pool) +
           (plane * pool->page_tokens + slot % pool->page_tokens) * pool->width;
}

/* Each page somewhere in a stretch of the pool of its own, the stretches in random order; one page
 * is the pool's last. */
static void choose_pages(struct large_pool *pool)
{
    struct random random = random_from(test_seed(), 1);
    const struct large_sequences *sequences = pool->sequences;
    const struct kernel_sequence *last = &sequences->of[sequences->count - 1];
    uint64_t page_values = large_page_stride(pool);
    pool->used = last->first_page +
                 (last->skip + tokens_of(last) + pool->page_tokens - 1) / pool->page_tokens;
    uint64_t all = rig_small() ? 3 * (uint64_t)pool->used : POOL_VALUES / page_values;
    pool->all = all > pool->used ? (uint32_t)all : pool->used + 1;
    pool->pages = memory_new(pool->used, sizeof *pool->pages);
    uint32_t stretch = pool->all / pool->used;
    for (uint32_t i = 0; i < pool->used; i++) {
        uint32_t j = (uint32_t)random_below(&random, i + UINT64_C(1));
        pool->pages[i] = pool->pages[j];
        pool->pages[j] = i * stretch + (uint32_t)random_below(&random, stretch);
        if (i + 1 == pool->used)
            pool->pages[j] = pool->all - 1;
    }
}

/* ---- making and sending ---- */

static void make_pages(void *context, uint64_t begin, uint64_t end)
{
    const struct large_pool *pool = context;
    uint64_t count = slice_values(pool);
    for (uint64_t at = begin * count; at < end * count; at++) {
        uint32_t index = index_at(at);
        if (pool->fp8)
            pool->slices[at] = made_values.code[index];
        else
            memcpy(pool->slices + 2 * at, &made_values.element[index], 2);
    }
}

static void forget_row(const struct large_pool *pool, unsigned char *slices, uint64_t place)
{
    memset(slices + place * value_bytes(pool), 0xff, (uint64_t)pool->width * value_bytes(pool));
}

/* Rows of a sequence's pages, before and behind its tokens, that are no token's. */
static void forget_rest(const struct large_pool *pool, uint32_t sequence)
{
    const struct kernel_sequence *s = &pool->sequences->of[sequence];
    for (uint32_t plane = 0; plane < pool->planes; plane++) {
        uint64_t first = large_row(pool, sequence, 0, plane);
        for (uint32_t row = 1; row <= s->skip; row++)
            forget_row(pool, pool->slices, first - (uint64_t)row * pool->width);
        for (uint32_t t = tokens_of(s); (s->skip + t) % pool->page_tokens != 0; t++)
            forget_row(pool, pool->slices, large_row(pool, sequence, t, plane));
    }
}

static void *slice_on_device(const struct large_pool *pool, uint32_t used)
{
    uint64_t at = pool->pages[used] * large_page_stride(pool) + large_layer_offset(pool);
    return (unsigned char *)pool->device + at * value_bytes(pool);
}

static void send_sequence(const struct large_pool *pool, uint32_t sequence)
{
    const struct kernel_sequence *s = &pool->sequences->of[sequence];
    uint64_t bytes = slice_values(pool) * value_bytes(pool);
    uint32_t fresh_page = s->first_page + (s->skip + s->cached_tokens) / pool->page_tokens;
    uint32_t slots = (s->skip + s->cached_tokens) % pool->page_tokens;
    for (uint32_t page = s->first_page; page < fresh_page; page++)
        rig_write(slice_on_device(pool, page), pool->slices + page * bytes, bytes);
    /* Of the page in which new tokens begin, only the rows before; later pages stay NaN. */
    for (uint32_t plane = 0; plane < pool->planes && slots > 0; plane++) {
        uint64_t at = (uint64_t)plane * pool->page_tokens * pool->width * value_bytes(pool);
        rig_write((unsigned char *)slice_on_device(pool, fresh_page) + at,
                  pool->slices + fresh_page * bytes + at,
                  (uint64_t)slots * pool->width * value_bytes(pool));
    }
}

void large_pool_new(struct large_pool *pool)
{
    make_values();
    choose_pages(pool);
    pool->slices = malloc(pool->used * slice_values(pool) * value_bytes(pool)); /* written below */
    ck_assert_ptr_nonnull(pool->slices);
    pool->device = rig_new(pool->all * large_page_stride(pool) * value_bytes(pool));
    spread(pool->used, 16, make_pages, pool);
    for (uint32_t i = 0; i < pool->sequences->count; i++) {
        forget_rest(pool, i);
        send_sequence(pool, i);
    }
    /* What this pool is for. */
    ck_assert(rig_small() || (pool->all - UINT64_C(1)) * large_page_stride(pool) > UINT32_MAX);
}

void large_pool_free(struct large_pool *pool)
{
    free(pool->pages);
    free(pool->slices);
    rig_free(pool->device);
}

/* The new tokens' rows of a page, from `found` into the slices. */
static void take_rows(struct large_pool *pool, uint32_t sequence, uint32_t page,
                      const unsigned char *found)
{
    const struct kernel_sequence *s = &pool->sequences->of[sequence];
    uint64_t begin = page * slice_values(pool);
    for (uint32_t plane = 0; plane < pool->planes; plane++)
        for (uint32_t t = s->cached_tokens; t < tokens_of(s); t++) {
            uint64_t row = large_row(pool, sequence, t, plane);
            if (row >= begin && row < begin + slice_values(pool))
                memcpy(pool->slices + row * value_bytes(pool),
                       found + (row - begin) * value_bytes(pool),
                       (uint64_t)pool->width * value_bytes(pool));
        }
}

bool large_pool_is_stored(struct large_pool *pool, bool take)
{
    uint64_t bytes = slice_values(pool) * value_bytes(pool);
    unsigned char *found = memory_new(1, bytes);
    bool same = true;
    for (uint32_t i = 0; i < pool->sequences->count; i++) {
        const struct kernel_sequence *s = &pool->sequences->of[i];
        uint32_t first = s->first_page + (s->skip + s->cached_tokens) / pool->page_tokens;
        uint32_t last = s->first_page + (s->skip + tokens_of(s) - 1) / pool->page_tokens;
        for (uint32_t page = first; page <= last; page++) {
            rig_read(found, slice_on_device(pool, page), bytes);
            if (take)
                take_rows(pool, i, page, found);
            same &= memcmp(found, pool->slices + page * bytes, bytes) == 0;
        }
    }
    free(found);
    return same;
}
