/* cli/results_store.h - the database that a command's results go to, where they go to any. */
#ifndef REPRISE_CLI_RESULTS_STORE_H
#define REPRISE_CLI_RESULTS_STORE_H

#include "validate/store/store.h"

#include <stdbool.h>

/* Opens it to write; unwanted (--no-db): *store stays NULL. Called before the work, so that a database
 * that cannot be written is told at once: STATUS_IO, which says how to do without. */
enum status results_store_open(const char *path, bool unwanted, struct store **store,
                               struct error *err);

#endif
