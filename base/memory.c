/* base/memory.c - see memory.h: allocation that succeeds or ends the process. */
#include "base/memory.h"

#include "base/free_memory.h"
#include "base/last_words.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define CAPACITY_MIN 8
#define HUGE_PAGE_BYTES ((uintptr_t)2 << 20)
#define HUGE_FROM_BYTES ((size_t)8 << 20)
#define LARGE_BYTES ((size_t)64 << 20) /* looked for before it is taken */

void memory_exhausted(void)
{
    last_words("out of memory");
}

void *memory_block(size_t bytes)
{
    void *block = malloc(bytes > 0 ? bytes : 1);
    if (block == NULL)
        memory_exhausted();
    return block;
}

void *memory_resized(void *block, size_t bytes)
{
    void *resized = realloc(block, bytes > 0 ? bytes : 1);
    if (resized == NULL)
        memory_exhausted();
    return resized;
}

/* Big tables are read at random, where a page's address costs as much as its bytes: with 2 MB pages
 * a replay of a million blocks is a sixth faster (tests/bench/bench_replay). A wish: what the
 * system makes of it changes no result. */
static void prefer_huge_pages(char *block, size_t bytes)
{
    uintptr_t begin = ((uintptr_t)block + HUGE_PAGE_BYTES - 1) & ~(HUGE_PAGE_BYTES - 1);
    uintptr_t end = ((uintptr_t)block + bytes) & ~(HUGE_PAGE_BYTES - 1);
    if (bytes >= HUGE_FROM_BYTES && begin < end)
        (void)madvise(block + (begin - (uintptr_t)block), end - begin, MADV_HUGEPAGE);
}

void *memory_new(size_t count, size_t size_bytes)
{
    if (count == 0 || size_bytes == 0)
        count = size_bytes = 1;
    void *block = calloc(count, size_bytes); /* which checks the product */
    if (block == NULL)
        memory_exhausted();
    prefer_huge_pages(block, count * size_bytes);
    return block;
}

FILE *memory_stream(char **text, size_t *bytes)
{
    FILE *stream = open_memstream(text, bytes);
    if (stream == NULL)
        memory_exhausted();
    return stream;
}

void memory_stream_close(FILE *stream, char *const *text)
{
    bool whole = ferror(stream) == 0;
    if (fclose(stream) != 0 || !whole || *text == NULL)
        memory_exhausted();
}

/* What an array grows by is zeroed, and so used, at once. */
static void look_for_room(size_t bytes)
{
    char words[128];
    uint64_t left = bytes >= LARGE_BYTES ? free_memory_bytes() : UINT64_MAX;
    if (bytes <= left)
        return;
    snprintf(words, sizeof words, "out of memory: %.3g GB more are wanted, %.3g GB are left",
             (double)bytes / 1e9, (double)left / 1e9);
    last_words(words);
}

static uint32_t grown_capacity(uint32_t capacity, uint64_t needed)
{
    uint64_t grown = capacity < CAPACITY_MIN ? CAPACITY_MIN : (uint64_t)capacity * 2;
    if (grown < needed)
        grown = needed;
    return grown > UINT32_MAX ? UINT32_MAX : (uint32_t)grown;
}

/* realloc() moves a big block's small pages as they are: one that shall have huge pages is copied
 * into them, unless that would take much memory twice. */
static char *resized(char *array, size_t bytes, size_t new_bytes)
{
    bool copies = bytes >= HUGE_FROM_BYTES && bytes < LARGE_BYTES * 8;
    char *larger = copies ? malloc(new_bytes) : realloc(array, new_bytes);
    if (larger == NULL)
        memory_exhausted();
    prefer_huge_pages(larger, new_bytes);
    if (copies) {
        memcpy(larger, array, bytes);
        free(array);
    }
    return larger;
}

void memory_grow_to(void *array_pointer, uint32_t *capacity, uint64_t needed, size_t size_bytes)
{
    assert(size_bytes > 0 && needed > *capacity);
    if (needed > UINT32_MAX)
        memory_exhausted();
    uint32_t grown = grown_capacity(*capacity, needed);
    if (grown > SIZE_MAX / size_bytes)
        memory_exhausted();
    look_for_room((grown - *capacity) * size_bytes);

    /* The caller's pointer is a T *, which a void ** may not alias. */
    char *array;
    memcpy(&array, array_pointer, sizeof array);
    array = resized(array, *capacity * size_bytes, grown * size_bytes);
    memset(array + *capacity * size_bytes, 0, (grown - *capacity) * size_bytes);
    memcpy(array_pointer, &array, sizeof array);
    *capacity = grown;
}

char *memory_text(const char *text)
{
    return memory_text_of(text, strlen(text));
}

char *memory_text_of(const char *text, size_t length)
{
    return memcpy(memory_new(length + 1, 1), text, length);
}
