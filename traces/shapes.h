/* traces/shapes.h - generated workloads by their shape, as published benchmarks and traces have
 * it: which prompts begin alike, how long what is new is, what passes between turns. Public
 * interface of traces/. All of them are streams that hold nothing of what they gave; the same seed
 * gives the same trace on every machine. Each key's source is in its help, the whole in
 * docs/workload.md, "Shapes". */
#ifndef REPRISE_TRACES_SHAPES_H
#define REPRISE_TRACES_SHAPES_H

#include "traces/tenants.h"

#define SHAPES(X)                                                                                  \
    X(SHAPE_SHAREGPT, "sharegpt")                                                                  \
    X(SHAPE_SHARED_PREFIX, "shared-prefix")                                                        \
    X(SHAPE_REPEATED_DOCUMENTS, "repeated-documents")                                              \
    X(SHAPE_CHAT, "chat")                                                                          \
    X(SHAPE_AGENTS, "agents")
enum shape { SHAPES(CHOICE_MEMBER) };

/* open: requests at drawn times with block keys, so that sessions share their system prompt; a
 * reply is taken to need token_ns a token. closed: a turn waits for the reply before it, and
 * nothing is shared between sessions, which have no keys. */
#define LOOPS(X) X(LOOP_OF_SHAPE, "shape") X(LOOP_OPEN, "open") X(LOOP_CLOSED, "closed")
enum loop { LOOPS(CHOICE_MEMBER) };

#define PROMPT_ORDERS(X) X(PROMPTS_SHUFFLED, "random") X(PROMPTS_GROUPED, "grouped")
enum prompt_order { PROMPT_ORDERS(CHOICE_MEMBER) };
#define REPEATS(X)                                                                                 \
    X(REPEATS_SHUFFLED, "random") X(REPEATS_TILED, "tile") X(REPEATS_INTERLEAVED, "interleave")
enum repeat_mode { REPEATS(CHOICE_MEMBER) };

/* A log-normal given as measurements give it: its mean, and its median over its mean in (0, 1]
 * (vLLM's median_ratio); 1: the mean itself, always. */
struct skewed {
    double mean, median_ratio;
};

/* Groups of prompts that begin with their group's system prompt. */
struct shared_prefix_shape {
    uint64_t groups, prompts_per_group;
    uint32_t system_tokens, question_tokens, reply_tokens;
    double range_ratio; /* lengths are drawn from so much of them to them */
    int order;          /* enum prompt_order */
};

/* Long documents, each asked for several times. */
struct documents_shape {
    uint64_t documents, repeats;
    int order; /* enum repeat_mode */
    struct skewed document_tokens;
    uint32_t question_tokens, reply_tokens; /* of questions 0: the same prompt again */
};

/* People who talk with a model behind one system prompt, each with a past of their own. */
struct chat_shape {
    uint64_t sessions;
    uint32_t messages_least, messages_most; /* prompts and replies; rounded up to an even number */
    uint32_t system_tokens;                 /* that all begin with */
    struct skewed history_tokens;           /* of its own that a session begins with */
    uint32_t history_tokens_most;
    uint32_t prompt_tokens_least, prompt_tokens_most, reply_tokens_least, reply_tokens_most;
    uint64_t think_ns;
};

/* Agents: each of a person's requests is several steps, between which tools run. */
struct agents_shape {
    uint64_t sessions;
    struct skewed requests, steps; /* of a session; of a request. At least 1 */
    uint32_t system_tokens;        /* system prompt and tools, that all begin with */
    struct skewed prompt_tokens;   /* new in a step: a tool's result, a person's words */
    struct skewed reply_tokens;
    struct skewed tool_ns, think_ns;
    /* Open loop: what would be longer is compacted first, to the system prompt and so many. */
    uint32_t context_tokens_most, compacted_tokens;
};

struct workload_shape {
    int shape, loop;   /* enum shape, enum loop */
    uint64_t token_ns; /* of a reply's token, where replies are not awaited */
    struct shared_prefix_shape shared_prefix;
    struct documents_shape documents;
    struct chat_shape chat;
    struct agents_shape agents;
};
extern const struct config_row
    workload_shape_rows[]; /* under "workload."; offsets into the above */

/* The workload of that shape: arrivals and the seed are the workload's (sessions_per_s is of
 * requests where a shape has no sessions), all else of SHAPE_SHAREGPT too. block_tokens: tokens of
 * a block of an open loop; whose
 * sessions they are, tenants say (NULL: one's). STATUS_INPUT: parameters that contradict each
 * other. */
enum status trace_generate_shape(const struct workload *workload,
                                 const struct workload_shape *shape,
                                 const struct workload_tenants *tenants, uint32_t block_tokens,
                                 struct trace **trace, struct error *err);

/* Where the number of sessions of that shape stands, for who wants more or fewer that are alike;
 * NULL: it has none, since fewer requests would share differently. */
uint64_t *workload_sessions(struct workload *workload, struct workload_shape *shape);

/* Whether the shape heeds a key of an experiment that begins with "workload."; true of any other.
 */
bool workload_key_is_of(const char *key, enum shape shape);

/* What a shape is, for lists. */
struct shape_about {
    const char *name, *summary, *source;
    const char *keys; /* what its keys begin with */
};
struct shape_about trace_shape_about(enum shape shape);
enum { SHAPE_COUNT = SHAPE_AGENTS + 1 };

#endif
