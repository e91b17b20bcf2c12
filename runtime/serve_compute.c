/* runtime/serve_compute.c - the engine's iterations on the device: one prefill, or the batch's
 * decode. A prefill is launched layer by layer, each as soon as the copies of its KV are queued, so
 * that the stream itself waits for them. The KV of a reply's last token, which an engine leaves to
 * the next turn, is made together with the one before, so that a turn's context is whole when it
 * ends, as the engine books it. */
#include "runtime/serve_state.h"

#include "base/memory.h"

#include <stdlib.h>

/* ---- what goes in ---- */

/* What is said does not matter here, but the same token must be said again when KV is recomputed.
 */
static uint32_t token_at(const struct serve *serve, const struct session *session, uint64_t index)
{
    uint64_t mixed =
        (session->id + 1) * UINT64_C(0x9E3779B97F4A7C15) + index * UINT64_C(0xC2B2AE3D27D4EB4F);
    mixed = (mixed ^ (mixed >> 29)) * UINT64_C(0xBF58476D1CE4E5B9);
    return (uint32_t)((mixed >> 32) % serve->setup.model.vocabulary);
}

static struct sequence sequence_of(const struct serve *serve, const struct session *session,
                                   uint32_t cached, uint32_t new_tokens, uint32_t *tokens)
{
    const struct job_note *note = note_of(serve, session);
    for (uint32_t i = 0; i < new_tokens; i++)
        tokens[i] = token_at(serve, session, note->base + cached + i);
    return (struct sequence){ .pages = note->hbm.page,
                              .page_count = note->hbm.count,
                              .skip = (uint32_t)(note->base % serve->page_tokens),
                              .cached_tokens = cached,
                              .new_tokens = new_tokens };
}

/* ---- prefill ---- */

static struct session *prefilled(const struct serve *serve)
{
    return session_at(serve, serve->compute.iteration.chunk[0].session);
}

static bool waits_for_all(const struct serve *serve)
{
    return serve->experiment->preloading == PRELOAD_NONE;
}

static void begin_prefill(struct serve *serve, uint32_t reused)
{
    struct compute *compute = &serve->compute;
    const struct session *session = prefilled(serve);
    uint32_t rows = session_context(session) - reused + (session->reply_tokens == 1 ? 1 : 0);
    struct sequence sequence = sequence_of(serve, session, reused, rows, compute->tokens);
    compute->reused = reused;
    compute->launched_layers = 0;
    compute->queued = false;
    executor_begin(serve->executor, &sequence, 1, compute->tokens);
}

static bool layer_may_go(const struct serve *serve, uint32_t layer)
{
    const struct stage *stage = &serve->stage[serve->compute.iteration.stage];
    uint32_t needed = waits_for_all(serve) ? layers_of(serve) : layer + 1;
    for (int i = 0; i < LOADS_A_JOB; i++)
        if (stage->load[i].live && stage->load[i].queued_layers < needed)
            return false;
    return true;
}

static void wait_for_kv(struct serve *serve, uint32_t layer)
{
    const struct stage *stage = &serve->stage[serve->compute.iteration.stage];
    uint32_t last = waits_for_all(serve) ? layers_of(serve) - 1 : layer;
    for (int i = 0; i < LOADS_A_JOB; i++)
        if (stage->load[i].live)
            serve->backend->wait(serve->device, STREAM_COMPUTE, stage->load[i].arrived[last]);
}

static void record_ended(struct serve *serve)
{
    serve->backend->record(serve->device, STREAM_COMPUTE, serve->compute.ended);
    serve->compute.queued_ns = serve_now_ns(serve);
    serve->compute.queued = true;
}

static void launch_layers(struct serve *serve)
{
    struct compute *compute = &serve->compute;
    while (compute->launched_layers < layers_of(serve) &&
           layer_may_go(serve, compute->launched_layers)) {
        wait_for_kv(serve, compute->launched_layers);
        executor_layer(serve->executor, compute->launched_layers);
        serve->backend->record(serve->device, STREAM_COMPUTE,
                               compute->after[compute->after_set][compute->launched_layers]);
        compute->launched_layers++;
    }
    if (compute->launched_layers < layers_of(serve) || compute->queued)
        return;
    executor_end(serve->executor);
    record_ended(serve);
}

/* Layer by layer: queueing all copies first would hold back the first layer's operators by the time
 * that the host takes for it, and at once, since where nothing is loaded no other event would wake
 * the loop. */
static void start_prefill(struct serve *serve)
{
    struct compute *compute = &serve->compute;
    const struct session *session = prefilled(serve);
    struct job_note *note = note_of(serve, session);
    compute->state = COMPUTE_PREFILL;
    compute->save_began = false;
    compute->after_set = (compute->after_set + 1) % AFTER_SETS;
    note->after_set = compute->after_set;
    note->prefilling = true;
    disk_pump(serve);
    begin_prefill(serve, session->ready_tokens);
    for (uint32_t layers = 1; layers <= layers_of(serve); layers++) {
        layers_queue_loads(serve, compute->iteration.stage, layers);
        launch_layers(serve);
    }
}

/* How long layers waited for their KV, from when each came and when the one before had ended. */
static uint64_t waited_ns(struct serve *serve)
{
    const struct compute *compute = &serve->compute;
    const struct stage *stage = &serve->stage[compute->iteration.stage];
    uint64_t end_ns = compute->since_ns + serve->origin_ns, sum_ns = 0;
    for (uint32_t layer = 0; layer < layers_of(serve); layer++) {
        for (int i = 0; i < LOADS_A_JOB; i++) {
            uint64_t arrived_ns = 0;
            if (stage->load[i].live)
                serve->backend->happened(serve->device, stage->load[i].arrived[layer], &arrived_ns);
            if (arrived_ns > end_ns) {
                sum_ns += arrived_ns - end_ns;
                end_ns = arrived_ns;
            }
        }
        serve->backend->happened(serve->device, compute->after[compute->after_set][layer], &end_ns);
    }
    return sum_ns;
}

/* KV that came back bad was computed upon: all of the context is prefilled again. */
static bool redo_if_damaged(struct serve *serve)
{
    struct job_note *note = note_of(serve, prefilled(serve));
    if (!note->damaged)
        return false;
    note->damaged = false;
    serve->report->recomputed_turns++;
    for (int i = 0; i < LOADS_A_JOB; i++)
        serve->stage[note->stage].load[i].live = false;
    begin_prefill(serve, 0);
    return true;
}

static void show_logits(struct serve *serve)
{
    const struct session *session = prefilled(serve);
    if (serve->config->observe == NULL)
        return;
    float *logits = memory_new(serve->setup.model.vocabulary, sizeof *logits);
    executor_logits(serve->executor, 1, logits);
    serve->config->observe(serve->config->observe_context, session->id, session->turn, logits);
    free(logits);
}

/* ---- iterations beside what timing says ---- */

/* The present iteration, which was seen to have ended. */
static void log_iteration(struct serve *serve, struct iteration iteration)
{
    iteration.begin_ns = serve->compute.since_ns;
    iteration.queued_ns = serve->compute.queued_ns;
    iteration.seen_ns = serve_now_ns(serve);
    iteration_log_add(&serve->log, &iteration);
}

static void log_prefill(struct serve *serve, const struct iteration_end *end)
{
    uint32_t reused = serve->compute.reused;
    uint32_t rows = session_context(prefilled(serve)) - reused;
    struct prefill_time time = timing_prefill(&serve->setup.timing, rows, reused);
    log_iteration(serve, (struct iteration){ .kind = ITERATION_PREFILL,
                                             .tokens = rows,
                                             .context_tokens = reused,
                                             .end_ns = end->end_ns,
                                             .waited_ns = end->wait_ns,
                                             .predicted_ns = time.layer_ns * layers_of(serve) +
                                                             time.overhead_ns });
}

static void log_decode(struct serve *serve, uint64_t end_ns)
{
    const struct engine_iteration *iteration = &serve->compute.iteration;
    uint64_t context = 0;
    for (uint32_t i = 0; i < iteration->decodes; i++)
        context += session_context_now(session_at(serve, iteration->decode[i]));
    struct decode_time time = timing_decode(&serve->setup.timing, iteration->decodes);
    double predicted_ns = time.base_ns + (double)context * time.per_token_ns;
    log_iteration(serve, (struct iteration){ .kind = ITERATION_DECODE,
                                             .tokens = iteration->decodes,
                                             .context_tokens = context,
                                             .end_ns = end_ns,
                                             .predicted_ns = (uint64_t)predicted_ns });
}

/* ---- ends ---- */

/* The device was through at end_ns; now that is seen. */
static struct iteration_end end_of(uint64_t end_ns)
{
    return (struct iteration_end){ .end_ns = end_ns, .repeats = 1, .first_end_ns = end_ns };
}

static void tell_end(struct serve *serve, const struct iteration_end *end)
{
    serve->compute.state = COMPUTE_IDLE;
    engine_iteration_ended(serve->engine, serve->now_ns, end);
    serve_go_on(serve);
}

static void end_prefill(struct serve *serve, uint64_t end_ns)
{
    struct job_note *note = note_of(serve, prefilled(serve));
    struct iteration_end end = end_of(end_ns);
    show_logits(serve);
    if (serve->compute.reused == 0)
        transfers_repair(serve, note);
    end.wait_ns = waited_ns(serve);
    log_prefill(serve, &end);
    note->prefilling = false;
    tell_end(serve, &end);
}

/* The first layer is made: the prompt's KV may follow it layer by layer. */
static bool begin_save(struct serve *serve)
{
    struct compute *compute = &serve->compute;
    struct backend_event *first = compute->after[compute->after_set][0];
    if (compute->save_began || !compute->queued || note_of(serve, prefilled(serve))->damaged ||
        serve->experiment->saving == SAVING_SYNCHRONOUS ||
        !serve->backend->happened(serve->device, first, NULL))
        return false;
    compute->save_began = true;
    engine_prompt_ready(serve->engine, serve->now_ns, compute->iteration.chunk[0].session);
    serve_go_on(serve);
    return true;
}

/* A load ends a moment after the last layer that the stream waited for has come. The engine is told
 * of it before it is told of what follows from it. */
static bool poll_prefill(struct serve *serve)
{
    uint64_t end_ns;
    launch_layers(serve);
    bool news = begin_save(serve);
    if (!serve->compute.queued ||
        !serve->backend->happened(serve->device, serve->compute.ended, &end_ns) ||
        engine_is_loading(serve->engine, serve->compute.iteration.chunk[0].session))
        return news;
    if (!redo_if_damaged(serve))
        end_prefill(serve, end_ns - serve->origin_ns);
    return true;
}

/* ---- decode ---- */

static void start_decode(struct serve *serve)
{
    const struct engine_iteration *iteration = &serve->compute.iteration;
    struct sequence *sequences = serve->compute.sequences;
    uint32_t *tokens = serve->compute.tokens;
    for (uint32_t i = 0; i < iteration->decodes; i++) {
        const struct session *session = session_at(serve, iteration->decode[i]);
        uint32_t cached = session_context_now(session) - 1;
        uint32_t new_tokens = session->left_tokens == 1 ? 2 : 1;
        sequences[i] = sequence_of(serve, session, cached, new_tokens, tokens);
        tokens += new_tokens;
    }
    executor_forward(serve->executor, sequences, iteration->decodes, serve->compute.tokens);
    record_ended(serve);
    serve->compute.state = COMPUTE_DECODE;
}

static bool poll_decode(struct serve *serve)
{
    uint64_t end_ns;
    if (!serve->backend->happened(serve->device, serve->compute.ended, &end_ns))
        return false;
    struct iteration_end end = end_of(end_ns - serve->origin_ns);
    log_decode(serve, end.end_ns);
    tell_end(serve, &end);
    return true;
}

void compute_start(struct serve *serve, const struct engine_iteration *iteration)
{
    serve->compute.iteration = *iteration;
    serve->compute.since_ns = serve->now_ns;
    if (iteration->chunks > 0)
        start_prefill(serve);
    else
        start_decode(serve);
}

bool compute_poll(struct serve *serve)
{
    if (serve->compute.state == COMPUTE_PREFILL)
        return poll_prefill(serve);
    if (serve->compute.state == COMPUTE_DECODE)
        return poll_decode(serve);
    return false;
}
