/* runtime/serve_compute.c - what the device computes: one prefill at a time, else decode iterations
 * of the batch; as sim/ models it. A prefill is launched layer by layer, each as soon as the copies
 * of its KV are queued, so that the stream itself waits for them. The KV of a reply's last token,
 * which an engine leaves to the next turn, is made together with the one before, so that a turn's
 * context is whole when it ends, as the simulator books it. */
#include "runtime/serve_state.h"

#include "base/memory.h"
#include "base/units.h"
#include "sim/engine/reuse.h"

#include <assert.h>
#include <stdlib.h>

static bool saves_synchronously(const struct serve *serve)
{
    return serve->experiment->saving == SAVING_SYNCHRONOUS;
}

static bool place_left(const struct serve *serve)
{
    return serve->running_count + serve->held_places < serve->experiment->batch;
}

static uint32_t context_tokens(const struct serve_turn_session *session)
{
    return session->history_tokens + session->prompt_tokens;
}

static uint32_t reused_tokens(const struct serve_turn_session *session)
{
    return reuse_tokens(reuse_found_tokens(&session->hits), context_tokens(session));
}

/* ---- preparing ---- */

/* Until the first token, if the turn reuses these tokens. */
static double expected_ns(const struct serve *serve, const struct serve_turn_session *session,
                          const struct placement_hits *hits)
{
    uint32_t context = context_tokens(session), ssd = hits->tokens[TIER_SSD];
    uint32_t reused = reuse_tokens(reuse_found_tokens(hits), context);
    const struct reuse_load load = {
        .h2d_bytes_per_s = serve->hardware.h2d_bytes_per_s,
        .ssd_read_bytes_per_s = serve->hardware.ssd_read_bytes_per_s,
        .h2d_bytes = (hits->tokens[TIER_DRAM] + (uint64_t)ssd) * serve->kv_bytes_per_token,
        .ssd_read_bytes = ssd * serve->kv_bytes_per_token,
    };
    return reuse_expected_ns(&load, timing_prefill(&serve->timing, context - reused, reused),
                             serve->model.layers, serve->experiment->preloading);
}

static enum tier worth_loading(const struct serve *serve, const struct serve_turn_session *session,
                               uint32_t cut)
{
    if (serve->experiment->reuse == REUSE_ALWAYS)
        return TIER_SSD;
    enum tier best = TIER_HBM;
    double best_ns = 0.0;
    for (int tier = TIER_HBM; tier < TIER_COUNT; tier++) {
        struct placement_hits hits =
            placement_peek(serve->core, session->job, cut, (enum tier)tier);
        double time_ns = expected_ns(serve, session, &hits);
        if (tier == TIER_HBM || time_ns <= best_ns) {
            best = (enum tier)tier;
            best_ns = time_ns;
        }
    }
    return best;
}

static void take_stage(struct serve *serve, struct job_note *note)
{
    serve->stage_of_prepared = (serve->stage_of_prepared + 1) % STAGES;
    note->stage = serve->stage_of_prepared;
    for (int i = 0; i < LOADS_A_JOB; i++)
        serve->stage[note->stage].load[i].live = false;
}

static void begin_job(struct serve *serve, struct serve_turn_session *session, uint32_t cut)
{
    struct job_note *note = &serve->note[session->job];
    uint32_t total = context_tokens(session) + session->reply_tokens;
    session->base += session->cut_tokens;
    note->base = session->base;
    if (cut > 0)
        transfers_follow_cut(serve, note->unit, cut == CUT_ALL ? UINT64_MAX : session->base);
    take_stage(serve, note);
    if (!copy_reserve(&note->hbm, &serve->pool[TIER_HBM], session->base, session->base + total,
                      serve->page_tokens))
        serve_fail(serve, "find a free page in HBM", "every one is in use");
}

static bool prepare_head(struct serve *serve)
{
    uint32_t handle = serve->queue_head;
    if (serve->prepared != 0)
        return true;
    if (handle == 0)
        return false;
    struct serve_turn_session *session = &serve->session[handle];
    uint32_t total = context_tokens(session) + session->reply_tokens;
    bool invalidates = serve->experiment->overflow == OVERFLOW_INVALIDATE;
    uint32_t cut = session->cut_tokens > 0 && invalidates ? CUT_ALL : session->cut_tokens;
    struct placement_hits found = placement_peek(serve->core, session->job, cut, TIER_SSD);
    enum prepare done = placement_prepare(serve->core, serve->now_ns, session->job, cut, total,
                                          worth_loading(serve, session, cut), &session->hits);
    if (done == PREPARE_DONE) {
        session->passed_over_tokens =
            reuse_found_tokens(&found) - reuse_found_tokens(&session->hits);
        serve->queue_head = session->next;
        if (serve->queue_head == 0)
            serve->queue_tail = 0;
        serve->prepared = handle;
        begin_job(serve, session, cut);
    }
    transfers_act(serve);
    return done == PREPARE_DONE;
}

/* A load ends a moment after the last layer that the stream waited for has come. The core is told
 * of it before it is told of what follows from it. */
static bool loads_untold(const struct serve *serve, const struct job_note *note)
{
    for (int i = 0; i < LOADS_A_JOB; i++) {
        const struct job_load *load = &serve->stage[note->stage].load[i];
        if (load->live && load->transfer != 0)
            return true;
    }
    return false;
}

/* KV is read in the order of the turns: the read buffer fills when the present prefill has its own.
 */
static void fill_read_buffer(struct serve *serve)
{
    const struct experiment *experiment = serve->experiment;
    if (experiment->preloading != PRELOAD_LAYERS || experiment->read_buffer_layers == 0)
        return;
    if (!prepare_head(serve))
        return;
    if (serve->prefilling != 0 &&
        loads_untold(serve, &serve->note[serve->session[serve->prefilling].job]))
        return;
    uint32_t layers = experiment->read_buffer_layers;
    transfers_allow(serve, serve->session[serve->prepared].job,
                    layers < serve->model.layers ? layers : serve->model.layers);
}

/* ---- prefill ---- */

static void start_measuring(struct serve *serve)
{
    collector_measure_from(&serve->collector, serve->now_ns);
    serve->counters_at_measure = *placement_counters(serve->core);
    for (int i = 0; i < 4; i++)
        serve->moved_at_measure[i] = serve->moved_bytes[i];
    placement_reset_peaks(serve->core);
}

static struct sequence sequence_of(const struct serve *serve,
                                   const struct serve_turn_session *session, uint32_t cached,
                                   uint32_t new_tokens)
{
    const struct job_note *note = &serve->note[session->job];
    return (struct sequence){ .pages = note->hbm.page,
                              .page_count = note->hbm.count,
                              .skip = (uint32_t)(note->base % serve->page_tokens),
                              .cached_tokens = cached,
                              .new_tokens = new_tokens };
}

static void put_tokens(const struct serve *serve, const struct serve_turn_session *session,
                       const struct sequence *sequence, uint32_t *tokens)
{
    for (uint32_t i = 0; i < sequence->new_tokens; i++)
        tokens[i] = turns_token(serve, session, session->base + sequence->cached_tokens + i);
}

static void begin_iteration(struct serve *serve, uint32_t reused)
{
    struct serve_turn_session *session = &serve->session[serve->prefilling];
    uint32_t rows = context_tokens(session) - reused + (session->reply_tokens == 1 ? 1 : 0);
    struct sequence sequence = sequence_of(serve, session, reused, rows);
    put_tokens(serve, session, &sequence, serve->tokens);
    serve->reused = reused;
    serve->launched_layers = 0;
    serve->iteration_queued = false;
    executor_begin(serve->executor, &sequence, 1, serve->tokens);
}

static bool layer_may_go(const struct serve *serve, uint32_t layer)
{
    const struct job_note *note = &serve->note[serve->session[serve->prefilling].job];
    bool whole = serve->experiment->preloading == PRELOAD_NONE;
    for (int i = 0; i < LOADS_A_JOB; i++) {
        const struct job_load *load = &serve->stage[note->stage].load[i];
        if (load->live && load->queued_layers <= (whole ? serve->model.layers - 1 : layer))
            return false;
    }
    return true;
}

static void wait_for_kv(struct serve *serve, uint32_t layer)
{
    const struct job_note *note = &serve->note[serve->session[serve->prefilling].job];
    bool whole = serve->experiment->preloading == PRELOAD_NONE;
    for (int i = 0; i < LOADS_A_JOB; i++) {
        const struct job_load *load = &serve->stage[note->stage].load[i];
        if (load->live)
            serve->backend->wait(serve->device, STREAM_COMPUTE,
                                 load->arrived[whole ? serve->model.layers - 1 : layer]);
    }
}

static void launch_layers(struct serve *serve)
{
    uint32_t layers = serve->model.layers;
    while (serve->launched_layers < layers && layer_may_go(serve, serve->launched_layers)) {
        wait_for_kv(serve, serve->launched_layers);
        executor_layer(serve->executor, serve->launched_layers);
        serve->backend->record(serve->device, STREAM_COMPUTE,
                               serve->after[serve->after_set][serve->launched_layers]);
        serve->launched_layers++;
    }
    if (serve->launched_layers < layers || serve->iteration_queued)
        return;
    executor_end(serve->executor);
    serve->backend->record(serve->device, STREAM_COMPUTE, serve->iteration);
    serve->queued_ns = serve_now_ns(serve);
    serve->iteration_queued = true;
}

/* Layer by layer: queueing all copies first would hold back the first layer's operators by the time
 * that the host takes for it, and at once, since where nothing is loaded no other event would wake
 * the loop. */
static void queue_layers(struct serve *serve, uint32_t job)
{
    for (uint32_t layers = 1; layers <= serve->model.layers; layers++) {
        transfers_allow(serve, job, layers);
        launch_layers(serve);
    }
}

static void start_prefill(struct serve *serve)
{
    uint32_t handle = serve->prepared;
    struct serve_turn_session *session = &serve->session[handle];
    struct job_note *note = &serve->note[session->job];
    serve->prepared = 0;
    serve->prefilling = handle;
    serve->compute = COMPUTE_PREFILL;
    serve->since_ns = session->start_ns = serve->now_ns;
    serve->save_began = false;
    session->number = serve->turns_started++;
    if (session->number == serve->experiment->warmup_turns)
        start_measuring(serve);
    collector_set_queue(&serve->collector, serve->now_ns, --serve->queue_count);
    serve->after_set = (serve->after_set + 1) % AFTER_SETS;
    note->after_set = serve->after_set;
    note->prefilling = true;
    begin_iteration(serve, reused_tokens(session));
    queue_layers(serve, session->job);
    fill_read_buffer(serve);
}

/* How long layers waited for their KV, from when each came and when the one before had ended. */
static uint64_t waited_ns(struct serve *serve, const struct job_note *note)
{
    uint64_t end_ns = serve->session[serve->prefilling].start_ns + serve->origin_ns, sum_ns = 0;
    for (uint32_t layer = 0; layer < serve->model.layers; layer++) {
        for (int i = 0; i < LOADS_A_JOB; i++) {
            const struct job_load *load = &serve->stage[note->stage].load[i];
            uint64_t arrived_ns = 0;
            if (load->live)
                serve->backend->happened(serve->device, load->arrived[layer], &arrived_ns);
            if (arrived_ns > end_ns) {
                sum_ns += arrived_ns - end_ns;
                end_ns = arrived_ns;
            }
        }
        serve->backend->happened(serve->device, serve->after[note->after_set][layer], &end_ns);
    }
    return sum_ns;
}

static void save(struct serve *serve, uint32_t handle, uint32_t ready_tokens)
{
    struct serve_turn_session *session = &serve->session[handle];
    serve->note[session->job].ready_tokens = ready_tokens;
    placement_save(serve->core, serve->now_ns, session->job, ready_tokens);
    transfers_act(serve);
}

static void count_turn(struct serve *serve, const struct serve_turn_session *session,
                       uint64_t end_ns)
{
    if (session->number < serve->experiment->warmup_turns)
        return;
    struct turn_record record = { .end_ns = end_ns,
                                  .ttft_ns = end_ns - session->asked_ns,
                                  .queueing_ns = session->start_ns - session->asked_ns,
                                  .prefill_ns = end_ns - session->start_ns,
                                  .turn = session->turn,
                                  .context_tokens = context_tokens(session),
                                  .history_tokens = session->history_tokens,
                                  .reused_tokens = reused_tokens(session),
                                  .passed_over_tokens = session->passed_over_tokens,
                                  .units_found = session->hits.units_found,
                                  .units_wanted = session->hits.units_wanted };
    for (int tier = 0; tier < TIER_COUNT; tier++)
        record.hit_tokens[tier] = session->hits.tokens[tier];
    collector_add_turn(&serve->collector, &record);
    collector_add_load_wait(&serve->collector, session->wait_ns);
}

/* ---- the end of a turn ---- */

static void leave_unsaved(struct serve *serve, uint32_t job)
{
    struct job_note *note = &serve->note[job];
    if (!placement_saving(serve->core, job))
        return;
    if (saves_synchronously(serve)) {
        note->stalls = true;
        serve->stalling_jobs++;
        return;
    }
    uint64_t unsaved = placement_unsaved_bytes(serve->core, job);
    if (serve->write_buffer_used_bytes + unsaved <= serve->experiment->write_buffer_bytes) {
        note->buffered_bytes = unsaved;
        serve->write_buffer_used_bytes += unsaved;
    } else {
        note->holds_place = true;
        serve->held_places++;
    }
}

static void finish_turn(struct serve *serve, uint32_t handle)
{
    struct serve_turn_session *session = &serve->session[handle];
    save(serve, handle, context_tokens(session) + session->reply_tokens);
    placement_finish(serve->core, serve->now_ns, session->job);
    leave_unsaved(serve, session->job);
    transfers_act(serve);
    serve->turns_done++;
    if (session->number >= serve->experiment->warmup_turns)
        collector_end_turn(
            &serve->collector,
            &(struct turn_end){ .end_ns = serve->now_ns,
                                .ttft_ns = session->first_token_ns - session->asked_ns,
                                .decode_ns = session->last_token_ns - session->first_token_ns,
                                .reply_tokens = session->reply_tokens });
    turns_ended(serve, handle);
}

static bool must_stall(const struct serve *serve)
{
    return serve->stalling_jobs > 0 ||
           (serve->stalling_prefill != 0 && placement_saving(serve->core, serve->stalling_prefill));
}

static void next(struct serve *serve);

static void stall_or_go_on(struct serve *serve)
{
    serve->compute = COMPUTE_IDLE;
    if (!must_stall(serve)) {
        serve->stalling_prefill = 0;
        next(serve);
        return;
    }
    serve->compute = COMPUTE_SAVE_STALL;
    serve->since_ns = serve->now_ns;
}

void compute_saving_changed(struct serve *serve)
{
    if (serve->compute != COMPUTE_SAVE_STALL || must_stall(serve))
        return;
    collector_add_busy(&serve->collector, BUSY_SAVE_STALL, serve->now_ns - serve->since_ns);
    stall_or_go_on(serve);
}

static void finish_completed(struct serve *serve)
{
    uint32_t kept = 0, count = serve->running_count;
    serve->running_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t handle = serve->running[i];
        if (serve->session[handle].left_tokens > 0)
            serve->running[kept++] = handle;
        else
            finish_turn(serve, handle);
    }
    serve->running_count = kept;
}

/* KV that came back bad was computed upon: all of the context is prefilled again. */
static bool redo_if_damaged(struct serve *serve)
{
    struct job_note *note = &serve->note[serve->session[serve->prefilling].job];
    if (!note->damaged)
        return false;
    note->damaged = false;
    serve->report->recomputed_turns++;
    for (int i = 0; i < LOADS_A_JOB; i++)
        serve->stage[note->stage].load[i].live = false;
    begin_iteration(serve, 0);
    return true;
}

static void show_logits(struct serve *serve, const struct serve_turn_session *session)
{
    if (serve->config->observe == NULL)
        return;
    float *logits = memory_new(serve->model.vocabulary, sizeof *logits);
    executor_logits(serve->executor, 1, logits);
    serve->config->observe(serve->config->observe_context, session->id, session->turn, logits);
    free(logits);
}

/* The present iteration, which was seen to have ended. */
static void log_iteration(struct serve *serve, enum iteration_kind kind, uint32_t tokens,
                          uint64_t context, uint64_t end_ns, uint64_t waited, double predicted_ns)
{
    iteration_log_add(&serve->log, &(struct iteration){ .kind = kind,
                                                        .tokens = tokens,
                                                        .context_tokens = context,
                                                        .begin_ns = serve->since_ns,
                                                        .queued_ns = serve->queued_ns,
                                                        .end_ns = end_ns,
                                                        .seen_ns = serve_now_ns(serve),
                                                        .waited_ns = waited,
                                                        .predicted_ns = (uint64_t)predicted_ns });
}

static void log_prefill(struct serve *serve, const struct serve_turn_session *session,
                        uint64_t end_ns)
{
    uint32_t rows = context_tokens(session) - serve->reused;
    struct prefill_time time = timing_prefill(&serve->timing, rows, serve->reused);
    log_iteration(serve, ITERATION_PREFILL, rows, serve->reused, end_ns, session->wait_ns,
                  (double)(time.layer_ns * serve->model.layers + time.overhead_ns));
}

static void log_decode(struct serve *serve, uint64_t end_ns)
{
    uint64_t context = 0;
    for (uint32_t i = 0; i < serve->running_count; i++) {
        const struct serve_turn_session *session = &serve->session[serve->running[i]];
        context += context_tokens(session) + session->reply_tokens - session->left_tokens;
    }
    struct decode_time time = timing_decode(&serve->timing, serve->running_count);
    log_iteration(serve, ITERATION_DECODE, serve->running_count, context, end_ns, 0,
                  time.base_ns + (double)context * time.per_token_ns);
}

static void end_prefill(struct serve *serve, uint64_t end_ns)
{
    uint32_t handle = serve->prefilling;
    struct serve_turn_session *session = &serve->session[handle];
    struct job_note *note = &serve->note[session->job];
    show_logits(serve, session);
    if (serve->reused == 0)
        transfers_repair(serve, session->job);
    session->wait_ns = waited_ns(serve, note);
    log_prefill(serve, session, end_ns);
    collector_add_busy(&serve->collector, BUSY_PREFILL, end_ns - serve->since_ns);
    count_turn(serve, session, end_ns);
    note->prefilling = false;
    serve->prefilling = 0;
    session->first_token_ns = session->last_token_ns = end_ns;
    session->left_tokens = session->reply_tokens - 1;
    serve->running[serve->running_count++] = handle;
    if (saves_synchronously(serve)) {
        save(serve, handle, context_tokens(session));
        serve->stalling_prefill = session->job;
    }
    finish_completed(serve);
    stall_or_go_on(serve);
}

static bool poll_prefill(struct serve *serve)
{
    uint64_t end_ns;
    bool news = false;
    launch_layers(serve);
    bool launched = serve->iteration_queued;
    struct serve_turn_session *session = &serve->session[serve->prefilling];
    const struct job_note *note = &serve->note[session->job];
    struct backend_event *first = serve->after[serve->after_set][0];
    if (launched && !serve->save_began && !saves_synchronously(serve) && !note->damaged &&
        serve->backend->happened(serve->device, first, NULL)) {
        serve->save_began = news = true;
        save(serve, serve->prefilling, context_tokens(session));
    }
    if (!launched || !serve->backend->happened(serve->device, serve->iteration, &end_ns) ||
        loads_untold(serve, note))
        return news;
    if (!redo_if_damaged(serve))
        end_prefill(serve, end_ns - serve->origin_ns);
    return true;
}

/* ---- decode ---- */

static void start_decode(struct serve *serve)
{
    struct sequence sequences[4096];
    uint32_t *tokens = serve->tokens;
    for (uint32_t i = 0; i < serve->running_count; i++) {
        const struct serve_turn_session *session = &serve->session[serve->running[i]];
        uint32_t out = session->reply_tokens - session->left_tokens; /* reply tokens so far */
        uint32_t cached = context_tokens(session) + out - 1;
        sequences[i] = sequence_of(serve, session, cached, session->left_tokens == 1 ? 2 : 1);
        put_tokens(serve, session, &sequences[i], tokens);
        tokens += sequences[i].new_tokens;
    }
    executor_forward(serve->executor, sequences, serve->running_count, serve->tokens);
    serve->backend->record(serve->device, STREAM_COMPUTE, serve->iteration);
    serve->queued_ns = serve_now_ns(serve);
    serve->compute = COMPUTE_DECODE;
    serve->since_ns = serve->now_ns;
}

static bool poll_decode(struct serve *serve)
{
    uint64_t end_ns;
    if (!serve->backend->happened(serve->device, serve->iteration, &end_ns))
        return false;
    end_ns -= serve->origin_ns;
    uint64_t time_ns = end_ns - serve->since_ns;
    log_decode(serve, end_ns);
    collector_add_busy(&serve->collector, BUSY_DECODE, time_ns);
    collector_add_batch(&serve->collector, serve->running_count, time_ns);
    for (uint32_t i = 0; i < serve->running_count; i++) {
        struct serve_turn_session *session = &serve->session[serve->running[i]];
        collector_add_tbt(&serve->collector, end_ns - session->last_token_ns);
        session->last_token_ns = end_ns;
        session->left_tokens--;
    }
    finish_completed(serve);
    stall_or_go_on(serve);
    return true;
}

/* ---- what comes next ---- */

static void next(struct serve *serve)
{
    assert(serve->compute == COMPUTE_IDLE && serve->prefilling == 0);
    if (serve->err.status != STATUS_OK)
        return;
    if (place_left(serve) && prepare_head(serve))
        start_prefill(serve);
    else if (serve->running_count > 0)
        start_decode(serve);
}

void compute_look(struct serve *serve)
{
    fill_read_buffer(serve);
    if (serve->compute == COMPUTE_IDLE)
        next(serve);
}

bool compute_poll(struct serve *serve)
{
    if (serve->compute == COMPUTE_PREFILL)
        return poll_prefill(serve);
    if (serve->compute == COMPUTE_DECODE)
        return poll_decode(serve);
    return false;
}
