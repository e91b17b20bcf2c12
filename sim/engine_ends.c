/* sim/engine_ends.c - the end of a turn's prefill and of the turn: what is counted, saved and
 * freed. */
#include "sim/engine.h"
#include "sim/engine/reuse.h"

static bool saves_synchronously(const struct engine *engine)
{
    return engine->setup->experiment->saving == SAVING_SYNCHRONOUS;
}

static bool is_measured(const struct engine *engine, const struct session *session)
{
    return session->number >= engine->setup->experiment->warmup_turns;
}

void ends_save(struct engine *engine, uint32_t handle, uint32_t ready_tokens)
{
    turns_extend_chain(engine, handle, ready_tokens);
    placement_save(engine->core, now_of(engine), session_of(engine, handle)->job,
                   kv_layout_stored(&engine->setup->kv, ready_tokens));
    copies_act(engine);
}

/* The last token's logits are always computed, so one token is prefilled even if all KV is there.
 */
uint32_t ends_reused_tokens(const struct session *session)
{
    uint32_t context = session->history_tokens + session->prompt_tokens;
    return reuse_tokens(reuse_found_tokens(&session->hits), context);
}

static void count_turn(struct engine *engine, const struct session *session)
{
    const struct placement_hits *hits = &session->hits;
    struct turn_record record = {
        .end_ns = now_of(engine),
        .ttft_ns = now_of(engine) - session->asked_ns,
        .queueing_ns = session->start_ns - session->asked_ns,
        .prefill_ns = now_of(engine) - session->start_ns,
        .turn = session->turn,
        .context_tokens = session->history_tokens + session->prompt_tokens,
        .history_tokens = session->history_tokens,
        .reused_tokens = ends_reused_tokens(session),
        .passed_over_tokens = session->passed_over_tokens,
        .units_found = hits->units_found,
        .units_wanted = hits->units_wanted,
        .urgent = session->urgent,
    };
    for (int tier = 0; tier < TIER_KINDS; tier++)
        record.hit_tokens[tier] = hits->tokens[tier];
    collector_add_turn(&engine->cluster->collector, &record);
}

static void note_first_token(struct engine *engine, struct session *session)
{
    session->first_token_ns = now_of(engine);
    if (is_measured(engine, session))
        count_turn(engine, session);
}

void ends_prefill(struct engine *engine, uint32_t handle)
{
    struct session *session = session_of(engine, handle);
    if (session->left_tokens == session->reply_tokens)
        note_first_token(engine, session);
    else /* pushed out of HBM before: its reply goes on */
        collector_add_tbt(&engine->cluster->collector, now_of(engine) - session->last_token_ns);
    session->last_token_ns = now_of(engine);
    session->left_tokens--;
    if (saves_synchronously(engine)) {
        ends_save(engine, handle, session->prefill_tokens);
        handles_add(&engine->stalling_prefills, session->job);
    } else if (is_chunked(engine)) {
        ends_save(engine, handle, session->prefill_tokens);
    }
    if (session->left_tokens > 0 && engine->cluster->prefill_engines < engine->cluster->engines)
        handover_begin(engine, handle);
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
        engine->setup->experiment->write_buffer_bytes) {
        note->buffered_bytes = unsaved_bytes;
        engine->write_buffer_used_bytes += unsaved_bytes;
    } else {
        note->holds_place = true;
        engine->held_places++;
    }
}

void ends_job(struct engine *engine, uint32_t job)
{
    placement_finish(engine->core, now_of(engine), job);
    engine->note[job].session = 0;
    leave_unsaved(engine, job);
    copies_act(engine);
}

static void finish_turn(struct engine *engine, uint32_t handle)
{
    struct session *session = session_of(engine, handle);
    struct cluster *cluster = engine->cluster;
    if (session->decode_server != session->server) {
        ends_job(engine, session->decode_job); /* its KV is given up: only prompts are stored */
    } else {
        engine->note[session->job].writes_state =
            engine->setup->kv.state_tokens > 0 && session->history_tokens > 0;
        ends_save(engine, handle, context_now(session));
        ends_job(engine, session->job);
    }
    engine->turns_here--;
    cluster->turns_done++;
    if (is_measured(engine, session))
        collector_end_turn(
            &cluster->collector,
            &(struct turn_end){ .end_ns = cluster->now_ns,
                                .ttft_ns = session->first_token_ns - session->asked_ns,
                                .decode_ns = cluster->now_ns - session->first_token_ns,
                                .reply_tokens = session->reply_tokens });
    turns_end(cluster, handle);
}

void ends_completed(struct engine *engine)
{
    uint32_t kept = 0, count = engine->running.count;
    engine->running.count = 0; /* places are free while the core is told of each end */
    for (uint32_t i = 0; i < count; i++) {
        uint32_t handle = engine->running.item[i];
        if (session_of(engine, handle)->left_tokens > 0)
            engine->running.item[kept++] = handle;
        else
            finish_turn(engine, handle);
    }
    engine->running.count = kept;
    handover_take(engine);
}
