/* traces/format_mooncake.c - the traces that Mooncake published, and others of its family
 * (mooncake_row.h): one JSON object a line,
 *   {"timestamp": ms, "input_length": tokens, "output_length": tokens, "hash_ids": [id, ...]}
 * where id i stands for the i-th 512 tokens of the prompt and all before them (the last may be
 * partial). The ids cover prompts only: blocks that hold replies cannot be recognised in them, so
 * reuse of replies is seen only where a later prompt repeats them. Open loop: each row is asked at
 * its time, whatever session it names. A key "block_tokens", which `reprise trace convert` adds,
 * says another size of block; a key "tenant", likewise reprise's own, whose the request is. Source:
 * kvcache-ai/Mooncake, FAST25-release. */
#include "base/memory.h"
#include "base/units.h"
#include "traces/draws.h"
#include "traces/mooncake_row.h"

#include <stdlib.h>

struct mooncake {
    struct mooncake_rows rows;
    struct format_settings settings;
    struct random arrivals;
    uint64_t arrival_ns;
    bool timed, has_times; /* a request was read, and had a time */
    struct mooncake_row row;
};

static enum status mooncake_open(struct lines *lines, const struct format_settings *settings,
                                 void **state, struct error *err)
{
    struct mooncake *mooncake = *state = memory_new(1, sizeof *mooncake);
    mooncake->settings = *settings;
    mooncake->arrivals = random_from(settings->workload.seed, 0);
    return mooncake_rows_open(&mooncake->rows, lines, settings, err);
}

static void mooncake_close(void *state)
{
    mooncake_rows_free(&((struct mooncake *)state)->rows);
    free(state);
}

static enum status get_arrival(struct mooncake *mooncake, struct json_record record,
                               uint64_t *arrival_ns, struct error *err)
{
    const struct mooncake_row *row = &mooncake->row;
    if (row->has_delay && !row->has_time)
        return json_record_refuse(record, "delay",
                                  "a timestamp: rows that wait for the one before are read as "
                                  "--format mooncake-delta (import.format)",
                                  "a delay", err);
    if (!mooncake->timed)
        mooncake->has_times = row->has_time;
    mooncake->timed = true;
    if (mooncake->has_times != row->has_time)
        return json_record_refuse(record, "timestamp", "a time in every row or in none",
                                  row->has_time ? "one" : "none", err);
    *arrival_ns = row->time_ns;
    if (row->has_time)
        return STATUS_OK;
    mooncake->rows.drew_arrivals = true;
    mooncake->arrival_ns +=
        draw_gap_ns(&mooncake->arrivals, mooncake->settings.workload.sessions_per_s);
    *arrival_ns = mooncake->arrival_ns;
    return STATUS_OK;
}

/* The session of the row that was read. */
static enum status get_session(struct mooncake *mooncake, struct json_record record,
                               struct trace_session *session, struct error *err)
{
    const struct mooncake_row *row = &mooncake->row;
    if (row->is_request && get_arrival(mooncake, record, &session->arrival_ns, err) != STATUS_OK)
        return err->status;
    session->turn_count = row->is_request && !row->failed ? 1 : 0;
    session->turns = &row->turn;
    session->block_count = row->block_count;
    session->block_keys = row->keys;
    session->tenant = row->tenant;
    return STATUS_OK;
}

static enum status get_request(void *state, struct json_record record,
                               struct trace_session *session, struct error *err)
{
    struct mooncake *mooncake = state;
    if (mooncake_row_read(&mooncake->rows, record, &mooncake->row, err) != STATUS_OK)
        return err->status;
    return get_session(mooncake, record, session, err);
}

static enum status mooncake_parse(void *state, const struct lines *lines, const char *line,
                                  size_t length, struct trace_session *session, struct error *err)
{
    struct mooncake *mooncake = state;
    struct json_record record = { lines, lines_number(lines), NULL };
    if (mooncake_row_scan(&mooncake->rows, line, length, &mooncake->row))
        return get_session(mooncake, record, session, err);
    return json_record_session(lines, line, length, get_request, state, session, err);
}

static void mooncake_tell(const void *state, struct trace_facts *facts)
{
    facts->block_tokens = ((const struct mooncake *)state)->rows.block_tokens;
    mooncake_rows_tell(&((const struct mooncake *)state)->rows, facts);
}

/* ---- writing ---- */

static void mooncake_write(struct text_out *out, const struct trace_facts *facts,
                           const struct trace_session *session)
{
    text_out_text(out, "{\"timestamp\": ");
    text_out_whole(out, (session->arrival_ns + NS_PER_MS / 2) / NS_PER_MS);
    text_out_text(out, ", \"input_length\": ");
    text_out_whole(out, session->turns[0].prompt_tokens);
    text_out_text(out, ", \"output_length\": ");
    text_out_whole(out, session->turns[0].reply_tokens);
    if (facts->block_tokens != MOONCAKE_BLOCK_TOKENS) {
        text_out_text(out, ", \"block_tokens\": ");
        text_out_whole(out, facts->block_tokens);
    }
    tenant_write_json(out, facts, session);
    text_out_text(out, ", \"hash_ids\": [");
    for (uint32_t i = 0; i < session->block_count; i++) {
        if (i > 0)
            text_out_text(out, ", ");
        text_out_whole(out, session->block_keys[i]);
    }
    text_out_text(out, "]}\n");
}

static const struct trace_format_out mooncake_out = {
    .blocks = true, .tenants = true, .time_ns = NS_PER_MS, .session = mooncake_write
};

const struct trace_format trace_format_mooncake = {
    .name = "mooncake",
    .summary = "JSON lines of kvcache-ai/Mooncake: prompts as ids of 512-token prefix blocks",
    .facts = { .open_loop = true },
    .time_key = "timestamp",
    .probe = mooncake_rows_probe,
    .open = mooncake_open,
    .close = mooncake_close,
    .parse = mooncake_parse,
    .tell = mooncake_tell,
    .out = &mooncake_out,
};
