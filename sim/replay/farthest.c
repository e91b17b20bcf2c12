/* sim/replay/farthest.c - see farthest.h. */
#include "sim/replay/farthest.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

void farthest_init(struct farthest *set, uint64_t count)
{
    uint64_t words = count;
    memset(set, 0, sizeof *set);
    do {
        words = words / 64 + (words % 64 != 0);
        words = words > 0 ? words : 1;
        set->level[set->levels++] = memory_new(words, sizeof(uint64_t));
    } while (words > 1);
}

void farthest_free(struct farthest *set)
{
    for (int l = 0; l < set->levels; l++)
        free(set->level[l]);
}
