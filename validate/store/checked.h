/* validate/store/checked.h - what a database must be before a row of it is used: it may be anyone's. Its tables are
 * ours, its trees are whole, its cells of their columns' types and in the range that readers count on. Who reads
 * after that need not ask again. Private to its folder. */
#ifndef REPRISE_VALIDATE_STORE_CHECKED_H
#define REPRISE_VALIDATE_STORE_CHECKED_H

#include "validate/store/sql.h"

/* Most points of a curve, axes of a sweep, bytes of a sweep's command: who writes more would be refused what he wrote. */
enum { CHECKED_POINTS_MOST = 1 << 16, CHECKED_AXES_MOST = 256, CHECKED_COMMAND_MOST = 1 << 20 };

/* Whether the tables, indexes and views of schema version `version` are in `database` ("main", "other") to the letter,
 * and no trigger is. What else somebody put there stays, and is not used. STATUS_IO: not so. */
enum status checked_tables(const struct sql *sql, const char *database, int64_t version,
                           struct error *err);

/* Of a database that checked_tables() accepts: whether its trees are whole (SQLite's quick_check, of our tables), and
 * each cell holds what a reader may be given. About 3 ms a MB. STATUS_IO: not so; names the table. */
enum status checked_content(const struct sql *sql, const char *database, struct error *err);

#endif
