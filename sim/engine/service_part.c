/* sim/engine/service_part.c - see service_part.h. */
#include "sim/engine/service_part.h"

#include "sim/engine/engine.h"
#include "sim/placement/pool_part.h"

#include <string.h>

static uint32_t engines_of(const struct service *part)
{
    return (part->engines - part->first_engine + part->engine_stride - 1) / part->engine_stride;
}

static struct engine *engine_at(const struct service *part, uint32_t i)
{
    return part->engine[part->first_engine + i * part->engine_stride];
}

void service_part_init(struct service *part, struct service *whole, uint64_t now_ns, uint32_t first,
                       uint32_t stride)
{
    *part = *whole;
    part->first_engine = first;
    part->engine_stride = stride;
    part->waiting = 0;
    part->turns_done = 0;
    sessions_part_init(&part->sessions, &whole->sessions);
    if (whole->pool != NULL)
        part->pool = pool_part_new(whole->pool, first, stride);
    uint32_t engines = engines_of(part);
    tournament_init(&part->least_loaded, engines, 0);
    for (uint32_t i = 0; i < engines; i++) {
        struct engine *engine = engine_at(part, i);
        tournament_set(&part->least_loaded, i, engine_turns(engine));
        part->waiting += engine_waiting(engine);
        engine_serve_for(engine, part);
    }
    collector_part_init(&part->collector, &whole->collector, now_ns, part->waiting);
}

void service_part_close(struct service *part, struct service *whole, uint64_t now_ns)
{
    service_part_settle(part, whole);
    collector_add_part(&whole->collector, &part->collector, now_ns);
    whole->waiting += part->waiting;
    for (uint32_t i = 0; i < engines_of(part); i++)
        engine_serve_for(engine_at(part, i), whole);
    tournament_free(&part->least_loaded);
    collector_free(&part->collector);
    sessions_part_free(&part->sessions);
    pool_part_free(part->pool, whole->pool);
}

void service_part_follow(struct service *part, const struct service *whole)
{
    sessions_part_follow(&part->sessions, &whole->sessions);
}

void service_part_settle(struct service *part, struct service *whole)
{
    sessions_part_leave(&part->sessions, &whole->sessions);
    whole->turns_done += part->turns_done;
    part->turns_done = 0;
}
