/* tests/random/asked.c - see asked.h. */
#include "tests/random/asked.h"

#include <stdio.h>
#include <string.h>

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* A reply takes half of the window at most, a prompt what it leaves (docs/model.md). Returns the
 * context behind the turn. */
static uint32_t add_turn(struct asked *asked, const struct trace_turn *turn, uint32_t history)
{
    uint32_t window = asked->window_tokens;
    uint32_t reply = least(turn->reply_tokens, window / 2);
    uint32_t prompt = least(turn->prompt_tokens, window - reply);
    asked->clamped_turns += reply != turn->reply_tokens || prompt != turn->prompt_tokens;
    asked->turns++;
    asked->prompt_tokens += prompt;
    asked->reply_tokens += reply;
    uint32_t context = least(history, window - prompt - reply) + prompt + reply;
    asked->context_tokens += context;
    return context;
}

/* Of requests at their times, the first ones are asked. At a fixed concurrency many begin at once,
 * and a short prompt reaches the server before a long one that was read before it. */
static bool limit_is_reached(const struct asked *asked, const struct experiment *experiment)
{
    return asked->open_loop && experiment->workload.concurrency == 0 && experiment->max_turns > 0 &&
           asked->turns >= experiment->max_turns;
}

static enum status read_all(const struct experiment *experiment, struct trace *trace,
                            struct asked *asked, struct error *err)
{
    struct trace_facts facts = trace_facts(trace);
    asked->open_loop = facts.open_loop;
    asked->block_tokens = facts.block_tokens;
    snprintf(asked->format, sizeof asked->format, "%s", facts.format);
    struct trace_session item;
    enum trace_step step = trace_next(trace, &item, err);
    for (; step == TRACE_ITEM && !limit_is_reached(asked, experiment);
         step = trace_next(trace, &item, err)) {
        uint32_t context = 0;
        asked->sessions++;
        for (uint32_t i = 0; i < item.turn_count; i++)
            context = add_turn(asked, &item.turns[i], context);
    }
    if (step == TRACE_ERROR)
        return err->status;
    asked->is_cut =
        experiment->max_turns > 0 && (step == TRACE_ITEM || asked->turns > experiment->max_turns);
    return STATUS_OK;
}

enum status asked_read(const struct experiment *experiment, struct asked *asked, struct error *err)
{
    struct model model;
    struct trace *trace = NULL;
    memset(asked, 0, sizeof *asked);
    enum status status = model_load(experiment->model, &model, err);
    if (status != STATUS_OK)
        return status;
    asked->window_tokens = experiment->context_window_tokens > 0 ? experiment->context_window_tokens
                                                                 : model.context_window_tokens;
    status = experiment_open_trace(experiment, &trace, err);
    if (status == STATUS_OK)
        status = read_all(experiment, trace, asked, err);
    trace_close(trace);
    return status;
}
