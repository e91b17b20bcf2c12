/* base/team.c - see team.h. A round begins as its number goes up. Who first writes that number
 * beside an item does it, and the round has ended when as many were done as there are: members that
 * come late find all items taken, and wait for the next number. */
#include "base/team.h"

#include "base/clock.h"
#include "base/memory.h"

#include <pthread.h>
#include <sched.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

enum { CACHE_LINE = 64, SPINS = 4000 };
/* Where other programs want the cores too, members are kept from running in the midst of an item,
 * for milliseconds: as others wait for more than STALL_NS and so many times what they worked, the
 * caller works alone for a while, and for twice as long if that happens again at once. */
enum { STALL_NS = 300000, STALL_TIMES = 2, ALONE_LEAST = 512, ALONE_MOST = 16384, SOON = 256 };

struct member {
    struct team *team;
    uint32_t index;
    pthread_t thread;
};

struct item {
    alignas(CACHE_LINE) atomic_uint_fast64_t begun; /* the last round in which somebody took it */
};

struct team {
    alignas(CACHE_LINE) atomic_uint_fast64_t round;
    atomic_bool ends;
    alignas(CACHE_LINE) atomic_uint_fast64_t done; /* items, of all rounds */
    alignas(CACHE_LINE) uint32_t members;
    uint32_t items;
    void (*work)(void *context, uint32_t item);
    void *context;
    struct item *item;
    struct member *member; /* [0], the caller, has no thread */
    /* The caller's own: rounds still to be done alone, how many the last time, and since then. */
    uint32_t alone, alone_before, together;
};

static void pause_a_little(uint32_t *waited)
{
    if (++*waited > SPINS) {
        sched_yield();
        return;
    }
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

static void take(struct team *team, uint64_t round, uint32_t i)
{
    uint_fast64_t before = round - 1;
    if (!atomic_compare_exchange_strong_explicit(&team->item[i].begun, &before, round,
                                                 memory_order_acquire, memory_order_relaxed))
        return;
    team->work(team->context, i);
    atomic_fetch_add_explicit(&team->done, 1, memory_order_release);
}

/* One's own items, and then those of the members behind one, from their last ones on. */
static void work_off(struct team *team, uint64_t round, uint32_t member, uint32_t members)
{
    for (uint32_t i = member; i < team->items; i += members)
        take(team, round, i);
    for (uint32_t other = 1; other < members; other++) {
        uint32_t first = (member + other) % members;
        for (uint32_t i = first; i < team->items; i += members)
            take(team, round, first + (team->items - 1 - first) / members * members - (i - first));
    }
}

static void *member_main(void *context)
{
    const struct member *self = context;
    struct team *team = self->team;
    for (uint64_t seen = 0, round;; seen = round) {
        uint32_t waited = 0;
        while ((round = atomic_load_explicit(&team->round, memory_order_acquire)) == seen)
            pause_a_little(&waited);
        if (atomic_load_explicit(&team->ends, memory_order_relaxed))
            return NULL;
        work_off(team, round, self->index, team->members);
    }
}

static void *lines_new(size_t bytes)
{
    size_t lines = (bytes + CACHE_LINE - 1) / CACHE_LINE;
    void *block = aligned_alloc(CACHE_LINE, lines * CACHE_LINE);
    if (block == NULL)
        memory_exhausted();
    return block;
}

struct team *team_start(uint32_t members, uint32_t items,
                        void (*work)(void *context, uint32_t item), void *context)
{
    struct team *team = lines_new(sizeof *team);
    *team = (struct team){ .items = items, .work = work, .context = context };
    team->item = lines_new(items * sizeof *team->item);
    for (uint32_t i = 0; i < items; i++)
        atomic_init(&team->item[i].begun, 0);
    team->member = memory_new(members, sizeof *team->member);
    uint32_t started = 1;
    for (; started < members; started++) {
        struct member *member = &team->member[started];
        *member = (struct member){ .team = team, .index = started };
        if (pthread_create(&member->thread, NULL, member_main, member) != 0)
            break;
    }
    team->members = started; /* which the first round tells the others */
    return team;
}

uint32_t team_members(const struct team *team)
{
    return team->members;
}

/* Whether the wait for others was out of all proportion to one's own work. */
static void judge(struct team *team, uint64_t begin_ns, uint64_t own_ns, uint64_t end_ns)
{
    team->together++;
    if (end_ns - own_ns < STALL_NS + STALL_TIMES * (own_ns - begin_ns))
        return;
    uint32_t alone = team->together < SOON ? 2 * team->alone_before : ALONE_LEAST;
    alone = alone < ALONE_LEAST ? ALONE_LEAST : alone > ALONE_MOST ? ALONE_MOST : alone;
    team->alone = team->alone_before = alone;
    team->together = 0;
}

static void work_alone(struct team *team)
{
    for (uint32_t i = 0; i < team->items; i++)
        team->work(team->context, i);
}

void team_round(struct team *team)
{
    if (team->members == 1 || team->alone > 0) {
        team->alone -= team->alone > 0;
        work_alone(team);
        return;
    }
    uint64_t round = atomic_load_explicit(&team->round, memory_order_relaxed) + 1;
    uint64_t begin_ns = clock_now_ns();
    uint32_t waited = 0;
    atomic_store_explicit(&team->round, round, memory_order_release);
    work_off(team, round, 0, team->members);
    uint64_t own_ns = clock_now_ns();
    while (atomic_load_explicit(&team->done, memory_order_acquire) < round * team->items)
        pause_a_little(&waited);
    judge(team, begin_ns, own_ns, clock_now_ns());
}

void team_end(struct team *team)
{
    if (team == NULL)
        return;
    atomic_store_explicit(&team->ends, true, memory_order_relaxed);
    atomic_fetch_add_explicit(&team->round, 1, memory_order_release);
    for (uint32_t i = 1; i < team->members; i++)
        pthread_join(team->member[i].thread, NULL);
    free(team->member);
    free(team->item);
    free(team);
}
