/* runtime/serve_turns.c - sessions and turns in real time: as sim/engine_turns.c has them for
 * sessions. */
#include "runtime/serve_state.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

static uint32_t session_new(struct serve *serve)
{
    uint32_t handle = serve->free_session;
    if (handle != 0) {
        serve->free_session = serve->session[handle].next;
    } else {
        handle = serve->session_high_water++;
        memory_grow(&serve->session, &serve->session_capacity, (uint64_t)handle + 1,
                    sizeof *serve->session);
    }
    memset(&serve->session[handle], 0, sizeof serve->session[handle]);
    return handle;
}

enum status turns_read_next(struct serve *serve, struct error *err)
{
    struct trace_session item;
    uint64_t limit = serve->experiment->max_turns;
    serve->arriving = 0;
    if (limit > 0 && serve->turns_asked >= limit)
        return STATUS_OK;
    enum trace_step step = trace_next(serve->trace, &item, err);
    if (step == TRACE_ERROR)
        return err->status;
    if (step == TRACE_END)
        return STATUS_OK;
    serve->arriving = session_new(serve);
    struct serve_turn_session *session = &serve->session[serve->arriving];
    session->id = item.id;
    session->turn_count = item.turn_count;
    session->turns = memory_new(item.turn_count, sizeof *session->turns);
    memcpy(session->turns, item.turns, item.turn_count * sizeof *item.turns);
    event_heap_push(&serve->events, item.arrival_ns, SERVE_ARRIVAL, serve->arriving);
    return STATUS_OK;
}

/* The oldest half-windows go until history, prompt and reply fit. */
static void fit_into_window(struct serve *serve, struct serve_turn_session *session)
{
    uint32_t window = serve->window_tokens, half = window / 2, cut = 0;
    const struct trace_turn *turn = &session->turns[session->turn];
    uint32_t reply = turn->reply_tokens < half ? turn->reply_tokens : half;
    uint32_t prompt = turn->prompt_tokens < window - reply ? turn->prompt_tokens : window - reply;
    if (reply != turn->reply_tokens || prompt != turn->prompt_tokens)
        collector_add_clamped(&serve->collector);
    while (session->history_tokens - cut + prompt + reply > window)
        cut += half < session->history_tokens - cut ? half : session->history_tokens - cut;
    session->prompt_tokens = prompt;
    session->reply_tokens = reply;
    session->cut_tokens = cut;
    if (cut > 0)
        collector_add_overflow(&serve->collector);
}

void turns_ask_next(struct serve *serve, uint32_t handle)
{
    struct serve_turn_session *session = &serve->session[handle];
    session->asked_ns = serve->now_ns;
    serve->turns_asked++;
    fit_into_window(serve, session);
    session->job =
        placement_queue(serve->core, serve->now_ns, &session->id, 1, session->history_tokens, 1);
    session->history_tokens -= session->cut_tokens;
    memory_grow(&serve->note, &serve->note_capacity, (uint64_t)session->job + 1,
                sizeof *serve->note);
    struct job_note *note = &serve->note[session->job];
    struct kv_copy hbm = note->hbm; /* empty; keeps its array */
    *note = (struct job_note){ .session = handle,
                               .unit = placement_unit(serve->core, session->id),
                               .hbm = hbm };
    session->next = 0;
    if (serve->queue_tail != 0)
        serve->session[serve->queue_tail].next = handle;
    else
        serve->queue_head = handle;
    serve->queue_tail = handle;
    collector_set_queue(&serve->collector, serve->now_ns, ++serve->queue_count);
}

void turns_ended(struct serve *serve, uint32_t handle)
{
    struct serve_turn_session *session = &serve->session[handle];
    uint64_t limit = serve->experiment->max_turns;
    session->history_tokens += session->prompt_tokens + session->reply_tokens;
    session->turn++;
    if (session->turn < session->turn_count && (limit == 0 || serve->turns_asked < limit)) {
        event_heap_push(&serve->events, serve->now_ns + session->turns[session->turn].think_ns,
                        SERVE_TURN, handle);
        return;
    }
    free(session->turns);
    session->turns = NULL;
    session->next = serve->free_session;
    serve->free_session = handle;
}

/* What is said does not matter here, but the same token must be said again when KV is recomputed.
 */
uint32_t turns_token(const struct serve *serve, const struct serve_turn_session *session,
                     uint64_t index)
{
    uint64_t mixed =
        (session->id + 1) * UINT64_C(0x9E3779B97F4A7C15) + index * UINT64_C(0xC2B2AE3D27D4EB4F);
    mixed = (mixed ^ (mixed >> 29)) * UINT64_C(0xBF58476D1CE4E5B9);
    return (uint32_t)((mixed >> 32) % serve->model.vocabulary);
}
