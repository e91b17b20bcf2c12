/* traces/shapes.c - see shapes.h: what shapes there are, what their parameters must satisfy beyond
 * their rows' ranges, and which source makes each. */
#include "traces/shapes.h"

#include "traces/shape_sources.h"
#include "traces/write.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

static const struct shape_about abouts[SHAPE_COUNT] = {
    [SHAPE_SHAREGPT] = { "sharegpt", "sessions of people, as the paper has them",
                         "the paper; vLLM's lengths of ShareGPT", "workload." },
    [SHAPE_SHARED_PREFIX] = { "shared-prefix", "groups of requests with a system prompt each",
                              "SGLang bench_serving, generated-shared-prefix",
                              "workload.shared_prefix." },
    [SHAPE_REPEATED_DOCUMENTS] = { "repeated-documents", "long documents, asked for repeatedly",
                                   "vLLM benchmark_long_document_qa_throughput, LMCache "
                                   "long_doc_qa",
                                   "workload.repeated_documents." },
    [SHAPE_CHAT] = { "chat", "conversations of several turns behind one system prompt",
                     "vLLM benchmark_serving_multi_turn, LMCache multi-round-qa",
                     "workload.chat." },
    [SHAPE_AGENTS] = { "agents", "coding agents: steps with tool calls, behind one system prompt",
                       "TraceLab (arXiv 2606.30560): 4,265 sessions of Claude Code and Codex",
                       "workload.agents." },
};

struct shape_about trace_shape_about(enum shape shape)
{
    return abouts[shape];
}

uint64_t *workload_sessions(struct workload *workload, struct workload_shape *shape)
{
    switch ((enum shape)shape->shape) {
    case SHAPE_SHAREGPT:
        return &workload->sessions;
    case SHAPE_CHAT:
        return &shape->chat.sessions;
    case SHAPE_AGENTS:
        return &shape->agents.sessions;
    case SHAPE_SHARED_PREFIX:
    case SHAPE_REPEATED_DOCUMENTS:
        break;
    }
    return NULL;
}

bool workload_key_is_of(const char *key, enum shape shape)
{
    static const char *const of_all[] = { "workload.sessions_per_s", "workload.concurrency",
                                          "workload.seed",           "workload.shape",
                                          "workload.loop",           "workload.token_time",
                                          "workload.tenants" };
    const char *all = abouts[SHAPE_SHAREGPT].keys; /* of which the other shapes' are a part */
    if (strncmp(key, all, strlen(all)) != 0)
        return true;
    for (size_t i = 0; i < sizeof of_all / sizeof *of_all; i++)
        if (strcmp(key, of_all[i]) == 0)
            return true;
    for (int i = SHAPE_SHAREGPT + 1; i < SHAPE_COUNT; i++)
        if (strncmp(key, abouts[i].keys, strlen(abouts[i].keys)) == 0)
            return i == (int)shape;
    return shape == SHAPE_SHAREGPT;
}

/* Of a log-normal, mean over median is exp(s^2 / 2) and 1 + cv^2 is exp(s^2). */
double draw_skewed(struct random *random, const struct skewed *skewed)
{
    double over = 1.0 / skewed->median_ratio;
    if (skewed->mean <= 0.0 || skewed->median_ratio >= 1.0)
        return skewed->mean;
    return draw_lognormal(random, skewed->mean, sqrt(over * over - 1.0));
}

uint64_t shape_hash(const struct workload *workload, const struct workload_shape *shape)
{
    const uint64_t parts[] = { hash_of_values(workload_rows, workload),
                               hash_of_values(workload_shape_rows, shape) };
    return XXH64(parts, sizeof parts, 0);
}

static enum status check_chat(const struct chat_shape *chat, struct error *err)
{
    if (check_least("workload.chat.messages.least", chat->messages_least, chat->messages_most,
                    err) ||
        check_least("workload.chat.prompt_tokens.least", chat->prompt_tokens_least,
                    chat->prompt_tokens_most, err) ||
        check_least("workload.chat.reply_tokens.least", chat->reply_tokens_least,
                    chat->reply_tokens_most, err))
        return err->status;
    return STATUS_OK;
}

/* What is compacted must be shorter for it. */
static enum status check_agents(const struct agents_shape *agents, struct error *err)
{
    char expected[96], found[32];
    uint64_t compacted = (uint64_t)agents->system_tokens + agents->compacted_tokens;
    if (agents->context_tokens_most > compacted)
        return STATUS_OK;
    snprintf(expected, sizeof expected, "more than system_tokens + compacted_tokens = %" PRIu64,
             compacted);
    snprintf(found, sizeof found, "%u", agents->context_tokens_most);
    return error_input(err, NULL, 0, "workload.agents.context_most", expected, found);
}

static bool is_of_requests(const struct workload_shape *shape)
{
    return shape->shape == SHAPE_SHARED_PREFIX || shape->shape == SHAPE_REPEATED_DOCUMENTS;
}

static enum status check_shape(const struct workload_shape *shape, struct error *err)
{
    if (is_of_requests(shape) && shape->loop == LOOP_CLOSED)
        return error_input(err, NULL, 0, "workload.loop",
                           "open or shape: requests of one turn share by their blocks", "closed");
    if (shape->shape == SHAPE_CHAT)
        return check_chat(&shape->chat, err);
    return shape->shape == SHAPE_AGENTS ? check_agents(&shape->agents, err) : STATUS_OK;
}

/* The sessions' turns as requests that share the system prompt. */
static struct trace *opened(struct trace *sessions, const struct workload_shape *shape,
                            uint32_t block_tokens)
{
    struct trace_unrolling how = { .block_tokens = block_tokens, .token_ns = shape->token_ns };
    if (shape->shape == SHAPE_CHAT)
        how.shared_tokens = shape->chat.system_tokens;
    if (shape->shape == SHAPE_AGENTS) {
        how.shared_tokens = shape->agents.system_tokens;
        how.context_tokens_most = shape->agents.context_tokens_most;
        how.compacted_tokens = shape->agents.compacted_tokens;
    }
    return trace_unroll(sessions, &how);
}

enum status trace_generate_shape(const struct workload *workload,
                                 const struct workload_shape *shape,
                                 const struct workload_tenants *tenants, uint32_t block_tokens,
                                 struct trace **trace, struct error *err)
{
    struct trace *made = NULL;
    bool requests = is_of_requests(shape);
    bool open = shape->loop == LOOP_OPEN ||
                (shape->loop == LOOP_OF_SHAPE && shape->shape != SHAPE_SHAREGPT);
    enum status status = check_shape(shape, err);
    if (status == STATUS_OK && shape->shape == SHAPE_SHAREGPT)
        status = trace_generate(workload, &made, err);
    else if (status == STATUS_OK && requests)
        made = shape_requests(workload, shape, block_tokens);
    else if (status == STATUS_OK)
        made = shape_sessions(workload, shape);
    if (status == STATUS_OK && tenants != NULL)
        status = trace_give_tenants(tenants, workload->seed, &made, err);
    if (status != STATUS_OK) {
        trace_close(made);
        return status;
    }
    *trace = open && !trace_facts(made).open_loop ? opened(made, shape, block_tokens) : made;
    return STATUS_OK;
}
