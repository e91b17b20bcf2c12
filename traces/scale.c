/* traces/scale.c - a trace with more load or less (write.h): copies of it, each a place in what is
 * read once, merged by time. */
#include "base/heap.h"
#include "base/keymap.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/units.h"
#include "traces/source.h"
#include "traces/window.h"
#include "traces/write.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* The last blocks of a request that are full may be where a later one goes on: once, since what
 * begins with them again is a prefix that many share. */
struct end {
    uint64_t key; /* first: the keymap reads it here */
    bool kept, continued;
};

/* Which requests of an open loop go together, and are kept. */
struct choice {
    double share;
    uint64_t seed;
    struct end *end; /* [0] is none */
    uint32_t capacity, count;
    struct keymap map;
};

struct copy {
    uint64_t shift_ns;
    uint64_t next; /* its next session's number in the trace */
};

/* `order` has each copy that has not ended, by when its next session comes; at one time the first
 * copies go first. The slowest copy comes later than all others, so that no session before its next
 * one is needed again. */
struct scaled {
    struct trace_scale scale;
    struct trace *trace;
    struct window *window;
    struct copy *copy;
    struct heap order;
    uint32_t copies, slowest;
    bool begun;
    struct choice choice; /* of the last copy's sessions */
    uint64_t *keys;
    uint32_t keys_capacity;
    struct trace_turn *turns;
    uint32_t turns_capacity;
};

/* ---- keeping a share ---- */

static struct keymap_keys end_keys(const struct choice *choice)
{
    return (struct keymap_keys){ choice->end, sizeof *choice->end };
}

static bool draw(const struct choice *choice, uint64_t id)
{
    struct random random = random_from(choice->seed, id);
    return random_uniform(&random) < choice->share;
}

static void add_end(struct choice *choice, uint64_t key, bool kept)
{
    if (keymap_find(&choice->map, end_keys(choice), key) != 0)
        return;
    uint32_t handle = ++choice->count;
    memory_grow(&choice->end, &choice->capacity, (uint64_t)handle + 1, sizeof *choice->end);
    choice->end[handle] = (struct end){ .key = key, .kept = kept };
    keymap_add(&choice->map, end_keys(choice), handle);
}

/* The decision on the request that this one goes on from; NULL: none is known. */
static struct end *find_end(struct choice *choice, const struct trace_session *session)
{
    for (uint32_t i = session->block_count; i > 0; i--) {
        uint32_t handle = keymap_find(&choice->map, end_keys(choice), session->block_keys[i - 1]);
        if (handle != 0 && !choice->end[handle].continued)
            return &choice->end[handle];
    }
    return NULL;
}

static bool keep(struct choice *choice, const struct trace_session *session)
{
    if (choice->share >= 1.0)
        return true;
    struct end *end = find_end(choice, session);
    bool kept = end != NULL ? end->kept : draw(choice, session->id);
    if (end != NULL)
        end->continued = true;
    for (uint32_t back = 1; back <= 2 && back <= session->block_count; back++)
        add_end(choice, session->block_keys[session->block_count - back], kept);
    return kept;
}

/* ---- copies ---- */

/* Puts the copy where its next session comes, if there is one. */
static enum status enqueue(struct scaled *scaled, uint32_t number, struct error *err)
{
    struct trace_session session;
    const struct copy *copy = &scaled->copy[number];
    enum trace_step step = window_at(scaled->window, copy->next, &session, err);
    if (step == TRACE_ITEM)
        heap_push(&scaled->order,
                  (struct heap_item){ session.arrival_ns + copy->shift_ns, number, number });
    return step == TRACE_ERROR ? err->status : STATUS_OK;
}

static enum status begin(struct scaled *scaled, struct error *err)
{
    for (uint32_t i = 0; i < scaled->copies && !scaled->begun; i++)
        if (enqueue(scaled, i, err) != STATUS_OK)
            return err->status;
    scaled->begun = true;
    return STATUS_OK;
}

static const uint64_t *copy_keys(struct scaled *scaled, uint64_t number,
                                 const struct trace_session *session)
{
    if (number == 0 || session->block_count == 0)
        return session->block_keys;
    memory_grow(&scaled->keys, &scaled->keys_capacity, session->block_count, sizeof *scaled->keys);
    for (uint32_t i = 0; i < session->block_count; i++)
        scaled->keys[i] = XXH64(&session->block_keys[i], sizeof *session->block_keys, number) >> 1;
    return scaled->keys;
}

/* The session's turns with their think times scaled. */
static const struct trace_turn *scaled_turns(struct scaled *scaled,
                                             const struct trace_session *session)
{
    if (scaled->scale.think == 1.0)
        return session->turns;
    memory_grow(&scaled->turns, &scaled->turns_capacity, session->turn_count,
                sizeof *scaled->turns);
    for (uint32_t i = 0; i < session->turn_count; i++) {
        scaled->turns[i] = session->turns[i];
        scaled->turns[i].think_ns =
            (uint64_t)((double)session->turns[i].think_ns * scaled->scale.think);
    }
    return scaled->turns;
}

static double arrival_of(const struct scaled *scaled, uint32_t number,
                         const struct trace_session *session)
{
    return (double)(session->arrival_ns + scaled->copy[number].shift_ns);
}

/* The session as copy `number` has it. */
static void make_copys(struct scaled *scaled, uint32_t number, struct trace_session *session)
{
    double arrival_ns = arrival_of(scaled, number, session);
    if (scaled->scale.rate == 1.0)
        session->arrival_ns += scaled->copy[number].shift_ns;
    else
        session->arrival_ns = (uint64_t)(arrival_ns / scaled->scale.rate);
    session->block_keys = copy_keys(scaled, number, session);
    session->turns = scaled_turns(scaled, session);
    if (scaled->scale.sessions != 1.0)
        session->measured_hits = session->measured_hits_below = 0;
}

/* The next session in time that is kept, as the trace has it, and of which copy it is. */
static enum trace_step next_kept(struct scaled *scaled, struct trace_session *session,
                                 uint32_t *number, struct error *err)
{
    window_forget(scaled->window, scaled->copy[scaled->slowest].next);
    while (scaled->order.count > 0) {
        *number = heap_pop(&scaled->order).handle;
        struct copy *copy = &scaled->copy[*number];
        if (window_at(scaled->window, copy->next, session, err) != TRACE_ITEM)
            return TRACE_ERROR; /* it was read before */
        copy->next++;
        if (enqueue(scaled, *number, err) != STATUS_OK)
            return TRACE_ERROR;
        if (*number + 1 < scaled->copies || keep(&scaled->choice, session))
            return TRACE_ITEM;
    }
    return TRACE_END;
}

/* ---- times that no trace has ---- */

/* The latest of them, before they are scaled. */
struct times {
    double arrival_ns, think_ns;
};

static void note_times(const struct scaled *scaled, uint32_t number,
                       const struct trace_session *session, struct times *times)
{
    times->arrival_ns = fmax(times->arrival_ns, arrival_of(scaled, number, session));
    for (uint32_t i = 0; i < session->turn_count; i++)
        times->think_ns = fmax(times->think_ns, (double)session->turns[i].think_ns);
}

static bool is_too_late(const struct scaled *scaled, const struct times *times)
{
    const double most_ns = (double)TRACE_TIME_MOST_NS;
    return times->arrival_ns / scaled->scale.rate > most_ns ||
           times->think_ns * scaled->scale.think > most_ns;
}

/* `times` are of all that is left to read. */
static enum status refuse_times(const struct scaled *scaled, const struct times *times,
                                struct error *err)
{
    const double most_ns = (double)TRACE_TIME_MOST_NS;
    const double spare = 1e-5; /* more than six digits are rounded by */
    const struct trace_scale *scale = &scaled->scale;
    char expected[128], found[128];
    bool arrives_late = times->arrival_ns / scale->rate > most_ns;
    if (arrives_late)
        snprintf(
            expected, sizeof expected,
            "at least %.6g, with which the last arrival is within the %.0f s that a trace holds",
            times->arrival_ns / most_ns * (1.0 + spare), most_ns / (double)NS_PER_S);
    else
        snprintf(expected, sizeof expected,
                 "at most %.6g, with which the longest is within the %.0f s that a trace holds",
                 most_ns / times->think_ns * (1.0 - spare), most_ns / (double)NS_PER_S);
    snprintf(found, sizeof found, "%.6g: %.4g s", arrives_late ? scale->rate : scale->think,
             (arrives_late ? times->arrival_ns / scale->rate : times->think_ns * scale->think) /
                 (double)NS_PER_S);
    return error_input(err, NULL, 0, arrives_late ? "rate" : "think", expected, found);
}

/* The trace is read to its end, so that a factor can be named with which all of it fits. */
static enum trace_step refuse_late(struct scaled *scaled, struct times *times, struct error *err)
{
    struct trace_session session;
    enum trace_step step;
    uint32_t number;
    while ((step = next_kept(scaled, &session, &number, err)) == TRACE_ITEM)
        note_times(scaled, number, &session, times);
    if (step == TRACE_END)
        refuse_times(scaled, times, err);
    return TRACE_ERROR;
}

static enum trace_step scaled_next(void *state, struct trace_session *session, struct error *err)
{
    struct scaled *scaled = state;
    struct times times = { 0 };
    uint32_t number;
    if (begin(scaled, err) != STATUS_OK)
        return TRACE_ERROR;
    enum trace_step step = next_kept(scaled, session, &number, err);
    if (step != TRACE_ITEM)
        return step;
    note_times(scaled, number, session, &times);
    if (is_too_late(scaled, &times))
        return refuse_late(scaled, &times, err);
    make_copys(scaled, number, session);
    return TRACE_ITEM;
}

/* ---- the source ---- */

static struct trace_facts scaled_facts(const void *state)
{
    const struct scaled *scaled = state;
    struct trace_facts facts = trace_facts(scaled->trace);
    facts.expected_turns = (uint64_t)((double)facts.expected_turns * scaled->scale.sessions);
    if (scaled->scale.sessions != 1.0)
        facts.measured = TRACE_UNMEASURED; /* no engine was asked so much, or so little */
    return facts;
}

/* One copy, whole: it is known by what is read, as however else a file is imported. */
static uint64_t scaled_hash(const void *state)
{
    const struct scaled *scaled = state;
    if (scaled->scale.sessions == 1.0)
        return trace_hash(scaled->trace);
    uint64_t parts[6] = { trace_hash(scaled->trace) };
    memcpy(&parts[1], &scaled->scale.rate, sizeof parts[1]);
    memcpy(&parts[2], &scaled->scale.sessions, sizeof parts[2]);
    parts[3] = scaled->scale.shift_most_ns;
    parts[4] = scaled->scale.seed;
    memcpy(&parts[5], &scaled->scale.think, sizeof parts[5]);
    return XXH64(parts, sizeof parts, 0);
}

static double scaled_progress(const void *state)
{
    return trace_progress(((const struct scaled *)state)->trace);
}

static enum status scaled_refuse_empty(const void *state, struct error *err)
{
    const struct scaled *scaled = state;
    char found[96];
    snprintf(found, sizeof found, "none of %.6g times the sessions, with this seed",
             scaled->scale.sessions);
    return error_input(err, NULL, 0, "sessions", "a share that keeps a session at least", found);
}

static void scaled_close(void *state)
{
    struct scaled *scaled = state;
    window_free(scaled->window);
    trace_close(scaled->trace);
    heap_free(&scaled->order);
    free(scaled->copy);
    free(scaled->choice.end);
    keymap_free(&scaled->choice.map);
    free(scaled->keys);
    free(scaled->turns);
    free(scaled);
}

static const struct source scaled_source = { .next = scaled_next,
                                             .facts = scaled_facts,
                                             .hash = scaled_hash,
                                             .progress = scaled_progress,
                                             .refuse_empty = scaled_refuse_empty,
                                             .close = scaled_close };

/* Of fewer sessions than all there is one copy too, with a share of them. */
static uint32_t copies_of(double sessions)
{
    uint32_t whole = (uint32_t)sessions;
    return (double)whole < sessions ? whole + 1 : whole;
}

/* The first is not shifted; the last of those that are shifted most is the slowest. */
static void shift_copies(struct scaled *scaled)
{
    const struct trace_scale *scale = &scaled->scale;
    for (uint32_t i = 1; i < scaled->copies; i++) {
        struct random random = random_from(scale->seed, UINT64_MAX - i);
        struct copy *copy = &scaled->copy[i];
        copy->shift_ns = scale->shift_most_ns > 0 ? random_below(&random, scale->shift_most_ns) : 0;
        if (copy->shift_ns >= scaled->copy[scaled->slowest].shift_ns)
            scaled->slowest = i;
    }
}

struct trace *trace_scaled(struct trace *trace, const struct trace_scale *scale)
{
    assert(scale->rate > 0.0 && scale->think > 0.0 && scale->sessions > 0.0);
    struct scaled *scaled = memory_new(1, sizeof *scaled);
    scaled->scale = *scale;
    scaled->trace = trace;
    scaled->window = window_new(trace);
    scaled->copies = copies_of(scale->sessions);
    scaled->copy = memory_new(scaled->copies, sizeof *scaled->copy);
    scaled->choice.share = scale->sessions - (double)(scaled->copies - 1);
    scaled->choice.seed = scale->seed;
    keymap_init(&scaled->choice.map, 16);
    shift_copies(scaled);
    return trace_of(&scaled_source, scaled);
}
