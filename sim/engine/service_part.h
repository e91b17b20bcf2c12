/* sim/engine/service_part.h - a service in parts, each of which serves its own engines in a thread of its
 * own. A part is a service in its engines' eyes: it has sessions and their turns in common with the
 * whole, and counts, measures and notes by itself what its engines do. While parts are at work the whole
 * is at rest; between, the whole reads sessions, sends them to parts, and forgets those that ended.
 *
 * What parts cannot do: anything that depends on what all servers did in which order. So only where each
 * turn but a session's first goes to a server that is known, all turns that start are measured, and
 * nobody watches; no pool, no hand-over, no limit of turns or of sessions at once. */
#ifndef REPRISE_SIM_ENGINE_SERVICE_PART_H
#define REPRISE_SIM_ENGINE_SERVICE_PART_H

#include "sim/engine/service.h"

/* The engines first, first + stride, first + 2 * stride... of the whole, which outlives it. From now on they
 * serve for the part. */
void service_part_init(struct service *part, struct service *whole, uint64_t now_ns, uint32_t first,
                       uint32_t stride);
/* What it measured is the whole's, as are its engines again. Parts are closed in order. */
void service_part_close(struct service *part, struct service *whole, uint64_t now_ns);

/* At rest: the whole has read sessions or sent one, which the part shall see. */
void service_part_follow(struct service *part, const struct service *whole);
/* At rest: sessions and turns that ended in the part since the last time are the whole's. */
void service_part_settle(struct service *part, struct service *whole);

#endif
