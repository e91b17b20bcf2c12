/* tests/sim/placement/steps.h - a placement core driven turn by turn, for cases whose answers are known by
 * hand. */
#ifndef REPRISE_TESTS_SIM_PLACEMENT_STEPS_H
#define REPRISE_TESTS_SIM_PLACEMENT_STEPS_H

#include "sim/placement/placement.h"

enum { BLOCK = 16, BYTES_PER_TOKEN = 10 };

struct steps {
    struct placement_config config;
    struct placement *core;
    uint64_t now_ns;
    struct action action[64]; /* those of the last step */
    uint32_t actions;
};

/* Blocks under LRU: HBM of 8, DRAM of 8, SSD of 16; all of HBM is cache. The core is the test's to make. */
struct steps steps_with(void);
/* Takes what the last call began. */
void look(struct steps *steps);
/* How many actions of that kind, between those tiers, the last step gave. */
uint32_t count(const struct steps *steps, enum action_kind kind, enum tier from, enum tier to);
/* Ends what the last step began, and so on until nothing is under way. */
void end_all(struct steps *steps);
/* A turn whose context is so many blocks, of keys one after the other: asked; prepared. */
uint32_t ask(struct steps *steps, uint64_t first_key, uint32_t blocks);
enum prepare prepare(struct steps *steps, uint32_t job, uint32_t blocks,
                     struct placement_hits *hits);
/* The job's whole context is computed; it ends. */
void finish(struct steps *steps, uint32_t job, uint32_t blocks);
/* All of it. */
struct placement_hits turn(struct steps *steps, uint64_t first_key, uint32_t blocks);
/* How many of the blocks are whole in the tier. */
uint64_t blocks_in(const struct steps *steps, uint64_t first_key, uint32_t blocks, enum tier tier);

#endif
