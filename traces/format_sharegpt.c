/* traces/format_sharegpt.c - conversations of people with a model, as JSON: one large array, or
 * objects one after the other or a line each. Two dialects of one thing: sharegpt: {"id": "...",
 * "conversations": [{"from": "human", "value": "..."}, {"from": "gpt", ...}]} wildchat:
 * {"conversation": [{"role": "user", "content": "..."}, {"role": "assistant", "content":
 *             "...", "timestamp": "2023-04-09T00:02:53+00:00"}]}
 * read conversation by conversation. A turn is what people said ("human", "user", "system", "tool",
 * "developer") until the model answers, and the answer ("gpt", "chatgpt", "assistant", "model",
 * "bing", "bard"); answers before the first question count as part of it, and a question without
 * answer is left out. Tokens of a message are its "tokens" field if it has one, else its text's
 * UTF-8 bytes over import.bytes_per_token, rounded, at least 1; texts are counted and forgotten.
 *
 * Arrivals are the workload's, drawn by its seed: neither dialect says when a session began. Think
 * times too, but WildChat's answers have the time at which the server had received them: think time
 * is then from one to the next, which holds the time of serving the next. It is a date and time, or
 * as datasets' to_json writes it the ms since 1970. Closed loop.
 *
 * Source: anon8231489123/ShareGPT_Vicuna_unfiltered, ShareGPT_V3_unfiltered_cleaned_split.json
 * (FastChat's cleaning names the roles); allenai/WildChat-1M and lmsys/lmsys-chat-1m, the data
 * sets' cards (conversation, role, content; timestamp "when the backend server receives the full
 * response"). */
#include "base/memory.h"
#include "traces/draws.h"
#include "traces/format.h"
#include "traces/objects.h"
#include "traces/record_time.h"

#include "base/units.h"

#include <stdlib.h>
#include <string.h>

enum { STREAM_ARRIVALS, STREAM_THINK };

/* Under which keys a dialect has its messages, who says one, and what. */
struct dialect {
    const char *messages, *who, *text;
};
static const struct dialect sharegpt_dialect = { "conversations", "from", "value" };
static const struct dialect wildchat_dialect = { "conversation", "role", "content" };

/* said_ns[i]: when the answer of turn i was there; 0: the file does not say. */
struct sharegpt {
    const struct dialect *dialect;
    struct objects objects;
    struct format_settings settings;
    struct random arrivals;
    uint64_t arrival_ns, given;
    struct trace_turn *turns;
    uint64_t *said_ns;
    uint32_t turns_capacity, said_capacity;
};

static bool sharegpt_probe(const struct head *head)
{
    size_t spaces = strspn(head->text, " \t\r\n");
    return (head->text[spaces] == '[' || head->text[spaces] == '{') &&
           head_has(head, "\"conversations\"") && head_has(head, "\"from\"");
}

static bool wildchat_probe(const struct head *head)
{
    size_t spaces = strspn(head->text, " \t\r\n");
    return (head->text[spaces] == '[' || head->text[spaces] == '{') &&
           head_has(head, "\"conversation\"") && head_has(head, "\"role\"") &&
           head_has(head, "\"content\"");
}

static enum status sharegpt_open(struct lines *lines, const struct format_settings *settings,
                                 void **state, struct error *err)
{
    (void)lines, (void)err;
    struct sharegpt *sharegpt = *state = memory_new(1, sizeof *sharegpt);
    sharegpt->dialect = &sharegpt_dialect;
    sharegpt->settings = *settings;
    sharegpt->arrivals = random_from(settings->workload.seed, STREAM_ARRIVALS);
    return STATUS_OK;
}

static enum status wildchat_open(struct lines *lines, const struct format_settings *settings,
                                 void **state, struct error *err)
{
    enum status status = sharegpt_open(lines, settings, state, err);
    ((struct sharegpt *)*state)->dialect = &wildchat_dialect;
    return status;
}

static void sharegpt_close(void *state)
{
    struct sharegpt *sharegpt = state;
    objects_free(&sharegpt->objects);
    free(sharegpt->said_ns);
    free(sharegpt->turns);
    free(sharegpt);
}

enum speaker { SPEAKER_UNKNOWN, SPEAKER_ASKS, SPEAKER_ANSWERS };

static enum speaker speaker_of(const char *from)
{
    static const char *const asking[] = { "human", "user", "system", "tool", "developer" };
    static const char *const answering[] = {
        "gpt", "chatgpt", "assistant", "model", "bing", "bard"
    };
    for (size_t i = 0; from != NULL && i < sizeof asking / sizeof *asking; i++)
        if (strcmp(from, asking[i]) == 0)
            return SPEAKER_ASKS;
    for (size_t i = 0; from != NULL && i < sizeof answering / sizeof *answering; i++)
        if (strcmp(from, answering[i]) == 0)
            return SPEAKER_ANSWERS;
    return SPEAKER_UNKNOWN;
}

static enum status message_tokens(const struct sharegpt *sharegpt, struct json_record message,
                                  uint32_t *tokens, struct error *err)
{
    char found[64];
    const json_t *value = json_object_get(message.object, sharegpt->dialect->text);
    int64_t counted;
    if (json_object_get(message.object, "tokens") != NULL) {
        if (json_record_whole(message, "tokens", 0, RECORD_TOKENS_MOST, &counted, err) != STATUS_OK)
            return err->status;
        *tokens = (uint32_t)counted;
        return STATUS_OK;
    }
    if (!json_is_string(value))
        return json_record_refuse(message, sharegpt->dialect->text, "a text",
                                  json_kind(value, found, sizeof found), err);
    *tokens =
        whole_tokens((double)json_string_length(value) / sharegpt->settings.import.bytes_per_token);
    return STATUS_OK;
}

/* When an answer was there, if it says so. */
static enum status get_said(struct json_record message, uint64_t *said_ns, struct error *err)
{
    char found[64];
    const json_t *time = json_object_get(message.object, "timestamp");
    double ms = json_number_value(time);
    *said_ns = 0;
    if (time == NULL || json_is_null(time))
        return STATUS_OK;
    if (json_is_number(time) && ms >= 0.0 && ms <= RECORD_SECONDS_MOST * 1e3)
        *said_ns = (uint64_t)ms * NS_PER_MS;
    else if (!json_is_string(time) || !datetime_parse(json_string_value(time), said_ns))
        return json_record_refuse(message, "timestamp", "a date and time, or ms since 1970",
                                  json_kind(time, found, sizeof found), err);
    return STATUS_OK;
}

/* Adds a message to the turns; the last of them is open until it has an answer. */
static enum status add_message(struct sharegpt *sharegpt, struct json_record message,
                               uint32_t *turn_count, bool *asked, struct error *err)
{
    uint32_t tokens = 0;
    char found[64];
    const json_t *who = json_object_get(message.object, sharegpt->dialect->who);
    enum speaker speaker = speaker_of(json_string_value(who));
    if (speaker == SPEAKER_UNKNOWN)
        return json_record_refuse(message, sharegpt->dialect->who,
                                  "human, user, gpt, assistant, system or one of their other names",
                                  json_kind(who, found, sizeof found), err);
    if (message_tokens(sharegpt, message, &tokens, err) != STATUS_OK)
        return err->status;
    memory_grow(&sharegpt->turns, &sharegpt->turns_capacity, (uint64_t)*turn_count + 2,
                sizeof *sharegpt->turns);
    memory_grow(&sharegpt->said_ns, &sharegpt->said_capacity, (uint64_t)*turn_count + 2,
                sizeof *sharegpt->said_ns);
    struct trace_turn *turn = &sharegpt->turns[*turn_count];
    if (speaker == SPEAKER_ASKS && turn->reply_tokens > 0) { /* the turn was answered: a new one */
        turn = &sharegpt->turns[++*turn_count];
        *turn = (struct trace_turn){ 0 };
    }
    if (speaker == SPEAKER_ANSWERS &&
        get_said(message, &sharegpt->said_ns[*turn_count], err) != STATUS_OK)
        return err->status;
    bool is_reply = speaker == SPEAKER_ANSWERS && *asked;
    *asked = *asked || speaker == SPEAKER_ASKS;
    uint32_t *sum = is_reply ? &turn->reply_tokens : &turn->prompt_tokens;
    uint64_t total = (uint64_t)*sum + tokens;
    *sum = total < RECORD_TOKENS_MOST ? (uint32_t)total : (uint32_t)RECORD_TOKENS_MOST;
    return STATUS_OK;
}

/* Fills the turns; *count 0: nobody asked and was answered. */
static enum status get_turns(struct sharegpt *sharegpt, struct json_record record, uint32_t *count,
                             struct error *err)
{
    bool asked = false;
    uint32_t open = 0;
    char found[64];
    const json_t *messages = json_object_get(record.object, sharegpt->dialect->messages);
    *count = 0;
    if (!json_is_array(messages))
        return json_record_refuse(record, sharegpt->dialect->messages, "an array of messages",
                                  json_kind(messages, found, sizeof found), err);
    memory_grow(&sharegpt->turns, &sharegpt->turns_capacity, 1, sizeof *sharegpt->turns);
    sharegpt->turns[0] = (struct trace_turn){ 0 };
    for (size_t i = 0; i < json_array_size(messages); i++) {
        struct json_record message = { record.lines, record.line, json_array_get(messages, i) };
        if (add_message(sharegpt, message, &open, &asked, err) != STATUS_OK)
            return err->status;
    }
    *count = open + (sharegpt->turns[open].reply_tokens > 0 ? 1 : 0);
    for (uint32_t i = 0; i < *count; i++)
        if (sharegpt->turns[i].prompt_tokens == 0) /* a stated count of 0 */
            sharegpt->turns[i].prompt_tokens = 1;
    return STATUS_OK;
}

static void draw_times(struct sharegpt *sharegpt, struct trace_session *session)
{
    const struct workload *workload = &sharegpt->settings.workload;
    struct random think = random_from(workload->seed, (sharegpt->given + 1) * 2 + STREAM_THINK);
    for (uint32_t i = 1; i < session->turn_count; i++) {
        uint64_t before_ns = sharegpt->said_ns[i - 1], said_ns = sharegpt->said_ns[i];
        uint64_t drawn_ns = draw_think_ns(workload, &think);
        bool known = before_ns > 0 && said_ns > 0;
        sharegpt->turns[i].think_ns = !known                ? drawn_ns
                                      : said_ns > before_ns ? said_ns - before_ns
                                                            : 0;
    }
    sharegpt->arrival_ns += draw_gap_ns(&sharegpt->arrivals, workload->sessions_per_s);
    session->arrival_ns = sharegpt->arrival_ns;
    sharegpt->given++;
}

static enum trace_step sharegpt_next(void *state, struct lines *lines,
                                     struct trace_session *session, struct error *err)
{
    struct sharegpt *sharegpt = state;
    while (true) {
        struct json_record record;
        enum lines_step step = objects_next(&sharegpt->objects, lines, &record, err);
        if (step != LINES_LINE)
            return step == LINES_END ? TRACE_END : TRACE_ERROR;
        enum status status = get_turns(sharegpt, record, &session->turn_count, err);
        objects_done(&record);
        if (status != STATUS_OK)
            return TRACE_ERROR;
        if (session->turn_count > 0)
            break;
        sharegpt->settings.skips->by[SKIP_NO_REPLY]++;
    }
    draw_times(sharegpt, session);
    session->turns = sharegpt->turns;
    return TRACE_ITEM;
}

static void sharegpt_tell(const void *state, struct trace_facts *facts)
{
    const struct sharegpt *sharegpt = state;
    facts_assume(facts, "tokens, by import.bytes_per_token, where the file has no counts");
    facts_assume(facts, "arrivals, drawn by workload.sessions_per_s: the file has none");
    facts_assume(facts, sharegpt->dialect == &sharegpt_dialect
                            ? "think times, drawn by workload.think_time: the file has none"
                            : "think times, drawn by workload.think_time, where the file has none");
}

const struct trace_format trace_format_sharegpt = {
    .name = "sharegpt",
    .summary = "ShareGPT's JSON array of conversations; tokens estimated, times the workload's",
    .time_key = "conversations",
    .probe = sharegpt_probe,
    .open = sharegpt_open,
    .close = sharegpt_close,
    .next = sharegpt_next,
    .tell = sharegpt_tell,
};

const struct trace_format trace_format_wildchat = {
    .name = "wildchat",
    .summary = "conversations of WildChat and LMSYS-Chat-1M, JSON; tokens estimated, arrivals the "
               "workload's",
    .time_key = "conversation",
    .probe = wildchat_probe,
    .open = wildchat_open,
    .close = sharegpt_close,
    .next = sharegpt_next,
    .tell = sharegpt_tell,
};
