/* traces/shape_sessions.c - shapes of sessions, as closed loops: chat, and agents that call tools.
 * A session's numbers come from streams of its own id, so that memory does not grow with sessions
 * and a changed parameter leaves the other draws as they were. unroll.c makes open loops of them,
 * in which their system prompt is shared. */
#include "base/memory.h"
#include "traces/shape_sources.h"
#include "traces/source.h"

#include <stdlib.h>

enum stream { STREAM_ARRIVALS, STREAM_COUNTS, STREAM_LENGTHS, STREAM_TIMES, STREAM_COUNT };
enum { TURNS_MOST = 1 << 20 };

struct sessions {
    struct workload workload;
    struct workload_shape shape;
    struct random arrivals;
    uint64_t count, next_id, arrival_ns;
    struct trace_turn *turns;
    uint32_t turn_count, turns_capacity;
};

static struct random stream_of(const struct sessions *sessions, enum stream stream)
{
    return random_from(sessions->workload.seed,
                       (sessions->next_id + 1) * STREAM_COUNT + (uint64_t)stream);
}

static void add_turn(struct sessions *sessions, struct trace_turn turn)
{
    memory_grow(&sessions->turns, &sessions->turns_capacity, (uint64_t)sessions->turn_count + 1,
                sizeof *sessions->turns);
    sessions->turns[sessions->turn_count++] = turn;
}

/* vLLM's: messages are prompts and replies by turns; an odd number is one more, and 2 the least. */
static void draw_chat(struct sessions *sessions)
{
    const struct chat_shape *chat = &sessions->shape.chat;
    struct random counts = stream_of(sessions, STREAM_COUNTS);
    struct random lengths = stream_of(sessions, STREAM_LENGTHS);
    uint32_t messages = draw_between(&counts, chat->messages_least, chat->messages_most);
    double history = draw_skewed(&lengths, &chat->history_tokens);
    uint32_t before = history > 0.0 ? whole_tokens(history) : 0;
    before = before < chat->history_tokens_most ? before : chat->history_tokens_most;
    for (uint32_t i = 0; i < (messages + 1) / 2; i++) {
        uint32_t prompt =
            draw_between(&lengths, chat->prompt_tokens_least, chat->prompt_tokens_most);
        add_turn(sessions,
                 (struct trace_turn){
                     .think_ns = i > 0 ? chat->think_ns : 0,
                     .prompt_tokens = prompt + (i == 0 ? chat->system_tokens + before : 0),
                     .reply_tokens = draw_between(&lengths, chat->reply_tokens_least,
                                                  chat->reply_tokens_most) });
    }
}

/* A person's request: its first step waits for the person, the others for a tool. */
static void draw_request(struct sessions *sessions, uint32_t steps, struct random *lengths,
                         struct random *times)
{
    const struct agents_shape *agents = &sessions->shape.agents;
    for (uint32_t i = 0; i < steps && sessions->turn_count < TURNS_MOST; i++) {
        bool first = sessions->turn_count == 0;
        const struct skewed *wait = i == 0 ? &agents->think_ns : &agents->tool_ns;
        uint32_t prompt = whole_tokens(draw_skewed(lengths, &agents->prompt_tokens));
        uint32_t reply = whole_tokens(draw_skewed(lengths, &agents->reply_tokens));
        add_turn(sessions,
                 (struct trace_turn){ .think_ns = first ? 0 : whole_ns(draw_skewed(times, wait)),
                                      .prompt_tokens = prompt + (first ? agents->system_tokens : 0),
                                      .reply_tokens = reply });
    }
}

static void draw_agent(struct sessions *sessions)
{
    const struct agents_shape *agents = &sessions->shape.agents;
    struct random counts = stream_of(sessions, STREAM_COUNTS);
    struct random lengths = stream_of(sessions, STREAM_LENGTHS);
    struct random times = stream_of(sessions, STREAM_TIMES);
    uint32_t requests = whole_tokens(draw_skewed(&counts, &agents->requests));
    for (uint32_t i = 0; i < requests && sessions->turn_count < TURNS_MOST; i++)
        draw_request(sessions, whole_tokens(draw_skewed(&counts, &agents->steps)), &lengths,
                     &times);
}

static enum trace_step sessions_next(void *state, struct trace_session *session, struct error *err)
{
    struct sessions *sessions = state;
    (void)err;
    if (sessions->next_id >= sessions->count)
        return TRACE_END;
    sessions->arrival_ns = time_later_ns(
        sessions->arrival_ns, draw_gap_ns(&sessions->arrivals, sessions->workload.sessions_per_s));
    sessions->turn_count = 0;
    (sessions->shape.shape == SHAPE_CHAT ? draw_chat : draw_agent)(sessions);
    sessions->next_id++;
    *session = (struct trace_session){ .arrival_ns = sessions->arrival_ns,
                                       .turn_count = sessions->turn_count,
                                       .turns = sessions->turns };
    return TRACE_ITEM;
}

static double turns_expected(const struct workload_shape *shape)
{
    const struct chat_shape *chat = &shape->chat;
    if (shape->shape == SHAPE_AGENTS)
        return shape->agents.requests.mean * shape->agents.steps.mean;
    return ((double)chat->messages_least + chat->messages_most + 1.0) / 4.0;
}

static struct trace_facts sessions_facts(const void *state)
{
    const struct sessions *sessions = state;
    double turns = (double)sessions->count * turns_expected(&sessions->shape);
    return (struct trace_facts){ .expected_turns = (uint64_t)(turns + 0.5),
                                 .format =
                                     trace_shape_about((enum shape)sessions->shape.shape).name };
}

static uint64_t sessions_hash(const void *state)
{
    const struct sessions *sessions = state;
    return shape_hash(&sessions->workload, &sessions->shape);
}

static void sessions_close(void *state)
{
    struct sessions *sessions = state;
    free(sessions->turns);
    free(sessions);
}

static const struct source sessions_source = {
    .next = sessions_next, .facts = sessions_facts, .hash = sessions_hash, .close = sessions_close
};

struct trace *shape_sessions(const struct workload *workload, const struct workload_shape *shape)
{
    struct sessions *sessions = memory_new(1, sizeof *sessions);
    sessions->workload = *workload;
    sessions->shape = *shape;
    sessions->count = *workload_sessions(&sessions->workload, &sessions->shape);
    sessions->arrivals = random_from(workload->seed, STREAM_ARRIVALS);
    return trace_of(&sessions_source, sessions);
}
