/* tests/traces/both_readers.h - a file read by the scan of regular lines where it can be, and by the
 * general reader alone: a tab behind a line is white space to JSON, and what no scan takes
 * (json_scan.h). Sessions must be the same, or the refusal. */
#ifndef REPRISE_TESTS_TRACES_BOTH_READERS_H
#define REPRISE_TESTS_TRACES_BOTH_READERS_H

#include "base/memory.h"
#include "tests/traces/open_trace.h"

#include <string.h>
#include <xxhash.h>

/* All that a file gave. */
struct reading {
    uint64_t sessions, digest;
    struct trace_facts facts;
    struct error err;
};

static inline void add_session(struct reading *reading, const struct trace_session *session)
{
    const uint64_t numbers[] = { reading->digest,      session->arrival_ns,
                                 session->id,          session->turn_count,
                                 session->block_count, session->measured_hits,
                                 session->tenant };
    uint64_t digest = XXH64(numbers, sizeof numbers, 0);
    for (uint32_t i = 0; i < session->turn_count; i++) {
        const uint64_t turn[] = { digest, session->turns[i].think_ns,
                                  session->turns[i].prompt_tokens, session->turns[i].reply_tokens };
        digest = XXH64(turn, sizeof turn, 0);
    }
    reading->digest = session->block_count == 0
                          ? digest
                          : XXH64(session->block_keys,
                                  session->block_count * sizeof *session->block_keys, digest);
    reading->sessions++;
}

static inline struct reading read_to_the_end(struct trace *trace)
{
    struct reading reading = { 0 };
    struct trace_session session;
    while (trace_next(trace, &session, &reading.err) == TRACE_ITEM)
        add_session(&reading, &session);
    reading.facts = trace_facts(trace);
    trace_close(trace);
    return reading;
}

/* The text with a tab behind each line; the caller's to free(). */
static inline char *with_tabs(const char *text, size_t length, size_t *tabbed_length)
{
    char *tabbed = memory_new(2 * length + 2, 1);
    size_t used = 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '\n')
            tabbed[used++] = '\t';
        tabbed[used++] = text[i];
    }
    if (length > 0 && text[length - 1] != '\n')
        tabbed[used++] = '\t';
    *tabbed_length = used;
    return tabbed;
}

/* What no JSON parser took says where: a tab changes the words. */
static inline bool refused_alike(const struct error *a, const struct error *b)
{
    return a->status == b->status && a->line == b->line && strcmp(a->key, b->key) == 0 &&
           (a->key[0] == '\0' ||
            (strcmp(a->expected, b->expected) == 0 && strcmp(a->found, b->found) == 0));
}

static inline bool read_alike(const struct reading *a, const struct reading *b)
{
    return a->sessions == b->sessions && a->digest == b->digest &&
           memcmp(&a->facts.skips, &b->facts.skips, sizeof a->facts.skips) == 0 &&
           memcmp(a->facts.assumed, b->facts.assumed, sizeof a->facts.assumed) == 0 &&
           a->facts.block_tokens == b->facts.block_tokens &&
           a->facts.tenants.count == b->facts.tenants.count && refused_alike(&a->err, &b->err);
}

#endif
