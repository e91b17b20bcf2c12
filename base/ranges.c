/* base/ranges.c - power-of-two ranges with a stack of returned ones for each size. */
#include "base/ranges.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

static uint32_t size_class(uint32_t count)
{
    if (count > UINT32_C(1) << 31)
        memory_exhausted();
    uint32_t size_class = 0;
    while ((UINT32_C(1) << size_class) < count)
        size_class++;
    return size_class;
}

void ranges_init(struct ranges *ranges)
{
    memset(ranges, 0, sizeof *ranges);
    ranges->high_water = 1;
}

void ranges_free(struct ranges *ranges)
{
    for (int i = 0; i < 32; i++)
        free(ranges->returned[i].first);
}

uint32_t ranges_size(uint32_t count)
{
    return UINT32_C(1) << size_class(count);
}

uint32_t ranges_take(struct ranges *ranges, uint32_t count)
{
    struct range_stack *stack = &ranges->returned[size_class(count)];
    if (stack->count > 0)
        return stack->first[--stack->count];
    uint32_t first = ranges->high_water, size = ranges_size(count);
    if (size > UINT32_MAX - first) /* the caller's array could not be that long either */
        memory_exhausted();
    ranges->high_water += size;
    return first;
}

void ranges_return(struct ranges *ranges, uint32_t first, uint32_t count)
{
    struct range_stack *stack = &ranges->returned[size_class(count)];
    memory_grow(&stack->first, &stack->capacity, (uint64_t)stack->count + 1, sizeof *stack->first);
    stack->first[stack->count++] = first;
}
