/* sim/cluster.c - one run in virtual time: arrivals, and what the counts come to. */
#include "sim/cluster.h"

#include "base/memory.h"
#include "sim/engine/outcome.h"

#include <stdlib.h>

enum { EVENTS_BETWEEN_TELLS = 4096 };

/* ---- coming and going ---- */

static void server_init(struct cluster *cluster, uint32_t index)
{
    const struct engine_setup *setup = cluster->setup;
    struct server *server = &cluster->server[index];
    *server = (struct server){ .cluster = cluster,
                               .engine = cluster->service.engine[index],
                               .index = index };
    links_init(&server->links, setup->link_bytes_per_s, setup->link_latency_ns);
    for (int pair = 0; pair < PAIR_COUNT; pair++)
        links_share(&server->links, (enum link_pair)pair, setup->both_bytes_per_s[pair]);
}

static void cluster_init(struct cluster *cluster, const struct engine_setup *setup,
                         struct trace *trace)
{
    *cluster =
        (struct cluster){ .setup = setup, .trace = trace, .next_tell = EVENTS_BETWEEN_TELLS };
    service_init(&cluster->service, setup, trace);
    cluster->server = memory_new(cluster->service.engines, sizeof *cluster->server);
    for (uint32_t i = 0; i < cluster->service.engines; i++)
        server_init(cluster, i);
    lane_init(&cluster->all, cluster, &cluster->service, 0, 1);
}

static void cluster_free(struct cluster *cluster)
{
    for (uint32_t i = 0; i < cluster->service.engines; i++) {
        links_free(&cluster->server[i].links);
        free(cluster->server[i].load);
    }
    free(cluster->server);
    lane_free(&cluster->all);
    service_free(&cluster->service);
}

/* ---- events ---- */

/* All sessions that may come by now. */
static enum status read_ahead(struct cluster *cluster, struct error *err)
{
    uint32_t session;
    uint64_t arrival_ns;
    enum status status;
    do {
        status = sessions_read(&cluster->service.sessions, cluster->all.now_ns, &session,
                               &arrival_ns, err);
        if (status == STATUS_OK && session != 0)
            event_heap_push(&cluster->all.events, arrival_ns, EVENT_TURN, session);
    } while (status == STATUS_OK && session != 0);
    return status;
}

static bool told_to_stop(struct cluster *cluster, const struct sim_progress *progress)
{
    if (progress == NULL || progress->tell == NULL || cluster->all.events_done < cluster->next_tell)
        return false;
    cluster->next_tell = cluster->all.events_done + EVENTS_BETWEEN_TELLS;
    return !progress->tell(progress->context, cluster->service.turns_done,
                           trace_facts(cluster->trace).expected_turns,
                           trace_progress(cluster->trace));
}

static enum status run(struct cluster *cluster, uint32_t threads,
                       const struct sim_progress *progress, bool *interrupted, struct error *err)
{
    struct lane *all = &cluster->all;
    enum status status = read_ahead(cluster, err);
    while (status == STATUS_OK) {
        if (fleet_may_begin(cluster, threads))
            return fleet_run(cluster, threads, progress, interrupted, err);
        struct lane_next next = lane_look(all, cluster);
        if (next.time_ns == UINT64_MAX)
            break;
        all->events_done++;
        if (told_to_stop(cluster, progress)) {
            *interrupted = true;
            return STATUS_OK;
        }
        status = lane_do(all, cluster, next, err);
        if (status == STATUS_OK)
            status = read_ahead(cluster, err); /* a session has arrived, or one has ended */
    }
    return status;
}

/* ---- what the counts come to ---- */

/* Nothing moves any more: what the links carried is what the engines were told of. */
static enum status check_links(const struct cluster *cluster, struct error *err)
{
    for (uint32_t i = 0; i < cluster->service.engines; i++)
        for (int link = 0; link < LINK_COUNT; link++) {
            const struct server *server = &cluster->server[i];
            double told = (double)engine_moved_bytes(server->engine, (enum link)link);
            if (links_moved_bytes(&server->links, cluster->all.now_ns, (enum link)link) != told)
                return error_io(err, "reprise", "serve to the end",
                                "bytes on a link have no cause (a bug of reprise's)");
        }
    return STATUS_OK;
}

static enum status check_end(const struct cluster *cluster, struct error *err)
{
    enum status status = service_check_whole(&cluster->service, err);
    return status == STATUS_OK ? check_links(cluster, err) : status;
}

enum status cluster_run(const struct engine_setup *setup, struct trace *trace, uint32_t threads,
                        const struct sim_progress *progress, struct sim_result *result, bool *again,
                        struct error *err)
{
    struct cluster cluster;
    cluster_init(&cluster, setup, trace);
    cluster.may_begin_again = again != NULL;
    service_tell(&cluster.service, progress);
    for (uint32_t i = 0; cluster.service.watch == NULL && i < cluster.service.engines; i++)
        engine_skip_drops(cluster.service.engine[i]);
    enum status status = run(&cluster, threads, progress, &result->interrupted, err);
    if (again != NULL)
        *again = cluster.again;
    if (status == STATUS_OK && !result->interrupted && !cluster.again)
        status = check_end(&cluster, err);
    if (status == STATUS_OK && !cluster.again) {
        outcome_set(&cluster.service, trace, cluster.all.now_ns, result);
        result->events = cluster.all.events_done;
        status = outcome_check(&cluster.service, result, err);
    }
    cluster_free(&cluster);
    return status;
}
