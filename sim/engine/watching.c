/* sim/engine/watching.c - see watching.h: rows of turns, and what else is told as it happens. */
#include "sim/engine/watching.h"

#include "base/memory.h"
#include "sim/engine/reuse.h"
#include "sim/placement/first_asked.h"

#include <stdlib.h>

static const struct watch *watch_of(const struct engine *engine)
{
    return engine->service->watch;
}

static struct turn_note *note_of(const struct engine *engine, uint32_t handle)
{
    return &engine->service->turn_note[handle];
}

void watching_free(struct engine *engine)
{
    free(engine->begun);
    free(engine->watch_chunk);
}

/* ---- a turn ---- */

static void note_keys(struct service *service, const struct session *session)
{
    const uint64_t *keys = &service->sessions.keys[session->keys];
    for (uint32_t i = 0; service->first_asked != NULL && i < session->chain_keys; i++)
        first_asked_note(service->first_asked, keys[i], session->asked);
}

static void note_place(struct service *service, const struct session *session)
{
    if (service->watch->dropped == NULL)
        return;
    memory_grow(&service->turn_place, &service->turn_places, session->asked + 1,
                sizeof *service->turn_place);
    service->turn_place[session->asked] = (struct turn_place){ session->id, session->turn + 1 };
}

void watching_asked(struct engine *engine, uint32_t handle)
{
    struct service *service = engine->service;
    if (service->watch == NULL)
        return;
    memory_grow(&service->turn_note, &service->turn_notes, (uint64_t)handle + 1,
                sizeof *service->turn_note);
    *note_of(engine, handle) = (struct turn_note){ 0 };
    for (int cause = 0; cause < WAIT_COUNT; cause++)
        note_of(engine, handle)->waited_ns[cause] = engine->waited_ns[cause];
    note_place(service, session_of(engine, handle));
    note_keys(service, session_of(engine, handle));
}

void watching_look(struct engine *engine, uint32_t handle)
{
    struct service *service = engine->service;
    const struct session *session = session_of(engine, handle);
    enum { CORES_MOST = 64 }; /* looked at for what this one lacks */
    const struct placement *core[CORES_MOST];
    uint32_t cores = 0;
    if (service->watch == NULL || session->started)
        return;
    for (; cores < service->prefill_engines && cores < CORES_MOST; cores++)
        core[cores] = engine_core(service->engine[cores]);
    const struct placement_around around = { core, cores, service->first_asked, session->asked };
    note_of(engine, handle)->absent =
        placement_absent(engine->core, session->job, session->kv_cut,
                         service->pool != NULL ? TIER_REMOTE : TIER_SSD, &around);
}

void watching_prepared(struct engine *engine, uint32_t handle, const struct placement_hits *found,
                       const struct placement_hits *allowed, const struct placement_hits *hits)
{
    if (watch_of(engine) == NULL || session_of(engine, handle)->started)
        return;
    struct turn_note *note = note_of(engine, handle);
    uint64_t all = reuse_found_tokens(found), may = reuse_found_tokens(allowed);
    note->prepared_ns = engine->now_ns;
    note->found_tokens = all;
    note->not_fetched_tokens = all - may;
    note->too_slow_tokens = may - reuse_found_tokens(hits);
}

/* The server's waiting since it came, by cause, is its own. */
void watching_started(struct engine *engine, uint32_t handle)
{
    if (watch_of(engine) == NULL)
        return;
    struct turn_note *note = note_of(engine, handle);
    for (int cause = 0; cause < WAIT_COUNT; cause++)
        note->waited_ns[cause] = engine->waited_ns[cause] - note->waited_ns[cause];
}

void watching_preempted(struct engine *engine, uint32_t handle)
{
    if (watch_of(engine) != NULL)
        note_of(engine, handle)->preemptions++;
}

void watching_prefills_again(struct engine *engine, uint32_t handle, uint32_t tokens)
{
    if (watch_of(engine) != NULL)
        note_of(engine, handle)->computed_again_tokens += tokens;
}

/* ---- its row ---- */

static void set_times(const struct engine *engine, const struct session *session, uint64_t end_ns,
                      struct turn_row *row)
{
    row->asked_ns = session->asked_ns;
    row->queued_ns = session->reached_ns;
    row->prefill_start_ns = session->start_ns;
    row->first_token_ns = session->first_token_ns;
    row->end_ns = end_ns;
    row->ttft_ns =
        session->first_token_ns - session->asked_ns + experiment_of(engine)->reply_cpu_ns;
    row->decode_ns = end_ns - session->first_token_ns;
}

static void set_waiting(const struct turn_note *note, struct turn_row *row)
{
    row->prepared_ns = note->prepared_ns;
    row->load_wait_ns = note->load_wait_ns;
    row->waiting_batch_ns = note->waited_ns[WAIT_BATCH];
    row->waiting_hbm_ns = note->waited_ns[WAIT_HBM];
    row->waiting_kv_ns = note->waited_ns[WAIT_KV];
    row->waiting_gpu_ns = note->waited_ns[WAIT_GPU];
    row->preemptions = note->preemptions;
    row->computed_again_tokens = note->computed_again_tokens;
}

/* Up to `left` of them, which then are fewer. */
static uint64_t take(uint64_t tokens, uint64_t *left)
{
    uint64_t taken = tokens < *left ? tokens : *left;
    *left -= taken;
    return taken;
}

/* What was computed, by why. The chain whose absence is known ends where a session's own prompt
 * begins, or with the last whole block; of a trace's block keys it holds new ones too; a state that
 * goes with a context is counted as tokens in the core (kv_layout.h), and never as more than there
 * are. */
static void set_computed(const struct turn_note *note, uint64_t chain_tokens, struct turn_row *row)
{
    const uint32_t *absent = note->absent.tokens;
    uint64_t left = row->computed_tokens;
    row->too_slow_tokens = take(note->too_slow_tokens, &left);
    row->not_fetched_tokens = take(note->not_fetched_tokens, &left);
    row->evicted_tokens = take(absent[ABSENT_EVICTED], &left);
    row->expired_tokens = take(absent[ABSENT_EXPIRED], &left);
    row->invalidated_tokens = take(absent[ABSENT_INVALIDATED], &left);
    row->unsaved_tokens = take(absent[ABSENT_UNSAVED], &left);
    row->refused_tokens = take(absent[ABSENT_REFUSED], &left);
    row->elsewhere_tokens = take(absent[ABSENT_ELSEWHERE], &left);
    row->behind_gap_tokens = take(absent[ABSENT_BEHIND], &left);
    row->never_stored_tokens = take(absent[ABSENT_NEVER], &left);
    row->new_tokens = take(row->wanted_tokens - chain_tokens + note->absent.new_tokens, &left);
    row->rule_tokens = left;
}

static void set_loss(const struct placement_absent *absent, struct turn_row *row)
{
    uint64_t tokens = 0;
    for (int why = 0; why < ABSENT_COUNT; why++)
        tokens += why != ABSENT_LIMITED ? absent->tokens[why] : 0;
    row->lost_why = row->lost_tier = row->lost_ns = row->lost_for_turn = TURN_NOTHING;
    if (tokens == 0)
        return;
    const struct placement_loss *loss = &absent->first;
    row->lost_why = loss->why;
    if (loss->time_ns == 0) /* nothing is known of how */
        return;
    row->lost_tier = loss->from;
    row->lost_ns = loss->time_ns;
    row->lost_for_turn = loss->behalf > 0 ? loss->behalf : TURN_NOTHING;
}

static void set_tokens(const struct session *session, const struct turn_note *note,
                       struct turn_row *row)
{
    const uint32_t *reused = session->hits.tokens;
    row->wanted_tokens = session_context(session);
    row->history_tokens = session->history_tokens;
    row->cut_tokens = session->cut_tokens;
    row->reply_tokens = session->reply_tokens;
    row->found_tokens = note->found_tokens;
    row->reused_tokens = session->reused_tokens;
    row->reused_hbm_tokens = reused[TIER_HBM];
    row->reused_dram_tokens = reused[TIER_DRAM];
    row->reused_ssd_tokens = reused[TIER_SSD];
    row->reused_remote_tokens = reused[TIER_REMOTE];
    row->computed_tokens = row->wanted_tokens - row->reused_tokens;
    set_computed(note, session->asked_chain_tokens, row);
    set_loss(&note->absent, row);
}

void watching_ended(struct engine *engine, uint32_t handle, uint64_t end_ns, bool measured)
{
    const struct watch *watch = watch_of(engine);
    const struct session *session = session_of(engine, handle);
    if (watch == NULL || watch->turn_ended == NULL)
        return;
    struct turn_row row = { .turn = session->asked,
                            .session = session->id,
                            .turn_of_session = session->turn + 1,
                            .tenant = session->tenant,
                            .server = session->server,
                            .decode_server = session->decode_server,
                            .measured = measured };
    const struct turn_note *note = note_of(engine, handle);
    set_times(engine, session, end_ns, &row);
    set_waiting(note, &row);
    set_tokens(session, note, &row);
    watch->turn_ended(watch->context, &row);
}

/* ---- copies ---- */

/* Whose KV it is; of what is fetched, who waits for it first. */
static uint64_t turn_of(const struct engine *engine, const struct action *copy)
{
    uint32_t job = copy->job;
    if (copy->kind == ACTION_FETCH)
        job = placement_waiter(engine->core, copy->unit);
    return job != 0 ? engine->note[job].turn : 0;
}

void watching_moves(struct engine *engine, uint32_t transfer)
{
    if (watch_of(engine) == NULL)
        return;
    memory_grow(&engine->begun, &engine->begun_capacity, (uint64_t)transfer + 1,
                sizeof *engine->begun);
    engine->begun[transfer] =
        (struct begun){ engine->now_ns, turn_of(engine, &engine->moving[transfer]) };
}

void watching_moved(struct engine *engine, uint32_t transfer)
{
    const struct watch *watch = watch_of(engine);
    if (watch == NULL || watch->copied == NULL)
        return;
    const struct action *moved = &engine->moving[transfer];
    const struct watch_copy copy = { .server = engine->index,
                                     .kind = moved->kind,
                                     .from = moved->from,
                                     .to = moved->to,
                                     .begin_ns = engine->begun[transfer].time_ns,
                                     .end_ns = engine->now_ns,
                                     .size_bytes = moved->size_bytes,
                                     .turn = engine->begun[transfer].turn,
                                     .for_turn = moved->behalf };
    watch->copied(watch->context, &copy);
}

void watching_dropped(struct engine *engine, const struct action *copy)
{
    const struct watch *watch = watch_of(engine);
    const struct kv_layout *kv = &engine->setup->kv;
    if (watch == NULL || watch->dropped == NULL)
        return;
    uint64_t tokens = copy->size_bytes / kv->bytes_per_token;
    struct watch_drop drop = { .server = engine->index,
                               .from = copy->from,
                               .time_ns = engine->now_ns,
                               .size_bytes = copy->size_bytes,
                               .tokens = tokens > kv->state_tokens ? tokens - kv->state_tokens : 0,
                               .why = copy->why,
                               .left_in = copy->left_in,
                               .turn = copy->user,
                               .for_turn = copy->why == LOSS_DROPPED ? copy->behalf : 0 };
    if (drop.turn > 0) {
        drop.session = engine->service->turn_place[drop.turn].session;
        drop.turn_of_session = engine->service->turn_place[drop.turn].turn_of_session;
    }
    watch->dropped(watch->context, &drop);
}

/* ---- the GPUs, and who waits for them ---- */

void watching_iteration(struct engine *engine, const struct iteration_end *end)
{
    const struct watch *watch = watch_of(engine);
    const struct engine_iteration *iteration = &engine->iteration;
    if (watch == NULL)
        return;
    if (iteration->loading != 0)
        note_of(engine, iteration->loading)->load_wait_ns += end->wait_ns;
    if (watch->iterated == NULL)
        return;
    memory_grow(&engine->watch_chunk, &engine->watch_chunks, iteration->chunks + 1ULL,
                sizeof *engine->watch_chunk);
    for (uint32_t i = 0; i < iteration->chunks; i++)
        engine->watch_chunk[i] =
            (struct watch_chunk){ session_of(engine, iteration->chunk[i].session)->asked,
                                  iteration->chunk[i].tokens };
    bool alone = iteration->chunks == 0;
    const struct watch_iteration told = { .server = engine->index,
                                          .begin_ns = engine->gpus_since_ns,
                                          .end_ns = end->end_ns,
                                          .repeats = end->repeats,
                                          .wait_ns = end->wait_ns,
                                          .decode_ns = alone ? end->end_ns - engine->gpus_since_ns
                                                             : end->decode_ns,
                                          .chunk = engine->watch_chunk,
                                          .chunks = iteration->chunks,
                                          .decodes = iteration->decodes };
    watch->iterated(watch->context, &told);
}

void watching_stalled(struct engine *engine)
{
    const struct watch *watch = watch_of(engine);
    if (watch != NULL && watch->stalled != NULL)
        watch->stalled(watch->context, engine->index, engine->gpus_since_ns, engine->now_ns);
}

void watching_queue(struct engine *engine)
{
    const struct watch *watch = watch_of(engine);
    if (watch != NULL && watch->queued != NULL)
        watch->queued(watch->context, engine->index, engine->now_ns, engine->waiting);
}
