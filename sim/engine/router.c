/* sim/engine/router.c - which server a turn goes to. Every rule is deterministic: ties go to the
 * lowest index. Prefix affinity is SGLang's cache_aware (sgl-router/src/policies/cache_aware.rs at
 * 026f853; defaults of policies/mod.rs at 08fc574: cache_threshold 0.5, balance_abs_threshold 32,
 * balance_rel_threshold 1.1): while loads differ by more than a number and a ratio, the least
 * loaded server; else the one with the longest prefix, if that is more than a share of the prompt
 * (a system prompt that all have in common is not); else again the least loaded (later versions;
 * 026f853: the one of the smallest tree). What a server has is what its tiers hold, where SGLang
 * guesses from its own past, and what was sent there and has not ended (routed.h). Round robin,
 * fewest requests and sticky sessions are as in any HTTP balancer. */
#include "sim/engine/router.h"

#include "base/memory.h"
#include "sim/engine/engine.h"

#include <stdlib.h>

/* Units that the router remembers, of all servers: as SGLang's max_tree_size of 2^26 characters,
 * some 2^24 tokens, in blocks of 16 and more; 40 bytes each. */
#define ROUTED_MOST (UINT32_C(1) << 20)

/* ---- what the router keeps ---- */

static bool looks_for_prefixes(const struct service *service)
{
    return service->setup->experiment->router == ROUTE_PREFIX_AFFINITY &&
           service->prefill_engines > 1;
}

void router_init(struct service *service)
{
    uint32_t servers = service->prefill_engines;
    tournament_init(&service->least_loaded, servers, 0);
    if (service_splits(service))
        tournament_init(&service->least_loaded_decoder, service->engines - servers, 0);
    if (!looks_for_prefixes(service))
        return;
    tournament_init(&service->most_loaded, servers, UINT64_MAX);
    whereabouts_init(&service->whereabouts);
    service->routed = memory_new(servers, sizeof *service->routed);
    uint32_t most = ROUTED_MOST / servers;
    for (uint32_t i = 0; i < servers; i++)
        routed_init(&service->routed[i], most > 0 ? most : 1);
}

void router_free(struct service *service)
{
    tournament_free(&service->least_loaded);
    tournament_free(&service->least_loaded_decoder);
    tournament_free(&service->most_loaded);
    whereabouts_free(&service->whereabouts);
    for (uint32_t i = 0; service->routed != NULL && i < service->prefill_engines; i++)
        routed_free(&service->routed[i]);
    free(service->routed);
}

void router_note_load(struct service *service, uint32_t server, uint32_t turns)
{
    if (server >= service->prefill_engines) {
        tournament_set(&service->least_loaded_decoder, server - service->prefill_engines, turns);
        return;
    }
    tournament_set(&service->least_loaded,
                   (server - service->first_engine) / service->engine_stride, turns);
    if (looks_for_prefixes(service))
        tournament_set(&service->most_loaded, server, UINT64_MAX - turns);
}

/* ---- what servers hold ---- */

/* The most of a unit's tokens that some tier of the server holds. */
static uint64_t held_tokens(const struct service *service, uint32_t server, uint64_t key)
{
    const struct placement *core = engine_core(service->engine[server]);
    uint32_t unit = placement_unit(core, key);
    uint64_t bytes = 0;
    for (int tier = 0; unit != UNIT_NONE && tier < TIER_COUNT; tier++) {
        uint64_t copy = placement_copy_bytes(core, unit, (enum tier)tier);
        bytes = copy > bytes ? copy : bytes;
    }
    return bytes / service->setup->kv.bytes_per_token;
}

/* Of the chain's next unit, of which `want` would be asked: what the server holds or will. */
static uint64_t known_tokens(const struct service *service, uint32_t server, uint64_t key,
                             uint32_t want)
{
    uint64_t held = held_tokens(service, server, key);
    if (held >= want)
        return held;
    uint64_t sent = routed_tokens(&service->routed[server], &service->sessions, key);
    return sent > held ? sent : held;
}

/* Leading tokens of the chain that the server holds or was sent. */
static uint32_t matching_tokens(const struct service *service, uint32_t server,
                                const struct chain *chain)
{
    uint32_t unit_tokens = service->setup->unit_tokens, matched = 0;
    for (uint32_t i = 0; i < chain->count; i++) {
        uint32_t left = chain->context_tokens - matched;
        uint32_t want = left < unit_tokens ? left : unit_tokens;
        uint64_t known = known_tokens(service, server, chain->keys[i], want);
        if (known < want)
            return matched + (unit_tokens == UINT32_MAX ? (uint32_t)known : 0);
        matched += want;
    }
    return matched;
}

/* A unit that no tier of a server holds, no job there is of and no turn is under way with comes
 * back only with a turn that is sent there. */
static bool may_hold(const void *context, uint64_t key, uint32_t server)
{
    const struct service *service = context;
    return placement_unit(engine_core(service->engine[server]), key) != UNIT_NONE ||
           routed_tokens(&service->routed[server], &service->sessions, key) > 0;
}

/* Only a trace's keys are shared by turns that are under way at once: a session asks its next one
 * when the one before has ended. */
static void note_sent(struct service *service, uint32_t server, const struct session *session,
                      const struct chain *chain)
{
    uint32_t unit_tokens = service->setup->unit_tokens, left = chain->context_tokens;
    uint32_t handle = (uint32_t)(session - service->sessions.item);
    if (!service->setup->unit_keys)
        return;
    /* Before this turn is noted: its server hears of it after us. */
    whereabouts_tidy(&service->whereabouts, may_hold, service);
    for (uint32_t i = 0; i < chain->count; i++) {
        uint32_t tokens = left < unit_tokens ? left : unit_tokens;
        routed_note(&service->routed[server], &service->sessions, handle, chain->keys[i], tokens);
        whereabouts_note(&service->whereabouts, chain->keys[i], server);
        left -= tokens;
    }
}

/* ---- which one it goes to ---- */

static uint32_t least_loaded(const struct service *service)
{
    return tournament_first(&service->least_loaded);
}

/* Of all servers, whichever would be chosen: then every turn goes to the least loaded one. */
static bool is_unbalanced(const struct service *service)
{
    const struct experiment *experiment = service->setup->experiment;
    uint64_t least = tournament_first_key(&service->least_loaded);
    uint64_t most = UINT64_MAX - tournament_first_key(&service->most_loaded);
    return most - least > experiment->router_slack &&
           (double)most > (double)least * experiment->router_ratio;
}

struct match {
    uint32_t server, tokens;
};

/* More tokens win, of as many the lower index. */
static void try_server(const struct service *service, uint32_t server, const struct chain *chain,
                       struct match *best)
{
    uint32_t tokens = matching_tokens(service, server, chain);
    if (tokens > best->tokens || (tokens > 0 && tokens == best->tokens && server < best->server))
        *best = (struct match){ server, tokens };
}

/* A session's keys are its own: only servers that had a turn of it hold some. */
static struct match match_of_session(const struct service *service, const struct session *session,
                                     const struct chain *chain)
{
    const struct seen *seen = sessions_seen(&service->sessions, session);
    struct match best = { 0 };
    for (uint32_t i = 0; i < session->seen_count; i++)
        if (seen[i].server < service->prefill_engines)
            try_server(service, seen[i].server, chain, &best);
    return best;
}

/* A trace's keys are anybody's. Whoever matches up to a unit was sent that unit: the longest
 * matches are found from the chain's end backwards, and where no server is known for a unit none
 * need be asked. What is less than least_tokens does not win, and is not looked for. */
static struct match match_of_keys(const struct service *service, const struct chain *chain,
                                  double least_tokens)
{
    struct match best = { 0 };
    for (uint32_t i = chain->count; i-- > 0;) {
        uint64_t up_to = (uint64_t)(i + 1) * service->setup->unit_tokens;
        if (up_to > chain->context_tokens)
            up_to = chain->context_tokens;
        if (best.tokens > up_to || (double)up_to < least_tokens)
            break;
        struct where at = whereabouts_of(&service->whereabouts, chain->keys[i]);
        for (uint32_t s = 0; s < at.count; s++)
            try_server(service, at.server[s], chain, &best);
    }
    return best;
}

static uint32_t longest_prefix(const struct service *service, const struct session *session,
                               const struct chain *chain)
{
    double least_tokens =
        service->setup->experiment->router_share * (double)session_context(session);
    struct match best = service->setup->unit_keys ? match_of_keys(service, chain, least_tokens)
                                                  : match_of_session(service, session, chain);
    if (best.tokens == 0 || (double)best.tokens < least_tokens)
        return least_loaded(service);
    return best.server;
}

static uint32_t by_prefix(struct service *service, const struct session *session,
                          const struct chain *chain)
{
    uint32_t server =
        is_unbalanced(service) ? least_loaded(service) : longest_prefix(service, session, chain);
    note_sent(service, server, session, chain);
    return server;
}

uint32_t router_pick(struct service *service, const struct session *session,
                     const struct chain *chain)
{
    uint32_t servers = service->prefill_engines;
    if (servers == 1)
        return 0;
    switch ((enum router)service->setup->experiment->router) {
    case ROUTE_LEAST_LOADED:
        return least_loaded(service);
    case ROUTE_PREFIX_AFFINITY:
        return by_prefix(service, session, chain);
    case ROUTE_SESSION_STICKY:
        /* Of a part of the service the whole has picked. */
        return session->turn > 0 || service->sessions.is_part ? session->server
                                                              : least_loaded(service);
    case ROUTE_ROUND_ROBIN:
        break;
    }
    return service->next_server++ % servers;
}

uint32_t router_pick_decoder(const struct service *service)
{
    return service->prefill_engines + tournament_first(&service->least_loaded_decoder);
}
