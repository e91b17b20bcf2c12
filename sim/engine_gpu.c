/* sim/engine_gpu.c - what the GPUs do. An iteration prefills: one whole turn while the others pause
 * (the paper's engine), or chunks of turns within a budget of tokens while the batch decodes beside
 * them. With nothing to prefill, decode iterations are advanced in closed form until the batch
 * changes. Source of chunks: vLLM v1 (v1/core/sched/scheduler.py at 00024d3): each decoding turn
 * takes one token of the budget, then turns that are partly prefilled go on, then new ones are let
 * in. */
#include "models/timing_range.h"
#include "sim/engine.h"

#include <assert.h>
#include <math.h>

static bool saves_synchronously(const struct engine *engine)
{
    return engine->setup->experiment->saving == SAVING_SYNCHRONOUS;
}

bool gpu_place_left(const struct engine *engine)
{
    return engine->running.count + engine->joining.count + engine->prefilling.count +
               engine->held_places + engine->handovers <
           engine->setup->experiment->batch;
}

static void schedule(struct engine *engine, uint64_t time_ns)
{
    cluster_schedule(engine, time_ns, ENGINE_GPU, ++engine->gpu_sequence);
}

/* ---- what an iteration prefills ---- */

static void start_turn(struct engine *engine, uint32_t handle)
{
    struct session *session = session_of(engine, handle);
    struct cluster *cluster = engine->cluster;
    handles_add(&engine->prefilling, handle);
    if (!session->started) {
        session->started = true;
        session->start_ns = cluster->now_ns;
        session->number = cluster->turns_started++;
        if (session->number == engine->setup->experiment->warmup_turns)
            cluster_start_measuring(cluster);
        collector_set_queue(&cluster->collector, cluster->now_ns, --cluster->waiting);
    } else {
        collector_add_prefilled_again(&cluster->collector,
                                      session->prefill_tokens - session->ready_tokens);
    }
    engine->arrivals_of_prefilling = engine->arrivals_of_prepared;
    if (engine->setup->experiment->preloading == PRELOAD_BACKGROUND)
        return;
    engine->iteration.loading = handle;
    copies_start_rest(engine, handle);
}

static uint32_t add_chunk(struct engine *engine, uint32_t handle, uint32_t budget)
{
    const struct session *session = session_of(engine, handle);
    uint32_t left = session->prefill_tokens - session->ready_tokens;
    uint32_t tokens = left < budget ? left : budget;
    engine->chunk[engine->iteration.chunks++] = (struct chunk){ handle, tokens };
    return is_chunked(engine) ? budget - tokens : 0; /* else one turn is all */
}

static uint32_t token_budget(const struct engine *engine)
{
    uint32_t most = engine->setup->experiment->chunk_tokens, decodes = engine->running.count;
    if (!is_chunked(engine))
        return UINT32_MAX;
    return most > decodes ? most - decodes : 0;
}

/* Layers wait for the loads of one turn at most: another one that loads starts in the next
 * iteration. */
static void compose(struct engine *engine, bool admits)
{
    uint32_t budget = token_budget(engine);
    engine->iteration = (struct iteration){ .start_ns = now_of(engine) };
    for (uint32_t i = 0; i < engine->prefilling.count && budget > 0; i++)
        budget = add_chunk(engine, engine->prefilling.item[i], budget);
    while (admits && budget > 0 && gpu_place_left(engine) && engine->iteration.loading == 0) {
        uint32_t handle = queue_take(engine);
        if (handle == 0)
            break;
        start_turn(engine, handle);
        budget = add_chunk(engine, handle, budget);
    }
    if (is_chunked(engine) && engine->iteration.chunks > 0)
        engine->iteration.decodes = engine->running.count;
}

/* ---- how long it takes ---- */

static uint64_t decode_context(const struct engine *engine)
{
    uint64_t context = 0;
    for (uint32_t i = 0; i < engine->running.count; i++)
        context += context_now(session_of(engine, engine->running.item[i]));
    return context;
}

/* The same, of what windowed layers see. */
static uint64_t decode_window(const struct engine *engine)
{
    const struct timing *timing = &engine->setup->timing;
    uint64_t context = 0;
    for (uint32_t i = 0; timing->window_tokens > 0 && i < engine->running.count; i++)
        context +=
            timing_window_context(timing, context_now(session_of(engine, engine->running.item[i])));
    return context;
}

/* One prefill of as many tokens and as many pairs of tokens that attend to each other stands for
 * all chunks. Several prompts from their start have fewer pairs than one of their sum: then none
 * cached. */
static struct prefill_time mixed_time(struct engine *engine)
{
    struct iteration *iteration = &engine->iteration;
    uint64_t context = iteration->decodes > 0 ? decode_context(engine) : 0;
    uint64_t window = iteration->decodes > 0 ? decode_window(engine) : 0;
    double tokens = 0.0, pairs = 0.0;
    for (uint32_t i = 0; i < iteration->chunks; i++) {
        double size = engine->chunk[i].tokens;
        double cached = session_of(engine, engine->chunk[i].session)->ready_tokens;
        tokens += size;
        pairs += size * cached + size * (size + 1.0) / 2.0;
    }
    double cached = (pairs - tokens * (tokens + 1.0) / 2.0) / tokens;
    if (iteration->decodes > 0) {
        struct decode_time decode = timing_decode(&engine->setup->timing, iteration->decodes);
        iteration->decode_ns = (uint64_t)(decode.base_ns + decode.per_token_ns * (double)context +
                                          decode.window_token_ns * (double)window + 0.5);
    }
    return timing_mixed(&engine->setup->timing, (uint64_t)tokens,
                        cached > 0.0 ? (uint64_t)(cached + 0.5) : 0, iteration->decodes, context,
                        window);
}

static struct prefill_time iteration_time(struct engine *engine)
{
    if (is_chunked(engine))
        return mixed_time(engine);
    const struct chunk *chunk = &engine->chunk[0];
    return timing_prefill(&engine->setup->timing, chunk->tokens,
                          session_of(engine, chunk->session)->ready_tokens);
}

/* When the prompt's KV may begin to leave so that no layer leaves before it is made. */
static uint64_t save_start_ns(const struct engine *engine, struct overlap_end end)
{
    double bytes = (double)engine->chunk[0].tokens * (double)engine->setup->kv.bytes_per_token;
    double layer_ns = bytes / engine->setup->model.layers /
                      engine->setup->link_bytes_per_s[LINK_D2H] * (double)NS_PER_S;
    uint64_t start_ns = overlap_save_start(end.first_layer_ns, end.end_ns,
                                           engine->setup->model.layers, (uint64_t)layer_ns);
    return start_ns > now_of(engine) ? start_ns : now_of(engine);
}

void gpu_loads_ended(struct engine *engine)
{
    struct iteration *iteration = &engine->iteration;
    struct layer_arrivals *arrivals = &engine->arrivals[engine->arrivals_of_prefilling];
    if (iteration->loading == 0)
        layer_arrivals_reset(arrivals, engine->setup->model.layers);
    else if (engine->setup->experiment->preloading == PRELOAD_NONE)
        layer_arrivals_all_at(arrivals, now_of(engine));
    struct prefill_time time = iteration_time(engine);
    struct overlap_end end = overlap_prefill_end(arrivals, iteration->start_ns, time.layer_ns);
    iteration->wait_ns = end.wait_ns;
    uint64_t end_ns = end.end_ns + time.overhead_ns;
    engine->gpu = GPU_ITERATION;
    if (!saves_synchronously(engine) && !is_chunked(engine))
        cluster_schedule(engine, save_start_ns(engine, end), ENGINE_SAVE, engine->chunk[0].session);
    schedule(engine, end_ns > now_of(engine) ? end_ns : now_of(engine));
}

static void start_iteration(struct engine *engine)
{
    engine->gpu = GPU_LOADING;
    engine->gpu_since_ns = now_of(engine);
    uint32_t loading = engine->iteration.loading;
    if (loading == 0 || !copies_loading(engine, loading))
        gpu_loads_ended(engine);
    queue_prepare_ahead(engine);
}

/* ---- stalls ---- */

static bool must_stall(struct engine *engine)
{
    struct handles *stalling = &engine->stalling_prefills;
    while (stalling->count > 0 &&
           !placement_saving(engine->core, stalling->item[stalling->count - 1]))
        stalling->count--;
    return engine->stalling_jobs > 0 || stalling->count > 0;
}

static void stall(struct engine *engine)
{
    engine->gpu = GPU_SAVE_STALL;
    engine->gpu_since_ns = now_of(engine);
}

static void stall_or_go_on(struct engine *engine)
{
    engine->gpu = GPU_IDLE;
    if (!must_stall(engine)) {
        gpu_next(engine);
        return;
    }
    stall(engine);
}

void gpu_saving_changed(struct engine *engine)
{
    if (engine->gpu != GPU_SAVE_STALL || must_stall(engine))
        return;
    collector_add_busy(&engine->cluster->collector, BUSY_SAVE_STALL,
                       now_of(engine) - engine->gpu_since_ns);
    stall_or_go_on(engine);
}

/* ---- the end of an iteration that prefills ---- */

/* The turns that decoded beside the chunks have one token more. */
static void end_decodes(struct engine *engine)
{
    for (uint32_t i = 0; i < engine->iteration.decodes; i++) {
        struct session *session = session_of(engine, engine->running.item[i]);
        collector_add_tbt(&engine->cluster->collector, now_of(engine) - session->last_token_ns);
        session->last_token_ns = now_of(engine);
        session->left_tokens--;
    }
}

/* Several turns' chunks are as far from what was measured as the one of most cached tokens. */
static bool is_extrapolated(const struct engine *engine)
{
    uint64_t fresh = 0, cached = 0;
    for (uint32_t i = 0; i < engine->iteration.chunks; i++) {
        uint64_t ready = session_of(engine, engine->chunk[i].session)->ready_tokens;
        fresh += engine->chunk[i].tokens;
        cached = ready > cached ? ready : cached;
    }
    return timing_is_extrapolated(&engine->setup->timing, fresh, cached, engine->iteration.decodes);
}

static void count_busy(struct engine *engine)
{
    const struct iteration *iteration = &engine->iteration;
    struct collector *collector = &engine->cluster->collector;
    uint64_t time_ns = now_of(engine) - engine->gpu_since_ns;
    uint64_t decode_ns = iteration->decode_ns < time_ns ? iteration->decode_ns : time_ns;
    collector_add_busy(collector, BUSY_PREFILL, time_ns - decode_ns);
    collector_add_load_wait(collector, iteration->wait_ns);
    collector_add_iterations(collector, 1, time_ns, is_extrapolated(engine));
    if (iteration->decodes == 0)
        return;
    collector_add_busy(collector, BUSY_DECODE, decode_ns);
    collector_add_batch(collector, iteration->decodes, time_ns);
}

static void end_chunk(struct engine *engine, struct chunk chunk)
{
    struct session *session = session_of(engine, chunk.session);
    session->ready_tokens += chunk.tokens;
    if (session->ready_tokens == session->prefill_tokens)
        ends_prefill(engine, chunk.session);
    else if (!saves_synchronously(engine))
        ends_save(engine, chunk.session, session->ready_tokens);
}

static void end_iteration(struct engine *engine)
{
    count_busy(engine);
    end_decodes(engine);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < engine->prefilling.count; i++) {
        uint32_t handle = engine->prefilling.item[i];
        /* Chunks are of the first turns that prefill, in their order. */
        if (i < engine->iteration.chunks)
            end_chunk(engine, engine->chunk[i]);
        const struct session *session = session_of(engine, handle);
        if (session->ready_tokens < session->prefill_tokens)
            engine->prefilling.item[kept++] = handle;
    }
    engine->prefilling.count = kept;
    ends_completed(engine);
    stall_or_go_on(engine);
}

/* ---- decoding only ---- */

/* Time of the segment's first k iterations. */
static uint64_t segment_ns(const struct decode_segment *segment, uint64_t k)
{
    double iterations = (double)k;
    double context = iterations * segment->context_tokens +
                     segment->batch * iterations * (iterations - 1.0) / 2.0;
    double window = iterations * segment->window_tokens +
                    segment->window_batch * iterations * (iterations - 1.0) / 2.0;
    double time_ns = iterations * segment->base_ns + segment->per_token_ns * context +
                     segment->window_token_ns * window;
    return (uint64_t)(time_ns + 0.5);
}

/* The segment's first iteration, and by how much each takes longer than the one before. */
static double first_ns(const struct decode_segment *segment)
{
    return segment->base_ns + segment->per_token_ns * segment->context_tokens +
           segment->window_token_ns * segment->window_tokens;
}

static double growth_ns(const struct decode_segment *segment)
{
    return segment->per_token_ns * segment->batch +
           segment->window_token_ns * segment->window_batch;
}

/* Within a segment the same turns' windows grow: it ends where one is full (or, chunked, begins
 * anew). Returns for how many of the iterations that is. */
static uint64_t see_windows(const struct engine *engine, struct decode_segment *segment,
                            uint64_t iterations)
{
    const struct timing *timing = &engine->setup->timing;
    for (uint32_t i = 0; timing->window_tokens > 0 && i < engine->running.count; i++) {
        uint64_t context = context_now(session_of(engine, engine->running.item[i]));
        uint64_t growth = timing_window_growth(timing, context);
        segment->window_tokens += (double)timing_window_context(timing, context);
        if (growth == UINT64_MAX)
            continue;
        segment->window_batch += 1.0;
        if (growth + 1 < iterations)
            iterations = growth + 1;
    }
    return iterations;
}

static void start_decode(struct engine *engine)
{
    uint32_t batch = engine->running.count;
    struct decode_time time = timing_decode(&engine->setup->timing, batch);
    uint64_t iterations = UINT64_MAX;
    for (uint32_t i = 0; i < batch; i++) {
        const struct session *session = session_of(engine, engine->running.item[i]);
        if (session->left_tokens < iterations)
            iterations = session->left_tokens;
    }
    engine->segment = (struct decode_segment){ .start_ns = now_of(engine),
                                               .base_ns = time.base_ns,
                                               .per_token_ns = time.per_token_ns,
                                               .window_token_ns = time.window_token_ns,
                                               .context_tokens = (double)decode_context(engine),
                                               .batch = (double)batch };
    iterations = see_windows(engine, &engine->segment, iterations);
    iterations = room_for_segment(engine, iterations);
    engine->segment.iterations = iterations;
    engine->gpu = GPU_DECODE;
    engine->gpu_since_ns = now_of(engine);
    schedule(engine, now_of(engine) + segment_ns(&engine->segment, iterations));
}

/* The segment ends with the iteration that runs now. */
static void cut_segment(struct engine *engine)
{
    struct decode_segment *segment = &engine->segment;
    uint64_t elapsed_ns = now_of(engine) - segment->start_ns;
    /* The root of segment_ns(k) = elapsed, then corrected for rounding. */
    double a = growth_ns(segment) / 2.0;
    double b = first_ns(segment) - a;
    double root = a > 0.0 ? (sqrt(b * b + 4.0 * a * (double)elapsed_ns) - b) / (2.0 * a)
                          : (double)elapsed_ns / b;
    uint64_t k = root > 1.0 ? (uint64_t)root : 1;
    while (k > 1 && segment_ns(segment, k - 1) >= elapsed_ns)
        k--;
    while (k < segment->iterations && segment_ns(segment, k) < elapsed_ns)
        k++;
    if (k >= segment->iterations)
        return;
    segment->iterations = k;
    schedule(engine, segment->start_ns + segment_ns(segment, k));
}

static void count_tokens(struct engine *engine)
{
    const struct decode_segment *segment = &engine->segment;
    struct collector *collector = &engine->cluster->collector;
    uint64_t first_end_ns = segment->start_ns + segment_ns(segment, 1);
    for (uint32_t i = 0; i < engine->running.count; i++) {
        struct session *session = session_of(engine, engine->running.item[i]);
        collector_add_tbt(collector, first_end_ns - session->last_token_ns);
        session->last_token_ns = now_of(engine);
        session->left_tokens -= (uint32_t)segment->iterations;
    }
    double step_ns = growth_ns(segment);
    if (segment->iterations > 1)
        collector_add_tbt_ramp(collector, first_ns(segment) + step_ns, step_ns,
                               segment->iterations - 1, engine->running.count);
}

static void end_decode(struct engine *engine)
{
    uint64_t time_ns = now_of(engine) - engine->gpu_since_ns;
    collector_add_busy(&engine->cluster->collector, BUSY_DECODE, time_ns);
    collector_add_iterations(
        &engine->cluster->collector, engine->segment.iterations, time_ns,
        timing_is_extrapolated(&engine->setup->timing, 0, 0, engine->running.count));
    collector_add_batch(&engine->cluster->collector, engine->running.count, time_ns);
    count_tokens(engine);
    room_give_back(engine);
    ends_completed(engine);
    stall_or_go_on(engine);
}

/* ---- what comes next ---- */

void gpu_next(struct engine *engine)
{
    assert(engine->gpu == GPU_IDLE);
    for (uint32_t i = 0; i < engine->joining.count; i++)
        handles_add(&engine->running, engine->joining.item[i]);
    engine->joining.count = 0;
    bool pushed = room_for_next_tokens(engine);
    if (engine->waits_for_room) {
        stall(engine);
        return;
    }
    compose(engine, !pushed);
    if (engine->iteration.chunks > 0)
        start_iteration(engine);
    else if (engine->running.count > 0)
        start_decode(engine);
    else if (pushed) /* everyone was pushed out for one that was pushed out itself */
        gpu_next(engine);
}

void gpu_look_up(struct engine *engine)
{
    queue_prepare_ahead(engine);
    if (engine->gpu == GPU_IDLE)
        gpu_next(engine);
    else if (engine->gpu == GPU_DECODE &&
             (engine->joining.count > 0 || (gpu_place_left(engine) && queue_may_start(engine))))
        cut_segment(engine);
}

void gpu_event(struct engine *engine, uint32_t sequence)
{
    if (sequence != engine->gpu_sequence)
        return; /* the segment was cut shorter */
    if (engine->gpu == GPU_ITERATION)
        end_iteration(engine);
    else if (engine->gpu == GPU_DECODE)
        end_decode(engine);
}
