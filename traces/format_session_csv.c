/* traces/format_session_csv.c - reprise's own CSV of sessions, what `reprise trace convert` writes:
 *   session,arrival_s,think_s,prompt_tokens,reply_tokens
 * and, where sessions are of several tenants, a column tenant, given as arrival_s is.
 * A row is a turn; a session's rows stand together, and sessions in order of arrival. arrival_s
 * counts from the trace's begin and is given in a session's first row (in others it is blank or the
 * same); think_s is the time from the end of the reply before, 0 or blank in the first row.
 * prompt_tokens are the new ones of the turn: history and replies are not counted again. Closed
 * loop. Other columns are passed over. `session` is any text. */
#include "base/memory.h"
#include "traces/csv.h"
#include "traces/format.h"
#include "traces/json_record.h"
#include "traces/tenant_read.h"

#include <stdlib.h>
#include <string.h>

enum { SESSION, ARRIVAL, THINK, PROMPT, REPLY, TENANT };
static const struct csv_column columns[] = { [SESSION] = { "session", false },
                                             [ARRIVAL] = { "arrival_s", false },
                                             [THINK] = { "think_s", false },
                                             [PROMPT] = { "prompt_tokens", false },
                                             [REPLY] = { "reply_tokens", false },
                                             [TENANT] = { "tenant", true },
                                             { NULL, false } };

/* The row of a session that was read after the last row of the one before waits in `next_*`. */
struct session_csv {
    struct csv csv;
    struct trace_turn *turns;
    uint32_t turns_capacity;
    char *name, *next_name; /* next_name NULL: none waits */
    uint64_t next_arrival_ns;
    struct trace_turn next_turn;
    uint8_t next_tenant;
    struct tenant_reader tenants;
};

struct row {
    const char *name;
    bool has_arrival;
    uint64_t arrival_ns;
    struct trace_turn turn;
};

static bool session_csv_probe(const struct head *head)
{
    return head->text[0] != '{' && head_line_has(head, "session") &&
           head_line_has(head, "arrival_s") && head_line_has(head, "think_s");
}

static enum status session_csv_open(struct lines *lines, const struct format_settings *settings,
                                    void **state, struct error *err)
{
    (void)settings;
    struct session_csv *sessions = *state = memory_new(1, sizeof *sessions);
    return csv_heading(&sessions->csv, lines, columns, err);
}

static void session_csv_close(void *state)
{
    struct session_csv *sessions = state;
    free(sessions->turns);
    free(sessions->name);
    free(sessions->next_name);
    free(sessions);
}

static enum status read_row(struct session_csv *sessions, const struct lines *lines, char *line,
                            size_t length, struct row *row, struct error *err)
{
    const struct csv *csv = &sessions->csv;
    uint64_t prompt, reply;
    *row = (struct row){ .name = "" };
    if (csv_row(&sessions->csv, lines, line, length, err) ||
        csv_whole(csv, lines, PROMPT, "prompt_tokens", 1, RECORD_TOKENS_MOST, &prompt, err) ||
        csv_whole(csv, lines, REPLY, "reply_tokens", 1, RECORD_TOKENS_MOST, &reply, err))
        return err->status;
    row->name = csv_field(csv, SESSION);
    row->turn.prompt_tokens = (uint32_t)prompt;
    row->turn.reply_tokens = (uint32_t)reply;
    row->has_arrival = *csv_field(csv, ARRIVAL) != '\0';
    if (row->has_arrival &&
        csv_seconds(csv, lines, ARRIVAL, "arrival_s", &row->arrival_ns, err) != STATUS_OK)
        return err->status;
    if (*csv_field(csv, THINK) != '\0')
        return csv_seconds(csv, lines, THINK, "think_s", &row->turn.think_ns, err);
    return STATUS_OK;
}

static enum status check_first(const struct lines *lines, const struct row *row, struct error *err)
{
    if (*row->name == '\0')
        return lines_refuse(lines, "session", "a name", "", err);
    if (!row->has_arrival)
        return lines_refuse(lines, "arrival_s", "seconds, in a session's first row", "", err);
    if (row->turn.think_ns != 0)
        return lines_refuse(lines, "think_s", "0 or nothing in a session's first row", "more", err);
    return STATUS_OK;
}

static enum status keep_for_next(struct session_csv *sessions, const struct lines *lines,
                                 const struct row *row, struct error *err)
{
    if (check_first(lines, row, err) ||
        tenant_read(&sessions->tenants, lines, csv_field(&sessions->csv, TENANT),
                    &sessions->next_tenant, err))
        return err->status;
    sessions->next_name = memory_text(row->name);
    sessions->next_arrival_ns = row->arrival_ns;
    sessions->next_turn = row->turn;
    return STATUS_OK;
}

/* A later row may repeat what the session's first one says of all of it. */
static enum status check_later(const struct session_csv *sessions, const struct lines *lines,
                               const struct row *row, const struct trace_session *session,
                               struct error *err)
{
    const char *tenant = csv_field(&sessions->csv, TENANT);
    if (row->has_arrival && row->arrival_ns != session->arrival_ns)
        return lines_refuse(lines, "arrival_s", "the session's arrival, or nothing",
                            csv_field(&sessions->csv, ARRIVAL), err);
    if (*tenant != '\0' &&
        strcmp(tenant, trace_tenant_name(&sessions->tenants.tenants, session->tenant)) != 0)
        return lines_refuse(lines, "tenant", "the session's tenant, or nothing", "another", err);
    return STATUS_OK;
}

/* Reads the next row, to keep it or to make it a turn of the session; *ended: the session has no
 * more. */
static enum status read_on(struct session_csv *sessions, struct lines *lines,
                           struct trace_session *session, bool *ended, struct error *err)
{
    struct row row;
    char *line;
    size_t length;
    enum lines_step step = lines_next(lines, &line, &length, err);
    *ended = step == LINES_END;
    if (step == LINES_END)
        return STATUS_OK;
    if (step == LINES_ERROR || read_row(sessions, lines, line, length, &row, err) != STATUS_OK)
        return err->status;
    if (session->turn_count == 0 || strcmp(row.name, sessions->name) != 0) {
        *ended = true;
        return keep_for_next(sessions, lines, &row, err);
    }
    if (check_later(sessions, lines, &row, session, err) != STATUS_OK)
        return err->status;
    memory_grow(&sessions->turns, &sessions->turns_capacity, (uint64_t)session->turn_count + 1,
                sizeof *sessions->turns);
    sessions->turns[session->turn_count++] = row.turn;
    return STATUS_OK;
}

static enum trace_step session_csv_next(void *state, struct lines *lines,
                                        struct trace_session *session, struct error *err)
{
    struct session_csv *sessions = state;
    bool ended = false;
    if (sessions->next_name == NULL && read_on(sessions, lines, session, &ended, err) != STATUS_OK)
        return TRACE_ERROR;
    if (sessions->next_name == NULL)
        return TRACE_END;
    free(sessions->name);
    sessions->name = sessions->next_name;
    sessions->next_name = NULL;
    memory_grow(&sessions->turns, &sessions->turns_capacity, 1, sizeof *sessions->turns);
    sessions->turns[0] = sessions->next_turn;
    session->arrival_ns = sessions->next_arrival_ns;
    session->turn_count = 1;
    session->tenant = sessions->next_tenant;
    for (ended = false; !ended;)
        if (read_on(sessions, lines, session, &ended, err) != STATUS_OK)
            return TRACE_ERROR;
    session->turns = sessions->turns;
    return TRACE_ITEM;
}

static void session_csv_tell(const void *state, struct trace_facts *facts)
{
    facts->tenants = ((const struct session_csv *)state)->tenants.tenants;
}

/* ---- writing ---- */

static void session_csv_write(struct text_out *out, const struct trace_facts *facts,
                              const struct trace_session *session)
{
    bool tenants = facts->tenants.count > 0;
    for (uint32_t i = 0; i < session->turn_count; i++) {
        text_out_whole(out, session->id);
        text_out_text(out, ",");
        if (i == 0)
            text_out_seconds(out, session->arrival_ns);
        text_out_text(out, ",");
        if (i > 0)
            text_out_seconds(out, session->turns[i].think_ns);
        text_out_text(out, ",");
        text_out_whole(out, session->turns[i].prompt_tokens);
        text_out_text(out, ",");
        text_out_whole(out, session->turns[i].reply_tokens);
        if (tenants)
            text_out_text(out, ",");
        if (tenants && i == 0)
            text_out_text(out, trace_tenant_name(&facts->tenants, session->tenant));
        text_out_text(out, "\n");
    }
}

static const struct trace_format_out session_csv_out = {
    .turns = true,
    .time_ns = 1,
    .tenants = true,
    .heading = "session,arrival_s,think_s,prompt_tokens,reply_tokens",
    .session = session_csv_write,
};

const struct trace_format trace_format_session_csv = {
    .name = "session-csv",
    .summary = "CSV of session,arrival_s,think_s,prompt_tokens,reply_tokens: a row a turn",
    .time_key = "arrival_s",
    .probe = session_csv_probe,
    .open = session_csv_open,
    .close = session_csv_close,
    .next = session_csv_next,
    .tell = session_csv_tell,
    .out = &session_csv_out,
};
