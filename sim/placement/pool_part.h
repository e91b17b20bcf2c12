/* sim/placement/pool_part.h - a pool in parts, for users in several threads of whom each has keys that
 * nobody else asks for. A part has the entries of its users. What they tell it happens there at once and is
 * noted; the notes of all parts are repeated to the whole in the order of time, and only there room is
 * made and things expire: what went the parts are told. So a part answers as the whole would, but for what
 * goes in the meantime: whose that may be, the whole foresees, and who does not wait for it asks too early
 * (sim/fleet_order.c). */
#ifndef REPRISE_SIM_PLACEMENT_POOL_PART_H
#define REPRISE_SIM_PLACEMENT_POOL_PART_H

#include "sim/placement/pool.h"

/* What was given up, whose first writer was that user. */
struct pool_gone {
    uint64_t key;
    uint32_t user;
};

/* Of `parts` the one whose users are number, number + parts, ... From now on the whole says what it gives up,
 * until pool_part_free(). */
struct pool *pool_part_new(struct pool *whole, uint32_t number, uint32_t parts);
void pool_part_free(struct pool *part, struct pool *whole);

/* What its users told the part since the last pool_part_forget_notes(): so many notes. */
uint32_t pool_part_notes(const struct pool *part);
void pool_part_forget_notes(struct pool *part);
/* Asks the processor to fetch what repeating all of them will look at. */
void pool_repeat_soon(const struct pool *whole, const struct pool *part);
/* The part's next notes, up to the to-th, happen to the whole. false: one has another answer there. *written: so
 * many tokens more are booked for them. */
bool pool_repeat(struct pool *whole, const struct pool *part, uint32_t from, uint32_t to,
                 uint64_t *written);
/* What the whole has given up, one by one; its part shall know that it went then. false: the part was asked for it
 * since. */
bool pool_take_gone(struct pool *whole, struct pool_gone *gone);
bool pool_part_lose(struct pool *part, uint64_t key, uint64_t now_ns);

/* The users tell the whole itself from here, instead of the part... */
void pool_part_stand_back(struct pool *whole);
/* ... to here: it knows now what they told. */
void pool_part_catch_up(struct pool *part, struct pool *whole, uint64_t *written);

/* Visits whose something may be that goes while so many tokens are written, or that expires by until_ns;
 * some more than once. false: there may be no room for so many, whatever goes. */
bool pool_foresee(const struct pool *whole, uint64_t tokens, uint64_t until_ns,
                  void (*visit)(void *context, uint32_t user), void *context);
/* When the first of what the whole has expires; UINT64_MAX: nothing does. */
uint64_t pool_expires_ns(const struct pool *whole);
/* Until then nothing does: nobody need note that it might. */
void pool_part_expires(struct pool *part, uint64_t expires_ns);
/* The time at which its users ask it and tell it from now on. */
void pool_part_now(struct pool *part, uint64_t now_ns);
uint64_t pool_ttl_ns(const struct pool *pool);

#endif
