/* sweep/ranks.h - messages between the processes of one command under mpirun. Where the program was
 * not started by mpirun, or was built without MPI, there is one rank and no message.
 * Only the main thread may call. Private to sweep/ but for the two calls that a command needs. */
#ifndef REPRISE_SWEEP_RANKS_H
#define REPRISE_SWEEP_RANKS_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

struct ranks;

/* Joins the other ranks; once a process, before anything else that a rank does. STATUS_INPUT: under
 * mpirun, but built without MPI; STATUS_IO: MPI cannot be opened or begun. */
enum status ranks_begin(struct ranks **ranks, struct error *err);
/* Waits until every rank calls it, except after a failure that ends the process anyway. */
void ranks_end(struct ranks *ranks);

int ranks_mine(const struct ranks *ranks);  /* 0: the one that plans, stores and prints */
int ranks_count(const struct ranks *ranks); /* 1: alone */

/* Sends a copy; does not wait for its arrival. */
void ranks_send(struct ranks *ranks, int to, const void *bytes, size_t count);
/* The next message, if there is one: *bytes is the caller's to free. Never waits. */
bool ranks_receive(struct ranks *ranks, int *from, void **bytes, size_t *count);

/* "Open MPI v4.1.4" into text. STATUS_INPUT: built without; STATUS_IO: it cannot be opened. */
enum status ranks_library(char *text, size_t text_bytes, struct error *err);

#endif
