/* traces/format_bench.c - what engines' own benchmarks wrote of each request, as a load to replay:
 * results of `vllm bench serve --save-result --save-detailed` (one JSON object, or one a line with
 * --append-result) and of `sglang.bench_serving --output-details` (one a line), with
 *   {"input_lens": [...], "output_lens": [...], "start_times": [s, ...], "errors": ["", ...],
 *    "duration": s, ...}
 * Requests that failed (an error, or no tokens) are left out. start_times, where the engine's
 * version writes them, are when requests were sent; else arrivals are the workload's. Several runs
 * of one file follow each other, each when the one before has lasted its duration. Open loop, and
 * no word on which prompts share a prefix; "generated_texts" are passed over. Source:
 * vllm-project/vllm 009e6d4, vllm/benchmarks/serve.py (result); sgl-project/sglang,
 * python/sglang/bench_serving.py (result_details). */
#include "base/memory.h"
#include "base/units.h"
#include "traces/conversations.h"
#include "traces/draws.h"
#include "traces/format.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct bench {
    struct conversations conversations;
    struct trace_skips *skips;
    bool drawn; /* a run has no start_times */
};

static bool bench_probe(const struct head *head)
{
    size_t spaces = strspn(head->text, " \t\r\n");
    return (head->text[spaces] == '{' || head->text[spaces] == '[') &&
           (head_has(head, "\"input_lens\"") ||
            (head_has(head, "\"request_throughput\"") && head_has(head, "_ttft_ms\"")));
}

static enum status bench_open(struct lines *lines, const struct format_settings *settings,
                              void **state, struct error *err)
{
    (void)lines, (void)err;
    struct bench *bench = *state = memory_new(1, sizeof *bench);
    conversations_begin(&bench->conversations, &settings->workload);
    bench->skips = settings->skips;
    return STATUS_OK;
}

static void bench_close(void *state)
{
    conversations_free(&((struct bench *)state)->conversations);
    free(state);
}

/* A run's arrays, one item a request; starts and errors may be NULL. */
struct run {
    struct json_record record;
    const json_t *inputs, *outputs, *starts, *errors;
    uint64_t begin_ns, first_ns;
};

static enum status get_array(const struct run *run, const char *key, bool optional, size_t count,
                             const json_t **array, struct error *err)
{
    char expected[160], found[64];
    const json_t *item = json_object_get(run->record.object, key);
    *array = NULL;
    if (optional && (item == NULL || json_is_null(item)))
        return STATUS_OK;
    *array = item;
    if (json_is_array(item) && (count == 0 || json_array_size(item) == count))
        return STATUS_OK;
    if (count == 0)
        snprintf(expected, sizeof expected,
                 "an array, a number a request, as `vllm bench serve "
                 "--save-detailed` or `sglang.bench_serving "
                 "--output-details` writes it");
    else
        snprintf(expected, sizeof expected, "an array of %zu, as input_lens is", count);
    return json_record_refuse(run->record, key, expected, json_kind(item, found, sizeof found),
                              err);
}

static enum status get_tokens(const struct run *run, const json_t *array, const char *key, size_t i,
                              uint32_t *tokens, struct error *err)
{
    char found[64];
    const json_t *item = json_array_get(array, i);
    int64_t count = json_integer_value(item);
    if (!json_is_integer(item) || count < 0 || count > RECORD_TOKENS_MOST)
        return json_record_refuse(run->record, key, "whole numbers from 0 to 1073741824",
                                  json_kind(item, found, sizeof found), err);
    *tokens = (uint32_t)count;
    return STATUS_OK;
}

static bool failed(const struct run *run, size_t i)
{
    const json_t *error = json_array_get(run->errors, i);
    return json_string_length(error) > 0 ||
           json_integer_value(json_array_get(run->inputs, i)) == 0 ||
           json_integer_value(json_array_get(run->outputs, i)) == 0;
}

static enum status get_start(const struct run *run, size_t i, uint64_t *ns, struct error *err)
{
    char found[64];
    const json_t *item = json_array_get(run->starts, i);
    double seconds = json_number_value(item);
    if (!json_is_number(item) || seconds < 0.0 || seconds > RECORD_SECONDS_MOST)
        return json_record_refuse(run->record, "start_times", "seconds, numbers from 0 to 9e9",
                                  json_kind(item, found, sizeof found), err);
    uint64_t whole = (uint64_t)seconds;
    *ns = whole * NS_PER_S + (uint64_t)((seconds - (double)whole) * 1e9 + 0.5);
    return STATUS_OK;
}

/* The earliest of those that did not fail: a failed one may never have been sent, and say 0. */
static enum status get_first(struct run *run, struct error *err)
{
    run->first_ns = UINT64_MAX;
    for (size_t i = 0; run->starts != NULL && i < json_array_size(run->starts); i++) {
        uint64_t ns = 0;
        if (get_start(run, i, &ns, err) != STATUS_OK)
            return err->status;
        if (!failed(run, i) && ns < run->first_ns)
            run->first_ns = ns;
    }
    return STATUS_OK;
}

static enum status read_request(struct bench *bench, const struct run *run, size_t i,
                                uint64_t *arrival_ns, struct error *err)
{
    struct trace_turn turn = { 0 };
    uint64_t start_ns = 0;
    if (get_tokens(run, run->inputs, "input_lens", i, &turn.prompt_tokens, err) ||
        get_tokens(run, run->outputs, "output_lens", i, &turn.reply_tokens, err))
        return err->status;
    if (failed(run, i)) {
        bench->skips->by[SKIP_FAILED]++;
        return STATUS_OK;
    }
    if (run->starts == NULL) {
        *arrival_ns += draw_gap_ns(&bench->conversations.arrivals, bench->conversations.per_s);
    } else {
        (void)get_start(run, i, &start_ns, err); /* it was read before */
        *arrival_ns = run->begin_ns + (start_ns - run->first_ns);
    }
    pending_add(
        bench->conversations.pending,
        &(struct trace_session){ .arrival_ns = *arrival_ns, .turns = &turn, .turn_count = 1 });
    return STATUS_OK;
}

static enum status read_run(void *state, struct json_record record, struct error *err)
{
    struct bench *bench = state;
    struct run run = { .record = record, .begin_ns = bench->conversations.until_ns };
    uint64_t duration_ns, arrival_ns = run.begin_ns, last_ns = run.begin_ns;
    if (get_array(&run, "input_lens", false, 0, &run.inputs, err) != STATUS_OK)
        return err->status;
    size_t count = json_array_size(run.inputs);
    if (get_array(&run, "output_lens", false, count, &run.outputs, err) ||
        get_array(&run, "start_times", true, count, &run.starts, err) ||
        get_array(&run, "errors", true, count, &run.errors, err) ||
        json_record_seconds(record, "duration", true, &duration_ns, err) || get_first(&run, err))
        return err->status;
    bench->drawn = bench->drawn || run.starts == NULL;
    for (size_t i = 0; i < count; i++) {
        if (read_request(bench, &run, i, &arrival_ns, err) != STATUS_OK)
            return err->status;
        last_ns = arrival_ns > last_ns ? arrival_ns : last_ns;
    }
    uint64_t end_ns = run.begin_ns + duration_ns;
    bench->conversations.until_ns = end_ns > last_ns ? end_ns : last_ns;
    return STATUS_OK;
}

static enum trace_step bench_next(void *state, struct lines *lines, struct trace_session *session,
                                  struct error *err)
{
    struct bench *bench = state;
    return conversations_next(&bench->conversations, lines, read_run, bench, session, err);
}

static void bench_tell(const void *state, struct trace_facts *facts)
{
    const struct bench *bench = state;
    if (bench->drawn)
        facts_assume(facts,
                     "arrivals, drawn by workload.sessions_per_s: the file has no start_times");
}

const struct trace_format trace_format_bench = {
    .name = "bench",
    .summary = "results of vLLM's and SGLang's serving benchmarks, with details: their requests",
    .facts = { .open_loop = true },
    .time_key = "start_times",
    .probe = bench_probe,
    .open = bench_open,
    .close = bench_close,
    .next = bench_next,
    .tell = bench_tell,
};
