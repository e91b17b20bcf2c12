/* runtime/serve_compute.c - the engine's iterations on the device: turns' prefills or chunks of
 * them, turns that decode, or both in one launch. An iteration that prefills is launched layer by
 * layer, each as soon as the copies of its KV are queued, so that the stream itself waits for them.
 * The KV of a reply's last token, which an engine leaves to the next turn, is made together with
 * the one before, so that a turn's context is whole when it ends, as the engine books it. */
#include "runtime/serve_state.h"

/* ---- what goes in ---- */

static struct sequence sequence_of(struct serve *serve, const struct session *session,
                                   uint32_t cached, uint32_t new_tokens, uint32_t *tokens)
{
    struct job_note *note = note_of(serve, session);
    pages_need(serve, note, cached + new_tokens);
    for (uint32_t i = 0; i < new_tokens; i++)
        tokens[i] = token_at(serve, session, cached + i);
    return (struct sequence){ .pages = note->hbm.page,
                              .page_count = note->hbm.count,
                              .skip = (uint32_t)(note->origin % serve->run->page_tokens),
                              .cached_tokens = cached,
                              .new_tokens = new_tokens };
}

/* Whether the chunk is the last of its turn's prefill. */
static bool completes(const struct session *session, struct chunk chunk)
{
    return session->ready_tokens + chunk.tokens == session->prefill_tokens;
}

/* The chunk, behind `cached` tokens that are there. */
static struct sequence chunk_sequence(struct serve *serve, struct chunk chunk, uint32_t cached,
                                      uint32_t *tokens)
{
    const struct session *session = session_at(serve, chunk.session);
    uint32_t end = session->ready_tokens + chunk.tokens;
    bool last = completes(session, chunk) && session->left_tokens == 1;
    return sequence_of(serve, session, cached, end - cached + (last ? 1 : 0), tokens);
}

static struct sequence decode_sequence(struct serve *serve, uint32_t handle, uint32_t *tokens)
{
    const struct session *session = session_at(serve, handle);
    return sequence_of(serve, session, session_context_now(session) - 1,
                       session->left_tokens == 1 ? 2 : 1, tokens);
}

/* All of the iteration. Returns how many sequences. */
static uint32_t gather_sequences(struct serve *serve)
{
    const struct engine_iteration *iteration = &serve->compute.iteration;
    struct sequence *sequences = serve->compute.sequences;
    uint32_t *tokens = serve->compute.tokens, count = 0;
    for (uint32_t i = 0; i < iteration->chunks; i++, count++) {
        struct chunk chunk = iteration->chunk[i];
        sequences[count] =
            chunk_sequence(serve, chunk, session_at(serve, chunk.session)->ready_tokens, tokens);
        tokens += sequences[count].new_tokens;
    }
    for (uint32_t i = 0; i < iteration->decodes; i++, count++) {
        sequences[count] = decode_sequence(serve, iteration->decode[i], tokens);
        tokens += sequences[count].new_tokens;
    }
    return count;
}

/* ---- layer by layer ---- */

/* The stage whose loads the iteration waits for, or NULL. */
static const struct stage *awaited(const struct serve *serve)
{
    const struct compute *compute = &serve->compute;
    bool waits = compute->iteration.loading != 0 && compute->redone == 0;
    return waits ? &serve->stage[compute->iteration.stage] : NULL;
}

static bool waits_for_all(const struct serve *serve)
{
    return serve->run->experiment->preloading == PRELOAD_NONE;
}

static bool layer_may_go(const struct serve *serve, uint32_t layer)
{
    const struct stage *stage = awaited(serve);
    uint32_t needed = waits_for_all(serve) ? layers_of(serve) : layer + 1;
    for (uint32_t i = 0; stage != NULL && i < stage->loads; i++)
        if (serve->load[stage->load[i]].queued_layers < needed)
            return false;
    return true;
}

static void wait_for_kv(struct serve *serve, uint32_t layer)
{
    const struct stage *stage = awaited(serve);
    uint32_t last = waits_for_all(serve) ? layers_of(serve) - 1 : layer;
    for (uint32_t i = 0; stage != NULL && i < stage->loads; i++)
        serve->run->backend->wait(serve->device, STREAM_COMPUTE,
                                  serve->load[stage->load[i]].arrived[last]);
}

static void record_ended(struct serve *serve)
{
    serve->run->backend->record(serve->device, STREAM_COMPUTE, serve->compute.ended);
    serve->compute.queued_ns = run_now_ns(serve->run);
    serve->compute.queued = true;
}

static void launch_layers(struct serve *serve)
{
    struct compute *compute = &serve->compute;
    while (compute->launched_layers < layers_of(serve) &&
           layer_may_go(serve, compute->launched_layers)) {
        wait_for_kv(serve, compute->launched_layers);
        executor_layer(serve->executor, compute->launched_layers);
        serve->run->backend->record(serve->device, STREAM_COMPUTE,
                                    compute->after[compute->after_set][compute->launched_layers]);
        compute->launched_layers++;
    }
    if (compute->launched_layers < layers_of(serve) || compute->queued)
        return;
    executor_end(serve->executor);
    record_ended(serve);
}

static void begin_layers(struct serve *serve, uint32_t sequences)
{
    struct compute *compute = &serve->compute;
    compute->launched_layers = 0;
    compute->queued = false;
    executor_begin(serve->executor, compute->sequences, sequences, compute->tokens);
}

static void mark_prefilling(struct serve *serve, bool prefilling)
{
    const struct engine_iteration *iteration = &serve->compute.iteration;
    for (uint32_t i = 0; i < iteration->chunks; i++) {
        struct job_note *note = note_of(serve, session_at(serve, iteration->chunk[i].session));
        note->after_set = serve->compute.after_set;
        note->prefilling = prefilling;
        if (!prefilling)
            pages_let_go(serve, note);
    }
}

/* Layer by layer: queueing all copies first would hold back the first layer's operators by the time
 * that the host takes for it, and at once, since where nothing is loaded no other event would wake
 * the loop. */
static void start_prefill(struct serve *serve)
{
    struct compute *compute = &serve->compute;
    uint32_t sequences = gather_sequences(serve);
    if (serve->run->err.status != STATUS_OK) /* there are not pages for all */
        return;
    compute->state = COMPUTE_PREFILL;
    compute->save_began = false;
    compute->after_set = (compute->after_set + 1) % AFTER_SETS;
    mark_prefilling(serve, true);
    disk_pump(serve);
    begin_layers(serve, sequences);
    for (uint32_t layers = 1; layers <= layers_of(serve); layers++) {
        if (awaited(serve) != NULL)
            layers_queue_loads(serve, compute->iteration.stage, layers);
        launch_layers(serve);
    }
}

/* When the last of what the layer waits for had come. */
static uint64_t arrived_ns(struct serve *serve, uint32_t layer)
{
    const struct stage *stage = awaited(serve);
    uint32_t last = waits_for_all(serve) ? layers_of(serve) - 1 : layer;
    uint64_t latest_ns = 0;
    for (uint32_t i = 0; stage != NULL && i < stage->loads; i++) {
        uint64_t time_ns = 0;
        serve->run->backend->happened(serve->device, serve->load[stage->load[i]].arrived[last],
                                      &time_ns);
        latest_ns = time_ns > latest_ns ? time_ns : latest_ns;
    }
    return latest_ns;
}

/* How long layers waited for their KV, from when each came and when the one before had ended. */
static uint64_t waited_ns(struct serve *serve)
{
    const struct compute *compute = &serve->compute;
    uint64_t end_ns = compute->since_ns + serve->run->origin_ns, sum_ns = 0;
    for (uint32_t layer = 0; layer < layers_of(serve) && awaited(serve) != NULL; layer++) {
        uint64_t begin_ns = arrived_ns(serve, layer);
        sum_ns += begin_ns > end_ns ? begin_ns - end_ns : 0;
        serve->run->backend->happened(serve->device, compute->after[compute->after_set][layer],
                                      &end_ns);
    }
    return sum_ns;
}

/* When each layer's KV had come and when it was computed, for who watches. */
static void tell_layers(struct serve *serve)
{
    const struct watch *watch = serve->run->service.watch;
    const struct compute *compute = &serve->compute;
    const struct engine_iteration *iteration = &compute->iteration;
    uint64_t arrival_ns[MODEL_LAYERS_MAX], begin_ns[MODEL_LAYERS_MAX], end_ns[MODEL_LAYERS_MAX];
    uint64_t origin_ns = serve->run->origin_ns, before_ns = compute->since_ns;
    if (watch == NULL || watch->computed_layers == NULL)
        return;
    for (uint32_t layer = 0; layer < layers_of(serve); layer++) {
        uint64_t came_ns = arrived_ns(serve, layer), made_ns = 0;
        serve->run->backend->happened(serve->device, compute->after[compute->after_set][layer],
                                      &made_ns);
        arrival_ns[layer] = came_ns > origin_ns ? came_ns - origin_ns : 0;
        begin_ns[layer] = arrival_ns[layer] > before_ns ? arrival_ns[layer] : before_ns;
        end_ns[layer] = before_ns = made_ns - origin_ns;
    }
    uint32_t session = iteration->loading != 0 ? iteration->loading : iteration->chunk[0].session;
    const struct watch_layers told = {
        .server = (uint32_t)(serve - serve->run->serve),
        .layers = layers_of(serve),
        .turn = session_at(serve, session)->asked,
        .arrival_ns = arrival_ns,
        .begin_ns = begin_ns,
        .end_ns = end_ns,
    };
    watch->computed_layers(watch->context, &told);
}

/* ---- KV that came back bad ---- */

/* It was computed upon: all of the turn's context is computed again, alone. */
static bool redo_next_damaged(struct serve *serve)
{
    struct compute *compute = &serve->compute;
    for (uint32_t i = 0; i < compute->iteration.chunks; i++) {
        struct chunk chunk = compute->iteration.chunk[i];
        struct job_note *note = note_of(serve, session_at(serve, chunk.session));
        if (!note->damaged)
            continue;
        note->damaged = false;
        serve->run->report->recomputed_turns++;
        compute->redone = i + 1;
        compute->sequences[0] = chunk_sequence(serve, chunk, 0, compute->tokens);
        begin_layers(serve, 1);
        launch_layers(serve);
        return true;
    }
    return false;
}

static bool any_is_damaged(const struct serve *serve)
{
    const struct engine_iteration *iteration = &serve->compute.iteration;
    for (uint32_t i = 0; i < iteration->chunks; i++)
        if (note_of(serve, session_at(serve, iteration->chunk[i].session))->damaged)
            return true;
    return false;
}

/* ---- what was computed ---- */

/* Of the token that follows all of the session's context; where that ends with the token itself,
 * which the iteration made too, there is none. */
static void show_logits(struct serve *serve, uint32_t handle, uint32_t sequence)
{
    const struct run *run = serve->run;
    const struct session *session = session_at(serve, handle);
    run->config->observe(run->config->observe_context, session->id, session->turn,
                         session->reply_tokens - session->left_tokens,
                         serve->compute.logits + (uint64_t)sequence * run->setup.model.vocabulary);
}

static void show_chunk(struct serve *serve, struct chunk chunk, uint32_t sequence)
{
    if (completes(session_at(serve, chunk.session), chunk))
        show_logits(serve, chunk.session, sequence);
}

/* Of those whose logits are right: of one that was computed again alone, or of all others. */
static void observe(struct serve *serve)
{
    const struct compute *compute = &serve->compute;
    const struct engine_iteration *iteration = &compute->iteration;
    if (serve->run->config->observe == NULL)
        return;
    uint32_t sequences = compute->redone > 0 ? 1 : iteration->chunks + iteration->decodes;
    executor_logits(serve->executor, sequences, compute->logits);
    if (compute->redone > 0) {
        show_chunk(serve, iteration->chunk[compute->redone - 1], 0);
        return;
    }
    for (uint32_t i = 0; i < iteration->chunks; i++)
        if (!note_of(serve, session_at(serve, iteration->chunk[i].session))->damaged)
            show_chunk(serve, iteration->chunk[i], i);
    for (uint32_t i = 0; i < iteration->decodes; i++)
        show_logits(serve, iteration->decode[i], iteration->chunks + i);
}

/* What was computed without reusing anything is right, whatever DRAM has. */
static void repair(struct serve *serve)
{
    const struct compute *compute = &serve->compute;
    for (uint32_t i = 0; i < compute->iteration.chunks; i++) {
        struct chunk chunk = compute->iteration.chunk[i];
        const struct session *session = session_at(serve, chunk.session);
        if (compute->redone == i + 1 || session->ready_tokens == 0)
            pages_repair(serve, session, session->ready_tokens + chunk.tokens);
    }
}

/* ---- ends ---- */

static void end_iteration(struct serve *serve, uint64_t end_ns, uint64_t waited)
{
    struct iteration_end end = iterations_log(serve, end_ns - serve->run->origin_ns, waited);
    serve->compute.state = COMPUTE_IDLE;
    engine_iteration_ended(serve->engine, serve->run->now_ns, &end);
    serve_go_on(serve);
}

/* Whole prompts: the first layer is made, and the prompt's KV may follow it layer by layer. */
static bool begin_save(struct serve *serve)
{
    struct compute *compute = &serve->compute;
    struct backend_event *first = compute->after[compute->after_set][0];
    if (compute->save_began || !compute->queued || any_is_damaged(serve) || is_chunked(serve) ||
        serve->run->experiment->saving == SAVING_SYNCHRONOUS ||
        !serve->run->backend->happened(serve->device, first, NULL))
        return false;
    compute->save_began = true;
    engine_prompt_ready(serve->engine, serve->run->now_ns, compute->iteration.chunk[0].session);
    serve_go_on(serve);
    return true;
}

/* A load ends a moment after the last layer that the stream waited for has come. The engine is told
 * of it before it is told of what follows from it. */
static bool poll_prefill(struct serve *serve)
{
    struct compute *compute = &serve->compute;
    uint64_t end_ns;
    launch_layers(serve);
    bool news = begin_save(serve);
    if (!compute->queued ||
        !serve->run->backend->happened(serve->device, compute->ended, &end_ns) ||
        (compute->iteration.loading != 0 &&
         engine_is_loading(serve->engine, compute->iteration.loading)))
        return news;
    observe(serve);
    repair(serve);
    if (redo_next_damaged(serve))
        return true;
    tell_layers(serve);
    mark_prefilling(serve, false);
    end_iteration(serve, end_ns, waited_ns(serve));
    return true;
}

static void start_decode(struct serve *serve)
{
    uint32_t count = gather_sequences(serve);
    if (serve->run->err.status != STATUS_OK)
        return;
    executor_forward(serve->executor, serve->compute.sequences, count, serve->compute.tokens);
    record_ended(serve);
    serve->compute.state = COMPUTE_DECODE;
}

static bool poll_decode(struct serve *serve)
{
    uint64_t end_ns;
    if (!serve->run->backend->happened(serve->device, serve->compute.ended, &end_ns))
        return false;
    observe(serve);
    end_iteration(serve, end_ns, 0);
    return true;
}

void compute_start(struct serve *serve, const struct engine_iteration *iteration)
{
    serve->compute.iteration = *iteration;
    serve->compute.redone = 0;
    serve->compute.since_ns = serve->run->now_ns;
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
