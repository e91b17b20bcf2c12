/* traces/format_burstgpt.c - BurstGPT's CSV, with the columns
 *   Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type          (releases 1.x)
 *   Timestamp,Session ID,Elapsed time,Model,Request tokens,...                    (BurstGPT_3)
 * Times are seconds since the first day's midnight. Without the session columns: open loop. With
 * them: closed loop; rows of one Session ID become a session by assemble.h's rules, think time
 * being what lies between a reply's end (Timestamp + Elapsed time) and the next row; API rows,
 * whose Session ID is blank, are sessions of one turn. "Request tokens" is taken to hold the
 * history; the source does not say. Rows of 0 response tokens failed, and are left out. Source:
 * HPMLL/BurstGPT, README of release 1.2, CC-BY-4.0. */
#include "base/memory.h"
#include "traces/assemble.h"
#include "traces/csv.h"
#include "traces/format.h"
#include "traces/json_record.h"
#include "traces/record_time.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { TIME, SESSION, ELAPSED, REQUEST, RESPONSE };
static const struct csv_column columns[] = {
    [TIME] = { "Timestamp", false },           [SESSION] = { "Session ID", true },
    [ELAPSED] = { "Elapsed time", true },      [REQUEST] = { "Request tokens", false },
    [RESPONSE] = { "Response tokens", false }, { NULL, false }
};

struct burstgpt {
    struct csv csv;
    struct record_time time;
    struct assembly *assembly;
    struct trace_skips *skips; /* the file's */
};

static bool burstgpt_probe(const struct head *head)
{
    return head_line_has(head, "Request tokens") && head_line_has(head, "Response tokens");
}

static enum status burstgpt_open(struct lines *lines, const struct format_settings *settings,
                                 void **state, struct error *err)
{
    struct burstgpt *burstgpt = *state = memory_new(1, sizeof *burstgpt);
    burstgpt->assembly = assembly_new(settings->import.session_gap_ns);
    burstgpt->skips = settings->skips;
    return csv_heading(&burstgpt->csv, lines, columns, err);
}

static void burstgpt_close(void *state)
{
    struct burstgpt *burstgpt = state;
    assembly_free(burstgpt->assembly);
    free(burstgpt);
}

static enum status read_row(struct burstgpt *burstgpt, const struct lines *lines, char *line,
                            size_t length, struct assembly_request *request, struct error *err)
{
    const struct csv *csv = &burstgpt->csv;
    uint64_t ns, prompt, reply;
    *request = (struct assembly_request){ 0 };
    if (csv_row(&burstgpt->csv, lines, line, length, err) != STATUS_OK ||
        csv_seconds(csv, lines, TIME, "Timestamp", &ns, err) ||
        record_time_next(&burstgpt->time, lines, "Timestamp", ns, &request->time_ns, err) ||
        csv_whole(csv, lines, REQUEST, "Request tokens", 0, RECORD_TOKENS_MOST, &prompt, err) ||
        csv_whole(csv, lines, RESPONSE, "Response tokens", 0, RECORD_TOKENS_MOST, &reply, err))
        return err->status;
    request->prompt_tokens = (uint32_t)prompt;
    request->reply_tokens = (uint32_t)reply;
    const char *session = csv_field(csv, SESSION);
    if (*csv_field(csv, ELAPSED) != '\0' &&
        csv_seconds(csv, lines, ELAPSED, "Elapsed time", &request->elapsed_ns, err) != STATUS_OK)
        return err->status;
    if (*session != '\0')
        request->key = request->continues = XXH64(session, strlen(session), 0) | 1;
    return STATUS_OK;
}

static enum trace_step burstgpt_next(void *state, struct lines *lines,
                                     struct trace_session *session, struct error *err)
{
    struct burstgpt *burstgpt = state;
    while (!assembly_take(burstgpt->assembly, session)) {
        struct assembly_request request;
        char *line;
        size_t length;
        enum lines_step step = lines_next(lines, &line, &length, err);
        if (step == LINES_END) {
            assembly_end(burstgpt->assembly);
            return assembly_take(burstgpt->assembly, session) ? TRACE_ITEM : TRACE_END;
        }
        if (step == LINES_ERROR ||
            read_row(burstgpt, lines, line, length, &request, err) != STATUS_OK)
            return TRACE_ERROR;
        if (request.prompt_tokens > 0 && request.reply_tokens > 0)
            assembly_add(burstgpt->assembly, &request);
        else
            burstgpt->skips->by[SKIP_FAILED]++;
    }
    return TRACE_ITEM;
}

static void burstgpt_tell(const void *state, struct trace_facts *facts)
{
    const struct burstgpt *burstgpt = state;
    facts->open_loop = burstgpt->csv.at[SESSION] < 0;
}

const struct trace_format trace_format_burstgpt = {
    .name = "burstgpt",
    .summary = "CSV of HPMLL/BurstGPT: arrivals and token counts, and sessions where it has them",
    .time_key = "Timestamp",
    .needs_order = true,
    .probe = burstgpt_probe,
    .open = burstgpt_open,
    .close = burstgpt_close,
    .next = burstgpt_next,
    .tell = burstgpt_tell,
};
