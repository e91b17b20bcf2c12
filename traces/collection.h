/* traces/collection.h - sessions held in memory until all are known, then given in order of their
 * arrival: for files whose sessions, or turns, come in any order. Private to traces/.
 *
 * Memory: 48 bytes a session, 24 a turn and 8 a block key (their arrays grow by doubling), and
 * while they are put in order as much again for the turns. Of a file that does not fit,
 * collection_check_room() says so. */
#ifndef REPRISE_TRACES_COLLECTION_H
#define REPRISE_TRACES_COLLECTION_H

#include "traces/lines.h"
#include "traces/traces.h"

struct collection;

struct collection *collection_new(void);
void collection_free(struct collection *collection); /* NULL is fine */

/* Adds a session without turns, and copies its keys; gives its number, from 0. */
uint32_t collection_add(struct collection *collection, uint64_t arrival_ns,
                        const uint64_t *block_keys, uint32_t block_count);
/* Whose it is; 0 unless told. */
void collection_set_tenant(struct collection *collection, uint32_t session, uint8_t tenant);
/* Adds the next turn of that session; those of others may come between. */
void collection_add_turn(struct collection *collection, uint32_t session,
                         const struct trace_turn *turn);

/* Whether as much again as it holds is left of memory, which growing and putting in order may take; to be asked as things
 * are added. STATUS_IO: it is not; way_on, of at most 80 bytes, says what to do. */
enum status collection_check_room(struct collection *collection, const struct lines *lines,
                                  const char *way_on, struct error *err);

/* No more come: puts them in order, those of one time as they came. */
void collection_order(struct collection *collection);
/* The first arrival; 0: there is none. */
uint64_t collection_first_ns(const struct collection *collection);
/* Arrivals then count from the first one. */
void collection_begin_at_zero(struct collection *collection);
/* Gives the next session that has turns; false: there is none. Its arrays are the collection's. */
bool collection_take(struct collection *collection, struct trace_session *session);

#endif
