/* traces/format_aiperf.c - what AIPerf wrote of each request, profile_export.jsonl, as a load to
 * replay: a JSON object a line,
 *   {"metadata": {"request_start_ns": 1759813207532900363, "benchmark_phase": "profiling",
 *                 "was_cancelled": false, ...},
 *    "metrics": {"input_sequence_length": {"value": 550, "unit": "tokens"},
 *                "output_sequence_length": {"value": 9, "unit": "tokens"}, ...}, "error": null}
 * Records are in order of their ends, not of their begins: the numbers of all requests are held in
 * memory, about 100 bytes each, and sorted. Requests that failed, were cancelled or were of the
 * warm-up are left out. Open loop: those of one conversation, too, are asked at their recorded
 * times; no word on which prompts share a prefix. Source: ai-dynamo/aiperf db4f639,
 * docs/tutorials/working-with-profile-exports.md, aiperf/common/models/record_models.py. */
#include "base/memory.h"
#include "traces/conversations.h"
#include "traces/format.h"

#include <stdlib.h>
#include <string.h>

/* Arrivals are of the wall clock until they are given. */
struct aiperf {
    struct conversations conversations;
    struct trace_skips *skips;
    bool given;
    uint64_t first_ns;
};

static bool aiperf_probe(const struct head *head)
{
    return head->text[0] == '{' && head_line_has(head, "\"metadata\"") &&
           head_line_has(head, "\"request_start_ns\"");
}

static enum status aiperf_open(struct lines *lines, const struct format_settings *settings,
                               void **state, struct error *err)
{
    (void)lines, (void)err;
    struct aiperf *aiperf = *state = memory_new(1, sizeof *aiperf);
    conversations_begin(&aiperf->conversations, &settings->workload);
    aiperf->skips = settings->skips;
    return STATUS_OK;
}

static void aiperf_close(void *state)
{
    conversations_free(&((struct aiperf *)state)->conversations);
    free(state);
}

static bool is_warm_up(const json_t *metadata)
{
    const char *phase = json_string_value(json_object_get(metadata, "benchmark_phase"));
    return phase != NULL && strcmp(phase, "warmup") == 0;
}

static bool is_left_out(struct json_record record, const json_t *metadata)
{
    const json_t *error = json_object_get(record.object, "error");
    return (error != NULL && !json_is_null(error)) ||
           json_is_true(json_object_get(metadata, "was_cancelled")) || is_warm_up(metadata);
}

static enum status get_tokens(struct json_record record, const char *key, uint32_t *tokens,
                              struct error *err)
{
    char found[64];
    const json_t *metric = json_object_get(json_object_get(record.object, "metrics"), key);
    const json_t *value = json_object_get(metric, "value");
    double count = json_number_value(value);
    if (!json_is_number(value) || count < 0.0 || count > (double)RECORD_TOKENS_MOST)
        return json_record_refuse(record, key, "metrics with its value, a number of tokens",
                                  json_kind(value, found, sizeof found), err);
    *tokens = (uint32_t)count;
    return STATUS_OK;
}

static enum status read_record(void *state, struct json_record record, struct error *err)
{
    struct aiperf *aiperf = state;
    struct json_record metadata = { record.lines, record.line,
                                    json_object_get(record.object, "metadata") };
    struct trace_turn turn = { 0 };
    int64_t start_ns;
    if (json_record_whole(metadata, "request_start_ns", 1, INT64_MAX, &start_ns, err) != STATUS_OK)
        return err->status;
    if (is_left_out(record, metadata.object)) {
        aiperf->skips->by[is_warm_up(metadata.object) ? SKIP_OTHER : SKIP_FAILED]++;
        return STATUS_OK;
    }
    if (get_tokens(record, "input_sequence_length", &turn.prompt_tokens, err) ||
        get_tokens(record, "output_sequence_length", &turn.reply_tokens, err))
        return err->status;
    if (turn.prompt_tokens == 0 || turn.reply_tokens == 0) {
        aiperf->skips->by[SKIP_NO_REPLY]++;
        return STATUS_OK;
    }
    pending_add(aiperf->conversations.pending,
                &(struct trace_session){
                    .arrival_ns = (uint64_t)start_ns, .turns = &turn, .turn_count = 1 });
    return STATUS_OK;
}

/* until_ns stays 0, so that nothing is given before all was read. */
static enum trace_step aiperf_next(void *state, struct lines *lines, struct trace_session *session,
                                   struct error *err)
{
    struct aiperf *aiperf = state;
    enum trace_step step =
        conversations_next(&aiperf->conversations, lines, read_record, aiperf, session, err);
    if (step != TRACE_ITEM)
        return step;
    if (!aiperf->given)
        aiperf->first_ns = session->arrival_ns;
    aiperf->given = true;
    session->arrival_ns -= aiperf->first_ns;
    return TRACE_ITEM;
}

const struct trace_format trace_format_aiperf = {
    .name = "aiperf",
    .summary = "AIPerf's profile_export.jsonl: the requests of a benchmark, at their times",
    .facts = { .open_loop = true },
    .time_key = "request_start_ns",
    .probe = aiperf_probe,
    .open = aiperf_open,
    .close = aiperf_close,
    .next = aiperf_next,
};
