/* traces/collection.c - see collection.h. */
#include "traces/collection.h"

#include "base/free_memory.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct collected {
    uint64_t arrival_ns;
    uint32_t number; /* in which order it came */
    uint32_t first_turn, turn_count, first_key, block_count;
    uint8_t tenant;
};

/* Until the order is known turn[i] is of session owner[i]; from then on those of a session stand
 * together. */
struct collection {
    struct collected *session;
    struct trace_turn *turn;
    uint32_t *owner;
    uint64_t *key;
    uint32_t session_capacity, turn_capacity, owner_capacity, key_capacity;
    uint32_t sessions, turns, keys, given;
    uint64_t looked_at_bytes; /* how much was held when room was looked for */
};

struct collection *collection_new(void)
{
    return memory_new(1, sizeof(struct collection));
}

void collection_free(struct collection *collection)
{
    if (collection == NULL)
        return;
    free(collection->session);
    free(collection->turn);
    free(collection->owner);
    free(collection->key);
    free(collection);
}

uint32_t collection_add(struct collection *collection, uint64_t arrival_ns,
                        const uint64_t *block_keys, uint32_t block_count)
{
    uint32_t number = collection->sessions++;
    memory_grow(&collection->session, &collection->session_capacity, collection->sessions,
                sizeof *collection->session);
    collection->session[number] = (struct collected){ .arrival_ns = arrival_ns,
                                                      .number = number,
                                                      .first_key = collection->keys,
                                                      .block_count = block_count };
    memory_grow(&collection->key, &collection->key_capacity,
                (uint64_t)collection->keys + block_count, sizeof *collection->key);
    if (block_count > 0)
        memcpy(collection->key + collection->keys, block_keys, block_count * sizeof *block_keys);
    collection->keys += block_count;
    return number;
}

void collection_set_tenant(struct collection *collection, uint32_t session, uint8_t tenant)
{
    collection->session[session].tenant = tenant;
}

void collection_add_turn(struct collection *collection, uint32_t session,
                         const struct trace_turn *turn)
{
    uint32_t at = collection->turns++;
    memory_grow(&collection->turn, &collection->turn_capacity, collection->turns,
                sizeof *collection->turn);
    memory_grow(&collection->owner, &collection->owner_capacity, collection->turns,
                sizeof *collection->owner);
    collection->turn[at] = *turn;
    collection->owner[at] = session;
    collection->session[session].turn_count++;
}

static uint64_t held_bytes(const struct collection *collection)
{
    return (uint64_t)collection->session_capacity * sizeof *collection->session +
           (uint64_t)collection->turn_capacity * sizeof *collection->turn +
           (uint64_t)collection->owner_capacity * sizeof *collection->owner +
           (uint64_t)collection->key_capacity * sizeof *collection->key;
}

enum status collection_check_room(struct collection *collection, const struct lines *lines,
                                  const char *way_on, struct error *err)
{
    const uint64_t freely = UINT64_C(32) << 20;
    uint64_t held = held_bytes(collection);
    char reason[200];
    if (held < freely || held == collection->looked_at_bytes)
        return STATUS_OK;
    collection->looked_at_bytes = held;
    uint64_t left = free_memory_bytes();
    if (held <= left)
        return STATUS_OK;
    snprintf(reason, sizeof reason,
             "it takes %.3g GB so far, after %.0f %% of the file, and %.3g GB are left (%.80s)",
             (double)held / 1e9, 100.0 * lines_progress(lines), (double)left / 1e9, way_on);
    return error_io(err, lines_path(lines), "hold all of it in memory", reason);
}

/* Each session's turns together, in the order in which they came. */
static void gather_turns(struct collection *collection)
{
    struct trace_turn *gathered = memory_new(collection->turns, sizeof *gathered);
    uint32_t *next = memory_new(collection->sessions, sizeof *next);
    uint32_t at = 0;
    for (uint32_t i = 0; i < collection->sessions; i++) {
        collection->session[i].first_turn = next[i] = at;
        at += collection->session[i].turn_count;
    }
    for (uint32_t i = 0; i < collection->turns; i++)
        gathered[next[collection->owner[i]]++] = collection->turn[i];
    free(next);
    free(collection->turn);
    free(collection->owner);
    collection->turn = gathered;
    collection->owner = NULL;
}

static int compare_arrivals(const void *a, const void *b)
{
    const struct collected *x = a, *y = b;
    if (x->arrival_ns != y->arrival_ns)
        return x->arrival_ns < y->arrival_ns ? -1 : 1;
    return x->number < y->number ? -1 : x->number > y->number;
}

void collection_order(struct collection *collection)
{
    gather_turns(collection);
    if (collection->sessions > 0)
        qsort(collection->session, collection->sessions, sizeof *collection->session,
              compare_arrivals);
}

uint64_t collection_first_ns(const struct collection *collection)
{
    return collection->sessions > 0 ? collection->session[0].arrival_ns : 0;
}

void collection_begin_at_zero(struct collection *collection)
{
    for (uint32_t i = collection->sessions; i > 0; i--)
        collection->session[i - 1].arrival_ns -= collection->session[0].arrival_ns;
}

bool collection_take(struct collection *collection, struct trace_session *session)
{
    while (collection->given < collection->sessions) {
        const struct collected *next = &collection->session[collection->given++];
        if (next->turn_count == 0)
            continue;
        *session = (struct trace_session){ .arrival_ns = next->arrival_ns,
                                           .turn_count = next->turn_count,
                                           .turns = collection->turn + next->first_turn,
                                           .block_count = next->block_count,
                                           .tenant = next->tenant };
        if (next->block_count > 0)
            session->block_keys = collection->key + next->first_key;
        return true;
    }
    return false;
}
