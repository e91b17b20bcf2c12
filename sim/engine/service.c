/* sim/engine/service.c - see service.h. */
#include "sim/engine/service.h"

#include "base/memory.h"
#include "sim/engine/engine.h"
#include "sim/engine/router.h"
#include "sim/placement/first_asked.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

void service_init(struct service *service, const struct engine_setup *setup, struct trace *trace)
{
    *service = (struct service){ .setup = setup };
    collector_init(&service->collector, setup->experiment);
    sessions_init(&service->sessions, setup, trace);
    service->engines = setup->experiment->replicas;
    service->engine_stride = 1;
    service->prefill_engines = engine_setup_prefill_servers(setup);
    if (setup->remote_bytes > 0)
        service->pool = pool_new(setup->remote_bytes / setup->kv.tier_bytes[TIER_REMOTE],
                                 setup->placement.keys.ttl_ns);
    router_init(service);
    service->engine = memory_new(service->engines, sizeof(struct engine *));
    for (uint32_t i = 0; i < service->engines; i++)
        service->engine[i] = engine_new(service, i);
}

void service_free(struct service *service)
{
    for (uint32_t i = 0; i < service->engines; i++)
        engine_free(service->engine[i]);
    free(service->engine);
    router_free(service);
    pool_free(service->pool);
    collector_free(&service->collector);
    sessions_free(&service->sessions);
    free(service->turn_note);
    free(service->turn_place);
    first_asked_free(service->first_asked);
}

void service_tell(struct service *service, const struct sim_progress *progress)
{
    service->progress = progress;
    service->watch = progress != NULL ? progress->watch : NULL;
    for (uint32_t i = 0; service->watch != NULL && i < service->engines; i++)
        placement_keep_losses(engine_core(service->engine[i]));
    if (service->watch != NULL && service->setup->unit_keys)
        service->first_asked = first_asked_new();
}

void service_start_measuring(struct service *service, uint64_t now_ns)
{
    collector_measure_from(&service->collector, now_ns);
    if (service->watch != NULL && service->watch->measures != NULL)
        service->watch->measures(service->watch->context, now_ns);
    for (uint32_t i = 0; i < service->engines; i++)
        engine_start_measuring(service->engine[i]);
    if (service->pool == NULL)
        return;
    service->pool_at_measure = *pool_counters(service->pool);
    pool_reset_peak(service->pool);
}

enum status service_check_whole(const struct service *service, struct error *err)
{
    uint64_t asked = service->sessions.turns_asked, left = asked - service->turns_done;
    char reason[128];
    if (left == 0)
        return STATUS_OK;
    snprintf(reason, sizeof reason,
             "the run is stuck: of %" PRIu64 " turns that were asked %" PRIu64
             " never ended (a bug of reprise's)",
             asked, left);
    return error_io(err, "reprise", "serve to the end", reason);
}
