/* sim/engine/batch.c - what the GPUs do. An iteration prefills: one whole turn while the others
 * pause (the paper's engine), or chunks of turns within a budget of tokens while the batch decodes
 * beside them or (SGLang without --enable-mixed-chunk, srt/managers/scheduler.py,
 * get_next_batch_to_run) pauses. With nothing to prefill the batch decodes, and the same iteration
 * may repeat until the batch changes. Source of chunks: vLLM v1 (v1/core/sched/scheduler.py at
 * 00024d3): each decoding turn takes one token of the budget, then turns that are partly prefilled
 * go on, then new ones are let in. */
#include "sim/engine/iteration_time.h"
#include "sim/engine/state.h"
#include "sim/engine/watching.h"

#include <assert.h>

bool batch_place_left(const struct engine *engine)
{
    return engine->running.count + engine->joining.count + engine->prefilling.count +
               engine->held_places + engine->expected <
           experiment_of(engine)->batch;
}

/* ---- what an iteration prefills ---- */

static void count_start(struct engine *engine, uint32_t handle)
{
    struct session *session = session_of(engine, handle);
    struct service *service = engine->service;
    session->started = true;
    session->start_ns = engine->now_ns;
    session->number = service->turns_started++;
    if (session->number == experiment_of(engine)->warmup_turns)
        service_start_measuring(service, engine->now_ns);
    engine->turns_measured += session->number >= experiment_of(engine)->warmup_turns;
    waiting_add(engine, -1);
    watching_started(engine, handle);
}

static void start_turn(struct engine *engine, uint32_t handle)
{
    const struct session *session = session_of(engine, handle);
    uint32_t tokens = session->prefill_tokens - session->ready_tokens;
    handles_add(&engine->prefilling, handle);
    if (!session->started) {
        count_start(engine, handle);
    } else {
        collector_add_prefilled_again(collector_of(engine), tokens);
        watching_prefills_again(engine, handle, tokens);
    }
    engine->stage_of_prefilling = engine->stage_of_prepared;
    if (loads_in_background(engine))
        return;
    loads_start_rest(engine, handle);
    if (engine_is_loading(engine, handle))
        engine->iteration.loading = handle;
}

static uint32_t add_chunk(struct engine *engine, uint32_t handle, uint32_t budget)
{
    const struct session *session = session_of(engine, handle);
    uint32_t left = session->prefill_tokens - session->ready_tokens;
    uint32_t tokens = left < budget ? left : budget;
    engine->chunk[engine->iteration.chunks++] = (struct chunk){ handle, tokens };
    return is_chunked(engine) ? budget - tokens : 0; /* else one turn is all */
}

/* The batch decodes beside chunks. */
static bool shares_iterations(const struct engine *engine)
{
    return experiment_of(engine)->scheduling == SCHEDULE_CHUNKED;
}

static uint32_t token_budget(const struct engine *engine)
{
    uint32_t most = experiment_of(engine)->chunk_tokens, decodes = engine->running.count;
    if (!is_chunked(engine))
        return UINT32_MAX;
    if (!shares_iterations(engine))
        return most;
    return most > decodes ? most - decodes : 0;
}

/* Until when a turn must have come to be in the iteration that begins now. An engine that overlaps
 * composed it when the one before began; if that left nothing to go on with, it composes now. */
static uint64_t composed_ns(const struct engine *engine)
{
    bool goes_on = engine->running.count + engine->iteration.chunks > 0;
    bool follows = engine->ended_ns == engine->now_ns && engine->last_start_ns < engine->now_ns;
    return experiment_of(engine)->overlap_schedule && goes_on && follows ? engine->last_start_ns
                                                                         : engine->now_ns;
}

/* The whole batch decodes: what it attends to. */
static void look_at_decodes(struct engine *engine)
{
    const struct timing *timing = &engine->setup->timing;
    struct engine_iteration *iteration = &engine->iteration;
    iteration->decodes = engine->running.count;
    engine->least_left = UINT32_MAX;
    for (uint32_t i = 0; i < iteration->decodes; i++) {
        const struct session *session = session_of(engine, engine->running.item[i]);
        iteration->decode_context += session_context_now(session);
        if (session->left_tokens < engine->least_left)
            engine->least_left = session->left_tokens;
    }
    for (uint32_t i = 0; timing->window_tokens > 0 && i < iteration->decodes; i++)
        iteration->decode_window += timing_window_context(
            timing, session_context_now(session_of(engine, engine->running.item[i])));
}

/* Layers wait for the loads of one turn at most: another one that loads starts in the next
 * iteration. */
static void compose(struct engine *engine, bool admits)
{
    uint32_t budget = token_budget(engine);
    engine->iteration =
        (struct engine_iteration){ .chunk = engine->chunk, .decode = engine->running.item };
    for (uint32_t i = 0; i < engine->prefilling.count && budget > 0; i++)
        budget = add_chunk(engine, engine->prefilling.item[i], budget);
    uint64_t by_ns = composed_ns(engine);
    engine->held_back = false;
    while (admits && budget > 0 && batch_place_left(engine) && engine->iteration.loading == 0) {
        engine->held_back =
            queue_may_start(engine, engine->now_ns) && !queue_may_start(engine, by_ns);
        uint32_t handle = engine->held_back ? 0 : queue_take(engine);
        if (handle == 0)
            break;
        start_turn(engine, handle);
        budget = add_chunk(engine, handle, budget);
    }
    if (shares_iterations(engine) || engine->iteration.chunks == 0)
        look_at_decodes(engine);
    engine->iteration.stage = engine->stage_of_prefilling;
    engine->iteration.repeats = 1;
}

/* ---- what comes next ---- */

/* Within so many iterations the same turns' windows grow: one that is full (or, chunked, begins
 * anew) takes another time. */
static uint64_t until_a_window_is_full(const struct engine *engine, uint64_t repeats)
{
    const struct timing *timing = &engine->setup->timing;
    for (uint32_t i = 0; timing->window_tokens > 0 && i < engine->running.count; i++) {
        const struct session *session = session_of(engine, engine->running.item[i]);
        uint64_t growth = timing_window_growth(timing, session_context_now(session));
        if (growth != UINT64_MAX && growth + 1 < repeats)
            repeats = growth + 1;
    }
    return repeats;
}

/* Decoding repeats until a reply ends, as far as there is HBM for its tokens and timing's line for
 * it holds. */
static uint64_t repeats_of(struct engine *engine, uint64_t most)
{
    struct engine_iteration *iteration = &engine->iteration;
    uint64_t repeats = engine->held_back ? 1 : most;
    if (engine->least_left < repeats)
        repeats = engine->least_left;
    iteration->decode_time = timing_decode(&engine->setup->timing, iteration->decodes,
                                           iteration->decode_context, iteration->decode_window);
    uint64_t linear = iteration->decode_time.repeats;
    return room_for_repeats(engine,
                            until_a_window_is_full(engine, linear < repeats ? linear : repeats));
}

static void become(struct engine *engine, enum gpus what)
{
    engine->gpus = what;
    engine->gpus_since_ns = engine->now_ns;
}

static void let_in_joining(struct engine *engine)
{
    for (uint32_t i = 0; i < engine->joining.count; i++)
        handles_add(&engine->running, engine->joining.item[i]);
    engine->joining.count = 0;
}

enum engine_step batch_next(struct engine *engine, uint64_t most_repeats)
{
    bool preempted;
    do {
        assert(engine->gpus == GPUS_IDLE);
        let_in_joining(engine);
        preempted = room_for_next_tokens(engine);
        if (engine->waits_for_room) {
            become(engine, GPUS_STALLED);
            return ENGINE_NOTHING;
        }
        compose(engine, !preempted);
        /* Nothing at all: everyone was preempted for one that was preempted itself. */
    } while (preempted && engine->iteration.chunks + engine->iteration.decodes == 0);
    if (engine->iteration.chunks + engine->iteration.decodes == 0)
        return ENGINE_NOTHING;
    become(engine, GPUS_BUSY);
    if (engine->iteration.chunks > 0)
        engine->pending |= PENDING_AHEAD;
    else
        engine->iteration.repeats = repeats_of(engine, most_repeats);
    return ENGINE_START;
}

bool batch_wants_cut(const struct engine *engine)
{
    if (engine->gpus != GPUS_BUSY || engine->iteration.chunks > 0)
        return false;
    return engine->joining.count > 0 ||
           (batch_place_left(engine) && queue_may_start(engine, engine->now_ns));
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

static void stall_or_go_on(struct engine *engine)
{
    engine->gpus = GPUS_IDLE;
    if (must_stall(engine))
        become(engine, GPUS_STALLED);
    else
        engine->pending |= PENDING_NEXT;
}

void batch_end_stall(struct engine *engine)
{
    if (engine->gpus != GPUS_STALLED || must_stall(engine))
        return;
    watching_stalled(engine);
    collector_add_busy(collector_of(engine), BUSY_SAVE_STALL,
                       engine->now_ns - engine->gpus_since_ns, engine->gpus_since_ns,
                       engine->now_ns);
    stall_or_go_on(engine);
}

/* ---- the end of an iteration that prefills ---- */

/* Each of the batch's first `count` turns has `more` tokens more, of which the first came at
 * first_ns and the last at end_ns. Most had their last one together, so gaps are counted by runs of
 * equals. */
static void end_tokens(struct engine *engine, uint32_t count, uint64_t more, uint64_t first_ns,
                       uint64_t end_ns)
{
    uint64_t gap_ns = 0;
    uint32_t alike = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct session *session = session_of(engine, engine->running.item[i]);
        uint64_t this_ns = first_ns - session->last_token_ns;
        if (this_ns != gap_ns) {
            collector_add_tbt(collector_of(engine), gap_ns, alike);
            gap_ns = this_ns;
            alike = 0;
        }
        alike++;
        session->last_token_ns = end_ns;
        session->left_tokens -= (uint32_t)more;
        engine->completed += session->left_tokens == 0;
    }
    collector_add_tbt(collector_of(engine), gap_ns, alike);
}

static void count_prefill(struct engine *engine, const struct iteration_end *end)
{
    struct collector *collector = collector_of(engine);
    uint64_t time_ns = end->end_ns - engine->gpus_since_ns;
    uint64_t decode_ns = end->decode_ns < time_ns ? end->decode_ns : time_ns;
    collector_add_busy(collector, BUSY_PREFILL, time_ns - decode_ns, engine->gpus_since_ns,
                       end->end_ns);
    collector_add_load_wait(collector, end->wait_ns);
    collector_add_iterations(collector, 1, engine->gpus_since_ns, end->end_ns, end->extrapolated);
    if (engine->iteration.decodes == 0)
        return;
    collector_add_busy(collector, BUSY_DECODE, decode_ns, engine->gpus_since_ns, end->end_ns);
    collector_add_batch(collector, engine->iteration.decodes, time_ns);
}

static void end_chunk(struct engine *engine, struct chunk chunk, uint64_t end_ns)
{
    struct session *session = session_of(engine, chunk.session);
    session->ready_tokens += chunk.tokens;
    if (session->ready_tokens == session->prefill_tokens)
        ends_prefill(engine, chunk.session, end_ns);
    else if (!saves_synchronously(engine))
        ends_save(engine, chunk.session, session->ready_tokens);
}

static void end_prefills(struct engine *engine, uint64_t end_ns)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < engine->prefilling.count; i++) {
        uint32_t handle = engine->prefilling.item[i];
        /* Chunks are of the first turns that prefill, in their order. */
        if (i < engine->iteration.chunks)
            end_chunk(engine, engine->chunk[i], end_ns);
        const struct session *session = session_of(engine, handle);
        if (session->ready_tokens < session->prefill_tokens)
            engine->prefilling.item[kept++] = handle;
    }
    engine->prefilling.count = kept;
}

/* ---- the end of decoding alone ---- */

static void count_decode(struct engine *engine, const struct iteration_end *end)
{
    struct collector *collector = collector_of(engine);
    uint64_t time_ns = end->end_ns - engine->gpus_since_ns;
    collector_add_busy(collector, BUSY_DECODE, time_ns, engine->gpus_since_ns, end->end_ns);
    collector_add_iterations(collector, end->repeats, engine->gpus_since_ns, end->end_ns,
                             end->extrapolated);
    collector_add_batch(collector, engine->running.count, time_ns);
}

static void count_tokens(struct engine *engine, const struct iteration_end *end)
{
    end_tokens(engine, engine->running.count, end->repeats, end->first_end_ns, end->end_ns);
    if (end->repeats > 1)
        collector_add_tbt_ramp(collector_of(engine), end->gap_ns, end->gap_growth_ns,
                               end->repeats - 1, engine->running.count);
}

/* Of those that repeat the last one's. */
static uint64_t last_start_ns(const struct engine *engine, const struct iteration_end *end)
{
    if (end->repeats == 1)
        return engine->gpus_since_ns;
    double last_ns = end->gap_ns + (double)(end->repeats - 2) * end->gap_growth_ns;
    uint64_t whole_ns = iteration_whole_ns(last_ns);
    return whole_ns < end->end_ns - engine->gpus_since_ns ? end->end_ns - whole_ns
                                                          : engine->gpus_since_ns;
}

void engine_iteration_ended(struct engine *engine, uint64_t now_ns, const struct iteration_end *end)
{
    engine->now_ns = engine->ended_ns = now_ns;
    watching_iteration(engine, end);
    engine->last_start_ns = last_start_ns(engine, end);
    if (engine->iteration.chunks > 0) {
        count_prefill(engine, end);
        /* The turns that decoded beside the chunks. */
        end_tokens(engine, engine->iteration.decodes, 1, end->end_ns, end->end_ns);
        end_prefills(engine, end->end_ns);
    } else {
        count_decode(engine, end);
        count_tokens(engine, end);
        if (end->repeats < engine->iteration.repeats)
            room_give_back(engine);
    }
    ends_completed(engine, end->end_ns);
    stall_or_go_on(engine);
}

/* ---- decoding on ---- */

/* Whether what follows can only be another iteration that decodes: nobody waits, joins or prefills,
 * and there is nothing for the driver to do. */
static bool only_decodes(const struct engine *engine)
{
    bool alone = engine->queue_head == 0 && engine->prepared.count + engine->prefilling.count +
                                                    engine->joining.count + engine->expected ==
                                                0;
    bool stalls = engine->stalling_jobs + engine->stalling_prefills.count > 0;
    return alone && !stalls && engine->running.count > 0 && engine->pending == PENDING_NEXT &&
           !engine->undrained && engine->actions_taken == engine->actions &&
           engine->service->watch == NULL && placement_drops_idle(engine->core);
}

/* What batch_next() does where only_decodes(). *line: for so many iterations, this one included,
 * timing's line is known to hold, for the same turns: it is not asked anew for one that cannot
 * repeat. */
static void begin_decoding(struct engine *engine, uint64_t *line)
{
    const struct engine_iteration before = engine->iteration;
    engine->iteration = (struct engine_iteration){ .chunk = before.chunk,
                                                   .decode = before.decode,
                                                   .stage = before.stage,
                                                   .repeats = 1,
                                                   .decode_time = before.decode_time };
    look_at_decodes(engine);
    become(engine, GPUS_BUSY);
    engine->pending = 0;
    if (*line > 0 && room_is_for_one(engine))
        return;
    engine->iteration.repeats = repeats_of(engine, UINT64_MAX);
    *line = engine->setup->timing.window_tokens == 0 ? engine->iteration.decode_time.repeats : 0;
}

static struct iteration_end end_of_one(const struct engine *engine)
{
    const struct engine_iteration *iteration = &engine->iteration;
    double time_ns = decode_time_ns(&iteration->decode_time, iteration->decode_context,
                                    iteration->decode_window);
    uint64_t end_ns = engine->now_ns + iteration_whole_ns(time_ns);
    return (struct iteration_end){ .end_ns = end_ns,
                                   .repeats = 1,
                                   .first_end_ns = end_ns,
                                   .extrapolated =
                                       iteration_is_extrapolated(engine->service, iteration) };
}

/* Where HBM is full of idle KV, which goes block by block as replies grow, no iteration is like the
 * one before it (room_for_repeats()): they are made singly, but without asking each time who could
 * come. */
enum engine_step batch_decode_on(struct engine *engine, uint64_t until_ns, uint64_t *ended)
{
    *ended = 0;
    if (!only_decodes(engine))
        return ENGINE_NOTHING;
    engine->held_back = false;
    if (token_budget(engine) > 0 && batch_place_left(engine))
        engine->waits_for_kv = false; /* as queue_take() finds an empty queue */
    for (uint64_t line = 0; room_grow(engine); line -= line > 0) {
        begin_decoding(engine, &line);
        struct iteration_end end = end_of_one(engine);
        if (engine->iteration.repeats > 1 || engine->least_left == 1 || end.end_ns >= until_ns ||
            engine->actions_taken < engine->actions)
            return ENGINE_START;
        engine_iteration_ended(engine, end.end_ns, &end);
        ++*ended;
    }
    return ENGINE_NOTHING;
}
