/* base/memory.h - memory that is there or the process is not.
 * Linux overcommits: malloc seldom says no, and code for that case is never exercised. So running
 * out of memory ends the process with a message and exit code 3; every database transaction in
 * progress is rolled back by SQLite at the next open. Blocks are released with free().
 * An array that grows by 64 MiB or more is not asked of a machine that has less left (free_memory.h). */
#ifndef REPRISE_BASE_MEMORY_H
#define REPRISE_BASE_MEMORY_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Zeroed; count or size 0 gives a pointer that may be freed. */
void *memory_new(size_t count, size_t size_bytes);

/* Grows an array (array_pointer: the address of its T *, NULL while *capacity is 0; elements of
 * size_bytes) so that it holds at least `needed`; doubles, so that appending is amortised O(1).
 * What is added is zeroed. *capacity is in elements. */
static inline void memory_grow(void *array_pointer, uint32_t *capacity, uint64_t needed,
                               size_t size_bytes);

/* A copy of text for the caller to free(). */
char *memory_text(const char *text);
/* The same of its first `length` bytes. */
char *memory_text_of(const char *text, size_t length);

/* A stream into memory. After memory_stream_close() *text holds all of it and a NUL, *bytes without it; *text is the
 * caller's to free(). Such a stream itself tells nobody that it could not grow, nor fclose() of it. */
FILE *memory_stream(char **text, size_t *bytes);
void memory_stream_close(FILE *stream, char *const *text);

/* malloc() and realloc() that succeed or end the process: for libraries that take functions to allocate with. */
void *memory_block(size_t bytes);
void *memory_resized(void *block, size_t bytes);

/* For libraries that allocate by themselves and report that they could not. From any thread, whatever it holds; scratch
 * folders go with the process. */
_Noreturn void memory_exhausted(void);

/* Private: memory_grow() of an array that is too small. */
void memory_grow_to(void *array_pointer, uint32_t *capacity, uint64_t needed, size_t size_bytes);

static inline void memory_grow(void *array_pointer, uint32_t *capacity, uint64_t needed,
                               size_t size_bytes)
{
    if (needed > *capacity)
        memory_grow_to(array_pointer, capacity, needed, size_bytes);
}

#endif
