/* sim/replay/bound.h - what no policy can exceed on a trace's block references: the most hits
 * (Belady's MIN) and the most recomputing time saved (an upper bound on it). Needs the future, so a
 * trace is told first and the bounds of any number of blocks are asked of it then.
 *
 * Hits: MIN with bypass, in the order of references. With room for C blocks it keeps, at each
 * reference, those C of the cached blocks and the referenced one whose next references are nearest.
 * Over single references no schedule hits more (Belady 1966; with bypass: Mattson et al. 1970).
 *
 * Why that holds for leading runs too. Above: the blocks of a run are there when its request comes,
 * and nothing need enter before the last of them was touched, so a schedule of blocks kept between
 * requests, leading runs counted, is one of blocks kept between references with no fewer hits.
 * Hence MIN is a bound whatever the order in which a policy touches, promotes or demotes, over the
 * sum of its tiers: copies in several tiers only waste room. Below: where each block always follows
 * the same block (hash chains), the one before is referenced before it in every request, so its
 * next reference is always nearer, and MIN, which gives up the furthest, never holds a block
 * without those before it: all its hits are in leading runs, and the bound is reached. In a trace
 * without that order it remains a bound.
 *
 * Time saved: PFOO-L (Berger, Beckmann and Harchol-Balter, "Practical bounds on optimal caching
 * with variable object sizes", SIGMETRICS'18). A hit at a block's reference needs a place from its
 * reference before to this one; all places are C x references. Hits are taken by time saved for
 * each unit of place until the places are used up, wherever they are: no schedule does better. Two
 * more bounds are cheap, and the least of the three is given: as many hits as MIN has, the dearest
 * ones first; and all hits of an unlimited cache. */
#ifndef REPRISE_SIM_REPLAY_BOUND_H
#define REPRISE_SIM_REPLAY_BOUND_H

#include <stdbool.h>
#include <stdint.h>

struct bound;

struct bound_result {
    uint64_t hits;   /* MIN's */
    double hits_ns;  /* recomputing time that MIN's hits save */
    double saved_ns; /* no policy saves more; >= hits_ns */
};

/* block_tokens and the times of a token: as in struct replay_config. */
struct bound *bound_new(uint32_t block_tokens, double recompute_base_ns, double recompute_slope_ns);
void bound_free(struct bound *bound); /* NULL is fine */

/* The next request. keys are read before it returns. false: there are 2^32 - 2 references already,
 * more than a bound can number. */
bool bound_request(struct bound *bound, const uint64_t *keys, uint32_t count);

/* Whether hits at the references that are told from here on count (at first: they do). Those of a
 * warm-up do not, though its blocks may be kept for later. */
void bound_count_from_here(struct bound *bound, bool counts);

/* Forgets the keys, and with them half of the memory or more; no more requests may be told. */
void bound_seal(struct bound *bound);

/* With room for that many blocks (UINT64_MAX: no limit). Needs 1/8 byte for each reference, and of
 * a bound that is sealed may be asked by several threads at once. */
struct bound_result bound_of(const struct bound *bound, uint64_t blocks);

/* All memory now, in bytes: 4 1/8 for each reference and, until it is sealed, 18 to 48 for each
 * different key. */
uint64_t bound_bytes(const struct bound *bound);

#endif
