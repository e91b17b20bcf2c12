/* sim/placement/losses.c - see losses.h. */
#include "sim/placement/losses.h"

#include "base/keymap.h"
#include "base/memory.h"

#include <stdlib.h>

struct record {
    uint64_t key;
    struct placement_loss loss;
};

/* record[0] names nothing. */
struct losses {
    struct keymap map;
    struct record *record;
    uint32_t count, capacity;
};

static struct keymap_keys keys_of(const struct losses *losses)
{
    return (struct keymap_keys){ &losses->record->key, sizeof *losses->record };
}

struct losses *losses_new(void)
{
    struct losses *losses = memory_new(1, sizeof *losses);
    keymap_init(&losses->map, 1024);
    memory_grow(&losses->record, &losses->capacity, 1024, sizeof *losses->record);
    losses->count = 1;
    return losses;
}

void losses_free(struct losses *losses)
{
    if (losses == NULL)
        return;
    keymap_free(&losses->map);
    free(losses->record);
    free(losses);
}

static struct record *record_of(struct losses *losses, uint64_t key)
{
    uint32_t at = keymap_find(&losses->map, keys_of(losses), key);
    if (at != 0)
        return &losses->record[at];
    memory_grow(&losses->record, &losses->capacity, (uint64_t)losses->count + 1,
                sizeof *losses->record);
    at = losses->count++;
    losses->record[at] = (struct record){ .key = key };
    keymap_add(&losses->map, keys_of(losses), at);
    return &losses->record[at];
}

void losses_note(struct losses *losses, uint64_t key, const struct placement_loss *loss)
{
    struct record *record = record_of(losses, key);
    enum absence before = record->loss.why;
    bool was_not_kept = before == ABSENT_UNSAVED || before == ABSENT_REFUSED;
    if (was_not_kept && loss->why == ABSENT_EVICTED &&
        (loss->from == TIER_HBM || loss->time_ns == record->loss.time_ns))
        return;
    record->loss = *loss;
}

struct placement_loss losses_of(const struct losses *losses, uint64_t key)
{
    uint32_t at = keymap_find(&losses->map, keys_of(losses), key);
    return at != 0 ? losses->record[at].loss : (struct placement_loss){ .why = ABSENT_NEVER };
}
