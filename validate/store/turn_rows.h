/* validate/store/turn_rows.h - writing turns, within the caller's transaction. Private to its folder. */
#ifndef REPRISE_VALIDATE_STORE_TURN_ROWS_H
#define REPRISE_VALIDATE_STORE_TURN_ROWS_H

#include "sim/engine/turn_row.h"
#include "validate/store/sql.h"

#include <stdint.h>

/* ", turn, session, ...": every column behind run_id. */
#define TURN_ROWS_NAME(member, kind, unit, meaning) ", " #member
#define TURN_ROWS_NAMES TURN_COLUMNS(TURN_ROWS_NAME)

enum status turn_rows_put(const struct sql *sql, int64_t run, const struct turn_row *rows,
                          uint32_t count, struct error *err);

#endif
