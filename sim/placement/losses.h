/* sim/placement/losses.h - what happened to KV that has gone, by key: for who asks why a turn did not
 * find it. Kept only where somebody does (placement_keep_losses()); nothing here decides anything. */
#ifndef REPRISE_SIM_PLACEMENT_LOSSES_H
#define REPRISE_SIM_PLACEMENT_LOSSES_H

#include "sim/placement/placement.h"

struct losses;

struct losses *losses_new(void);
void losses_free(struct losses *losses); /* NULL is fine */

/* KV of the key has gone. What HBM gives up that was not saved, or was refused below, is and stays that:
 * the eviction from HBM is only its end. */
void losses_note(struct losses *losses, uint64_t key, const struct placement_loss *loss);
/* The last loss of the key; why: ABSENT_NEVER where none is known. */
struct placement_loss losses_of(const struct losses *losses, uint64_t key);

#endif
