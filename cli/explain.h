/* cli/explain.h - a stored run's turns, kept or made again, and the words on them. */
#ifndef REPRISE_CLI_EXPLAIN_H
#define REPRISE_CLI_EXPLAIN_H

#include "sim/engine/turn_row.h"
#include "validate/store/store.h"

#include <stdio.h>

/* All turns of one run, by number. */
struct explained {
    int64_t run;
    char policy[128];
    struct turn_row *row;
    uint32_t count;
};

/* The turns of the run, of which `named` is the id, or the policy in the latest comparison (NULL: its first
 * run). Where none are kept, the run is simulated again. STATUS_INPUT: no such run; one that comes out otherwise
 * now: done in real time, or with files that have changed. */
enum status explain_open(struct store *store, const char *named, struct explained *turns,
                         struct error *err);
void explain_close(struct explained *turns);

/* Which turns are worth a look, and why. */
void explain_list(FILE *out, const struct explained *turns);
/* The turn of that number, or SESSION:TURN. STATUS_INPUT: there is none. */
enum status explain_turn(FILE *out, const struct explained *turns, const char *which,
                         struct error *err);

#endif
