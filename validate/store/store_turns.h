/* validate/store/store_turns.h - turns of the runs that kept them (sim/engine/turn_row.h). */
#ifndef REPRISE_VALIDATE_STORE_STORE_TURNS_H
#define REPRISE_VALIDATE_STORE_STORE_TURNS_H

#include "sim/engine/turn_row.h"
#include "validate/store/store.h"

/* All turns that are kept of the run, by number; *rows is the caller's to free, *count 0 where none are. */
enum status store_turns(struct store *store, int64_t run, struct turn_row **rows, uint32_t *count,
                        struct error *err);

#endif
