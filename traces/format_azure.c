/* traces/format_azure.c - Azure's LLM inference traces: CSV with the columns
 *   TIMESTAMP,ContextTokens,GeneratedTokens
 * 2023: "2023-11-16 18:15:46.6805900"; 2024: "2024-05-10 00:00:00.009930+00:00". Open loop, and no
 * word on which prompts share a prefix, so that no cache can be seen to hit. Requests of 0
 * generated or context tokens failed, and are left out. Source: Azure/AzurePublicDataset,
 * AzureLLMInferenceDataset2023.md (CC-BY, Splitwise) and AzureLLMInferenceDataset2024.md (CC-BY,
 * DynamoLLM). */
#include "base/memory.h"
#include "base/units.h"
#include "traces/csv.h"
#include "traces/format.h"
#include "traces/json_record.h"
#include "traces/record_time.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { TIME, CONTEXT, GENERATED };
static const struct csv_column columns[] = { [TIME] = { "TIMESTAMP", false },
                                             [CONTEXT] = { "ContextTokens", false },
                                             [GENERATED] = { "GeneratedTokens", false },
                                             { NULL, false } };

struct azure {
    struct csv csv;
    struct record_time time;
    struct trace_turn turn;
};

static bool azure_probe(const struct head *head)
{
    return head_line_has(head, "ContextTokens") && head_line_has(head, "GeneratedTokens");
}

static enum status azure_open(struct lines *lines, const struct format_settings *settings,
                              void **state, struct error *err)
{
    struct azure *azure = *state = memory_new(1, sizeof *azure);
    azure->time.any_order = settings->import.sort;
    return csv_heading(&azure->csv, lines, columns, err);
}

static enum status azure_cut(void *state, const struct lines *lines, char *line, size_t length,
                             struct trace_session *session, struct error *err)
{
    struct azure *azure = state;
    uint64_t ns, context, generated;
    if (csv_row(&azure->csv, lines, line, length, err) != STATUS_OK)
        return err->status;
    const char *time = csv_field(&azure->csv, TIME);
    if (!datetime_parse(time, &ns))
        return csv_refuse_field(lines, "TIMESTAMP", "a time such as 2023-11-16 18:15:46.680", time,
                                err);
    if (record_time_next(&azure->time, lines, "TIMESTAMP", ns, &session->arrival_ns, err) ||
        csv_whole(&azure->csv, lines, CONTEXT, "ContextTokens", 0, RECORD_TOKENS_MOST, &context,
                  err) ||
        csv_whole(&azure->csv, lines, GENERATED, "GeneratedTokens", 0, RECORD_TOKENS_MOST,
                  &generated, err))
        return err->status;
    azure->turn = (struct trace_turn){ .prompt_tokens = (uint32_t)context,
                                       .reply_tokens = (uint32_t)generated };
    session->turns = &azure->turn;
    session->turn_count = context > 0 && generated > 0 ? 1 : 0;
    return STATUS_OK;
}

/* ---- writing ---- */

/* Counted from 2000-01-01: readers take times from the first one. */
static void azure_write(struct text_out *out, const struct trace_facts *facts,
                        const struct trace_session *session)
{
    (void)facts;
    const time_t begin = 946684800;
    uint64_t ns = session->arrival_ns;
    time_t seconds = begin + (time_t)(ns / NS_PER_S);
    struct tm when;
    char text[64];
    gmtime_r(&seconds, &when);
    size_t length = strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &when);
    snprintf(text + length, sizeof text - length, ".%09u", (unsigned)(ns % NS_PER_S));
    text_out_text(out, text);
    text_out_text(out, ",");
    text_out_whole(out, session->turns[0].prompt_tokens);
    text_out_text(out, ",");
    text_out_whole(out, session->turns[0].reply_tokens);
    text_out_text(out, "\n");
}

static const struct trace_format_out azure_out = { .since_first = true,
                                                   .time_ns = 1,
                                                   .heading =
                                                       "TIMESTAMP,ContextTokens,GeneratedTokens",
                                                   .session = azure_write };

const struct trace_format trace_format_azure = {
    .name = "azure",
    .summary = "CSV of Azure's LLM inference traces 2023 and 2024: arrivals and token counts",
    .facts = { .open_loop = true },
    .time_key = "TIMESTAMP",
    .since_first = true,
    .probe = azure_probe,
    .open = azure_open,
    .close = free,
    .cut = azure_cut,
    .out = &azure_out,
};
