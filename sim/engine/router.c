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

#include "sim/engine/engine.h"

static uint32_t least_loaded(const struct service *service, uint32_t from, uint32_t to)
{
    uint32_t best = from;
    for (uint32_t i = from + 1; i < to; i++)
        if (engine_turns(service->engine[i]) < engine_turns(service->engine[best]))
            best = i;
    return best;
}

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

/* Only a trace's keys are shared by turns that are under way at once: a session asks its next one
 * when the one before has ended. */
static void note_sent(struct service *service, uint32_t server, const struct session *session,
                      const struct chain *chain)
{
    uint32_t unit_tokens = service->setup->unit_tokens, left = chain->context_tokens;
    uint32_t handle = (uint32_t)(session - service->sessions.item);
    if (!service->setup->unit_keys)
        return;
    for (uint32_t i = 0; i < chain->count; i++) {
        uint32_t tokens = left < unit_tokens ? left : unit_tokens;
        routed_note(&service->routed[server], &service->sessions, handle, chain->keys[i], tokens);
        left -= tokens;
    }
}

/* Of all servers, whichever would be chosen: then every turn goes to the least loaded one. */
static bool is_unbalanced(const struct service *service)
{
    const struct experiment *experiment = service->setup->experiment;
    uint32_t least = UINT32_MAX, most = 0;
    for (uint32_t i = 0; i < service->prefill_engines; i++) {
        uint32_t turns = engine_turns(service->engine[i]);
        least = turns < least ? turns : least;
        most = turns > most ? turns : most;
    }
    return most - least > experiment->router_slack &&
           (double)most > (double)least * experiment->router_ratio;
}

static uint32_t longest_prefix(const struct service *service, const struct session *session,
                               const struct chain *chain)
{
    uint32_t best = 0, best_tokens = 0;
    for (uint32_t i = 0; i < service->prefill_engines; i++) {
        uint32_t tokens = matching_tokens(service, i, chain);
        if (tokens > best_tokens) {
            best = i;
            best_tokens = tokens;
        }
    }
    double least_tokens =
        service->setup->experiment->router_share * (double)session_context(session);
    if (best_tokens == 0 || (double)best_tokens < least_tokens)
        return least_loaded(service, 0, service->prefill_engines);
    return best;
}

static uint32_t by_prefix(struct service *service, const struct session *session,
                          const struct chain *chain)
{
    uint32_t server = is_unbalanced(service) ? least_loaded(service, 0, service->prefill_engines)
                                             : longest_prefix(service, session, chain);
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
        return least_loaded(service, 0, servers);
    case ROUTE_PREFIX_AFFINITY:
        return by_prefix(service, session, chain);
    case ROUTE_SESSION_STICKY:
        return session->turn > 0 ? session->server : least_loaded(service, 0, servers);
    case ROUTE_ROUND_ROBIN:
        break;
    }
    return service->next_server++ % servers;
}

uint32_t router_pick_decoder(const struct service *service)
{
    return least_loaded(service, service->prefill_engines, service->engines);
}
