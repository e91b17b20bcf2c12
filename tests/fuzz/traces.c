/* tests/fuzz/traces.c - each format of traces by its name, a format told from the content, and what
 * stands before the formats: compressed files, their lines. */
#include "tests/fuzz/fuzz.h"

#include "tests/fuzz/input.h"
#include "tests/traces/both_readers.h"
#include "tests/traces/open_trace.h"
#include "traces/format.h"
#include "traces/lines.h"
#include "traces/unpack.h"
#include "traces/unpack_refused.h"

#include <stdlib.h>
#include <string.h>

/* A compressed file of a few bytes gives any number of sessions. */
enum { SESSIONS_MOST = 20000, LINES_MOST = 20000, BYTES_MOST = 1 << 24 };

/* What the readers of traces rely on. */
static void check_session(const struct trace_session *session, const struct trace_facts *facts)
{
    FUZZ_EXPECT(session->arrival_ns <= TRACE_TIME_MOST_NS + NS_PER_S);
    FUZZ_EXPECT(session->turn_count >= 1 && (!facts->open_loop || session->turn_count == 1));
    for (uint32_t i = 0; i < session->turn_count; i++)
        FUZZ_EXPECT(session->turns[i].prompt_tokens >= 1 && session->turns[i].reply_tokens >= 1);
    FUZZ_EXPECT(session->block_count == 0 || session->block_keys != NULL);
    FUZZ_EXPECT(session->block_count == 0 || facts->block_tokens > 0);
    for (uint32_t i = 0; i < session->block_count; i++)
        FUZZ_EXPECT(session->block_keys[i] >> 63 == 0);
    FUZZ_EXPECT((uint64_t)session->measured_hits + session->measured_hits_below <=
                session->block_count);
    FUZZ_EXPECT(facts->tenants.count == 0 || session->tenant < facts->tenants.count);
}

static void check_refusal(const struct error *err)
{
    FUZZ_EXPECT(err->status == STATUS_INPUT && err->expected[0] != '\0');
}

static struct trace_import import_of(const char *format, bool sort)
{
    const struct config_section section[] = { { "", trace_import_rows, 0 }, { .rows = NULL } };
    struct error err = { 0 };
    struct trace_import import;
    FUZZ_EXPECT(config_load(section, NULL, &import, &err) == STATUS_OK);
    snprintf(import.format, sizeof import.format, "%s", format);
    import.sort = sort;
    return import;
}

static struct workload standard_workload(void)
{
    const struct config_section section[] = { { "", workload_rows, 0 }, { .rows = NULL } };
    struct error err = { 0 };
    struct workload workload;
    FUZZ_EXPECT(config_load(section, NULL, &workload, &err) == STATUS_OK);
    return workload;
}

static void read_trace(const struct trace_import *import, const uint8_t *bytes, size_t size)
{
    /* Read once: making them takes longer than reading most inputs does. */
    static struct workload workload;
    if (workload.sessions == 0)
        workload = standard_workload();
    struct error err = { 0 };
    struct trace *trace;
    if (trace_open(input_path(bytes, size), &workload, import, &trace, &err) != STATUS_OK) {
        check_refusal(&err);
        return;
    }
    struct trace_session session;
    enum trace_step step = TRACE_ITEM;
    for (uint32_t i = 0; i < SESSIONS_MOST && step == TRACE_ITEM; i++) {
        step = trace_next(trace, &session, &err);
        if (step == TRACE_ITEM) {
            const struct trace_facts facts = trace_facts(trace);
            check_session(&session, &facts);
        }
    }
    if (step == TRACE_ERROR)
        check_refusal(&err);
    trace_close(trace);
}

/* What unpacks to megabytes takes a thousand times as long as a format's own lines, and says no
 * more of the format: `trace` and `lines` are given it. */
static void run_format(const struct fuzz_target *target, const uint8_t *bytes, size_t size)
{
    static struct trace_import import;
    if (unpack_is_packed(bytes, size))
        return;
    const struct trace_format *format = target->about;
    if (strcmp(import.format, format->name) != 0)
        import = import_of(format->name, false);
    read_trace(&import, bytes, size);
}

static void run_told(const struct fuzz_target *target, const uint8_t *bytes, size_t size)
{
    (void)target;
    static struct trace_import import;
    if (import.bytes_per_token == 0)
        import = import_of("", false);
    read_trace(&import, bytes, size);
}

/* Held in memory, and put in order of time. */
static void run_sorted(const struct fuzz_target *target, const uint8_t *bytes, size_t size)
{
    (void)target;
    static struct trace_import import;
    if (import.bytes_per_token == 0)
        import = import_of("", true);
    read_trace(&import, bytes, size);
}

static struct reading read_whole(const char *format, const uint8_t *bytes, size_t size)
{
    static struct workload workload;
    if (workload.sessions == 0)
        workload = standard_workload();
    const struct trace_import import = import_of(format, false);
    struct reading reading = { 0 };
    struct trace *trace;
    if (trace_open(input_path(bytes, size), &workload, &import, &trace, &reading.err) == STATUS_OK)
        reading = read_to_the_end(trace);
    return reading;
}

/* Regular lines are read by a scan, all others by the general reader, and to the same sessions.
 * What is larger than a file's head (lines_peek()) might be told to be another thing with the tabs,
 * and so is what has a tar archive's mark where it has one, or gets it there by them. */
static void run_scanned(const struct fuzz_target *target, const uint8_t *bytes, size_t size)
{
    static const char *const formats[] = { "mooncake", "mooncake-delta", "bailian" };
    (void)target;
    if (unpack_is_packed(bytes, size) || size > 1 << 15)
        return;
    size_t tabbed_length;
    char *tabbed = with_tabs((const char *)bytes, size, &tabbed_length);
    bool is_kept = refused_kind_of((const char *)bytes, size) == NULL &&
                   refused_kind_of(tabbed, tabbed_length) == NULL;
    for (size_t i = 0; is_kept && i < sizeof formats / sizeof *formats; i++) {
        struct reading scanned = read_whole(formats[i], bytes, size);
        struct reading read = read_whole(formats[i], (const uint8_t *)tabbed, tabbed_length);
        FUZZ_EXPECT(read_alike(&scanned, &read));
    }
    free(tabbed);
}

/* Plain, zstd or gzip, as lines: what a line holds is not looked at. */
static void run_lines(const struct fuzz_target *target, const uint8_t *bytes, size_t size)
{
    (void)target;
    struct error err = { 0 };
    struct lines *lines;
    FUZZ_EXPECT(lines_open(input_path(bytes, size), &lines, &err) == STATUS_OK);
    char *text;
    size_t length, total = 0;
    enum lines_step step = LINES_LINE;
    for (uint32_t i = 0; i < LINES_MOST && total < BYTES_MOST && step == LINES_LINE; i++) {
        step = lines_next(lines, &text, &length, &err);
        if (step == LINES_LINE) {
            FUZZ_EXPECT(text[length] == '\0');
            total += length;
        }
    }
    if (step == LINES_ERROR)
        check_refusal(&err);
    lines_close(lines);
}

#define FORMAT_TARGET(name) { "trace_" #name, "traces", run_format, &trace_format_##name },
const struct fuzz_target fuzz_traces[] = { TRACE_FORMATS(FORMAT_TARGET){ "trace", "traces",
                                                                         run_told, NULL },
                                           { "trace_to_sort", "traces", run_sorted, NULL },
                                           { "scanned", "traces", run_scanned, NULL },
                                           { "lines", NULL, run_lines, NULL },
                                           { .name = NULL } };
