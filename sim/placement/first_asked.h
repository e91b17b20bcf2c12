/* sim/placement/first_asked.h - by key, who asked for it first: so that what is new in a request is told from
 * what was asked before and never stored. Kept only where somebody wants to know; servers share one. */
#ifndef REPRISE_SIM_PLACEMENT_FIRST_ASKED_H
#define REPRISE_SIM_PLACEMENT_FIRST_ASKED_H

#include <stdint.h>

struct first_asked;

struct first_asked *first_asked_new(void);
void first_asked_free(struct first_asked *asked); /* NULL is fine */

/* `who`, not 0, asks for the key. Some 24 bytes for a key that nobody has asked for before. */
void first_asked_note(struct first_asked *asked, uint64_t key, uint64_t who);
/* Who asked for it first; 0: nobody has. */
uint64_t first_asked_by(const struct first_asked *asked, uint64_t key);

#endif
