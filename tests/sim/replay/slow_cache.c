/* tests/sim/replay/slow_cache.c - see slow_cache.h. */
#include "tests/sim/replay/slow_cache.h"

#include "tests/support.h"

#include <string.h>

const struct slow_constants slow_standard = { .in = 25,
                                              .out = 50,
                                              .small = 10,
                                              .s3_ghosts = 100,
                                              .promote = 2,
                                              .most = 3,
                                              .arc_step = 100,
                                              .vllm_step = 100,
                                              .vllm_ghosts = 100,
                                              .slru = 2 };

/* In whole entries; of any share but none one at least. */
static uint32_t part(uint32_t of, uint32_t percent)
{
    uint32_t whole = of * percent / 100;
    return percent > 0 && whole == 0 ? 1 : whole;
}

static int find(const struct slow_list *list, uint64_t key)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (list->at[i].key == key)
            return (int)i;
    return -1;
}

static struct slow_entry take(struct slow_list *list, int index)
{
    struct slow_entry entry = list->at[index];
    list->count--;
    for (uint32_t i = (uint32_t)index; i < list->count; i++)
        list->at[i] = list->at[i + 1];
    return entry;
}

static void push(struct slow_list *list, struct slow_entry entry)
{
    if (list->count >= SLOW_MOST)
        ck_abort_msg("the slow cache is too small");
    list->at[list->count++] = entry;
}

/* Keeps what leaves as a ghost, if there are any, and forgets the oldest of too many. */
static void push_ghost(struct slow_list *ghosts, struct slow_entry entry, uint32_t most)
{
    if (most > 0)
        push(ghosts, entry);
    if (ghosts->count > most)
        take(ghosts, 0);
}

bool slow_holds(const struct slow_cache *cache, uint64_t key)
{
    return find(&cache->a, key) >= 0 || find(&cache->b, key) >= 0;
}

static bool full(const struct slow_cache *cache)
{
    return cache->a.count + cache->b.count >= cache->capacity;
}

static struct slow_entry new_entry(struct slow_cache *cache, uint64_t key, uint64_t depth)
{
    return (struct slow_entry){ .key = key, .uses = 1, .touched = ++cache->clock, .depth = depth };
}

static void touch_queue(struct slow_cache *cache, uint64_t key, bool reorders, bool newest_goes)
{
    int at = find(&cache->a, key);
    if (at >= 0) {
        if (reorders)
            push(&cache->a, take(&cache->a, at));
        return;
    }
    if (full(cache))
        take(&cache->a, newest_goes ? (int)cache->a.count - 1 : 0);
    push(&cache->a, new_entry(cache, key, 0));
}

static double rank_of(const struct slow_cache *cache, const struct slow_entry *entry, bool gdsf)
{
    if (strcmp(cache->policy, "radix-slru") == 0)
        return entry->uses >= cache->constants.slru ? 1.0 : 0.0;
    double worth = cache->base_ns + cache->slope_ns * (((double)entry->depth + 0.5) * 16.0);
    return gdsf ? cache->floor + (double)entry->uses * worth : (double)entry->uses;
}

/* ghost_b: how often each key was ever seen; it forgets none, as the sketch does before very many.
 */
static double level_of(struct slow_cache *cache, uint64_t key)
{
    int at = find(&cache->ghost_b, key);
    if (at < 0) {
        push(&cache->ghost_b, (struct slow_entry){ .key = key });
        at = (int)cache->ghost_b.count - 1;
    }
    uint64_t count = ++cache->ghost_b.at[at].uses;
    return count < 3 ? 0.0 : count < 8 ? 1.0 : count < 15 ? 2.0 : 3.0;
}

static void touch_ranked(struct slow_cache *cache, uint64_t key, uint64_t depth, bool gdsf)
{
    int at = find(&cache->a, key);
    if (at < 0) {
        if (full(cache)) {
            int least = 0;
            for (int i = 1; i < (int)cache->a.count; i++) {
                const struct slow_entry *x = &cache->a.at[i], *y = &cache->a.at[least];
                if (x->rank < y->rank || (x->rank == y->rank && x->touched < y->touched))
                    least = i;
            }
            double rank = take(&cache->a, least).rank;
            cache->floor = rank > cache->floor ? rank : cache->floor;
        }
        push(&cache->a, new_entry(cache, key, depth));
        at = (int)cache->a.count - 1;
    } else {
        cache->a.at[at].uses++;
        cache->a.at[at].touched = ++cache->clock;
    }
    cache->a.at[at].rank = strcmp(cache->policy, "multi-lru") == 0
                               ? level_of(cache, key)
                               : rank_of(cache, &cache->a.at[at], gdsf);
}

/* uses: 1, or 2 once it is marked. */
static void touch_sieve(struct slow_cache *cache, uint64_t key)
{
    int at = find(&cache->a, key);
    if (at >= 0) {
        cache->a.at[at].uses = 2;
        return;
    }
    if (full(cache)) {
        int hand = find(&cache->a, cache->hand);
        hand = hand < 0 ? 0 : hand;
        while (cache->a.at[hand].uses == 2) {
            cache->a.at[hand].uses = 1;
            hand = (hand + 1) % (int)cache->a.count;
        }
        cache->hand = hand + 1 < (int)cache->a.count ? cache->a.at[hand + 1].key : 0;
        take(&cache->a, hand);
    }
    push(&cache->a, new_entry(cache, key, 0));
}

/* a: A1in, b: Am, ghost_a: A1out. */
static void touch_two_q(struct slow_cache *cache, uint64_t key)
{
    int in_am = find(&cache->b, key);
    uint32_t k_in = part(cache->capacity, cache->constants.in);
    uint32_t k_out = part(cache->capacity, cache->constants.out);
    if (in_am >= 0)
        push(&cache->b, take(&cache->b, in_am));
    if (in_am >= 0 || find(&cache->a, key) >= 0)
        return;
    if (full(cache)) {
        if (cache->a.count > k_in || cache->b.count == 0)
            push_ghost(&cache->ghost_a, take(&cache->a, 0), k_out);
        else
            take(&cache->b, 0);
    }
    int ghost = find(&cache->ghost_a, key);
    if (ghost >= 0)
        take(&cache->ghost_a, ghost);
    push(ghost >= 0 ? &cache->b : &cache->a, new_entry(cache, key, 0));
}

/* a: T1, b: T2, ghosts: B1 and B2. */
static void arc_replace(struct slow_cache *cache, bool in_b2)
{
    double t1 = cache->a.count;
    bool of_t1 = t1 >= 1 && ((in_b2 && t1 == cache->target) || t1 > cache->target);
    if (of_t1 || cache->b.count == 0)
        push(&cache->ghost_a, take(&cache->a, 0));
    else
        push(&cache->ghost_b, take(&cache->b, 0));
}

static void arc_ghost_hit(struct slow_cache *cache, struct slow_list *ghosts, int at)
{
    double b1 = cache->ghost_a.count, b2 = cache->ghost_b.count, c = cache->capacity;
    bool in_b2 = ghosts == &cache->ghost_b;
    double step = cache->constants.arc_step / 100.0;
    if (!in_b2)
        cache->target += step * (b1 >= b2 ? 1.0 : b2 / b1);
    else
        cache->target -= step * (b2 >= b1 ? 1.0 : b1 / b2);
    cache->target = cache->target < 0.0 ? 0.0 : cache->target > c ? c : cache->target;
    struct slow_entry entry = take(ghosts, at);
    arc_replace(cache, in_b2);
    push(&cache->b, entry);
}

static void arc_miss(struct slow_cache *cache, uint64_t key)
{
    uint32_t c = cache->capacity, l1 = cache->a.count + cache->ghost_a.count;
    uint32_t all = l1 + cache->b.count + cache->ghost_b.count;
    if (l1 == c && cache->a.count < c) {
        take(&cache->ghost_a, 0);
        arc_replace(cache, false);
    } else if (l1 == c) {
        take(&cache->a, 0);
    } else if (all >= c) {
        if (all == 2 * c)
            take(&cache->ghost_b, 0);
        arc_replace(cache, false);
    }
    push(&cache->a, new_entry(cache, key, 0));
}

static void begin_target(struct slow_cache *cache, uint32_t percent)
{
    if (!cache->began)
        cache->target = percent / 100.0 * cache->capacity;
    cache->began = true;
}

static void touch_arc(struct slow_cache *cache, uint64_t key)
{
    begin_target(cache, cache->constants.arc_first);
    int t1 = find(&cache->a, key), t2 = find(&cache->b, key);
    int b1 = find(&cache->ghost_a, key), b2 = find(&cache->ghost_b, key);
    if (t1 >= 0)
        push(&cache->b, take(&cache->a, t1));
    else if (t2 >= 0)
        push(&cache->b, take(&cache->b, t2));
    else if (b1 >= 0)
        arc_ghost_hit(cache, &cache->ghost_a, b1);
    else if (b2 >= 0)
        arc_ghost_hit(cache, &cache->ghost_b, b2);
    else
        arc_miss(cache, key);
}

/* vLLM's: lists as in ARC, but see policy_vllm_arc.c. */
static void vllm_arc_ghost(struct slow_cache *cache, struct slow_list *ghosts,
                           const struct slow_list *others, int at, double sign)
{
    double ratio = (double)others->count / (double)ghosts->count, most = cache->capacity;
    double step = cache->constants.vllm_step / 100.0 * (ratio > 1.0 ? ratio : 1.0);
    cache->target += sign * step;
    cache->target = cache->target < 0.0 ? 0.0 : cache->target > most ? most : cache->target;
    push(ghosts, take(ghosts, at));
}

static bool vllm_arc_evict(struct slow_cache *cache)
{
    bool of_t1 = cache->a.count > 0 && cache->a.count >= (uint32_t)cache->target;
    if (strcmp(cache->policy, "vllm-arc-0.31") == 0 && cache->b.count == 0)
        of_t1 = true;
    struct slow_list *list = of_t1 ? &cache->a : &cache->b;
    struct slow_list *ghosts = of_t1 ? &cache->ghost_a : &cache->ghost_b;
    if (list->count == 0)
        return false;
    push_ghost(ghosts, take(list, 0), part(cache->capacity, cache->constants.vllm_ghosts));
    return true;
}

static void touch_vllm_arc(struct slow_cache *cache, uint64_t key)
{
    begin_target(cache, cache->constants.vllm_first);
    int t1 = find(&cache->a, key), t2 = find(&cache->b, key);
    int b1 = find(&cache->ghost_a, key), b2 = find(&cache->ghost_b, key);
    if (t1 >= 0 || t2 >= 0) {
        push(&cache->b, t1 >= 0 ? take(&cache->a, t1) : take(&cache->b, t2));
        return;
    }
    if (b1 >= 0)
        vllm_arc_ghost(cache, &cache->ghost_a, &cache->ghost_b, b1, 1.0);
    else if (b2 >= 0)
        vllm_arc_ghost(cache, &cache->ghost_b, &cache->ghost_a, b2, -1.0);
    if (full(cache) && !vllm_arc_evict(cache))
        return;
    push(&cache->a, new_entry(cache, key, 0));
    if ((b1 = find(&cache->ghost_a, key)) >= 0)
        take(&cache->ghost_a, b1);
    if ((b2 = find(&cache->ghost_b, key)) >= 0)
        take(&cache->ghost_b, b2);
}

/* a: S, b: M, ghost_a: G. uses: 0 to constants.most. */
static void s3_evict_main(struct slow_cache *cache)
{
    while (cache->b.at[0].uses > 0) {
        struct slow_entry entry = take(&cache->b, 0);
        entry.uses--;
        push(&cache->b, entry);
    }
    take(&cache->b, 0);
}

static void s3_evict(struct slow_cache *cache)
{
    uint32_t small = part(cache->capacity, cache->constants.small);
    uint32_t main = cache->capacity - small;
    if (cache->a.count < small && cache->b.count > 0) {
        s3_evict_main(cache);
        return;
    }
    while (cache->a.count > 0) {
        struct slow_entry entry = take(&cache->a, 0);
        if (entry.uses < cache->constants.promote) {
            push_ghost(&cache->ghost_a, entry, part(main, cache->constants.s3_ghosts));
            return;
        }
        entry.uses = 0;
        push(&cache->b, entry);
        if (cache->b.count > main)
            break;
    }
    s3_evict_main(cache);
}

static void touch_s3_fifo(struct slow_cache *cache, uint64_t key)
{
    int small = find(&cache->a, key), main = find(&cache->b, key);
    if (small >= 0 || main >= 0) {
        uint64_t *uses = small >= 0 ? &cache->a.at[small].uses : &cache->b.at[main].uses;
        *uses += *uses < cache->constants.most;
        return;
    }
    if (full(cache))
        s3_evict(cache);
    struct slow_entry entry = new_entry(cache, key, 0);
    entry.uses = 0;
    int ghost = find(&cache->ghost_a, key);
    if (ghost >= 0)
        take(&cache->ghost_a, ghost);
    push(ghost >= 0 ? &cache->b : &cache->a, entry);
}

/* ---- reuse-rate. a: what is there, ghost_a: what left; in both, of each kind the first to go
 * first. touched: the epoch of the last use. Epochs are single references: caches have fewer than
 * 128 blocks. ---- */

static const uint64_t step_from[SLOW_STEPS + 1] = { 0,   1,   2,   3,   4,    6,   8,   12,
                                                    16,  24,  32,  48,  64,   96,  128, 192,
                                                    256, 384, 512, 768, 1024, 1536 };

static int kind_of(const struct slow_entry *entry)
{
    return (int)((entry->last ? 0 : 8) + entry->uses - 1);
}

static int step_of(const struct slow_cache *cache, const struct slow_entry *entry)
{
    int step = 0;
    while (step + 1 < SLOW_STEPS && cache->epoch - entry->touched >= step_from[step + 1])
        step++;
    return step;
}

/* The highest rate at this step and all behind it; then of all kinds of which as much is asked. */
static double plain_rate(const struct slow_cache *cache, int kind, int step)
{
    double best = 0.0;
    for (; step < SLOW_STEPS; step++) {
        double chance = (cache->reused[kind][step] + 0.5) / (cache->seen[kind][step] + 8.0);
        chance = chance > 1.0 ? 1.0 : chance;
        double width = (double)(step_from[step + 1] - step_from[step]);
        double rate = chance / (width * (1.0 - chance / 2.0));
        best = rate > best ? rate : best;
    }
    return best;
}

static void rate_kinds(struct slow_cache *cache)
{
    for (int step = 0; step < SLOW_STEPS; step++) {
        for (int uses = 0; uses < 8; uses++) {
            double inner = 0.0, end = plain_rate(cache, uses, step);
            for (int fewer = 0; fewer <= uses; fewer++) {
                double rate = plain_rate(cache, 8 + fewer, step);
                inner = rate > inner ? rate : inner;
            }
            cache->rate[8 + uses][step] = inner;
            cache->rate[uses][step] = end < inner ? end : inner;
        }
    }
}

static void count_seen(struct slow_cache *cache, const struct slow_list *list)
{
    for (uint32_t i = 0; i < list->count; i++)
        for (int step = 1; step < SLOW_STEPS; step++)
            if (cache->epoch - list->at[i].touched == step_from[step])
                cache->seen[kind_of(&list->at[i])][step] += 1.0;
}

static void next_epoch(struct slow_cache *cache)
{
    if (cache->epoch == 0 && cache->a.count == 0)
        rate_kinds(cache);
    cache->epoch++;
    count_seen(cache, &cache->a);
    count_seen(cache, &cache->ghost_a);
    if (cache->epoch % 1024 == 0)
        for (int kind = 0; kind < SLOW_KINDS; kind++)
            for (int step = 0; step < SLOW_STEPS; step++) {
                cache->seen[kind][step] /= 2.0;
                cache->reused[kind][step] /= 2.0;
            }
    if (cache->epoch % 4 == 0)
        rate_kinds(cache);
}

static void reuse_rate_evict(struct slow_cache *cache)
{
    int least = -1;
    double least_rate = 0.0;
    for (int kind = 0; kind < SLOW_KINDS; kind++)
        for (int i = 0; i < (int)cache->a.count; i++) {
            const struct slow_entry *entry = &cache->a.at[i];
            if (kind_of(entry) != kind)
                continue;
            double rate = cache->rate[kind][step_of(cache, entry)];
            if (least < 0 || rate < least_rate) {
                least = i;
                least_rate = rate;
            }
            break; /* the first of its kind */
        }
    struct slow_entry gone = take(&cache->a, least);
    for (int i = 0; i < 2; i++)
        cache->latest[i] = cache->latest[i] == gone.key ? 0 : cache->latest[i];
    push(&cache->ghost_a, gone);
    if (cache->ghost_a.count > 4 * cache->capacity)
        take(&cache->ghost_a, 0);
}

static const struct slow_entry *known(const struct slow_cache *cache, uint64_t key)
{
    int here = find(&cache->a, key), ghost = find(&cache->ghost_a, key);
    return here >= 0 ? &cache->a.at[here] : ghost >= 0 ? &cache->ghost_a.at[ghost] : NULL;
}

/* What was touched before this block. */
static uint64_t before_it(const struct slow_cache *cache, uint64_t key)
{
    return cache->latest[0] == key ? cache->latest[1] : cache->latest[0];
}

/* In front of the block touched before it, if that is the one before it in the chain, and of its
 * kind. */
static void push_touched(struct slow_cache *cache, struct slow_entry entry)
{
    int at = find(&cache->a, before_it(cache, entry.key));
    push(&cache->a, entry);
    if (at < 0 || cache->a.at[at].depth + 1 != entry.depth ||
        kind_of(&cache->a.at[at]) != kind_of(&entry))
        return;
    for (int i = (int)cache->a.count - 1; i > at; i--)
        cache->a.at[i] = cache->a.at[i - 1];
    cache->a.at[at] = entry;
}

/* A chain is as old as the first block of it that was touched. */
static void make_new(struct slow_cache *cache, struct slow_entry *entry, uint64_t depth)
{
    const struct slow_entry *before = known(cache, before_it(cache, entry->key));
    entry->depth = depth;
    entry->last = cache->last;
    entry->touched = cache->epoch;
    if (before != NULL && (before->depth + 1 == depth || before->depth == depth + 1))
        entry->touched = before->touched;
    for (int step = 0; step <= step_of(cache, entry); step++)
        cache->seen[kind_of(entry)][step] += 1.0;
}

static void touch_reuse_rate(struct slow_cache *cache, uint64_t key, uint64_t depth)
{
    int here = find(&cache->a, key);
    int ghost = find(&cache->ghost_a, key);
    struct slow_entry entry = new_entry(cache, key, depth);
    if (here < 0 && ghost < 0 && full(cache))
        reuse_rate_evict(cache);
    next_epoch(cache);
    if (here >= 0 || ghost >= 0) {
        entry = here >= 0 ? take(&cache->a, here) : take(&cache->ghost_a, ghost);
        cache->reused[kind_of(&entry)][step_of(cache, &entry)] += 1.0;
        entry.uses += entry.uses < 8;
    }
    make_new(cache, &entry, depth);
    if (ghost >= 0 && full(cache)) { /* it is a ghost until there is room */
        push(&cache->ghost_a, entry);
        reuse_rate_evict(cache);
        take(&cache->ghost_a, find(&cache->ghost_a, key));
    }
    push_touched(cache, entry);
    if (cache->latest[0] != key)
        cache->latest[1] = cache->latest[0];
    cache->latest[0] = key;
}

/* What is LRU without jobs, priorities, time or tiers above. */
static bool is_lru(const char *policy)
{
    static const char *const names[] = { "lru",           "scheduler-aware", "priority-lru",
                                         "lease-lru",     "served-lru",      "radix-lru",
                                         "radix-priority" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(policy, names[i]) == 0)
            return true;
    return false;
}

void slow_touch(struct slow_cache *cache, uint64_t key, uint64_t depth)
{
    const char *policy = cache->policy;
    if (strncmp(policy, "head-", 5) ==
        0) /* differs in what comes in together, which a replay has not */
        policy += 5;
    if (strcmp(policy, "lfu") == 0 || strcmp(policy, "gdsf") == 0 ||
        strcmp(policy, "radix-lfu") == 0 || strcmp(policy, "radix-slru") == 0 ||
        strcmp(policy, "multi-lru") == 0)
        touch_ranked(cache, key, depth, policy[0] == 'g');
    else if (strncmp(policy, "vllm-arc", 8) == 0)
        touch_vllm_arc(cache, key);
    else if (strcmp(policy, "reuse-rate") == 0)
        touch_reuse_rate(cache, key, depth);
    else if (strcmp(policy, "sieve") == 0)
        touch_sieve(cache, key);
    else if (strcmp(policy, "2q") == 0)
        touch_two_q(cache, key);
    else if (strcmp(policy, "arc") == 0)
        touch_arc(cache, key);
    else if (strcmp(policy, "s3-fifo") == 0)
        touch_s3_fifo(cache, key);
    else if (strcmp(policy, "fifo") == 0 || strcmp(policy, "mru") == 0)
        touch_queue(cache, key, policy[0] == 'm', policy[0] == 'm');
    else if (is_lru(policy))
        touch_queue(cache, key, true, false);
    else
        ck_abort_msg("%s: no slow cache does as it does", policy);
}
