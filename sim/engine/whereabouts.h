/* sim/engine/whereabouts.h - to which servers a unit of KV was ever sent, so that a router looks for a
 * prefix there alone, not at each of a thousand servers. Whoever holds a unit is in it; who has given
 * it up may be. Tidied as it grows: memory is in proportion to what the servers hold. */
#ifndef REPRISE_SIM_ENGINE_WHEREABOUTS_H
#define REPRISE_SIM_ENGINE_WHEREABOUTS_H

#include "base/keymap.h"
#include "base/ranges.h"

#include <stdbool.h>
#include <stdint.h>

/* One key's servers: server[servers .. servers + count), in ascending order. */
struct whereabouts_entry {
    uint64_t key;
    uint32_t servers, count; /* count 0: free; servers is the next free one then */
};

/* Zeroed memory may be freed; else after whereabouts_init(). */
struct whereabouts {
    struct whereabouts_entry *entry; /* by handle; [0] is none */
    uint32_t *server;
    struct keymap map;
    struct ranges ranges;
    uint32_t entries, entry_capacity, server_capacity, free_entry;
    uint64_t noted, tidied; /* pairs of key and server: now, and when they were tidied last */
};

void whereabouts_init(struct whereabouts *whereabouts);
void whereabouts_free(struct whereabouts *whereabouts);

/* A turn with this unit is sent to the server. */
void whereabouts_note(struct whereabouts *whereabouts, uint64_t key, uint32_t server);
/* If much has come since the last time: forgets the pairs for which may_hold() says no. */
void whereabouts_tidy(struct whereabouts *whereabouts,
                      bool (*may_hold)(const void *context, uint64_t key, uint32_t server),
                      const void *context);

/* In ascending order; valid until the next note or tidying. */
struct where {
    const uint32_t *server;
    uint32_t count;
};
struct where whereabouts_of(const struct whereabouts *whereabouts, uint64_t key);

#endif
