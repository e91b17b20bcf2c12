/* traces/format_vidur.c - Vidur's processed traces: CSV with the columns
 *   arrived_at,num_prefill_tokens,num_decode_tokens
 * in any order, among others (num_total_tokens, pd_ratio: passed over). Numbers are pandas' floats:
 * 374.0 or 5.2e-05; tokens are cut to whole ones, as Vidur does. arrived_at is in seconds; files of
 * lengths alone (arxiv_summarization_stats_llama2_tokenizer_filtered_v2.csv) have none, and their
 * arrivals are the workload's. Open loop, and no word on which prompts share a prefix, so that no
 * cache can be seen to hit. Vidur counts a request of 0 tokens as one of 1; here, as in all
 * formats, a request without prompt or reply is left out. Source: microsoft/vidur 7d47513,
 * data/processed_traces/ and vidur/request_generator/trace_replay_request_generator.py. */
#include "base/memory.h"
#include "traces/csv.h"
#include "traces/draws.h"
#include "traces/format.h"
#include "traces/json_record.h"

#include <stdlib.h>

enum { ARRIVED, PREFILL, DECODE };
static const struct csv_column columns[] = { [ARRIVED] = { "arrived_at", true },
                                             [PREFILL] = { "num_prefill_tokens", false },
                                             [DECODE] = { "num_decode_tokens", false },
                                             { NULL, false } };

struct vidur {
    struct csv csv;
    struct random arrivals;
    double per_s;
    uint64_t arrival_ns; /* of the request before, where they are drawn */
    struct trace_turn turn;
};

static bool vidur_probe(const struct head *head)
{
    return head->text[0] != '{' && head_line_has(head, "num_prefill_tokens") &&
           head_line_has(head, "num_decode_tokens");
}

static enum status vidur_open(struct lines *lines, const struct format_settings *settings,
                              void **state, struct error *err)
{
    struct vidur *vidur = *state = memory_new(1, sizeof *vidur);
    vidur->arrivals = random_from(settings->workload.seed, 0);
    vidur->per_s = settings->workload.sessions_per_s;
    return csv_heading(&vidur->csv, lines, columns, err);
}

static enum status get_arrival(struct vidur *vidur, const struct lines *lines, uint64_t *ns,
                               struct error *err)
{
    if (vidur->csv.at[ARRIVED] >= 0)
        return csv_real_seconds(&vidur->csv, lines, ARRIVED, "arrived_at", ns, err);
    vidur->arrival_ns += draw_gap_ns(&vidur->arrivals, vidur->per_s);
    *ns = vidur->arrival_ns;
    return STATUS_OK;
}

static enum status vidur_cut(void *state, const struct lines *lines, char *line, size_t length,
                             struct trace_session *session, struct error *err)
{
    struct vidur *vidur = state;
    uint64_t prompt, reply;
    if (csv_row(&vidur->csv, lines, line, length, err) != STATUS_OK ||
        get_arrival(vidur, lines, &session->arrival_ns, err) ||
        csv_real_tokens(&vidur->csv, lines, PREFILL, "num_prefill_tokens", RECORD_TOKENS_MOST,
                        &prompt, err) ||
        csv_real_tokens(&vidur->csv, lines, DECODE, "num_decode_tokens", RECORD_TOKENS_MOST, &reply,
                        err))
        return err->status;
    vidur->turn =
        (struct trace_turn){ .prompt_tokens = (uint32_t)prompt, .reply_tokens = (uint32_t)reply };
    session->turns = &vidur->turn;
    session->turn_count = prompt > 0 && reply > 0 ? 1 : 0;
    return STATUS_OK;
}

static void vidur_tell(const void *state, struct trace_facts *facts)
{
    if (((const struct vidur *)state)->csv.at[ARRIVED] < 0)
        facts_assume(facts, "arrivals, drawn by workload.sessions_per_s: the file has none");
}

const struct trace_format trace_format_vidur = {
    .name = "vidur",
    .summary = "CSV of microsoft/vidur's processed traces: prefill and decode tokens, arrivals",
    .facts = { .open_loop = true },
    .time_key = "arrived_at",
    .probe = vidur_probe,
    .open = vidur_open,
    .close = free,
    .cut = vidur_cut,
    .tell = vidur_tell,
};
