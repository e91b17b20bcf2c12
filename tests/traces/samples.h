/* tests/traces/samples.h - the samples in traces/samples, and what is read of one: a text of all
 * its sessions, so that a test can say in one line what it expects. */
#ifndef REPRISE_TESTS_TRACES_SAMPLES_H
#define REPRISE_TESTS_TRACES_SAMPLES_H

#include "tests/support.h"
#include "tests/traces/open_trace.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const sample_names[] = {
    "agentic.jsonl",
    "azure_2023.csv",
    "azure_2024.csv",
    "bailian.jsonl",
    "burstgpt_1.csv",
    "burstgpt_3.csv",
    "example.jsonl",
    "openai.jsonl",
    "sessions.csv",
    "sharegpt.json",
    "mooncake_delta.jsonl",
    "mooncake_family.jsonl",
    "mooncake_texts.jsonl",
    "kv_events.jsonl",
    "kv_events.msgpack",
    "kv_events_dynamo.jsonl",
    "lmcache.jsonl",
    "vidur.csv",
    "llmservingsim.jsonl",
    "llmservingsim_ids.jsonl",
    "llmservingsim.tsv",
    "weka.jsonl",
    "weka.json",
    "openai_batch.jsonl",
    "wildchat.jsonl",
    "copilot.jsonl",
    "copilot_cut.jsonl",
    "vllm_bench.json",
    "sglang_bench.jsonl",
    "aiperf.jsonl",
};
enum { SAMPLES = sizeof sample_names / sizeof *sample_names };

/* The file's bytes, ended by a NUL; the caller's to free(). length may be NULL. */
static inline char *sample_bytes(const char *name, size_t *length)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", TRACE_SAMPLES, name);
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "%s", path);
    ck_assert_int_eq(fseek(file, 0, SEEK_END), 0);
    long size = ftell(file);
    rewind(file);
    char *text = calloc((size_t)size + 1, 1);
    ck_assert_uint_eq(fread(text, 1, (size_t)size, file), (size_t)size);
    fclose(file);
    if (length != NULL)
        *length = (size_t)size;
    return text;
}

static inline char *sample_text(const char *name)
{
    return sample_bytes(name, NULL);
}

/* What every session must keep, whatever it was read from. */
static inline void check_session(const struct trace_session *session, struct trace_facts facts)
{
    ck_assert_uint_ge(session->turn_count, 1);
    ck_assert_uint_eq(session->turns[0].think_ns, 0);
    for (uint32_t i = 0; i < session->turn_count; i++) {
        ck_assert_uint_ge(session->turns[i].prompt_tokens, 1);
        ck_assert_uint_ge(session->turns[i].reply_tokens, 1);
    }
    uint32_t block = facts.block_tokens;
    ck_assert_uint_eq(session->block_count,
                      block > 0 ? (session->turns[0].prompt_tokens + block - 1) / block : 0);
    ck_assert(!facts.open_loop || session->turn_count == 1);
    ck_assert(facts.open_loop || block == 0);
}

/* Writes "arrival_ns: think_ns+prompt>reply think_ns+prompt>reply; ..." into text, as far as there
 * is room. */
static inline enum status read_sessions(const char *path, const char *format, char *text,
                                        size_t text_bytes, struct trace_facts *facts,
                                        struct error *err)
{
    struct trace *trace;
    struct trace_session session;
    enum trace_step step;
    size_t at = 0;
    text[0] = '\0';
    if (open_trace(path, format, &trace, err) != STATUS_OK)
        return err->status;
    while ((step = trace_next(trace, &session, err)) == TRACE_ITEM) {
        check_session(&session, trace_facts(trace));
        if (at + 100 < text_bytes)
            at += (size_t)snprintf(text + at, text_bytes - at, "%" PRIu64 ":", session.arrival_ns);
        for (uint32_t i = 0; i < session.turn_count && at + 100 < text_bytes; i++)
            at += (size_t)snprintf(text + at, text_bytes - at, " %" PRIu64 "+%u>%u",
                                   session.turns[i].think_ns, session.turns[i].prompt_tokens,
                                   session.turns[i].reply_tokens);
        if (at + 100 < text_bytes)
            at += (size_t)snprintf(text + at, text_bytes - at, "; ");
    }
    *facts = trace_facts(trace);
    trace_close(trace);
    return step == TRACE_ERROR ? err->status : STATUS_OK;
}

#endif
