/* base/team.h - threads that work in short rounds, of microseconds each: in a round a fixed number of items
 * is done once each, and between two rounds all wait for one thread, which meanwhile has everything to
 * itself. Members take their own items first and then what others have not begun, so that a member that
 * the machine keeps from running holds up nothing but an item that it has begun. Waiting is spinning, and
 * after a while giving way. For longer work that nobody waits for: sweep/crew.h. */
#ifndef REPRISE_BASE_TEAM_H
#define REPRISE_BASE_TEAM_H

#include <stdint.h>

struct team;

/* Up to `members` >= 1, the caller among them: fewer where threads cannot be started. work(context, item)
 * does an item. Never fails. */
struct team *team_start(uint32_t members, uint32_t items,
                        void (*work)(void *context, uint32_t item), void *context);
uint32_t team_members(const struct team *team);
/* All items are done, each once, by whichever member. What the caller wrote before is visible to all, and what
 * they wrote is to the caller afterwards. From the thread that started the team. */
void team_round(struct team *team);
/* Ends the threads. NULL is fine. */
void team_end(struct team *team);

#endif
