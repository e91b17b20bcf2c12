/* runtime/serve_tokens.c - which tokens a context has. What is said does not matter here, but the
 * same KV must come from the same tokens: when it is computed again, and wherever keys of a trace
 * say that two contexts begin alike. The core files all of a block under its key, a reply behind the
 * prompt too: so its tokens follow from the key as well. */
#include "runtime/serve_state.h"

static uint32_t mixed(const struct serve *serve, uint64_t a, uint64_t b)
{
    uint64_t value = (a + 1) * UINT64_C(0x9E3779B97F4A7C15) + b * UINT64_C(0xC2B2AE3D27D4EB4F);
    value = (value ^ (value >> 29)) * UINT64_C(0xBF58476D1CE4E5B9);
    return (uint32_t)((value >> 32) % serve->run->setup.model.vocabulary);
}

uint32_t token_at(const struct serve *serve, const struct session *session, uint64_t index)
{
    uint64_t block = serve->run->setup.unit_tokens;
    if (serve->run->setup.unit_keys && index / block < session->key_count) {
        uint64_t key = serve->run->service.sessions.keys[session->keys + index / block];
        return mixed(serve, ~key, index % block);
    }
    return mixed(serve, session->id, session->cut_total_tokens + index);
}
