/* validate/store/sql.c - see sql.h. */
#define _XOPEN_SOURCE 700 /* S_IFMT */

#include "validate/store/sql.h"

#include "base/shown.h"

#include <errno.h>
#include <string.h>

bool sql_stamp_of(const char *path, struct sql_stamp *stamp)
{
    struct stat facts;
    if (stat(path, &facts) != 0)
        return false;
    *stamp = (struct sql_stamp){ .device = facts.st_dev,
                                 .inode = facts.st_ino,
                                 .size_bytes = (uint64_t)facts.st_size,
                                 .changed = facts.st_mtim,
                                 .kind = facts.st_mode & S_IFMT };
    return true;
}

enum status sql_still(const struct sql *sql, struct error *err)
{
    struct sql_stamp now;
    if (!sql->lies_still)
        return STATUS_OK;
    const struct sql_stamp *then = &sql->stamp;
    bool seen = sql_stamp_of(sql->path, &now);
    if (!seen && errno != ENOENT)
        return error_io(err, sql->path, "read database", strerror(errno));
    if (seen && now.device == then->device && now.inode == then->inode &&
        now.size_bytes == then->size_bytes && now.changed.tv_sec == then->changed.tv_sec &&
        now.changed.tv_nsec == then->changed.tv_nsec)
        return STATUS_OK;
    return error_io(err, sql->path, "read database",
                    "another process wrote it meanwhile: what was read may be of before and after. "
                    "Try again");
}

static enum status failed(const struct sql *sql, const char *what, struct error *err)
{
    /* Said of a damaged file too, whose numbers are taken for sizes: so it is an error of that
     * file, and the program goes on to its end. */
    if (sqlite3_errcode(sql->db) == SQLITE_NOMEM)
        return error_io(err, sql->path, what,
                        "out of memory; or the file is damaged, and says that it needs so much");
    if (sql_still(sql, err) != STATUS_OK)
        return err->status;
    if (sqlite3_extended_errcode(sql->db) == SQLITE_READONLY_ROLLBACK)
        return error_io(err, sql->path, what,
                        "a write to it was cut off, and is undone from the journal beside it by "
                        "what next writes to it");
    if (sql->budget != NULL && sql->budget->spent)
        return error_io(err, sql->path, what,
                        "reading it does not end: it is damaged, or was made so");
    return error_io(err, sql->path, what, sqlite3_errmsg(sql->db));
}

/* Each statement has its own. */
static void begin_steps(const struct sql *sql)
{
    if (sql->budget != NULL)
        *sql->budget = (struct sql_budget){ sql->budget->steps, sql->budget->steps, false };
}

enum status sql_check(const struct sql *sql, int rc, const char *what, struct error *err)
{
    return rc == SQLITE_OK ? STATUS_OK : failed(sql, what, err);
}

enum status sql_exec(const struct sql *sql, const char *text, const char *what, struct error *err)
{
    begin_steps(sql);
    return sql_check(sql, sqlite3_exec(sql->db, text, NULL, NULL, NULL), what, err);
}

enum status sql_prepare(const struct sql *sql, const char *text, sqlite3_stmt **statement,
                        struct error *err)
{
    begin_steps(sql);
    return sql_check(sql, sqlite3_prepare_v2(sql->db, text, -1, statement, NULL), "use database",
                     err);
}

enum status sql_step(const struct sql *sql, sqlite3_stmt *statement, bool *row, const char *what,
                     struct error *err)
{
    int rc = sqlite3_step(statement);
    *row = rc == SQLITE_ROW;
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? STATUS_OK : failed(sql, what, err);
}

char *sql_shown(sqlite3_stmt *statement, int column)
{
    const unsigned char *text = sqlite3_column_text(statement, column);
    return shown_new(text != NULL ? (const char *)text : "");
}

enum status sql_run(const struct sql *sql, sqlite3_stmt *statement, const char *what,
                    struct error *err)
{
    bool row;
    enum status status = sql_step(sql, statement, &row, what, err);
    sqlite3_reset(statement);
    return status;
}
