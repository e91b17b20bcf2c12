/* sim/engine/iteration_time.c - see iteration_time.h. */
#include "sim/engine/iteration_time.h"

#include "models/timing_range.h"

static const struct session *session_at(const struct service *service, uint32_t handle)
{
    return &service->sessions.item[handle];
}

uint64_t iteration_decode_context(const struct service *service,
                                  const struct engine_iteration *iteration)
{
    uint64_t context = 0;
    for (uint32_t i = 0; i < iteration->decodes; i++)
        context += session_context_now(session_at(service, iteration->decode[i]));
    return context;
}

uint64_t iteration_decode_window(const struct service *service,
                                 const struct engine_iteration *iteration)
{
    const struct timing *timing = &service->setup->timing;
    uint64_t context = 0;
    for (uint32_t i = 0; timing->window_tokens > 0 && i < iteration->decodes; i++)
        context += timing_window_context(
            timing, session_context_now(session_at(service, iteration->decode[i])));
    return context;
}

struct decode_time iteration_decode_time(const struct service *service,
                                         const struct engine_iteration *iteration)
{
    return timing_decode(&service->setup->timing, iteration->decodes,
                         iteration_decode_context(service, iteration),
                         iteration_decode_window(service, iteration));
}

double iteration_decode_ns(const struct service *service, const struct engine_iteration *iteration)
{
    struct decode_time time = iteration_decode_time(service, iteration);
    return decode_time_ns(&time, iteration_decode_context(service, iteration),
                          iteration_decode_window(service, iteration));
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
        .decode_context = iteration_decode_context(service, iteration),
        .decode_window = iteration_decode_window(service, iteration),
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
        *decode_ns = (uint64_t)(iteration_decode_ns(service, iteration) + 0.5);
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
