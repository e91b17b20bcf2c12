/* sim/engine/ends.c - the end of a turn's prefill and of the turn: what is counted, saved and
 * freed. */
#include "base/units.h"
#include "sim/engine/state.h"
#include "sim/engine/watching.h"

static bool is_measured(const struct engine *engine, const struct session *session)
{
    return session->number >= experiment_of(engine)->warmup_turns;
}

void ends_save(struct engine *engine, uint32_t handle, uint32_t ready_tokens)
{
    const struct session *session = session_of(engine, handle);
    uint32_t job = session->job;
    if (experiment_of(engine)->replies == REPLIES_NOWHERE &&
        ready_tokens > session_context(session))
        ready_tokens = session_context(session);
    on_behalf_of(engine, handle);
    struct chain more = sessions_extend(&engine->service->sessions, handle, ready_tokens);
    if (more.count > 0)
        placement_extend(engine->core, job, more.keys, more.count);
    placement_save(engine->core, engine->now_ns, job,
                   kv_layout_stored(&engine->setup->kv, ready_tokens));
    actions_drain(engine);
}

static void count_turn(struct engine *engine, const struct session *session, uint64_t end_ns)
{
    const struct placement_hits *hits = &session->hits;
    struct turn_record record = {
        .end_ns = end_ns,
        .ttft_ns = end_ns - session->asked_ns + experiment_of(engine)->reply_cpu_ns,
        .outside_ns = session->request_ns + experiment_of(engine)->reply_cpu_ns,
        .queueing_ns = session->start_ns - session->reached_ns,
        .prefill_ns = end_ns - session->start_ns,
        .turn = session->turn,
        .context_tokens = session_context(session),
        .history_tokens = session->history_tokens,
        .reused_tokens = session->reused_tokens,
        .passed_over_tokens = session->passed_over_tokens,
        .units_found = hits->units_found,
        .units_wanted = hits->units_wanted,
        .tenant = session->tenant,
        .urgent = session->urgent,
        .overflowed = session->cut_tokens > 0,
        .clamped = session->clamped,
    };
    for (int tier = 0; tier < TIER_KINDS; tier++) {
        record.hit_tokens[tier] = hits->tokens[tier];
        record.passed_over[tier] = session->passed_over[tier];
    }
    collector_add_turn(collector_of(engine), &record);
}

static void note_first_token(struct engine *engine, struct session *session, uint64_t end_ns)
{
    session->first_token_ns = end_ns;
    if (is_measured(engine, session))
        count_turn(engine, session, end_ns);
}

/* SGLang inserts what a request that goes on decoding has so far, and at its end all of it: that of
 * one token is inserted once (managers/scheduler_output_processor_mixin.py). */
static bool ends_at_once(const struct engine *engine, const struct session *session)
{
    return experiment_of(engine)->placement.save == SAVE_NODES && session->left_tokens == 0;
}

void ends_prefill(struct engine *engine, uint32_t handle, uint64_t end_ns)
{
    struct session *session = session_of(engine, handle);
    if (session->left_tokens == session->reply_tokens)
        note_first_token(engine, session, end_ns);
    else /* preempted before: its reply goes on */
        collector_add_tbt(collector_of(engine), end_ns - session->last_token_ns, 1);
    session->last_token_ns = end_ns;
    engine->completed += --session->left_tokens == 0;
    if (saves_synchronously(engine)) {
        ends_save(engine, handle, session->prefill_tokens);
        handles_add(&engine->stalling_prefills, session->job);
    } else if (is_chunked(engine) && !ends_at_once(engine, session)) {
        ends_save(engine, handle, session->prefill_tokens);
    }
    if (session->left_tokens > 0 && service_splits(engine->service))
        actions_add(engine, ENGINE_PREFILLED)->session = handle;
    else
        handles_add(&engine->running, handle);
}

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
        experiment_of(engine)->write_buffer_bytes) {
        note->buffered_bytes = unsaved_bytes;
        engine->write_buffer_used_bytes += unsaved_bytes;
    } else {
        note->holds_place = true;
        engine->held_places++;
    }
}

void ends_job(struct engine *engine, uint32_t job)
{
    placement_on_behalf(engine->core, engine->note[job].turn);
    placement_finish(engine->core, engine->now_ns, job);
    engine->note[job].session = 0;
    leave_unsaved(engine, job);
    actions_drain(engine);
}

static void tell_end(const struct engine *engine, const struct session *session,
                     const struct turn_end *end)
{
    const struct sim_progress *progress = engine->service->progress;
    const struct turn_times turn = { .session = session->id,
                                     .turn = session->turn,
                                     .asked_ns = session->asked_ns,
                                     .ttft_ns = end->ttft_ns,
                                     .decode_ns = end->decode_ns,
                                     .reply_tokens = end->reply_tokens,
                                     .wanted_tokens = session_context(session),
                                     .reused_tokens = session->reused_tokens };
    if (progress != NULL && progress->turn_ended != NULL)
        progress->turn_ended(progress->context, &turn);
}

static void count_end(struct engine *engine, uint32_t handle, uint64_t end_ns)
{
    const struct session *session = session_of(engine, handle);
    const struct turn_end end = {
        .end_ns = end_ns,
        .ttft_ns =
            session->first_token_ns - session->asked_ns + experiment_of(engine)->reply_cpu_ns,
        .decode_ns = end_ns - session->first_token_ns,
        .reply_tokens = session->reply_tokens,
        .tenant = session->tenant,
    };
    bool measured = is_measured(engine, session);
    engine->service->turns_done++;
    watching_ended(engine, handle, end_ns, measured);
    if (!measured)
        return;
    collector_end_turn(collector_of(engine), &end);
    tell_end(engine, session, &end);
}

static void ask_next(struct engine *engine, uint32_t handle)
{
    uint64_t wait_ns;
    if (!sessions_end_turn(&engine->service->sessions, handle, &wait_ns))
        return;
    struct engine_action *action = actions_add(engine, ENGINE_TURN_AT);
    action->session = handle;
    action->time_ns = time_later_ns(engine->now_ns, wait_ns);
}

static void finish_turn(struct engine *engine, uint32_t handle, uint64_t end_ns)
{
    struct session *session = session_of(engine, handle);
    sessions_prefetch_turn(&engine->service->sessions, handle);
    if (session->decode_server != session->server) {
        ends_job(engine, session->decode_job); /* its KV is dropped: only prompts are stored */
    } else {
        engine->note[session->job].writes_state =
            engine->setup->kv.state_tokens > 0 && session->history_tokens > 0;
        ends_save(engine, handle, session_context_now(session));
        ends_job(engine, session->job);
    }
    engine_add_turns(engine, -1);
    count_end(engine, handle, end_ns);
    ask_next(engine, handle);
}

void ends_completed(struct engine *engine, uint64_t end_ns)
{
    uint32_t kept = 0, count = engine->running.count;
    if (engine->completed == 0)
        return;
    engine->completed = 0;
    engine->running.count = 0; /* places are free while the core is told of each end */
    for (uint32_t i = 0; i < count; i++) {
        uint32_t handle = engine->running.item[i];
        if (session_of(engine, handle)->left_tokens > 0)
            engine->running.item[kept++] = handle;
        else
            finish_turn(engine, handle, end_ns);
    }
    engine->running.count = kept;
}
