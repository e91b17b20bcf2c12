/* runtime/serve_iterations.c - each iteration beside what timing says of it, and what the engine is
 * told of its end. */
#include "runtime/serve_state.h"

#include "sim/engine/iteration_time.h"

static struct iteration prefill_of(const struct serve *serve, uint64_t *decode_ns)
{
    const struct engine_iteration *engine = &serve->compute.iteration;
    struct prefill_time time = iteration_prefill_time(&serve->run->service, engine, decode_ns);
    struct iteration iteration = { .kind = ITERATION_PREFILL,
                                   .predicted_ns =
                                       time.layer_ns * layers_of(serve) + time.overhead_ns };
    for (uint32_t i = 0; i < engine->chunks; i++) {
        iteration.tokens += engine->chunk[i].tokens;
        iteration.context_tokens += session_at(serve, engine->chunk[i].session)->ready_tokens;
    }
    return iteration;
}

static struct iteration decode_of(const struct serve *serve)
{
    const struct engine_iteration *engine = &serve->compute.iteration;
    return (struct iteration){ .kind = ITERATION_DECODE,
                               .tokens = engine->decodes,
                               .context_tokens = engine->decode_context,
                               .predicted_ns =
                                   (uint64_t)iteration_decode_ns(&serve->run->service, engine) };
}

struct iteration_end iterations_log(struct serve *serve, uint64_t end_ns, uint64_t waited_ns)
{
    const struct compute *compute = &serve->compute;
    struct iteration_end end = { .end_ns = end_ns,
                                 .repeats = 1,
                                 .first_end_ns = end_ns,
                                 .wait_ns = waited_ns,
                                 .extrapolated = iteration_is_extrapolated(&serve->run->service,
                                                                           &compute->iteration) };
    struct iteration iteration =
        compute->iteration.chunks > 0 ? prefill_of(serve, &end.decode_ns) : decode_of(serve);
    iteration.begin_ns = compute->since_ns;
    iteration.queued_ns = compute->queued_ns;
    iteration.end_ns = end_ns;
    iteration.waited_ns = waited_ns;
    iteration.seen_ns = run_now_ns(serve->run);
    iteration_log_add(&serve->run->log, &iteration);
    return end;
}
