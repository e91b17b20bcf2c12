/* sim/links.h - directional links with shared bandwidth, and the transfers (flows) that cross them.
 *
 * All flows share the links max-min fairly (progressive filling). A flow over two links moves as a
 * pipeline at one rate. Flows over the same set of links form a class and have the same rate, so
 * that a class needs one count of bytes served for all its flows and a heap of their ends: starting
 * and ending a flow cost O(log n), whatever the number of flows. Bytes begin to move when the
 * largest latency of the crossed links is over. A link of rate 0 moves nothing: flows over it never
 * end. The two directions of PCIe, and those of the SSDs, may besides share a total, as one more
 * thing to be filled. */
#ifndef REPRISE_SIM_LINKS_H
#define REPRISE_SIM_LINKS_H

#include "base/heap.h"
#include "sim/engine/setup.h"

#include <stdbool.h>
#include <stdint.h>

struct flow {
    uint64_t size_bytes;
    double end_work;      /* of its class's work, at which it ends; valid once it moves */
    uint64_t begin_ns;    /* when its latency is over */
    uint64_t sequence;    /* of its start: breaks ties */
    uint32_t links, user; /* mask */
    uint32_t next_free;
    bool moving;
};

struct flow_class {
    double work_bytes;        /* served to each flow of the class so far */
    double rate_bytes_per_ns; /* of each flow, now */
    double end_work;          /* of the flow that ends first; of an empty class nothing */
    struct heap by_end; /* flows by end_work, then sequence */
};

/* Rates depend on nothing but how many flows each class has: those of a few states are kept. */
enum { LINKS_KEPT = 64, LINKS_KEPT_CLASSES = 4 };
struct links_rates {
    uint64_t active, flows;          /* classes as in links.active, of each 16 bits; active 0: none is kept */
    double rate[LINKS_KEPT_CLASSES]; /* bytes a ns, in the classes' order */
};

struct links {
    double bytes_per_ns[LINK_COUNT];
    double both_bytes_per_ns[PAIR_COUNT]; /* a pair together; INFINITY: no such bound */
    uint64_t latency_ns[LINK_COUNT];
    uint64_t ended_bytes[LINK_COUNT];      /* of flows that have ended */
    struct flow_class of[1 << LINK_COUNT]; /* by mask */
    uint64_t active;                       /* classes that have moving flows: bit = mask */
    struct heap by_begin;                  /* flows in their latency, by begin_ns, then sequence */
    uint64_t next_ns;                      /* links_next_ns(), or 0: to be computed */
    struct flow *flow;
    uint32_t flow_capacity, flow_high_water, free_flow;
    uint64_t now_ns, started;
    struct links_rates kept[LINKS_KEPT];
};

void links_init(struct links *links, const double bytes_per_s[LINK_COUNT],
                const uint64_t latency_ns[LINK_COUNT]);
void links_free(struct links *links);
/* While both of the pair's links move, they move at most that much together, max-min fairly; it may
 * be less than one of them moves alone. 0: each has its own rate whatever the other does, as after
 * links_init(). Before the first flow. */
void links_share(struct links *links, enum link_pair pair, double both_bytes_per_s);

/* Begins a transfer over the links of the mask (at least one). Returns the flow, valid until
 * links_step() has told its end. now_ns never goes back in all calls. */
uint32_t links_start(struct links *links, uint64_t now_ns, uint32_t mask, uint64_t size_bytes,
                     uint32_t user);

/* When something next changes here (a flow begins to move or ends); UINT64_MAX: never. */
uint64_t links_next_ns(struct links *links);

/* Advances to now_ns <= links_next_ns(). true: a flow has ended, *user is its user word; call again
 * until false. Flows that end together are told in the order of their start within a class. */
bool links_step(struct links *links, uint64_t now_ns, uint32_t *user);

/* Bytes of the flow that have moved by now_ns. */
double links_done_bytes(const struct links *links, uint64_t now_ns, uint32_t flow);

/* All bytes that have crossed the link by now_ns; exact when no flow crosses it. */
double links_moved_bytes(const struct links *links, uint64_t now_ns, enum link link);

#endif
