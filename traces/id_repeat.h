/* traces/id_repeat.h - whether an id stands twice in a prompt. Private to traces/. */
#ifndef REPRISE_TRACES_ID_REPEAT_H
#define REPRISE_TRACES_ID_REPEAT_H

#include <stdbool.h>
#include <stdint.h>

/* Room for looking, memory_grow()'s: a hash table, whose slots are empty unless they are of this look. Zeroed: none. */
struct id_repeat {
    uint64_t *slot; /* the look in the upper half, an index of ids[] in the lower */
    uint32_t capacity, look;
};
void id_repeat_free(struct id_repeat *room);

/* Whether an id, of 63 bits, stands twice in ids[0..count): *repeated is the least that does. Linear time,
 * unless ids were chosen to collide: then that of sorting them. */
bool id_repeats(struct id_repeat *room, const uint64_t *ids, uint32_t count, uint64_t *repeated);

#endif
