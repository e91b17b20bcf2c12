/* traces/chains.h - makes sessions of one agent's recorded calls, each of which holds its whole
 * prompt. Private to traces/.
 *
 * A call goes on with the chain whose context it extends: of those in its lane (a model, a
 * sub-agent) that had ended when it was asked, the one with the longest prompt that is not longer
 * than its own. It brings what its prompt has beyond the chain's context, at least one token:
 * agents drop parts of a reply, its reasoning say, so that a prompt may be shorter than the prompt
 * and the reply before it. A call that extends none (the context was cut, or a sub-agent began)
 * begins a chain, a session of its own, at its own recorded time. */
#ifndef REPRISE_TRACES_CHAINS_H
#define REPRISE_TRACES_CHAINS_H

#include "traces/pending.h"

struct chains;

struct chains_call {
    uint64_t start_ns, end_ns; /* since the agent's first call; the end is that of its reply */
    uint64_t lane;             /* calls of different lanes never share a chain */
    uint32_t prompt_tokens, reply_tokens; /* both >= 1 */
};

struct chains *chains_new(void);
void chains_free(struct chains *chains);

/* Adds a call; starts never go back. */
void chains_add(struct chains *chains, const struct chains_call *call);
/* Adds all of an agent's calls, in whatever order; leaves them sorted. */
void chains_add_all(struct chains *chains, struct chains_call *calls, uint32_t count);
/* The agent has no more calls: its chains become sessions, their times counted from begin_ns. */
void chains_end(struct chains *chains, uint64_t begin_ns, struct pending *pending);

#endif
