/* sim/engine/queue.c - turns that wait: who is next, whether its KV is worth loading, and its
 * preparing by the placement core.
 * Sources: FCFS and priority as in vLLM v1 (v1/core/sched/scheduler.py at 00024d3); the longest
 * cached prefix as SGLang's "lpm" (srt/managers/schedule_policy.py at 00550cd), which falls back to
 * FCFS while more than 128 requests wait: here the first engine.order_window are looked at, however
 * many wait. That nobody is passed over for longer than engine.order_wait is ours. */
#include "base/units.h"
#include "sim/engine/reuse.h"
#include "sim/engine/state.h"
#include "sim/engine/watching.h"

#include <string.h>

void queue_push(struct engine *engine, uint32_t handle)
{
    session_of(engine, handle)->next = 0;
    if (engine->queue_tail != 0)
        session_of(engine, engine->queue_tail)->next = handle;
    else
        engine->queue_head = handle;
    engine->queue_tail = handle;
}

void queue_push_front(struct engine *engine, uint32_t handle)
{
    session_of(engine, handle)->next = engine->queue_head;
    engine->queue_head = handle;
    if (engine->queue_tail == 0)
        engine->queue_tail = handle;
}

/* The head was asked long ago. By now the next one's session has been fetched, as that of the one
 * behind it is now. Inline, as gcc would leave out calls of what does nothing else. */
__attribute__((always_inline)) static inline void prefetch_behind_head(const struct engine *engine)
{
    if (engine->queue_head != 0)
        sessions_prefetch(&engine->service->sessions, session_of(engine, engine->queue_head)->next);
}

/* before: the one in front of it, 0 for the head. */
static void queue_remove(struct engine *engine, uint32_t handle, uint32_t before)
{
    uint32_t next = session_of(engine, handle)->next;
    if (before != 0)
        session_of(engine, before)->next = next;
    else
        engine->queue_head = next;
    if (engine->queue_tail == handle)
        engine->queue_tail = before;
    prefetch_behind_head(engine);
}

/* ---- load or compute again ---- */

/* Where a turn's KV may lie. */
static enum tier slowest_tier(const struct engine *engine)
{
    return engine->service->pool != NULL ? TIER_REMOTE : TIER_SSD;
}

/* What the turn would reuse. */
static struct placement_hits peek(const struct engine *engine, const struct session *session,
                                  enum tier slowest)
{
    struct placement_hits hits =
        placement_peek(engine->core, session->job, session->kv_cut, slowest);
    kv_layout_found(&engine->setup->kv, &hits);
    return hits;
}

/* Until the first token, if the turn reuses these tokens. */
static double expected_prefill_ns(const struct engine *engine, const struct session *session,
                                  const struct placement_hits *hits)
{
    const struct engine_setup *setup = engine->setup;
    const double *rate = setup->link_bytes_per_s;
    uint32_t ssd = hits->tokens[TIER_SSD], remote = hits->tokens[TIER_REMOTE];
    uint32_t loaded = hits->tokens[TIER_DRAM] + ssd + remote;
    uint32_t context = session->prefill_tokens;
    uint32_t reused = reuse_tokens(reuse_found_tokens(hits), context);
    const struct reuse_load load = {
        .h2d_bytes_per_s = rate[LINK_H2D],
        .ssd_read_bytes_per_s = rate[LINK_SSD_READ],
        .network_bytes_per_s = rate[LINK_NETWORK_IN],
        .h2d_bytes = loaded > 0 ? kv_layout_loaded_bytes(&setup->kv, loaded) : 0,
        .ssd_read_bytes = ssd > 0 ? kv_layout_loaded_bytes(&setup->kv, ssd) : 0,
        .network_bytes = remote > 0 ? kv_layout_loaded_bytes(&setup->kv, remote) : 0,
    };
    return reuse_expected_ns(&load, timing_prefill(&setup->timing, context - reused, reused),
                             setup->model.layers, (enum preloading)setup->experiment->preloading);
}

/* The slowest tier that a turn's start may load from: what is read ahead only, or too little, is
 * not loaded from SSD. */
static enum tier slowest_allowed(const struct engine *engine, const struct session *session)
{
    const struct experiment *experiment = experiment_of(engine);
    if (experiment->fetch_wait != FETCH_COMPLETE)
        return TIER_DRAM;
    if (experiment->placement.fetch_min_tokens == 0)
        return slowest_tier(engine);
    enum tier slowest = slowest_tier(engine);
    struct placement_hits hits = peek(engine, session, slowest);
    uint32_t tokens =
        hits.tokens[TIER_SSD] + (slowest == TIER_REMOTE ? hits.tokens[TIER_REMOTE] : 0);
    return tokens >= experiment->placement.fetch_min_tokens ? slowest : TIER_DRAM;
}

static bool are_alike(const struct placement_hits *a, const struct placement_hits *b)
{
    return memcmp(a->tokens, b->tokens, sizeof a->tokens) == 0;
}

/* The slowest tier that it pays to load from. A tier that adds nothing takes as long as the one
 * before. */
static enum tier worth_loading(const struct engine *engine, const struct session *session)
{
    enum tier slowest = slowest_allowed(engine, session), best = TIER_HBM;
    if (experiment_of(engine)->reuse == REUSE_ALWAYS)
        return slowest;
    struct placement_hits before = { 0 };
    double best_ns = 0.0, time_ns = 0.0;
    for (int tier = TIER_HBM; tier <= (int)slowest; tier++) {
        struct placement_hits hits = peek(engine, session, (enum tier)tier);
        if (tier == TIER_HBM || !are_alike(&hits, &before))
            time_ns = expected_prefill_ns(engine, session, &hits);
        before = hits;
        if (tier == TIER_HBM || time_ns <= best_ns) {
            best = (enum tier)tier;
            best_ns = time_ns;
        }
    }
    return best;
}

/* ---- who is next ---- */

/* Whether the turn still waits for KV that only SSD has. If so, somebody will look again when it
 * has waited for long enough, whatever else happens. */
static bool waits_for_fetch(struct engine *engine, uint32_t handle)
{
    const struct experiment *experiment = experiment_of(engine);
    struct session *session = session_of(engine, handle);
    if (experiment->fetch_wait != FETCH_TIMEOUT || session->started)
        return false;
    uint32_t tokens = peek(engine, session, TIER_SSD).tokens[TIER_SSD];
    if (tokens == 0 || tokens < experiment->placement.fetch_min_tokens)
        return false;
    double more_ns = (double)experiment->fetch_timeout_ki_ns * tokens / 1024.0;
    uint64_t most_ns = experiment->fetch_timeout_most_ns;
    uint64_t wait_ns = time_later_ns(experiment->fetch_timeout_ns,
                                     more_ns < 9e18 ? (uint64_t)more_ns : TIME_END_NS);
    uint64_t until_ns =
        time_later_ns(session->asked_ns, most_ns > 0 && wait_ns > most_ns ? most_ns : wait_ns);
    if (until_ns <= engine->now_ns)
        return false;
    if (session->look_ns != until_ns) {
        struct engine_action *action = actions_add(engine, ENGINE_LOOK_AT);
        action->session = handle;
        action->time_ns = until_ns;
    }
    session->look_ns = until_ns;
    return true;
}

/* The first in the queue that waits for no fetch; *before: the one in front of it. */
static uint32_t first_to_start(struct engine *engine, uint32_t *before)
{
    uint32_t at = engine->queue_head;
    *before = 0;
    while (at != 0 && waits_for_fetch(engine, at)) {
        *before = at;
        at = session_of(engine, at)->next;
    }
    return at;
}

/* best: of those before it in the queue, the highest rank or the most that is found. */
static bool goes_before(const struct engine *engine, uint32_t handle, uint32_t *best)
{
    const struct session *session = session_of(engine, handle);
    uint32_t worth = session->rank;
    if (experiment_of(engine)->order != ORDER_PRIORITY) {
        struct placement_hits hits = peek(engine, session, slowest_tier(engine));
        worth = reuse_found_tokens(&hits);
    }
    if (worth <= *best)
        return false;
    *best = worth;
    return true;
}

/* *before: the one in front of it. 0: nobody waits. */
static uint32_t next_in_order(struct engine *engine, uint32_t *before)
{
    const struct experiment *experiment = experiment_of(engine);
    uint32_t best = first_to_start(engine, before), worth = 0, last = *before, seen = 0;
    if (best == 0 || experiment->order == ORDER_FCFS ||
        engine->now_ns - session_of(engine, best)->asked_ns > experiment->order_wait_ns)
        return best;
    for (uint32_t at = best; at != 0 && seen < experiment->order_window;
         at = session_of(engine, at)->next, seen++) {
        if (!waits_for_fetch(engine, at) && goes_before(engine, at, &worth)) {
            best = at;
            *before = last;
            if (experiment->order == ORDER_PRIORITY && worth == engine->setup->rank_most)
                break;
        }
        last = at;
    }
    return best;
}

/* ---- preparing ---- */

/* Tells the driver that the turn has HBM. Where single layers are waited for, its loads come into
 * the stage that the prefill before it does not use. */
static void tell_prepared(struct engine *engine, uint32_t handle, uint32_t cut_tokens,
                          const struct placement_hits *hits)
{
    if (!loads_in_background(engine))
        engine->stage_of_prepared = (engine->stage_of_prepared + 1) % ENGINE_STAGES;
    struct engine_action *action = actions_add(engine, ENGINE_PREPARED);
    action->session = handle;
    action->stage = engine->stage_of_prepared;
    action->cut_tokens = cut_tokens;
    action->found_tokens = reuse_found_tokens(hits);
}

/* The last token is always computed. A state goes on from the end of a block only. */
static uint32_t ready_of(const struct engine *engine, uint32_t found, uint32_t prefill_tokens)
{
    uint32_t block = engine->setup->unit_tokens;
    if (found < prefill_tokens)
        return found;
    if (engine->setup->model.state_layers > 0 && block != UINT32_MAX)
        return (prefill_tokens - 1) / block * block;
    return prefill_tokens - 1;
}

/* Of what was found these tokens are computed again all the same: the last ones of the context,
 * which the slowest tiers hold. */
static void leave_out(struct placement_hits *hits, uint32_t tokens)
{
    for (int tier = TIER_KINDS - 1; tier >= 0; tier--) {
        uint32_t here = hits->tokens[tier] < tokens ? hits->tokens[tier] : tokens;
        hits->tokens[tier] -= here;
        tokens -= here;
    }
}

/* What was found and is computed again, by where it lay. A slow tier that is not loaded from may
 * leave what a faster one holds behind a gap, so each tier's is what it lost. */
static void note_passed_over(struct session *session, const struct placement_hits *found,
                             const struct placement_hits *hits)
{
    uint32_t left = reuse_found_tokens(found) - reuse_found_tokens(hits);
    session->passed_over_tokens = left;
    for (int tier = TIER_KINDS - 1; tier >= 0; tier--) {
        uint32_t was = found->tokens[tier], is = hits->tokens[tier];
        uint32_t lost = was > is ? was - is : 0;
        session->passed_over[tier] = lost < left ? lost : left;
        left -= session->passed_over[tier];
    }
}

/* What a preempted turn finds again is no hit of the workload's. */
static void note_hits(const struct engine *engine, struct session *session,
                      struct placement_hits found, struct placement_hits hits)
{
    session->ready_tokens = ready_of(engine, reuse_found_tokens(&hits), session->prefill_tokens);
    if (session->started)
        return;
    note_passed_over(session, &found, &hits);
    session->reused_tokens = session->ready_tokens;
    session->hits = hits;
    leave_out(&session->hits, reuse_found_tokens(&hits) - session->reused_tokens);
}

/* Has the core prepare the turn that is next. before: the one in front of it. false: not yet. */
static bool prepare(struct engine *engine, uint32_t handle, uint32_t before)
{
    struct session *session = session_of(engine, handle);
    uint32_t total = room_at_start(engine, session);
    if (experiment_of(engine)->fetch_wait != FETCH_COMPLETE)
        placement_hurry(engine->core, session->job);
    struct placement_hits hits, found = peek(engine, session, slowest_tier(engine));
    struct placement_hits allowed = found;
    if (engine->service->watch != NULL)
        allowed = peek(engine, session, slowest_allowed(engine, session));
    on_behalf_of(engine, handle);
    watching_look(engine, handle);
    enum prepare done = placement_prepare(
        engine->core, engine->now_ns, session->job, session->kv_cut,
        kv_layout_room(&engine->setup->kv, total), worth_loading(engine, session), &hits);
    engine->waits_for_kv = done == PREPARE_WAIT;
    if (done != PREPARE_DONE) {
        actions_drain(engine);
        return false;
    }
    tell_prepared(engine, handle, session->kv_cut, &hits);
    kv_layout_found(&engine->setup->kv, &hits);
    session->kv_cut = 0;
    session->booked_tokens = total;
    watching_prepared(engine, handle, &found, &allowed, &hits);
    note_hits(engine, session, found, hits);
    queue_remove(engine, handle, before);
    handles_add(&engine->prepared, handle);
    actions_drain(engine);
    return true;
}

/* false: none is next, or not yet. */
static bool prepare_next(struct engine *engine)
{
    uint32_t before, handle = next_in_order(engine, &before);
    if (handle == 0) {
        engine->waits_for_kv = engine->queue_head != 0;
        return false;
    }
    return prepare(engine, handle, before);
}

/* Whether the turn would load from below HBM. One that would not is looked up when it starts, as
 * vLLM's scheduler does (v1/core/sched/scheduler.py, schedule(): a waiting request's blocks are
 * looked up as it is taken; those that are to be fetched wait apart): until then, what the turns
 * before it compute becomes a hit of its own. */
static bool would_load(const struct engine *engine, uint32_t handle)
{
    struct placement_hits hits = peek(engine, session_of(engine, handle), slowest_tier(engine));
    return reuse_found_tokens(&hits) > hits.tokens[TIER_HBM];
}

/* Where KV is loaded in the background, only turns that load some. */
static bool prepare_next_ahead(struct engine *engine)
{
    if (!loads_in_background(engine))
        return prepare_next(engine);
    uint32_t before, handle = next_in_order(engine, &before);
    return handle != 0 && would_load(engine, handle) && prepare(engine, handle, before);
}

static uint32_t most_prepared(const struct engine *engine)
{
    return loads_in_background(engine) ? experiment_of(engine)->batch : 1;
}

void queue_prepare_ahead(struct engine *engine)
{
    const struct experiment *experiment = experiment_of(engine);
    uint32_t most = most_prepared(engine);
    if (experiment->preloading == PRELOAD_NONE ||
        (experiment->preloading == PRELOAD_LAYERS && experiment->read_buffer_layers == 0))
        return;
    while (engine->prepared.count < most && prepare_next_ahead(engine))
        ;
}

/* The place among the prepared of the first that can start; their count: none can. */
static uint32_t first_ready(const struct engine *engine)
{
    uint32_t at = 0;
    if (loads_in_background(engine))
        while (at < engine->prepared.count && engine_is_loading(engine, engine->prepared.item[at]))
            at++;
    return at;
}

/* Whether the queue's head may go before those that are loading: none is, or it waits for no load
 * itself and was not prepared for that. */
static bool passes_loading(const struct engine *engine)
{
    return engine->prepared.count == 0 ||
           (loads_in_background(engine) && engine->prepared.count < most_prepared(engine));
}

/* The queue's head came first of all. */
bool queue_may_start(const struct engine *engine, uint64_t by_ns)
{
    uint32_t at = first_ready(engine);
    uint32_t handle = at < engine->prepared.count ? engine->prepared.item[at]
                      : passes_loading(engine)    ? engine->queue_head
                                                  : 0;
    return handle != 0 && session_of(engine, handle)->reached_ns <= by_ns;
}

uint32_t queue_take(struct engine *engine)
{
    uint32_t at = first_ready(engine);
    if (at == engine->prepared.count && (!passes_loading(engine) || !prepare_next(engine)))
        return 0;
    at = first_ready(engine);
    if (at == engine->prepared.count)
        return 0;
    uint32_t handle = engine->prepared.item[at];
    handles_remove(&engine->prepared, at);
    return handle;
}
