/* traces/assemble.h - makes sessions of a log of requests, in which those of several sessions stand
 * between each other. Private to traces/.
 *
 * A request of a log holds its whole prompt, history included. It continues the session it names if
 * its prompt is longer than the session's history, of which it is then taken to be the
 * continuation; else the context was cut or given up, and it begins a new session. So does one that
 * comes more than gap_ns after the last: then the session before has ended and is given. Sessions
 * are given in order of their arrival, so that what is held are the requests since the oldest
 * session that may go on. */
#ifndef REPRISE_TRACES_ASSEMBLE_H
#define REPRISE_TRACES_ASSEMBLE_H

#include "traces/traces.h"

struct assembly;

struct assembly_request {
    uint64_t time_ns, elapsed_ns; /* asked, and from then to the reply's end; 0: not known */
    uint64_t continues;           /* the session it continues, if that is open; 0: none */
    uint64_t key;                 /* by which later requests continue it; 0: none can */
    uint32_t prompt_tokens, reply_tokens;
};

struct assembly *assembly_new(uint64_t gap_ns);
void assembly_free(struct assembly *assembly);

/* Adds a request; times never go back. */
void assembly_add(struct assembly *assembly, const struct assembly_request *request);
/* No request is to come: every session has ended. */
void assembly_end(struct assembly *assembly);
/* Gives the oldest session if it has ended. Its turns hold until the next call of any function. */
bool assembly_take(struct assembly *assembly, struct trace_session *session);

#endif
