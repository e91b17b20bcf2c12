/* sim/engine/sessions.h - sessions and their turns: what a turn's context is, how it is fitted into
 * the window, which keys name its KV, what each server knows of a session's truncation.
 * A session is known by a handle from its arrival to its last reply; 0 names none. */
#ifndef REPRISE_SIM_ENGINE_SESSIONS_H
#define REPRISE_SIM_ENGINE_SESSIONS_H

#include "base/ranges.h"
#include "sim/engine/metrics.h"
#include "sim/engine/setup.h"
#include "sim/placement/placement.h"

/* Its present turn is all that is outstanding. */
struct session {
    uint64_t id;
    uint64_t request_ns; /* from its being asked to its server's hearing of it */
    uint64_t reached_ns; /* when that was */
    uint64_t asked;      /* the present turn's number among those asked, from 1 on; 0: none is */
    uint64_t asked_ns, start_ns, last_token_ns, first_token_ns;
    uint32_t turns, turn_count, turn; /* its turns are sessions.turns[turns ..] */
    uint32_t keys, key_count;         /* open loop: its block keys are sessions.keys[keys ..] */
    uint32_t history_tokens;          /* context before this turn, after truncation */
    uint32_t base_tokens;             /* tokens that truncation has cut off before it */
    uint64_t cut_total_tokens;        /* the same, whether their KV was invalidated or not */
    uint32_t generation;              /* invalidations so far: block keys are new after one */
    uint32_t seen, seen_count; /* sessions.seen[seen ..]: what servers that had turns of it know of its cuts */
    uint32_t prompt_tokens, reply_tokens, cut_tokens; /* of this turn, clamped to the window */
    uint32_t kv_cut;         /* session unit: what its server's copies lose first; CUT_ALL */
    uint32_t left_tokens;    /* of the reply, still to be made */
    uint32_t prefill_tokens; /* context that must be in HBM before the next token */
    uint32_t ready_tokens;   /* of it: loaded or computed */
    uint32_t booked_tokens;  /* of context, for which it has HBM */
    uint32_t server, job;    /* where it is prefilled, and the core's handle there */
    uint32_t decode_server, decode_job; /* where it is decoded, if elsewhere */
    uint32_t chain_keys;                /* given to the core so far */
    uint32_t asked_chain_tokens;        /* of its context, of those that were as it was asked */
    uint32_t next;                      /* in a queue or among free entries */
    uint64_t look_ns;                   /* when somebody is to look whether it need wait longer */
    uint64_t number;                    /* turns that started before this one */
    struct placement_hits hits;       /* of its first prefill: what it reused */
    uint32_t reused_tokens;           /* their sum */
    uint32_t passed_over_tokens; /* found, but in a tier not worth loading from */
    uint32_t passed_over[TIER_KINDS]; /* of them: where they lay; their sum */
    uint8_t tenant;              /* of the trace's */
    uint8_t rank;                /* engine.order: priority; higher ones first */
    bool urgent;                 /* that, or its tenant's priority is above the usual */
    bool clamped;                     /* its prompt or reply was cut to the window */
    bool started;                /* this turn's first prefill has begun */
};

/* How much of a session's truncation a server's copies have been told of. A session's are in the order
 * of the servers, one for each that had a turn of it: of a thousand servers it has seen few. */
struct seen {
    uint32_t server, base_tokens, generation;
};

/* The load, which is the workload's own whatever serves it: what sessions ask in all, counted when they
 * arrive. The first one begins it. */
struct offered {
    uint64_t sessions, tokens; /* behind the first; prompt, history and reply of all their turns */
    uint64_t from_ns, to_ns;   /* first and last arrival */
    uint64_t last_turn_ns;     /* when the last turn would be asked, were replies instant */
    uint64_t turns;            /* of all sessions */
    double later_ns;           /* sum of how much later than their sessions these would be asked */
};

struct sessions {
    const struct engine_setup *setup;
    struct trace *trace;
    struct session *item;
    uint32_t capacity, high_water, free_item;
    struct ranges turn_ranges, key_ranges, seen_ranges;
    struct trace_turn *turns;
    uint64_t *keys;
    struct seen *seen;
    uint32_t turns_capacity, keys_capacity, seen_capacity;
    uint64_t *scratch_keys; /* a chain being built */
    uint32_t scratch_capacity;
    uint32_t *left; /* of a part: sessions that have ended and are to be forgotten by the whole */
    uint32_t left_count, left_capacity;
    uint64_t turns_told; /* ... and what of turns_asked the whole knows */
    bool is_part;
    uint64_t turns_asked;
    struct tenant_terms terms;
    struct offered offered;
    uint32_t in_flight; /* sessions read and not ended */
    bool ahead, ended;  /* one is read that has not arrived; there are no more to read */
    bool arrived;       /* one has */
};

/* setup and trace are the caller's and outlive it. */
void sessions_init(struct sessions *sessions, const struct engine_setup *setup,
                   struct trace *trace);
void sessions_free(struct sessions *sessions);

/* Reads the trace's next session, if it may be read by now_ns: one that arrives by itself when the one
 * before it has arrived; at fixed concurrency (workload.concurrency) when fewer sessions are in
 * flight, and then it arrives now, whatever its time in the trace. *session: its handle; 0: none may
 * yet, or ever (the trace's end, enough turns have been asked by max_turns). *arrival_ns: when its
 * first turn is asked. A driver calls it until it gives 0, at the beginning and whenever something has
 * happened. STATUS_INPUT, STATUS_IO: the trace's. */
enum status sessions_read(struct sessions *sessions, uint64_t now_ns, uint32_t *session,
                          uint64_t *arrival_ns, struct error *err);

/* ---- parts of a service (service_part.h): sessions that several threads serve at once ---- */

/* What is asked, extended and ended by the part is one thread's: it has the sessions and their turns in
 * common with the whole, which alone reads and forgets sessions, while no part does anything. */
void sessions_part_init(struct sessions *part, const struct sessions *whole);
void sessions_part_free(struct sessions *part);
/* The whole has read sessions: what is common may lie elsewhere. */
void sessions_part_follow(struct sessions *part, const struct sessions *whole);
/* The whole forgets the sessions that have ended in the part. */
void sessions_part_leave(struct sessions *part, struct sessions *whole);
/* The session, which its part asks for now, has its turns on this server. */
void sessions_arrive(struct sessions *whole, uint32_t session, uint64_t now_ns, uint32_t server);

/* The keys that name a turn's KV. */
struct chain {
    const uint64_t *keys; /* valid until the next call of sessions_ask() or sessions_extend() */
    uint32_t count, context_tokens, capacity;
};

/* The session's next turn is asked now: fits it into the window. false: enough turns have been asked
 * (max_turns), this one is not, and the session is forgotten. */
bool sessions_ask(struct sessions *sessions, uint32_t session, uint64_t now_ns,
                  struct chain *chain);
/* The asked turn goes to this server (session->server): what that one's copies must lose first,
 * since other servers may have had the turns in between. */
void sessions_note_cut(struct sessions *sessions, uint32_t session, struct chain *chain);
/* The servers that had turns of the session, in their order; valid until the next note of a cut. */
static inline const struct seen *sessions_seen(const struct sessions *sessions,
                                               const struct session *session)
{
    return &sessions->seen[session->seen];
}
/* Block unit: the keys of blocks that ready_tokens of the context complete and that the core has
 * not been given yet; count 0: none. */
struct chain sessions_extend(struct sessions *sessions, uint32_t session, uint32_t ready_tokens);
/* Fills in the metrics of the load. */
void sessions_set_offered(const struct sessions *sessions, struct metrics *metrics);
/* The reply has ended. true: the next turn reaches a server *wait_ns from now: the reply has gone to
 * the client, who thought and asked; else the session is forgotten. */
bool sessions_end_turn(struct sessions *sessions, uint32_t session, uint64_t *wait_ns);

/* Ask the processor to fetch what the session's next turn will be told by; what sessions_end_turn() will read beside
 * that. Between two events of a session so many others have theirs that it lies in memory. For speed alone. */
static inline void sessions_prefetch(const struct sessions *sessions, uint32_t session)
{
    const char *item = (const char *)&sessions->item[session];
    for (size_t at = 0; at < sizeof *sessions->item; at += 64)
        __builtin_prefetch(item + at);
    __builtin_prefetch(item + sizeof *sessions->item - 1);
}
static inline void sessions_prefetch_turn(const struct sessions *sessions, uint32_t session)
{
    const struct session *item = &sessions->item[session];
    __builtin_prefetch(&sessions->turns[item->turns + item->turn + 1]);
}

/* Context of the turn when its prefill begins for the first time. */
static inline uint32_t session_context(const struct session *session)
{
    return session->history_tokens + session->prompt_tokens;
}

/* All that it will come to. */
static inline uint32_t session_total(const struct session *session)
{
    return session_context(session) + session->reply_tokens;
}

/* Tokens of the turn whose place in the context is known by now. */
static inline uint32_t session_context_now(const struct session *session)
{
    return session_total(session) - session->left_tokens;
}

#endif
