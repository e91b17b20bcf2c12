/* traces/shape_rows.c - the keys of the shapes, with units, ranges, defaults and where these are
 * from. What is assumed says so. Versions and files of the sources: docs/workload.md, "Shapes". */
#include "traces/shapes.h"

#include <stddef.h>

static const char *const shape_choices[] = { SHAPES(CHOICE_WORD) NULL };
static const char *const loop_choices[] = { LOOPS(CHOICE_WORD) NULL };
static const char *const prompt_order_choices[] = { PROMPT_ORDERS(CHOICE_WORD) NULL };
static const char *const repeat_choices[] = { REPEATS(CHOICE_WORD) NULL };

#define TOKENS_MOST 1e7

#define ROW(name, kind_of, member, least, most, default_text, help_text)                           \
    {                                                                                              \
        .key = name, .kind = kind_of, .offset = offsetof(struct workload_shape, member),           \
        .min = least, .max = most, .standard = default_text, .help = help_text                     \
    }
#define COUNT(name, member, default_text, help_text)                                               \
    ROW(name, CONFIG_U64, member, 1, 1e9, default_text, help_text)
#define TOKENS(name, member, least, default_text, help_text)                                       \
    ROW(name, CONFIG_U32, member, least, TOKENS_MOST, default_text, help_text)
#define CHOICE(name, member, words, default_text, help_text)                                       \
    {                                                                                              \
        .key = name, .kind = CONFIG_CHOICE, .offset = offsetof(struct workload_shape, member),     \
        .choices = words, .standard = default_text, .help = help_text                              \
    }
#define TIME(name, member, default_text, help_text)                                                \
    {                                                                                              \
        .key = name, .kind = CONFIG_U64, .unit = UNIT_DURATION,                                    \
        .offset = offsetof(struct workload_shape, member), .min = 0, .max = 1e17,                  \
        .standard = default_text, .help = help_text                                                \
    }
/* Two rows: a log-normal's mean, and its median as a share of it. */
#define SKEWED(name, member, unit_of, least, most, mean_text, mean_help, ratio_text, ratio_help)   \
    { .key = name ".mean",                                                                         \
      .kind = CONFIG_DOUBLE,                                                                       \
      .unit = unit_of,                                                                             \
      .offset = offsetof(struct workload_shape, member.mean),                                      \
      .min = least,                                                                                \
      .max = most,                                                                                 \
      .standard = mean_text,                                                                       \
      .help = mean_help },                                                                         \
        ROW(name ".median_ratio", CONFIG_DOUBLE, member.median_ratio, 0.001, 1, ratio_text,        \
            ratio_help)

const struct config_row workload_shape_rows[] = {
    CHOICE(
        "shape", shape, shape_choices, "sharegpt",
        "of the generated workload (`reprise trace gen --shapes` says what each is); sharegpt is "
        "the paper's, of the keys above; the others have their own below, and of those above "
        "sessions_per_s, concurrency and seed"),
    CHOICE("loop", loop, loop_choices, "shape",
           "open: sessions' turns are requests at drawn times, with blocks of import.block_tokens, "
           "so that sessions share a system prompt; closed: a turn waits for the reply before it, "
           "and sessions share nothing; shape: closed for sharegpt, open for all others"),
    TIME("token_time", token_ns, "30ms",
         "open loop: what a token of a reply is taken to need, before the think time (assumed)"),
    COUNT("shared_prefix.groups", shared_prefix.groups, "64",
          "system prompts (SGLang: --gsp-num-groups)"),
    COUNT("shared_prefix.prompts_per_group", shared_prefix.prompts_per_group, "16",
          "requests of each (SGLang: --gsp-prompts-per-group)"),
    TOKENS("shared_prefix.system_tokens", shared_prefix.system_tokens, 1, "2048",
           "of a system prompt (SGLang: --gsp-system-prompt-len)"),
    TOKENS("shared_prefix.question_tokens", shared_prefix.question_tokens, 1, "128",
           "of what is behind it (SGLang: --gsp-question-len)"),
    TOKENS("shared_prefix.reply_tokens", shared_prefix.reply_tokens, 1, "256",
           "of a reply (SGLang: --gsp-output-len)"),
    ROW("shared_prefix.range_ratio", CONFIG_DOUBLE, shared_prefix.range_ratio, 0, 1, "1",
        "lengths are any from that share of the three above to them (SGLang: --gsp-range-ratio)"),
    CHOICE("shared_prefix.order", shared_prefix.order, prompt_order_choices, "random",
           "random: of all groups among each other; grouped: one after the other (SGLang: "
           "--gsp-ordered)"),
    COUNT("repeated_documents.documents", documents.documents, "8",
          "different documents (vLLM, LMCache: --num-documents)"),
    COUNT("repeated_documents.repeats", documents.repeats, "2",
          "requests of each (vLLM, LMCache: --repeat-count)"),
    CHOICE("repeated_documents.order", documents.order, repeat_choices, "random",
           "random; tile: all documents, then all again; interleave: each as often as it is asked "
           "for, then the next (vLLM, LMCache: --repeat-mode)"),
    SKEWED("repeated_documents.document_tokens", documents.document_tokens, UNIT_PLAIN, 1,
           TOKENS_MOST, "20000",
           "of a document, log-normal: about those of a paper on systems (vLLM, LMCache: "
           "--document-length)",
           "1", "their median over their mean; 1: all are as long (vLLM, LMCache)"),
    TOKENS("repeated_documents.question_tokens", documents.question_tokens, 0, "0",
           "of a question behind it, of which each is another; 0: the same prompt again (vLLM, "
           "LMCache)"),
    TOKENS("repeated_documents.reply_tokens", documents.reply_tokens, 1, "10",
           "of a reply (vLLM: --output-len; LMCache: 100)"),
    COUNT("chat.sessions", chat.sessions, "24", "conversations (vLLM: num_conversations)"),
    ROW("chat.messages.least", CONFIG_U32, chat.messages_least, 2, 100000, "12",
        "prompts and replies of a session, uniform, rounded up to an even number (vLLM: "
        "num_turns)"),
    ROW("chat.messages.most", CONFIG_U32, chat.messages_most, 2, 100000, "18",
        "the longest (vLLM: num_turns)"),
    TOKENS("chat.system_tokens", chat.system_tokens, 0, "500",
           "that all sessions begin with (vLLM: common_prefix_num_tokens)"),
    SKEWED("chat.history_tokens", chat.history_tokens, UNIT_PLAIN, 0, TOKENS_MOST, "1000",
           "of its own that a session begins with, log-normal (vLLM: prefix_num_tokens)", "0.85",
           "their median over their mean (vLLM: median_ratio)"),
    TOKENS("chat.history_tokens.most", chat.history_tokens_most, 0, "5000",
           "longer ones are cut to it (vLLM: prefix_num_tokens)"),
    TOKENS("chat.prompt_tokens.least", chat.prompt_tokens_least, 1, "120",
           "of a prompt, uniform (vLLM: prompt_input.num_tokens)"),
    TOKENS("chat.prompt_tokens.most", chat.prompt_tokens_most, 1, "160",
           "the longest (vLLM: prompt_input.num_tokens)"),
    TOKENS("chat.reply_tokens.least", chat.reply_tokens_least, 1, "80",
           "of a reply, uniform (vLLM: prompt_output.num_tokens)"),
    TOKENS("chat.reply_tokens.most", chat.reply_tokens_most, 1, "120",
           "the longest (vLLM: prompt_output.num_tokens)"),
    TIME("chat.think_time", chat.think_ns, "20s",
         "from a reply to the next prompt (LMCache's multi-round QA, 10 users at 0.5 requests a "
         "second: 20 s from one to the next)"),
    COUNT("agents.sessions", agents.sessions, "100", "sessions (assumed; TraceLab has 4,265)"),
    SKEWED("agents.requests", agents.requests, UNIT_PLAIN, 1, 1e5, "9.2",
           "a person's requests in a session, log-normal, at least 1 (TraceLab)", "0.109",
           "their median, 1, over their mean (TraceLab)"),
    SKEWED("agents.steps", agents.steps, UNIT_PLAIN, 1, 1e5, "8.8",
           "calls of the model for a request, log-normal, at least 1 (TraceLab)", "0.227",
           "their median, 2, over their mean (TraceLab)"),
    TOKENS("agents.system_tokens", agents.system_tokens, 0, "19000",
           "of the system prompt and the tools' descriptions, that all sessions begin with (Claude "
           "Code, as captured in docs/workload.md's source)"),
    SKEWED("agents.prompt_tokens", agents.prompt_tokens, UNIT_PLAIN, 1, TOKENS_MOST, "1181",
           "new in a step, a tool's result or a person's words, log-normal (TraceLab: growth less "
           "replies, over steps)",
           "0.213", "their median, 251, over their mean (TraceLab: adjusted append, Claude)"),
    SKEWED("agents.reply_tokens", agents.reply_tokens, UNIT_PLAIN, 1, TOKENS_MOST, "523",
           "of a step's reply, log-normal (TraceLab)", "0.409",
           "their median, 214, over their mean (TraceLab)"),
    SKEWED("agents.tool_time", agents.tool_ns, UNIT_DURATION, 0, 1e17, "18.4s",
           "a tool's, between two steps, log-normal (TraceLab)", "0.0163",
           "its median, 0.3 s, over its mean (TraceLab)"),
    SKEWED("agents.think_time", agents.think_ns, UNIT_DURATION, 0, 1e17, "46.7min",
           "a person's, between two requests, log-normal (TraceLab)", "0.03",
           "its median, 1.4 min, over its mean (TraceLab)"),
    TOKENS(
        "agents.context_most", agents.context_tokens_most, 1, "262144",
        "open loop: a step that would have more compacts its context first (TraceLab: Codex is at "
        "its end near 256k)"),
    TOKENS("agents.compacted_tokens", agents.compacted_tokens, 0, "10000",
           "that then follow the system prompt, a summary that nothing shares (assumed)"),
    { .key = NULL },
};
