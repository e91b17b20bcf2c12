/* sim/links.c - max-min fair sharing by classes of flows. */
#include "sim/links.h"

#include "base/memory.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CLASSES = 1 << LINK_COUNT };
static_assert(CLASSES <= 64, "links.active has a bit for each class");

/* What can be full: each link, and then each pair together. A pair is no link of its own: a flow's
 * mask needs no bit for it, and classes stay as few as they are. */
enum { ROOMS = LINK_COUNT + PAIR_COUNT };

static const uint32_t pair_links[PAIR_COUNT] = {
    [PAIR_SSD] = LINK_BIT(LINK_SSD_READ) | LINK_BIT(LINK_SSD_WRITE),
    [PAIR_PCIE] = LINK_BIT(LINK_H2D) | LINK_BIT(LINK_D2H),
};

/* A bit for each room that flows over these links take. */
static uint32_t rooms_over(uint32_t mask)
{
    uint32_t rooms = mask;
    for (uint32_t pair = 0; pair < PAIR_COUNT; pair++)
        rooms |= (uint32_t)((mask & pair_links[pair]) != 0) << (LINK_COUNT + pair);
    return rooms;
}

/* The lowest of *left, taken out; for (rest = ...; rest != 0;). */
static uint32_t next_bit(uint32_t *left)
{
    uint32_t bit = (uint32_t)__builtin_ctz(*left);
    *left &= *left - 1;
    return bit;
}

/* The lowest class of *left, taken out; for (rest = ...; (mask = next_class(&rest)) > 0;).
 * Class 0, over no link, never has a flow. */
static uint32_t next_class(uint64_t *left)
{
    if (*left == 0)
        return 0;
    uint32_t mask = (uint32_t)__builtin_ctzll(*left);
    *left &= *left - 1;
    return mask;
}

void links_init(struct links *links, const double bytes_per_s[LINK_COUNT],
                const uint64_t latency_ns[LINK_COUNT])
{
    memset(links, 0, sizeof *links);
    links->flow_high_water = 1;
    for (int link = 0; link < LINK_COUNT; link++) {
        links->bytes_per_ns[link] = bytes_per_s[link] / 1e9;
        links->latency_ns[link] = latency_ns[link];
    }
    for (int pair = 0; pair < PAIR_COUNT; pair++)
        links->both_bytes_per_ns[pair] = INFINITY;
}

void links_share(struct links *links, enum link_pair pair, double both_bytes_per_s)
{
    assert(links->started == 0);
    links->both_bytes_per_ns[pair] = both_bytes_per_s > 0.0 ? both_bytes_per_s / 1e9 : INFINITY;
}

void links_free(struct links *links)
{
    for (int i = 0; i < CLASSES; i++)
        heap_free(&links->of[i].by_end);
    heap_free(&links->by_begin);
    free(links->flow);
}

/* ---- sharing ---- */

/* Of those rooms the one whose unfrozen flows would get least; -1: none is left. */
static int bottleneck(uint32_t rooms, const double left[ROOMS], const uint32_t flows[ROOMS],
                      double *share)
{
    int tightest = -1;
    while (rooms != 0) {
        uint32_t room = next_bit(&rooms);
        if (flows[room] == 0)
            continue;
        double each = left[room] / flows[room];
        if (tightest < 0 || each < *share) {
            tightest = (int)room;
            *share = each;
        }
    }
    return tightest;
}

/* A pair's bound is of both directions at once: a disk that reads 1.6 GB/s or writes 3.3 may
 * move 2.2 in all when it does both. */
static bool both_move(const uint32_t flows[ROOMS], int pair)
{
    for (uint32_t link = 0; link < LINK_COUNT; link++)
        if ((pair_links[pair] & LINK_BIT(link)) != 0 && flows[link] == 0)
            return false;
    return true;
}

/* Most of the time one class moves: its flows share the slowest of its links. false: it is not
 * alone, or crosses both links of a pair. */
static bool set_rate_alone(struct links *links)
{
    uint64_t rest = links->active, mask = next_class(&rest);
    if (mask == 0 || rest != 0)
        return false;
    for (int pair = 0; pair < PAIR_COUNT; pair++)
        if ((mask & pair_links[pair]) == pair_links[pair])
            return false;
    struct flow_class *class = &links->of[mask];
    double slowest = INFINITY;
    for (uint32_t over = (uint32_t)mask; over != 0;) {
        double all = links->bytes_per_ns[next_bit(&over)];
        slowest = all < slowest ? all : slowest;
    }
    uint32_t flows = class->by_end.count;
    class->rate_bytes_per_ns = flows == 1 ? slowest : slowest / flows;
    return true;
}

/* The class is frozen at that share, which the others over its rooms have no more. */
static void freeze(struct links *links, uint32_t mask, double share, double left[ROOMS],
                   uint32_t flows[ROOMS])
{
    uint32_t count = links->of[mask].by_end.count;
    links->of[mask].rate_bytes_per_ns = share;
    for (uint32_t over = rooms_over(mask); over != 0;) {
        uint32_t room = next_bit(&over);
        left[room] -= share * count;
        left[room] = left[room] > 0.0 ? left[room] : 0.0;
        flows[room] -= count;
    }
}

/* The state's place among those that are kept, and how many flows each class has; NULL: of more
 * classes or flows than can be. */
static struct links_rates *kept_at(struct links *links, uint64_t *flows)
{
    uint32_t at = 0;
    *flows = 0;
    for (uint64_t rest = links->active, mask; (mask = next_class(&rest)) > 0; at++) {
        uint32_t count = links->of[mask].by_end.count;
        if (at == LINKS_KEPT_CLASSES || count > UINT16_MAX)
            return NULL;
        *flows |= (uint64_t)count << (16 * at);
    }
    uint64_t hash = (links->active * UINT64_C(31) + *flows) * UINT64_C(0x9E3779B97F4A7C15);
    return &links->kept[hash >> 32 & (LINKS_KEPT - 1)];
}

/* Progressive filling: all rates grow together; a room that is full freezes the classes over it. */
static void fill_rates(struct links *links)
{
    double left[ROOMS];
    uint32_t flows[ROOMS] = { 0 }, rooms = 0;
    uint64_t unfrozen = links->active;
    memcpy(left, links->bytes_per_ns, sizeof links->bytes_per_ns);
    memcpy(left + LINK_COUNT, links->both_bytes_per_ns, sizeof links->both_bytes_per_ns);
    for (uint64_t rest = links->active, mask; (mask = next_class(&rest)) > 0;) {
        rooms |= rooms_over((uint32_t)mask);
        for (uint32_t over = rooms_over((uint32_t)mask); over != 0;)
            flows[next_bit(&over)] += links->of[mask].by_end.count;
    }
    for (int pair = 0; pair < PAIR_COUNT; pair++)
        if (!both_move(flows, pair))
            left[LINK_COUNT + pair] = INFINITY;
    double share = 0.0;
    for (int tight; (tight = bottleneck(rooms, left, flows, &share)) >= 0;) {
        for (uint64_t rest = unfrozen, mask; (mask = next_class(&rest)) > 0;) {
            if ((rooms_over((uint32_t)mask) >> tight & 1U) == 0)
                continue;
            unfrozen &= ~(UINT64_C(1) << mask);
            freeze(links, (uint32_t)mask, share, left, flows);
        }
    }
}

static void set_rates(struct links *links)
{
    uint64_t flows;
    uint32_t at = 0;
    if (links->active == 0 || set_rate_alone(links))
        return;
    struct links_rates *kept = kept_at(links, &flows);
    if (kept != NULL && kept->active == links->active && kept->flows == flows) {
        for (uint64_t rest = links->active, mask; (mask = next_class(&rest)) > 0; at++)
            links->of[mask].rate_bytes_per_ns = kept->rate[at];
        return;
    }
    fill_rates(links);
    if (kept == NULL)
        return;
    *kept = (struct links_rates){ .active = links->active, .flows = flows };
    for (uint64_t rest = links->active, mask; (mask = next_class(&rest)) > 0; at++)
        kept->rate[at] = links->of[mask].rate_bytes_per_ns;
}

static double work_at(const struct links *links, const struct flow_class *class, uint64_t now_ns)
{
    return class->work_bytes + class->rate_bytes_per_ns * (double)(now_ns - links->now_ns);
}

/* Another flow may be the class's first. */
static void note_first(const struct links *links, struct flow_class *class)
{
    if (class->by_end.count > 0)
        class->end_work = links->flow[class->by_end.item[0].handle].end_work;
}

/* Of a class that is never empty, the work served grows without end, and what a double can tell of
 * it gets coarser: bytes, after months. From here on it begins at 0 again, with the ends of its
 * flows. */
#define WORK_MOST_BYTES 0x1p45

static void begin_work_anew(struct links *links, struct flow_class *class)
{
    for (uint32_t i = 0; i < class->by_end.count; i++) {
        struct heap_item *item = &class->by_end.item[i];
        struct flow *flow = &links->flow[item->handle];
        flow->end_work -= class->work_bytes; /* exact, or far away: the order stays */
        item->first = heap_key_of(flow->end_work);
    }
    class->work_bytes = 0.0;
    note_first(links, class);
}

static void advance(struct links *links, uint64_t now_ns)
{
    assert(now_ns >= links->now_ns);
    for (uint64_t rest = links->active, mask; (mask = next_class(&rest)) > 0;) {
        struct flow_class *class = &links->of[mask];
        class->work_bytes = work_at(links, class, now_ns);
        if (class->work_bytes > WORK_MOST_BYTES)
            begin_work_anew(links, class);
    }
    links->now_ns = now_ns;
}

/* ---- flows ---- */

uint32_t links_start(struct links *links, uint64_t now_ns, uint32_t mask, uint64_t size_bytes,
                     uint32_t user)
{
    assert(mask > 0 && mask < CLASSES && now_ns >= links->now_ns);
    uint32_t handle = links->free_flow;
    if (handle != 0) {
        links->free_flow = links->flow[handle].next_free;
    } else {
        handle = links->flow_high_water++;
        memory_grow(&links->flow, &links->flow_capacity, (uint64_t)handle + 1, sizeof *links->flow);
    }
    uint64_t latency_ns = 0;
    for (uint32_t over = mask; over != 0;) {
        uint64_t own_ns = links->latency_ns[next_bit(&over)];
        latency_ns = own_ns > latency_ns ? own_ns : latency_ns;
    }
    links->flow[handle] = (struct flow){ .size_bytes = size_bytes,
                                         .begin_ns = now_ns + latency_ns,
                                         .sequence = links->started++,
                                         .links = mask,
                                         .user = user };
    const struct flow *flow = &links->flow[handle];
    heap_push(&links->by_begin, (struct heap_item){ flow->begin_ns, flow->sequence, handle });
    links->next_ns = 0;
    return handle;
}

/* Of the class's flow that ends first. Less than half a nanosecond's worth is rounding: the flow is
 * done. */
static double rest_ns(const struct flow_class *class)
{
    return (class->end_work - class->work_bytes) / class->rate_bytes_per_ns - 0.5;
}

/* What is far from done is told without a division. */
static bool has_ended(const struct flow_class *class)
{
    double rest_bytes = class->end_work - class->work_bytes, rate = class->rate_bytes_per_ns;
    return rest_bytes <= 0.0 || (rate > 0.0 && rest_bytes <= rate && rest_ns(class) <= 0.0);
}

/* As ceil(), which is a call. */
static uint64_t whole_ns(double ns)
{
    uint64_t whole = (uint64_t)ns;
    return whole + ((double)whole < ns);
}

static uint64_t next_change_ns(const struct links *links)
{
    uint64_t next_ns = UINT64_MAX;
    if (links->by_begin.count > 0)
        next_ns = links->by_begin.item[0].first;
    for (uint64_t classes = links->active, mask; (mask = next_class(&classes)) > 0;) {
        const struct flow_class *class = &links->of[mask];
        if (class->rate_bytes_per_ns <= 0.0)
            continue;
        double rest = rest_ns(class);
        uint64_t end_ns = links->now_ns + (rest > 0.0 ? whole_ns(rest) : 0);
        next_ns = end_ns < next_ns ? end_ns : next_ns;
    }
    return next_ns;
}

uint64_t links_next_ns(struct links *links)
{
    if (links->next_ns == 0)
        links->next_ns = next_change_ns(links);
    return links->next_ns;
}

/* Flows whose latency is over join their classes. */
static void begin_flows(struct links *links)
{
    bool begun = false;
    while (links->by_begin.count > 0 && links->by_begin.item[0].first <= links->now_ns) {
        uint32_t handle = heap_pop(&links->by_begin).handle;
        struct flow *flow = &links->flow[handle];
        struct flow_class *class = &links->of[flow->links];
        flow->moving = true;
        /* A class that was empty starts from 0 again: its sums stay exact to small fractions. */
        if (class->by_end.count == 0)
            class->work_bytes = 0.0;
        links->active |= UINT64_C(1) << flow->links;
        flow->end_work = class->work_bytes + (double)flow->size_bytes;
        heap_push(&class->by_end,
                  (struct heap_item){ heap_key_of(flow->end_work), flow->sequence, handle });
        note_first(links, class);
        begun = true;
    }
    if (begun)
        set_rates(links);
}

static void end_flow(struct links *links, struct flow_class *class)
{
    uint32_t handle = heap_pop(&class->by_end).handle;
    struct flow *flow = &links->flow[handle];
    for (uint32_t over = flow->links; over != 0;)
        links->ended_bytes[next_bit(&over)] += flow->size_bytes;
    flow->moving = false;
    note_first(links, class);
    if (class->by_end.count == 0)
        links->active &= ~(UINT64_C(1) << flow->links);
    flow->next_free = links->free_flow;
    links->free_flow = handle;
    set_rates(links);
}

bool links_step(struct links *links, uint64_t now_ns, uint32_t *user)
{
    links->next_ns = 0;
    if (now_ns > links->now_ns)
        advance(links, now_ns);
    begin_flows(links);
    for (uint64_t classes = links->active, mask; (mask = next_class(&classes)) > 0;) {
        struct flow_class *class = &links->of[mask];
        if (!has_ended(class))
            continue;
        *user = links->flow[class->by_end.item[0].handle].user;
        end_flow(links, class);
        return true;
    }
    return false;
}

double links_done_bytes(const struct links *links, uint64_t now_ns, uint32_t handle)
{
    const struct flow *flow = &links->flow[handle];
    if (!flow->moving)
        return 0.0;
    double size_bytes = (double)flow->size_bytes;
    double left_bytes = flow->end_work - work_at(links, &links->of[flow->links], now_ns);
    if (left_bytes <= 0.0)
        return size_bytes;
    return left_bytes < size_bytes ? size_bytes - left_bytes : 0.0;
}

double links_moved_bytes(const struct links *links, uint64_t now_ns, enum link link)
{
    double bytes = (double)links->ended_bytes[link];
    for (uint64_t classes = links->active, mask; (mask = next_class(&classes)) > 0;) {
        if (!(mask & LINK_BIT(link)))
            continue;
        const struct heap *heap = &links->of[mask].by_end;
        for (uint32_t i = 0; i < heap->count; i++)
            bytes += links_done_bytes(links, now_ns, heap->item[i].handle);
    }
    return bytes;
}
