/* sweep/crew.h - threads that do numbered items, for one thread that hands them out and takes them
 * back. What an item is, its input and its result are the owner's: the crew knows numbers only, so
 * that a comparison of policies, a sweep and a rank of many share one crew.
 * All calls but the work itself come from the thread that started the crew. */
#ifndef REPRISE_SWEEP_CREW_H
#define REPRISE_SWEEP_CREW_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct crew;

/* wanted threads, 0: one a core; never more than items (0: any number), nor than 1,024. */
uint32_t crew_size(uint64_t wanted, uint64_t items);

/* Starts `threads` >= 1 that call work(context, item) for the items given. Where not all can be
 * started, those that can do the work; STATUS_IO when none can. */
enum status crew_start(uint32_t threads, void (*work)(void *context, uint32_t item), void *context,
                       struct crew **crew, struct error *err);

/* Queues an item; items are begun in the order given. Never waits. */
void crew_give(struct crew *crew, uint32_t item);

/* The next item that is done, in the order of their ends. false: none within wait_ns. What work()
 * wrote for the item is visible to the caller. */
bool crew_take(struct crew *crew, uint64_t wait_ns, uint32_t *item);

/* Items given and not yet taken back. */
uint32_t crew_owes(const struct crew *crew);

/* Forgets the items that no thread has begun; they will not be taken back. */
void crew_forget_waiting(struct crew *crew);

/* Waits for the items under way, ends the threads, frees the crew. NULL is fine. */
void crew_end(struct crew *crew);

#endif
