/* traces/format.h - what a source of sessions is: a file format, or the generator. Private to traces/.
 * A format is one const struct in one file, registered in one list. */
#ifndef REPRISE_TRACES_FORMAT_H
#define REPRISE_TRACES_FORMAT_H

#include "traces/lines.h"
#include "traces/traces.h"

struct trace_format {
    const char *name, *summary;
    /* Whether a file that begins with this line is of this format. NULL: not read from files. */
    bool (*probe)(const char *line, size_t length);
    void *(*open)(void); /* its state; NULL: it has none */
    void (*close)(void *state);
    /* Makes a session of the line that `lines` gave last. The arrays are the state's. */
    enum status (*parse)(void *state, const struct lines *lines, char *line, size_t length,
                         struct trace_session *session, struct error *err);
    struct trace_facts facts;
};

/* <- a new format: its name here, its file in traces/CMakeLists.txt, a row in docs/workload.md. */
#define TRACE_FORMATS(X) X(mooncake)
#define TRACE_FORMAT_DECLARE(name) extern const struct trace_format trace_format_##name;
TRACE_FORMATS(TRACE_FORMAT_DECLARE)

/* generator.c */
struct generator;
struct generator *generator_new(const struct workload *workload);
void generator_free(struct generator *generator);
/* false: all sessions were given. */
bool generator_next(struct generator *generator, struct trace_session *session);
uint64_t generator_hash(const struct generator *generator);
uint64_t generator_expected_turns(const struct generator *generator);

#endif
