/* sim/engine/iteration_time.c - see iteration_time.h. */
#include "sim/engine/iteration_time.h"

#include "models/timing_range.h"

static const struct session *session_at(const struct service *service, uint32_t handle)
{
    return &service->sessions.item[handle];
}

double iteration_decode_ns(const struct service *service, const struct engine_iteration *iteration)
{
    struct decode_time time = timing_decode(&service->setup->timing, iteration->decodes,
                                            iteration->decode_context, iteration->decode_window);
    return decode_time_ns(&time, iteration->decode_context, iteration->decode_window);
}

/* Chunks of one size stand for all: as many tokens and pairs, each behind the tokens' mean. */
static struct prefill_time mixed_time(const struct service *service,
                                      const struct engine_iteration *iteration)
{
    double tokens = 0.0, squares = 0.0, behind = 0.0;
    for (uint32_t i = 0; i < iteration->chunks; i++) {
        double size = iteration->chunk[i].tokens;
        tokens += size;
        squares += size * size;
        behind += size * session_at(service, iteration->chunk[i].session)->ready_tokens;
    }
    const struct timing_work work = {
        .prefills = iteration->chunks,
        .decodes = iteration->decodes,
        .prefill_new = (uint64_t)tokens,
        .prefill_alike = (uint64_t)(squares / tokens + 0.5),
        .prefill_cached = (uint64_t)(behind / tokens + 0.5),
        .decode_context = iteration->decode_context,
        .decode_window = iteration->decode_window,
    };
    return timing_mixed(&service->setup->timing, &work);
}

struct prefill_time iteration_prefill_time(const struct service *service,
                                           const struct engine_iteration *iteration,
                                           uint64_t *decode_ns)
{
    const struct chunk *chunk = &iteration->chunk[0];
    *decode_ns = 0;
    if (!experiment_chunks(service->setup->experiment))
        return timing_prefill(&service->setup->timing, chunk->tokens,
                              session_at(service, chunk->session)->ready_tokens);
    if (iteration->decodes > 0)
        *decode_ns = iteration_whole_ns(iteration_decode_ns(service, iteration));
    return mixed_time(service, iteration);
}

bool iteration_is_extrapolated(const struct service *service,
                               const struct engine_iteration *iteration)
{
    uint64_t fresh = 0, cached = 0;
    for (uint32_t i = 0; i < iteration->chunks; i++) {
        uint64_t ready = session_at(service, iteration->chunk[i].session)->ready_tokens;
        fresh += iteration->chunk[i].tokens;
        cached = ready > cached ? ready : cached;
    }
    return timing_is_extrapolated(&service->setup->timing, fresh, cached, iteration->decodes);
}
