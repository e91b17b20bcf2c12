/* sim/engine/routed.h - what a router remembers of having sent to one server: the units of turns
 * that were asked there and have not ended. Until their KV is made no tier holds it, and a router
 * that looks only there scatters a burst with one prefix over all servers.
 *
 * Routers remember so: SGLang's cache_aware inserts each request into an approximate tree as it
 * sends it (sgl-router/src/policies/cache_aware.rs at 026f853, tree.insert); llm-d's precise prefix
 * scorer indexes what it has sent until the server's own events tell of it (speculative indexing).
 * SGLang's tree goes on to remember what the server has long given up; here a turn that has ended
 * is known by what the server's tiers hold, as in llm-d.
 *
 * Bounded, as theirs are (max_tree_size): of more units than `most` the one that was sent longest
 * ago is forgotten. What has ended is forgotten as room is needed. */
#ifndef REPRISE_SIM_ENGINE_ROUTED_H
#define REPRISE_SIM_ENGINE_ROUTED_H

#include "base/keymap.h"
#include "sim/engine/sessions.h"

struct routed_unit {
    uint64_t key;
    uint64_t turn;    /* session.asked of the last turn that was sent with it */
    uint32_t session; /* whose turn that was */
    uint32_t tokens;
    uint32_t older, newer;
};

/* Invariant: map holds each of the handles 1 to count once; they are linked from oldest to newest,
 * by when they were sent last. Zeroed memory with a map is a valid empty state. */
struct routed {
    struct routed_unit *unit; /* [0] is none */
    struct keymap map;
    uint32_t count, capacity, most, oldest, newest;
};

/* most: units that are remembered, at least 1. */
void routed_init(struct routed *routed, uint32_t most);
void routed_free(struct routed *routed);

/* The session's turn, which was asked, is sent with a unit of so many tokens. Allocates only while
 * more units are under way than ever before. */
void routed_note(struct routed *routed, const struct sessions *sessions, uint32_t session,
                 uint64_t key, uint32_t tokens);
/* Tokens of that unit that a turn which has not ended was sent with; 0: none was. */
uint32_t routed_tokens(const struct routed *routed, const struct sessions *sessions, uint64_t key);

#endif
