/* traces/write.c - see write.h: a trace into a file. */
#include "traces/write.h"

#include "traces/format.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool writable(const char *name)
{
    const struct trace_format *format = trace_format_named(name);
    return format != NULL && format->out != NULL;
}

static void add_writable(const char *name, const char *summary, void *context)
{
    char *text = context;
    (void)summary;
    if (!writable(name))
        return;
    strncat(text, *text != '\0' ? ", " : "a format that is written: ", 255 - strlen(text));
    strncat(text, name, 255 - strlen(text));
}

/* What the format cannot hold of the trace: refused, or told as a loss. */
static enum status check(const struct trace_facts *facts, const struct trace_format *format,
                         bool lossy, struct trace_loss *loss, struct error *err)
{
    const struct trace_format_out *out = format->out;
    *loss = (struct trace_loss){ .blocks = facts->block_tokens > 0 && !out->blocks,
                                 .loop = facts->open_loop && out->turns,
                                 .begin = out->since_first,
                                 .time_ns = out->time_ns > 1 ? out->time_ns : 0 };
    if (!facts->open_loop && !out->turns)
        return error_input(
            err, NULL, 0, format->name,
            "an open loop: this format holds requests at known times, not turns that "
            "wait for replies",
            facts->format);
    if (facts->block_tokens == 0 && out->blocks)
        return error_input(err, NULL, 0, format->name,
                           "a trace that says which prefixes are shared, as this format must",
                           facts->format);
    if (loss->blocks && !lossy)
        return error_input(
            err, NULL, 0, format->name,
            "a trace without block keys, which this format cannot hold (or to be told "
            "to drop them)",
            facts->format);
    return STATUS_OK;
}

/* What is written can be read again. (Think times have other limits: those of who makes them.) */
static enum status check_arrival(const struct trace_session *session, struct error *err)
{
    char expected[96], found[96];
    if (session->arrival_ns <= TRACE_TIME_MOST_NS)
        return STATUS_OK;
    snprintf(expected, sizeof expected, "at most %.0f s, beyond which no trace is read",
             (double)TRACE_TIME_MOST_NS / (double)NS_PER_S);
    snprintf(found, sizeof found, "%.4g s in session %" PRIu64,
             (double)session->arrival_ns / (double)NS_PER_S, session->id);
    return error_input(err, NULL, 0, "arrival", expected, found);
}

/* Once a session is read: it names a tenant, or none does. */
static void write_heading(const struct trace_format_out *format, const struct trace_facts *facts,
                          struct text_out *out)
{
    if (format->heading == NULL)
        return;
    text_out_text(out, format->heading);
    text_out_text(out, format->tenants && facts->tenants.count > 0 ? ",tenant\n" : "\n");
}

static enum status write_sessions(struct trace *trace, const struct trace_format_out *format,
                                  const struct trace_writing *how, struct text_out *out,
                                  struct trace_written *written, struct error *err)
{
    enum { ASKED_EVERY = 1024 };
    struct trace_session session;
    enum trace_step step;
    while ((step = trace_next(trace, &session, err)) == TRACE_ITEM) {
        struct trace_facts facts = trace_facts(trace);
        if (written->sessions == 0)
            write_heading(format, &facts, out);
        if (written->sessions % ASKED_EVERY == 0 && how->go_on != NULL && !how->go_on(how->context))
            return error_interrupted(err);
        if (check_arrival(&session, err) != STATUS_OK)
            return err->status;
        format->session(out, &facts, &session);
        written->sessions++;
        written->turns += session.turn_count;
    }
    written->loss.tenants = !format->tenants && trace_facts(trace).tenants.count > 0;
    return step == TRACE_ERROR ? err->status : STATUS_OK;
}

static enum status refuse_format(const char *name, struct error *err)
{
    char expected[256] = "";
    trace_formats(add_writable, expected);
    return error_input(err, NULL, 0, "format", expected, name);
}

enum status trace_write(struct trace *trace, const char *path, const struct trace_writing *how,
                        struct trace_written *written, struct error *err)
{
    const struct trace_format *format = trace_format_named(how->format);
    struct trace_facts facts = trace_facts(trace);
    struct text_out *out = NULL;
    memset(written, 0, sizeof *written);
    if (!writable(how->format))
        return refuse_format(how->format, err);
    if (check(&facts, format, how->lossy, &written->loss, err) != STATUS_OK ||
        text_out_open(path, &out, err) != STATUS_OK)
        return err->status;
    enum status status = write_sessions(trace, format->out, how, out, written, err);
    if (status == STATUS_OK)
        return text_out_finish(out, err);
    text_out_abandon(out);
    return status;
}
