/* sim/engine/router.c - which server a turn goes to. Every rule is deterministic: ties go to the
 * lowest index. Sources: SGLang's router (cache_aware policy; defaults balance_abs_threshold 32,
 * cache_threshold 0.5): the longest cached prefix unless loads are out of balance, or it is less than a
 * share of the prompt, such as a system prompt that all have in common. Its relative threshold is left
 * out, and it guesses from past requests what a server holds, where this one knows. Round robin, fewest requests and sticky sessions are
 * as in any HTTP balancer. */
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

/* Leading tokens of the chain that some tier of the server holds. */
static uint32_t matching_tokens(const struct service *service, uint32_t server,
                                const struct chain *chain)
{
    const struct engine_setup *setup = service->setup;
    const struct placement *core = engine_core(service->engine[server]);
    uint32_t unit_tokens = setup->unit_tokens, matched = 0;
    for (uint32_t i = 0; i < chain->count; i++) {
        uint32_t unit = placement_unit(core, chain->keys[i]);
        uint64_t bytes = 0;
        for (int tier = 0; unit != UNIT_NONE && tier < TIER_COUNT; tier++) {
            uint64_t copy = placement_copy_bytes(core, unit, (enum tier)tier);
            bytes = copy > bytes ? copy : bytes;
        }
        uint32_t left = chain->context_tokens - matched;
        uint32_t want = left < unit_tokens ? left : unit_tokens;
        uint64_t held = bytes / setup->kv.bytes_per_token;
        if (held < want)
            return matched + (unit_tokens == UINT32_MAX ? (uint32_t)held : 0);
        matched += want;
    }
    return matched;
}

static bool is_unbalanced(const struct service *service, uint32_t candidate)
{
    uint32_t least = least_loaded(service, 0, service->prefill_engines);
    return engine_turns(service->engine[candidate]) >
           engine_turns(service->engine[least]) + service->setup->experiment->router_slack;
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
    if (best_tokens == 0 || (double)best_tokens < least_tokens || is_unbalanced(service, best))
        return least_loaded(service, 0, service->prefill_engines);
    return best;
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
        return longest_prefix(service, session, chain);
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
