/* sim/engine_gpu.c - what the GPUs do: one prefill at a time, else decode iterations of the batch, which
 * are advanced in closed form until the batch changes; stalls of synchronous saving. */
#include "sim/engine.h"

#include <assert.h>
#include <math.h>

static bool saves_synchronously(const struct engine *engine)
{
    return engine->setup->experiment->saving == SAVING_SYNCHRONOUS;
}

static bool place_left(const struct engine *engine)
{
    return engine->running_count + engine->held_places < engine->setup->experiment->batch;
}

static void schedule(struct engine *engine, uint64_t time_ns)
{
    event_heap_push(&engine->events, time_ns, ENGINE_GPU, ++engine->gpu_sequence);
}

/* ---- the queue's head ---- */

static uint32_t kv_cut(const struct engine *engine, const struct session *session)
{
    if (session->cut_tokens == 0 || engine->setup->unit_tokens != UINT32_MAX)
        return 0; /* blocks were cut by their keys */
    return engine->setup->experiment->overflow == OVERFLOW_INVALIDATE ? CUT_ALL
                                                                      : session->cut_tokens;
}

/* ---- load or compute again ---- */

static uint32_t found_tokens(const struct placement_hits *hits)
{
    return hits->tokens[TIER_HBM] + hits->tokens[TIER_DRAM] + hits->tokens[TIER_SSD];
}

/* About how long until the first token if these tokens are reused: the layers' loads and computations
 * overlap, but for the first of the one and the last of the other. Of links nobody else uses. */
static double expected_prefill_ns(const struct engine *engine, const struct session *session,
                                  const struct placement_hits *hits)
{
    const struct engine_setup *setup = engine->setup;
    const double *rate = setup->link_bytes_per_s;
    uint32_t context = session->history_tokens + session->prompt_tokens;
    uint32_t dram = hits->tokens[TIER_DRAM], ssd = hits->tokens[TIER_SSD];
    uint32_t reused = found_tokens(hits);
    reused = reused < context ? reused : context - 1;
    struct prefill_time time = timing_prefill(&setup->timing, context - reused, reused);
    double bytes_per_token = (double)setup->kv_bytes_per_token, load_s = 0.0, ssd_s = 0.0;
    if (dram + ssd > 0)
        load_s = (double)(dram + ssd) * bytes_per_token / rate[LINK_H2D];
    if (ssd > 0)
        ssd_s = (double)ssd * bytes_per_token / rate[LINK_SSD_READ];
    double load_ns = (load_s > ssd_s ? load_s : ssd_s) * (double)NS_PER_S;
    double layer_ns = (double)time.layer_ns, layers = setup->model.layers;
    if (setup->experiment->preloading == PRELOAD_NONE)
        return load_ns + layer_ns * layers;
    return load_ns > layer_ns * layers ? load_ns + layer_ns : layer_ns * layers + load_ns / layers;
}

/* The slowest tier that it pays to load from. */
static enum tier worth_loading(const struct engine *engine, const struct session *session,
                               uint32_t cut)
{
    if (engine->setup->experiment->reuse == REUSE_ALWAYS)
        return TIER_SSD;
    enum tier best = TIER_HBM;
    double best_ns = 0.0;
    for (int tier = TIER_HBM; tier < TIER_COUNT; tier++) {
        struct placement_hits hits =
            placement_peek(engine->core, session->job, cut, (enum tier)tier);
        double time_ns = expected_prefill_ns(engine, session, &hits);
        if (tier == TIER_HBM || time_ns <= best_ns) {
            best = (enum tier)tier;
            best_ns = time_ns;
        }
    }
    return best;
}

/* Has the core prepare the queue's head. false: none, or not yet. */
static bool prepare_head(struct engine *engine)
{
    uint32_t handle = engine->queue_head;
    if (engine->prepared != 0)
        return true;
    if (handle == 0)
        return false;
    struct session *session = &engine->session[handle];
    uint32_t total = session->history_tokens + session->prompt_tokens + session->reply_tokens;
    uint32_t cut = kv_cut(engine, session);
    struct placement_hits found = placement_peek(engine->core, session->job, cut, TIER_SSD);
    enum prepare done =
        placement_prepare(engine->core, engine->now_ns, session->job, cut, total,
                          worth_loading(engine, session, cut), &session->hits);
    if (done != PREPARE_DONE) {
        copies_act(engine);
        return false;
    }
    session->passed_over_tokens = found_tokens(&found) - found_tokens(&session->hits);
    engine->queue_head = session->next;
    if (engine->queue_head == 0)
        engine->queue_tail = 0;
    engine->prepared = handle;
    engine->arrivals_of_prepared ^= 1;
    layer_arrivals_reset(&engine->arrivals[engine->arrivals_of_prepared],
                         engine->setup->model.layers);
    copies_act(engine);
    return true;
}

/* With a read buffer the head's first layers load while others compute. */
static void prepare_ahead(struct engine *engine)
{
    const struct experiment *experiment = engine->setup->experiment;
    if (experiment->preloading == PRELOAD_LAYERS && experiment->read_buffer_layers > 0)
        prepare_head(engine);
}

/* ---- prefill ---- */

static void start_measuring(struct engine *engine)
{
    collector_measure_from(&engine->collector, engine->now_ns);
    engine->counters_at_measure = *placement_counters(engine->core);
    for (int link = 0; link < LINK_COUNT; link++)
        engine->link_bytes_at_measure[link] =
            links_moved_bytes(&engine->links, engine->now_ns, (enum link)link);
    placement_reset_peaks(engine->core);
}

/* The last token's logits are always computed, so one token is prefilled even if all KV is there. */
static uint32_t reused_tokens(const struct session *session)
{
    uint32_t context = session->history_tokens + session->prompt_tokens;
    uint32_t reused = found_tokens(&session->hits);
    return reused < context ? reused : context - 1;
}

static void start_prefill(struct engine *engine)
{
    uint32_t handle = engine->prepared;
    struct session *session = &engine->session[handle];
    engine->prepared = 0;
    engine->prefilling = handle;
    engine->arrivals_of_prefilling = engine->arrivals_of_prepared;
    engine->gpu = GPU_PREFILL_LOADING;
    engine->gpu_since_ns = engine->now_ns;
    session->start_ns = engine->now_ns;
    session->number = engine->turns_started++;
    if (session->number == engine->setup->experiment->warmup_turns)
        start_measuring(engine);
    collector_set_queue(&engine->collector, engine->now_ns, --engine->queue_count);
    uint32_t reused = reused_tokens(session);
    uint32_t context = session->history_tokens + session->prompt_tokens;
    engine->prefill_time = timing_prefill(&engine->setup->timing, context - reused, reused);
    copies_start_rest(engine, handle);
    if (!copies_loading(engine, handle))
        gpu_loads_ended(engine);
    prepare_ahead(engine);
}

/* When the prompt's KV may begin to leave so that no layer leaves before it is made. */
static uint64_t save_start_ns(const struct engine *engine, const struct session *session,
                              uint64_t first_layer_end_ns, uint64_t last_layer_end_ns)
{
    uint32_t context = session->history_tokens + session->prompt_tokens;
    double bytes = (double)(context - reused_tokens(session)) *
                   (double)engine->setup->kv_bytes_per_token;
    double layer_ns = bytes / engine->setup->model.layers /
                      engine->setup->link_bytes_per_s[LINK_D2H] * (double)NS_PER_S;
    return overlap_save_start(first_layer_end_ns, last_layer_end_ns, engine->setup->model.layers,
                              (uint64_t)layer_ns);
}

void gpu_loads_ended(struct engine *engine)
{
    struct session *session = &engine->session[engine->prefilling];
    struct layer_arrivals *arrivals = &engine->arrivals[engine->arrivals_of_prefilling];
    if (engine->setup->experiment->preloading == PRELOAD_NONE)
        layer_arrivals_all_at(arrivals, engine->now_ns);
    struct prefill_time time = engine->prefill_time;
    struct overlap_end end = overlap_prefill_end(arrivals, session->start_ns, time.layer_ns);
    engine->prefill_wait_ns = end.wait_ns;
    uint64_t end_ns = end.end_ns + time.overhead_ns;
    engine->gpu = GPU_PREFILL;
    if (!saves_synchronously(engine)) {
        uint64_t save_ns = save_start_ns(engine, session, end.first_layer_ns, end.end_ns);
        event_heap_push(&engine->events, save_ns > engine->now_ns ? save_ns : engine->now_ns,
                        ENGINE_SAVE, engine->prefilling);
    }
    schedule(engine, end_ns > engine->now_ns ? end_ns : engine->now_ns);
}

static void save(struct engine *engine, uint32_t handle, uint32_t ready_tokens)
{
    turns_extend_chain(engine, handle, ready_tokens);
    placement_save(engine->core, engine->now_ns, engine->session[handle].job, ready_tokens);
}

void gpu_save_event(struct engine *engine, uint32_t handle)
{
    struct session *session = &engine->session[handle];
    session->save_began = true;
    save(engine, handle, session->history_tokens + session->prompt_tokens);
    copies_act(engine);
}

static void count_turn(struct engine *engine, const struct session *session)
{
    if (session->number < engine->setup->experiment->warmup_turns)
        return;
    const struct placement_hits *hits = &session->hits;
    struct turn_record record = {
        .end_ns = engine->now_ns,
        .ttft_ns = engine->now_ns - session->asked_ns,
        .queueing_ns = session->start_ns - session->asked_ns,
        .prefill_ns = engine->now_ns - session->start_ns,
        .load_wait_ns = engine->prefill_wait_ns,
        .context_tokens = session->history_tokens + session->prompt_tokens,
        .history_tokens = session->history_tokens,
        .reused_tokens = reused_tokens(session),
        .passed_over_tokens = session->passed_over_tokens,
        .units_found = hits->units_found,
        .units_wanted = hits->units_wanted,
    };
    for (int tier = 0; tier < TIER_COUNT; tier++)
        record.hit_tokens[tier] = hits->tokens[tier];
    collector_add_turn(&engine->collector, &record);
}

/* ---- the end of a turn ---- */

/* KV that is still to be saved waits in the write buffer; what has no room there keeps the turn's
 * place in the batch. Synchronous saving stalls the GPUs instead. */
static void leave_unsaved(struct engine *engine, uint32_t job)
{
    struct job_note *note = &engine->note[job];
    if (!placement_saving(engine->core, job))
        return;
    if (saves_synchronously(engine)) {
        note->stalls = true;
        engine->stalling_jobs++;
        return;
    }
    uint64_t unsaved_bytes = placement_unsaved_bytes(engine->core, job);
    if (engine->write_buffer_used_bytes + unsaved_bytes <=
        engine->setup->experiment->write_buffer_bytes) {
        note->buffered_bytes = unsaved_bytes;
        engine->write_buffer_used_bytes += unsaved_bytes;
    } else {
        note->holds_place = true;
        engine->held_places++;
    }
}

static void finish_turn(struct engine *engine, uint32_t handle)
{
    struct session *session = &engine->session[handle];
    uint32_t total = session->history_tokens + session->prompt_tokens + session->reply_tokens;
    save(engine, handle, total);
    placement_finish(engine->core, engine->now_ns, session->job);
    engine->note[session->job].session = 0;
    leave_unsaved(engine, session->job);
    copies_act(engine);
    engine->turns_done++;
    if (session->number >= engine->setup->experiment->warmup_turns)
        collector_end_turn(&engine->collector, engine->now_ns, session->reply_tokens);
    turns_end(engine, handle);
}

static bool must_stall(const struct engine *engine)
{
    return engine->stalling_jobs > 0 ||
           (engine->stalling_prefill != 0 &&
            placement_saving(engine->core, engine->stalling_prefill));
}

static void stall_or_go_on(struct engine *engine)
{
    engine->gpu = GPU_IDLE;
    if (!must_stall(engine)) {
        engine->stalling_prefill = 0;
        gpu_next(engine);
        return;
    }
    engine->gpu = GPU_SAVE_STALL;
    engine->gpu_since_ns = engine->now_ns;
}

void gpu_saving_changed(struct engine *engine)
{
    if (engine->gpu != GPU_SAVE_STALL || must_stall(engine))
        return;
    collector_add_busy(&engine->collector, BUSY_SAVE_STALL, engine->now_ns - engine->gpu_since_ns);
    stall_or_go_on(engine);
}

/* Turns whose reply is complete leave the batch; the others keep their order. */
static void finish_completed(struct engine *engine)
{
    uint32_t kept = 0, count = engine->running_count;
    engine->running_count = 0; /* places are free while the core is told of each end */
    for (uint32_t i = 0; i < count; i++) {
        uint32_t handle = engine->running[i];
        if (engine->session[handle].left_tokens > 0)
            engine->running[kept++] = handle;
        else
            finish_turn(engine, handle);
    }
    engine->running_count = kept;
}

static void end_prefill(struct engine *engine)
{
    uint32_t handle = engine->prefilling;
    struct session *session = &engine->session[handle];
    collector_add_busy(&engine->collector, BUSY_PREFILL, engine->now_ns - engine->gpu_since_ns);
    count_turn(engine, session);
    engine->prefilling = 0;
    session->last_token_ns = engine->now_ns;
    session->left_tokens = session->reply_tokens - 1; /* prefill gave the first one */
    engine->running[engine->running_count++] = handle;
    if (saves_synchronously(engine)) {
        gpu_save_event(engine, handle);
        engine->stalling_prefill = session->job;
    }
    finish_completed(engine);
    stall_or_go_on(engine);
}

/* ---- decode ---- */

/* Time of the segment's first k iterations. */
static uint64_t segment_ns(const struct decode_segment *segment, uint64_t k)
{
    double iterations = (double)k;
    double context = iterations * segment->context_tokens +
                     segment->batch * iterations * (iterations - 1.0) / 2.0;
    double time_ns = iterations * segment->base_ns + segment->per_token_ns * context;
    return (uint64_t)(time_ns + 0.5);
}

static void start_decode(struct engine *engine)
{
    struct decode_time time = timing_decode(&engine->setup->timing, engine->running_count);
    uint64_t context = 0, iterations = UINT64_MAX;
    for (uint32_t i = 0; i < engine->running_count; i++) {
        const struct session *session = &engine->session[engine->running[i]];
        context += (uint64_t)session->history_tokens + session->prompt_tokens +
                   session->reply_tokens - session->left_tokens;
        if (session->left_tokens < iterations)
            iterations = session->left_tokens;
    }
    engine->segment = (struct decode_segment){ .start_ns = engine->now_ns,
                                               .iterations = iterations,
                                               .base_ns = time.base_ns,
                                               .per_token_ns = time.per_token_ns,
                                               .context_tokens = (double)context,
                                               .batch = (double)engine->running_count };
    engine->gpu = GPU_DECODE;
    engine->gpu_since_ns = engine->now_ns;
    schedule(engine, engine->now_ns + segment_ns(&engine->segment, iterations));
}

/* The segment ends with the iteration that runs now. */
static void cut_segment(struct engine *engine)
{
    struct decode_segment *segment = &engine->segment;
    uint64_t elapsed_ns = engine->now_ns - segment->start_ns;
    /* The root of segment_ns(k) = elapsed, then corrected for rounding. */
    double a = segment->per_token_ns * segment->batch / 2.0;
    double b = segment->base_ns + segment->per_token_ns * segment->context_tokens - a;
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
    uint64_t first_end_ns = segment->start_ns + segment_ns(segment, 1);
    for (uint32_t i = 0; i < engine->running_count; i++) {
        struct session *session = &engine->session[engine->running[i]];
        collector_add_tbt(&engine->collector, first_end_ns - session->last_token_ns);
        session->last_token_ns = engine->now_ns;
        session->left_tokens -= (uint32_t)segment->iterations;
    }
    double step_ns = segment->per_token_ns * segment->batch;
    if (segment->iterations > 1)
        collector_add_tbt_ramp(&engine->collector,
                               segment->base_ns + segment->per_token_ns * segment->context_tokens +
                                   step_ns,
                               step_ns, segment->iterations - 1, engine->running_count);
}

static void end_decode(struct engine *engine)
{
    uint64_t time_ns = engine->now_ns - engine->gpu_since_ns;
    collector_add_busy(&engine->collector, BUSY_DECODE, time_ns);
    collector_add_batch(&engine->collector, engine->running_count, time_ns);
    count_tokens(engine);
    finish_completed(engine);
    stall_or_go_on(engine);
}

/* ---- what comes next ---- */

void gpu_next(struct engine *engine)
{
    assert(engine->gpu == GPU_IDLE && engine->prefilling == 0);
    if (place_left(engine) && prepare_head(engine))
        start_prefill(engine);
    else if (engine->running_count > 0)
        start_decode(engine);
}

void gpu_look_up(struct engine *engine)
{
    prepare_ahead(engine);
    if (engine->gpu == GPU_IDLE)
        gpu_next(engine);
    else if (engine->gpu == GPU_DECODE && place_left(engine) &&
             (engine->prepared != 0 || engine->queue_head != 0))
        cut_segment(engine);
}

void gpu_event(struct engine *engine, uint32_t sequence)
{
    if (sequence != engine->gpu_sequence)
        return; /* the segment was cut shorter */
    if (engine->gpu == GPU_PREFILL)
        end_prefill(engine);
    else if (engine->gpu == GPU_DECODE)
        end_decode(engine);
}
