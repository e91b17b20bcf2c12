/* traces/format.h - what a file format is. Private to traces/.
 * A format is one const struct in one file, registered in one list. */
#ifndef REPRISE_TRACES_FORMAT_H
#define REPRISE_TRACES_FORMAT_H

#include "traces/head.h"
#include "traces/lines.h"
#include "base/text_out.h"
#include "traces/traces.h"

/* What a file does not say itself. */
struct format_settings {
    struct workload workload;   /* arrivals, think times and seed */
    struct trace_import import; /* block_tokens: of texts, never 0 */
    uint32_t id_block_tokens;   /* what import.block_tokens says of the file's ids; 0: nothing */
    /* Where a format counts the records that it leaves out; the file's. Never NULL in open(). */
    struct trace_skips *skips;
};

/* How a trace is written in a format. */
struct trace_format_out {
    /* A session has several turns, each asked after the reply before it. Else each is a request. */
    bool turns;
    bool blocks;         /* prefix blocks are held; a trace without them is not */
    bool since_first;    /* times count from the first record when they are read */
    uint64_t time_ns;    /* times are rounded to multiples of it; 1: they are whole */
    bool tenants;        /* the sessions' tenants are held, where the trace names them */
    const char *heading; /* NULL: none; a column `tenant` is added to it if need be */
    void (*session)(struct text_out *out, const struct trace_facts *facts,
                    const struct trace_session *session);
};

struct trace_format {
    const char *name, *summary;
    struct trace_facts facts;
    const char *time_key; /* of the records' times, for messages */
    bool since_first;     /* times count from the first record */
    bool needs_order;     /* what it assembles must come in order of time: not to be sorted */
    /* Whether a file that begins so is of this format. NULL: only if it is named. */
    bool (*probe)(const struct head *head);
    /* Makes the format's state, and reads what stands before the first record, a CSV's heading. The
     * state is to close() whatever is returned, unless it is NULL. Optional: it has none. */
    enum status (*open)(struct lines *lines, const struct format_settings *settings, void **state,
                        struct error *err);
    void (*close)(void *state);
    /* One of three. parse makes a session of the line that `lines` gave last, or leaves its
     * turn_count 0: a record that is no request. That it then counts in settings->skips; one that
     * it does not count is taken to have no reply. cut does so with a line that it may change, and
     * that a NUL ends. next reads as many lines or bytes as it wants, and counts what it leaves out.
     * The session's arrays are the state's. */
    enum status (*parse)(void *state, const struct lines *lines, const char *line, size_t length,
                         struct trace_session *session, struct error *err);
    enum status (*cut)(void *state, const struct lines *lines, char *line, size_t length,
                       struct trace_session *session, struct error *err);
    enum trace_step (*next)(void *state, struct lines *lines, struct trace_session *session,
                            struct error *err);
    /* Optional: changes the facts by what this file turned out to hold. */
    void (*tell)(const void *state, struct trace_facts *facts);
    const struct trace_format_out *out; /* NULL: it is only read */
};

/* For tell(): adds what was assumed, static text, once. */
void facts_assume(struct trace_facts *facts, const char *assumed);

/* <- a new format: its name here, its file in traces/CMakeLists.txt, a row in docs/workload.md.
 * Asked in this order. */
#define TRACE_FORMATS(X)                                                                           \
    X(weka)                                                                                        \
    X(weka_sessions)                                                                               \
    X(mooncake_delta)                                                                              \
    X(mooncake)                                                                                    \
    X(bailian)                                                                                     \
    X(bailian_sessions)                                                                            \
    X(azure)                                                                                       \
    X(burstgpt)                                                                                    \
    X(vidur)                                                                                       \
    X(llmservingsim)                                                                               \
    X(llmservingsim_sessions)                                                                      \
    X(session_csv)                                                                                 \
    X(agentic)                                                                                     \
    X(sharegpt)                                                                                    \
    X(wildchat)                                                                                    \
    X(copilot)                                                                                     \
    X(bench)                                                                                       \
    X(aiperf)                                                                                      \
    X(openai)                                                                                      \
    X(kv_events)                                                                                   \
    X(lmcache)
#define TRACE_FORMAT_DECLARE(name) extern const struct trace_format trace_format_##name;
TRACE_FORMATS(TRACE_FORMAT_DECLARE)

/* NULL: there is none of that name. */
const struct trace_format *trace_format_named(const char *name);

/* The format of that name, or with "" the one that the file begins as. STATUS_INPUT: there is none;
 * says what the file is, and which CSV to make of it. */
enum status trace_format_choose(struct lines *lines, const char *name,
                                const struct trace_format **format, struct error *err);

#endif
