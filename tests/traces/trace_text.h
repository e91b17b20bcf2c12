/* tests/traces/trace_text.h - a trace as a text, so that two can be compared at once. */
#ifndef REPRISE_TESTS_TRACES_TRACE_TEXT_H
#define REPRISE_TESTS_TRACES_TRACE_TEXT_H

#include "tests/support.h"
#include "traces/traces.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The defaults of rows, into a struct. */
#define TRACE_DEFAULTS(rows, target)                                                               \
    do {                                                                                           \
        const struct config_section sections[] = { { "", rows, 0 }, { 0 } };                       \
        struct error defaults_err = { 0 };                                                         \
        ck_assert_int_eq(config_load(sections, NULL, target, &defaults_err), STATUS_OK);           \
    } while (0)

/* A line a session: "arrival_ns: think+prompt>reply ... | key key ...". Reads the trace to its end
 * and closes it; the caller frees the text. */
static inline char *trace_text(struct trace *trace)
{
    struct trace_session session;
    struct error err = { 0 };
    enum trace_step step;
    char *text;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    while ((step = trace_next(trace, &session, &err)) == TRACE_ITEM) {
        fprintf(out, "%" PRIu64 ":", session.arrival_ns);
        for (uint32_t i = 0; i < session.turn_count; i++)
            fprintf(out, " %" PRIu64 "+%u>%u", session.turns[i].think_ns,
                    session.turns[i].prompt_tokens, session.turns[i].reply_tokens);
        for (uint32_t i = 0; i < session.block_count; i++)
            fprintf(out, "%s%" PRIu64, i > 0 ? " " : " | ", session.block_keys[i]);
        fputc('\n', out);
    }
    ck_assert_msg(step == TRACE_END, "%s %s", err.expected, err.found);
    ck_assert_int_eq(fclose(out), 0);
    trace_close(trace);
    return text;
}

#endif
