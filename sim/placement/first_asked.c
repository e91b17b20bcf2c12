/* sim/placement/first_asked.c - see first_asked.h. */
#include "sim/placement/first_asked.h"

#include "base/keymap.h"
#include "base/memory.h"

#include <stdlib.h>

struct asked_key {
    uint64_t key, who;
};

/* key[0] names nothing. */
struct first_asked {
    struct keymap map;
    struct asked_key *key;
    uint32_t count, capacity;
};

static struct keymap_keys keys_of(const struct first_asked *asked)
{
    return (struct keymap_keys){ &asked->key->key, sizeof *asked->key };
}

struct first_asked *first_asked_new(void)
{
    struct first_asked *asked = memory_new(1, sizeof *asked);
    keymap_init(&asked->map, 1024);
    memory_grow(&asked->key, &asked->capacity, 1024, sizeof *asked->key);
    asked->count = 1;
    return asked;
}

void first_asked_free(struct first_asked *asked)
{
    if (asked == NULL)
        return;
    keymap_free(&asked->map);
    free(asked->key);
    free(asked);
}

void first_asked_note(struct first_asked *asked, uint64_t key, uint64_t who)
{
    if (keymap_find(&asked->map, keys_of(asked), key) != 0)
        return;
    uint32_t at = asked->count++;
    memory_grow(&asked->key, &asked->capacity, asked->count, sizeof *asked->key);
    asked->key[at] = (struct asked_key){ key, who };
    keymap_add(&asked->map, keys_of(asked), at);
}

uint64_t first_asked_by(const struct first_asked *asked, uint64_t key)
{
    return asked->key[keymap_find(&asked->map, keys_of(asked), key)].who;
}
