/* validate/store/sql.c - see sql.h. */
#include "validate/store/sql.h"

#include "base/memory.h"
#include "base/shown.h"

static enum status failed(const struct sql *sql, const char *what, struct error *err)
{
    if (sqlite3_errcode(sql->db) == SQLITE_NOMEM)
        memory_exhausted();
    return error_io(err, sql->path, what, sqlite3_errmsg(sql->db));
}

enum status sql_check(const struct sql *sql, int rc, const char *what, struct error *err)
{
    return rc == SQLITE_OK ? STATUS_OK : failed(sql, what, err);
}

enum status sql_exec(const struct sql *sql, const char *text, const char *what, struct error *err)
{
    return sql_check(sql, sqlite3_exec(sql->db, text, NULL, NULL, NULL), what, err);
}

enum status sql_prepare(const struct sql *sql, const char *text, sqlite3_stmt **statement,
                        struct error *err)
{
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
