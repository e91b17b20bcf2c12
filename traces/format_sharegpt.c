/* traces/format_sharegpt.c - ShareGPT: one large JSON array (or objects one after the other) of
 *   {"id": "...", "conversations": [{"from": "human", "value": "..."}, {"from": "gpt", ...}, ...]}
 * read conversation by conversation. A turn is what people said ("human", "user", "system", "tool")
 * until the model answers, and the answer ("gpt", "chatgpt", "assistant", "model", "bing", "bard");
 * answers before the first question count as part of it, and a question without answer is left out.
 * Tokens of a message are its "tokens" field if it has one, else its value's UTF-8 bytes over
 * import.bytes_per_token, rounded, at least 1; texts are counted and forgotten. The file has no
 * times: arrivals and think times are the workload's, drawn by its seed. Closed loop. Source:
 * anon8231489123/ShareGPT_Vicuna_unfiltered, ShareGPT_V3_unfiltered_cleaned_split.json; FastChat's
 * cleaning names the roles. */
#include "base/memory.h"
#include "traces/draws.h"
#include "traces/format.h"
#include "traces/json_items.h"
#include "traces/json_record.h"

#include <stdlib.h>
#include <string.h>

enum { STREAM_ARRIVALS, STREAM_THINK };

struct sharegpt {
    struct json_items items;
    struct format_settings settings;
    struct random arrivals;
    uint64_t arrival_ns, given;
    struct trace_turn *turns;
    uint32_t turns_capacity;
};

static bool sharegpt_probe(const struct head *head)
{
    size_t spaces = strspn(head->text, " \t\r\n");
    return (head->text[spaces] == '[' || head->text[spaces] == '{') &&
           head_has(head, "\"conversations\"") && head_has(head, "\"from\"");
}

static enum status sharegpt_open(struct lines *lines, const struct format_settings *settings,
                                 void **state, struct error *err)
{
    (void)lines, (void)err;
    struct sharegpt *sharegpt = *state = memory_new(1, sizeof *sharegpt);
    sharegpt->settings = *settings;
    sharegpt->arrivals = random_from(settings->workload.seed, STREAM_ARRIVALS);
    return STATUS_OK;
}

static void sharegpt_close(void *state)
{
    struct sharegpt *sharegpt = state;
    json_items_free(&sharegpt->items);
    free(sharegpt->turns);
    free(sharegpt);
}

enum speaker { SPEAKER_UNKNOWN, SPEAKER_ASKS, SPEAKER_ANSWERS };

static enum speaker speaker_of(const char *from)
{
    static const char *const asking[] = { "human", "user", "system", "tool" };
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
    const json_t *value = json_object_get(message.object, "value");
    int64_t counted;
    if (json_object_get(message.object, "tokens") != NULL) {
        if (json_record_whole(message, "tokens", 0, RECORD_TOKENS_MOST, &counted, err) != STATUS_OK)
            return err->status;
        *tokens = (uint32_t)counted;
        return STATUS_OK;
    }
    if (!json_is_string(value))
        return json_record_refuse(message, "value", "a text",
                                  value ? "another type" : "no such key", err);
    *tokens =
        whole_tokens((double)json_string_length(value) / sharegpt->settings.import.bytes_per_token);
    return STATUS_OK;
}

/* Adds a message to the turns; the last of them is open until it has an answer. */
static enum status add_message(struct sharegpt *sharegpt, struct json_record message,
                               uint32_t *turn_count, bool *asked, struct error *err)
{
    uint32_t tokens = 0;
    const char *from = json_string_value(json_object_get(message.object, "from"));
    enum speaker speaker = speaker_of(from);
    if (speaker == SPEAKER_UNKNOWN)
        return json_record_refuse(message, "from", "human, gpt, system or one of their other names",
                                  from != NULL ? from : "no text", err);
    if (message_tokens(sharegpt, message, &tokens, err) != STATUS_OK)
        return err->status;
    memory_grow(&sharegpt->turns, &sharegpt->turns_capacity, (uint64_t)*turn_count + 2,
                sizeof *sharegpt->turns);
    struct trace_turn *turn = &sharegpt->turns[*turn_count];
    if (speaker == SPEAKER_ASKS && turn->reply_tokens > 0) { /* the turn was answered: a new one */
        turn = &sharegpt->turns[++*turn_count];
        *turn = (struct trace_turn){ 0 };
    }
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
    const json_t *messages = json_object_get(record.object, "conversations");
    *count = 0;
    if (!json_is_array(messages))
        return json_record_refuse(record, "conversations", "an array of messages",
                                  messages ? "another type" : "no such key", err);
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
    for (uint32_t i = 1; i < session->turn_count; i++)
        sharegpt->turns[i].think_ns = draw_think_ns(workload, &think);
    sharegpt->arrival_ns += draw_gap_ns(&sharegpt->arrivals, workload->sessions_per_s);
    session->arrival_ns = sharegpt->arrival_ns;
    sharegpt->given++;
}

static enum trace_step sharegpt_next(void *state, struct lines *lines,
                                     struct trace_session *session, struct error *err)
{
    struct sharegpt *sharegpt = state;
    while (true) {
        json_t *item;
        enum lines_step step = json_items_next(&sharegpt->items, lines, &item, err);
        if (step != LINES_LINE)
            return step == LINES_END ? TRACE_END : TRACE_ERROR;
        struct json_record record = { lines, sharegpt->items.line, item };
        enum status status = get_turns(sharegpt, record, &session->turn_count, err);
        json_decref(item);
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

const struct trace_format trace_format_sharegpt = {
    .name = "sharegpt",
    .summary = "ShareGPT's JSON array of conversations; tokens estimated, times the workload's",
    .time_key = "conversations",
    .probe = sharegpt_probe,
    .open = sharegpt_open,
    .close = sharegpt_close,
    .next = sharegpt_next,
};
