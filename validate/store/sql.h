/* validate/store/sql.h - SQLite's calls with our errors. Private to its folder. */
#ifndef REPRISE_VALIDATE_STORE_SQL_H
#define REPRISE_VALIDATE_STORE_SQL_H

#include "base/error.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/* A file as it was found. */
struct sql_stamp {
    dev_t device;
    ino_t inode;
    uint64_t size_bytes;
    struct timespec changed;
    mode_t kind; /* S_IFREG... */
};

/* Of SQLite's steps: what a statement may take, and what the one that runs has left. */
struct sql_budget {
    uint64_t steps, left_steps;
    bool spent;
};

/* what, below: what was tried, as in "cannot WHAT": "write run". */
struct sql {
    sqlite3 *db;
    const char *path;
    struct sql_stamp stamp;    /* when it was opened */
    bool lies_still;           /* read as it lies, without locks: sql_still() */
    struct sql_budget *budget; /* sql_open.h's; NULL: without a bound */
};

/* false: there is no such file; errno says why. */
bool sql_stamp_of(const char *path, struct sql_stamp *stamp);

/* STATUS_IO: the file was written by another process since it was opened to be read as it lies, so that what was read
 * may be of before and after. */
enum status sql_still(const struct sql *sql, struct error *err);

/* STATUS_OK for SQLITE_OK, else err is filled in from the connection's last failure, out of memory
 * too. rc: of one call or, OR-ed, of several (binds). */
enum status sql_check(const struct sql *sql, int rc, const char *what, struct error *err);

/* Runs statements that give no rows. */
enum status sql_exec(const struct sql *sql, const char *text, const char *what, struct error *err);

/* *statement is the caller's to sqlite3_finalize(), which takes NULL: what it is on failure. */
enum status sql_prepare(const struct sql *sql, const char *text, sqlite3_stmt **statement,
                        struct error *err);

/* Goes to the next row; *row false: there is none. */
enum status sql_step(const struct sql *sql, sqlite3_stmt *statement, bool *row, const char *what,
                     struct error *err);

/* A column's text as shown.h shows it ("" for NULL), for the caller to free: the file may be anyone's, and what it holds is
 * told. Texts that are parsed (configurations) are read as they are: what parses them looks at them. */
char *sql_shown(sqlite3_stmt *statement, int column);

/* Runs a statement that gives no rows and readies it for its next binds. */
enum status sql_run(const struct sql *sql, sqlite3_stmt *statement, const char *what,
                    struct error *err);

#endif
