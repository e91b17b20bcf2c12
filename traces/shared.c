/* traces/shared.c - see shared.h. The sessions lie in pieces, each made whole under the lock by the
 * reader that first comes to its end, and never changed again: what a reader takes out of a piece
 * needs no lock. */
#include "traces/shared.h"

#include "base/free_memory.h"
#include "base/memory.h"
#include "traces/source.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* A piece ends with whichever comes first. Small, since a run of few turns reads no further than it
 * must. */
enum { PIECE_SESSIONS = 256, PIECE_KEYS = 1 << 16 };
/* How much more is held before memory is looked at again. */
#define LOOK_EVERY_BYTES (UINT64_C(32) << 20)

/* What the trace says of itself after so many sessions. */
struct mark {
    uint64_t hash;
    double progress;
    const struct trace_facts *facts;
};

struct item {
    struct trace_session session; /* its arrays are the piece's */
    struct mark after;
};

struct piece {
    struct piece *next; /* under the lock */
    struct item *item;
    struct trace_turn *turn;
    uint64_t *key;
    uint32_t count; /* >= 1 */
};

/* Facts are few in most traces: they change where a record is left out or a tenant comes. */
struct told_facts {
    struct told_facts *next;
    struct trace_facts facts;
};

/* What the piece that is being read is made of. */
struct scratch {
    struct item *item;
    struct trace_turn *turn;
    uint64_t *key;
    uint32_t items, turns, keys, item_capacity, turn_capacity, key_capacity;
};

struct shared_trace {
    struct trace_again again;
    uint64_t most_bytes;
    struct mark begin;
    pthread_mutex_t lock; /* of all below */
    struct trace *trace;
    struct piece *first, *last;
    struct told_facts *facts; /* the latest first */
    struct scratch scratch;
    enum trace_step step; /* behind the last piece: TRACE_ITEM: more may come */
    struct error failure;
    struct mark end;
    bool too_large;
    uint64_t bytes, looked_at_bytes;
    uint32_t readers;
};

/* ---- reading ---- */

/* One by one, since there may be anything between members. A member that is added is compared here.
 */
static bool same_facts(const struct trace_facts *a, const struct trace_facts *b)
{
    return a->open_loop == b->open_loop && a->block_tokens == b->block_tokens &&
           a->expected_turns == b->expected_turns && a->format == b->format &&
           a->measured == b->measured && memcmp(&a->skips, &b->skips, sizeof a->skips) == 0 &&
           memcmp(&a->engine, &b->engine, sizeof a->engine) == 0 &&
           memcmp(a->assumed, b->assumed, sizeof a->assumed) == 0 &&
           memcmp(&a->tenants, &b->tenants, sizeof a->tenants) == 0;
}
_Static_assert(sizeof(struct trace_facts) ==
                   8 + sizeof(uint64_t) + sizeof(struct trace_skips) +
                       sizeof(const char * [TRACE_ASSUMED_MOST + 1]) + sizeof(const char *) + 8 +
                       sizeof(struct trace_engine_log) + sizeof(struct trace_tenants) + 4,
               "a member of the facts is not compared");

static struct mark mark_now(struct shared_trace *shared)
{
    const struct trace_facts facts = trace_facts(shared->trace);
    if (shared->facts == NULL || !same_facts(&facts, &shared->facts->facts)) {
        struct told_facts *told = memory_new(1, sizeof *told);
        told->facts = facts;
        told->next = shared->facts;
        shared->facts = told;
        shared->bytes += sizeof *told;
    }
    return (struct mark){ trace_hash(shared->trace), trace_progress(shared->trace),
                          &shared->facts->facts };
}

static void add_item(struct shared_trace *shared, const struct trace_session *session)
{
    struct scratch *scratch = &shared->scratch;
    memory_grow(&scratch->item, &scratch->item_capacity, (uint64_t)scratch->items + 1,
                sizeof *scratch->item);
    memory_grow(&scratch->turn, &scratch->turn_capacity,
                (uint64_t)scratch->turns + session->turn_count, sizeof *scratch->turn);
    memory_grow(&scratch->key, &scratch->key_capacity,
                (uint64_t)scratch->keys + session->block_count, sizeof *scratch->key);
    memcpy(scratch->turn + scratch->turns, session->turns,
           session->turn_count * sizeof *scratch->turn);
    if (session->block_count > 0)
        memcpy(scratch->key + scratch->keys, session->block_keys,
               session->block_count * sizeof *scratch->key);
    scratch->turns += session->turn_count;
    scratch->keys += session->block_count;
    scratch->item[scratch->items++] = (struct item){ *session, mark_now(shared) };
}

static void *copy_of(const void *array, uint32_t count, size_t size_bytes)
{
    void *copy = memory_new(count, size_bytes);
    if (count > 0)
        memcpy(copy, array, count * size_bytes);
    return copy;
}

/* Sessions' arrays are found anew: they moved while the piece grew. */
static void point_at_arrays(struct piece *piece)
{
    const struct trace_turn *turn = piece->turn;
    const uint64_t *key = piece->key;
    for (uint32_t i = 0; i < piece->count; i++) {
        struct trace_session *session = &piece->item[i].session;
        session->turns = turn;
        if (session->block_keys != NULL)
            session->block_keys = key;
        turn += session->turn_count;
        key += session->block_count;
    }
}

static void add_piece(struct shared_trace *shared)
{
    const struct scratch *scratch = &shared->scratch;
    struct piece *piece = memory_new(1, sizeof *piece);
    piece->count = scratch->items;
    piece->item = copy_of(scratch->item, scratch->items, sizeof *piece->item);
    piece->turn = copy_of(scratch->turn, scratch->turns, sizeof *piece->turn);
    piece->key = copy_of(scratch->key, scratch->keys, sizeof *piece->key);
    point_at_arrays(piece);
    shared->bytes += sizeof *piece + scratch->items * sizeof *piece->item +
                     scratch->turns * sizeof *piece->turn + scratch->keys * sizeof *piece->key;
    if (shared->last != NULL)
        shared->last->next = piece;
    else
        shared->first = piece;
    shared->last = piece;
}

static bool has_room(struct shared_trace *shared)
{
    if (shared->bytes >= shared->most_bytes)
        return false;
    if (shared->bytes < shared->looked_at_bytes + LOOK_EVERY_BYTES)
        return true;
    shared->looked_at_bytes = shared->bytes;
    return shared->bytes <= free_memory_bytes();
}

static void read_piece(struct shared_trace *shared)
{
    struct scratch *scratch = &shared->scratch;
    struct trace_session session;
    scratch->items = scratch->turns = scratch->keys = 0;
    while (scratch->items < PIECE_SESSIONS && scratch->keys < PIECE_KEYS &&
           (shared->step = trace_next(shared->trace, &session, &shared->failure)) == TRACE_ITEM)
        add_item(shared, &session);
    if (scratch->items > 0)
        add_piece(shared);
    if (shared->step != TRACE_ITEM)
        shared->end = mark_now(shared);
}

/* The piece behind `behind` (NULL: the first). NULL: there is none, for now or ever. */
static struct piece *piece_behind(struct shared_trace *shared, const struct piece *behind)
{
    const bool is_last = behind == shared->last;
    if (is_last && shared->step == TRACE_ITEM && !shared->too_large) {
        shared->too_large = !has_room(shared);
        if (!shared->too_large)
            read_piece(shared);
    }
    return behind != NULL ? behind->next : shared->first;
}

/* ---- one reader, as a source ---- */

struct reader {
    struct shared_trace *shared;
    const struct piece *piece;
    uint32_t at; /* in piece: what comes next */
    struct mark mark;
    uint64_t given;
    struct trace *own; /* once the shared trace is given up; else NULL */
};

/* The trace again, behind what this reader gave. */
static enum trace_step go_alone(struct reader *reader, struct error *err)
{
    struct trace_session session;
    const struct trace_again *again = &reader->shared->again;
    if (again->open(again->context, &reader->own, err) != STATUS_OK) {
        reader->own = NULL;
        return TRACE_ERROR;
    }
    for (uint64_t i = 0; i < reader->given; i++) {
        enum trace_step step = trace_next(reader->own, &session, err);
        if (step != TRACE_ITEM)
            return step;
    }
    return TRACE_ITEM;
}

/* TRACE_ITEM: reader->piece has the next one. */
static enum trace_step go_on(struct reader *reader, struct error *err)
{
    struct shared_trace *shared = reader->shared;
    enum trace_step step = TRACE_ITEM;
    if (reader->piece != NULL && reader->at < reader->piece->count)
        return TRACE_ITEM;
    pthread_mutex_lock(&shared->lock);
    const struct piece *next = piece_behind(shared, reader->piece);
    if (next == NULL && !shared->too_large) {
        step = shared->step;
        reader->mark = shared->end;
        if (step == TRACE_ERROR)
            *err = shared->failure;
    }
    pthread_mutex_unlock(&shared->lock);
    if (next == NULL)
        return step == TRACE_ITEM ? go_alone(reader, err) : step;
    reader->piece = next;
    reader->at = 0;
    return TRACE_ITEM;
}

static enum trace_step reader_next(void *state, struct trace_session *session, struct error *err)
{
    struct reader *reader = state;
    enum trace_step step = reader->own != NULL ? TRACE_ITEM : go_on(reader, err);
    if (step != TRACE_ITEM)
        return step;
    if (reader->own != NULL)
        return trace_next(reader->own, session, err);
    const struct item *item = &reader->piece->item[reader->at++];
    *session = item->session;
    reader->mark = item->after;
    reader->given++;
    return TRACE_ITEM;
}

static struct trace_facts reader_facts(const void *state)
{
    const struct reader *reader = state;
    return reader->own != NULL ? trace_facts(reader->own) : *reader->mark.facts;
}

static uint64_t reader_hash(const void *state)
{
    const struct reader *reader = state;
    return reader->own != NULL ? trace_hash(reader->own) : reader->mark.hash;
}

static double reader_progress(const void *state)
{
    const struct reader *reader = state;
    return reader->own != NULL ? trace_progress(reader->own) : reader->mark.progress;
}

static void drop_pieces(struct shared_trace *shared)
{
    for (struct piece *piece = shared->first, *next; piece != NULL; piece = next) {
        next = piece->next;
        free(piece->item);
        free(piece->turn);
        free(piece->key);
        free(piece);
    }
    shared->first = shared->last = NULL;
}

static void reader_close(void *state)
{
    struct reader *reader = state;
    struct shared_trace *shared = reader->shared;
    trace_close(reader->own);
    pthread_mutex_lock(&shared->lock);
    if (--shared->readers == 0 && shared->too_large) { /* no use to those who come later */
        drop_pieces(shared);
        shared->bytes = 0;
    }
    pthread_mutex_unlock(&shared->lock);
    free(reader);
}

static const struct source reader_source = { .next = reader_next,
                                             .facts = reader_facts,
                                             .hash = reader_hash,
                                             .progress = reader_progress,
                                             .close = reader_close };

/* ---- all of it ---- */

struct shared_trace *shared_trace_new(struct trace *trace, const struct trace_again *again,
                                      uint64_t most_bytes)
{
    struct shared_trace *shared = memory_new(1, sizeof *shared);
    pthread_mutex_init(&shared->lock, NULL);
    shared->again = *again;
    shared->most_bytes = most_bytes;
    shared->trace = trace;
    shared->step = TRACE_ITEM;
    shared->begin = mark_now(shared);
    return shared;
}

void shared_trace_free(struct shared_trace *shared)
{
    if (shared == NULL)
        return;
    assert(shared->readers == 0);
    drop_pieces(shared);
    for (struct told_facts *told = shared->facts, *next; told != NULL; told = next) {
        next = told->next;
        free(told);
    }
    free(shared->scratch.item);
    free(shared->scratch.turn);
    free(shared->scratch.key);
    trace_close(shared->trace);
    pthread_mutex_destroy(&shared->lock);
    free(shared);
}

enum status shared_trace_open(struct shared_trace *shared, struct trace **trace, struct error *err)
{
    pthread_mutex_lock(&shared->lock);
    const bool alone = shared->too_large;
    shared->readers += !alone;
    pthread_mutex_unlock(&shared->lock);
    if (alone)
        return shared->again.open(shared->again.context, trace, err);
    struct reader *reader = memory_new(1, sizeof *reader);
    reader->shared = shared;
    reader->mark = shared->begin;
    *trace = trace_of(&reader_source, reader);
    return STATUS_OK;
}

bool shared_trace_is_read(struct shared_trace *shared)
{
    pthread_mutex_lock(&shared->lock);
    const bool is_read = shared->readers > 0;
    pthread_mutex_unlock(&shared->lock);
    return is_read;
}

uint64_t shared_trace_bytes(struct shared_trace *shared)
{
    pthread_mutex_lock(&shared->lock);
    const uint64_t bytes = shared->bytes;
    pthread_mutex_unlock(&shared->lock);
    return bytes;
}
