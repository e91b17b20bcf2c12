/* validate/store/sql_open.h - opening database files that anyone may have made: what lies in one cannot act, and what
 * is beside it is not trusted. Private to its folder.
 *
 * No trigger runs and no view is expanded, functions with effects cannot be called from a schema, internal tables
 * cannot be written, nothing is as long as to exhaust memory, and no statement that reads takes more steps than a file
 * of its size can be worth (a schema or an index made to never end). What the tables hold is checked.h's. */
#ifndef REPRISE_VALIDATE_STORE_SQL_OPEN_H
#define REPRISE_VALIDATE_STORE_SQL_OPEN_H

#include "validate/store/sql.h"

/* Most bytes of a text, a blob, a row. */
#define SQL_LENGTH_MOST (64 << 20)

/* Opens sql->path to be read: no byte of it changes, and where nobody has it open for writing (no log, no index of it
 * and no journal beside it) nothing is made beside it either; it is then read as it lies, and sql_still() says whether
 * it did. A log (-wal) that somebody left or is writing is read with it. STATUS_IO: not there, no regular file, or a
 * write to it was cut off whose journal is not undone yet. Whatever is returned, sql_close() it. */
enum status sql_open_read(struct sql *sql, struct error *err);

/* Opens it to be written, or makes it. A link is followed: the file that it names is the database. STATUS_IO as well
 * where its journal would have SQLite look at, or delete, another file. */
enum status sql_open_write(struct sql *sql, struct error *err);

/* ATTACHes the file at `path` to be read, as by sql_open_read(), under the name `other`. *attached is what
 * sql_still() asks about; its db is the connection's, its path the caller's. */
enum status sql_attach_read(const struct sql *sql, const char *path, struct sql *attached,
                            struct error *err);

/* Ends the bound on steps: what was checked may be worked with. */
void sql_trust(const struct sql *sql);

void sql_close(struct sql *sql); /* but for its path */

#endif
