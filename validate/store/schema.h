/* validate/store/schema.h - the tables of a reprise database, their version, and how older files
 * become of this version. Private to its folder. Described for users in docs/store.md. */
#ifndef REPRISE_VALIDATE_STORE_SCHEMA_H
#define REPRISE_VALIDATE_STORE_SCHEMA_H

#include "validate/store/sql.h"

/* "rprs": tells a reprise database from any other SQLite file. */
#define SCHEMA_APPLICATION_ID 0x72707273

/* Whether `database` ("main", or an attached one) is empty, or a reprise database of a version that this program
 * knows, whole, and with nothing in it that no reprise writes (checked.h); writes nothing. STATUS_IO: neither.
 * *current: of the latest version, and not empty. */
enum status schema_check(const struct sql *sql, const char *database, bool *current,
                         struct error *err);

/* Opens a database in memory with the tables of that version, from 1 to the latest; reference->path is for messages.
 * Whatever is returned, sqlite3_close() its db. */
enum status schema_reference(int64_t version, struct sql *reference, struct error *err);

/* Brings a file that schema_check() accepts to the latest version, in one transaction. */
enum status schema_migrate(const struct sql *sql, struct error *err);

/* Within the caller's transaction: every row of metric_rows has its row in metric_name, and the
 * view run_wide a column for it. */
enum status schema_register_metrics(const struct sql *sql, struct error *err);

#endif
