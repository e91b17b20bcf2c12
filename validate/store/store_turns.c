/* validate/store/store_turns.c - see store_turns.h and turn_rows.h. */
#include "validate/store/store_turns.h"

#include "base/memory.h"
#include "validate/store/store_handle.h"
#include "validate/store/turn_rows.h"

#include <stdlib.h>

static char *finished(sqlite3_str *text)
{
    char *statement = sqlite3_str_finish(text);
    if (statement == NULL)
        memory_exhausted();
    return statement;
}

static bool is_word(const struct turn_column *column)
{
    return column->kind == TURN_WHY || column->kind == TURN_TIER;
}

/* ---- writing ---- */

static enum status prepare_insert(const struct sql *sql, sqlite3_stmt **insert, struct error *err)
{
    sqlite3_str *text = sqlite3_str_new(sql->db);
    sqlite3_str_appendall(text, "INSERT INTO turn (run_id" TURN_ROWS_NAMES ") VALUES (?");
    for (uint32_t i = 0; i < turn_column_count; i++)
        sqlite3_str_appendall(text, ", ?");
    sqlite3_str_appendall(text, ")");
    char *statement = finished(text);
    enum status status = sql_prepare(sql, statement, insert, err);
    sqlite3_free(statement);
    return status;
}

static int bind_value(sqlite3_stmt *insert, int at, const struct turn_column *column,
                      uint64_t value)
{
    if (value == TURN_NOTHING)
        return sqlite3_bind_null(insert, at);
    if (is_word(column))
        return sqlite3_bind_text(insert, at, turn_word(column, value), -1, SQLITE_STATIC);
    return sqlite3_bind_int64(insert, at, (sqlite3_int64)value);
}

static enum status put_row(const struct sql *sql, sqlite3_stmt *insert, int64_t run,
                           const struct turn_row *row, struct error *err)
{
    int rc = sqlite3_bind_int64(insert, 1, run);
    for (uint32_t i = 0; i < turn_column_count; i++)
        rc |= bind_value(insert, (int)i + 2, &turn_columns[i], turn_value(row, &turn_columns[i]));
    enum status status = sql_check(sql, rc, "write turn", err);
    return status == STATUS_OK ? sql_run(sql, insert, "write turn", err) : status;
}

enum status turn_rows_put(const struct sql *sql, int64_t run, const struct turn_row *rows,
                          uint32_t count, struct error *err)
{
    sqlite3_stmt *insert = NULL;
    if (count == 0)
        return STATUS_OK;
    enum status status = prepare_insert(sql, &insert, err);
    for (uint32_t i = 0; status == STATUS_OK && i < count; i++)
        status = put_row(sql, insert, run, &rows[i], err);
    sqlite3_finalize(insert);
    return status;
}

/* ---- reading ---- */

/* The file may be anyone's: a word that is none is nothing. */
static uint64_t value_of(sqlite3_stmt *statement, int at, const struct turn_column *column)
{
    uint64_t value;
    if (sqlite3_column_type(statement, at) == SQLITE_NULL)
        return TURN_NOTHING;
    if (!is_word(column))
        return (uint64_t)sqlite3_column_int64(statement, at);
    const char *word = (const char *)sqlite3_column_text(statement, at);
    return word != NULL && turn_word_value(column, word, &value) ? value : TURN_NOTHING;
}

static void read_row(sqlite3_stmt *statement, struct turn_row *row)
{
    for (uint32_t i = 0; i < turn_column_count; i++)
        *(uint64_t *)(void *)((char *)row + turn_columns[i].offset) =
            value_of(statement, (int)i + 1, &turn_columns[i]);
}

static enum status prepare_select(const struct sql *sql, int64_t run, sqlite3_stmt **select,
                                  struct error *err)
{
    static const char text[] =
        "SELECT run_id" TURN_ROWS_NAMES " FROM turn WHERE run_id = ? ORDER BY turn";
    enum status status = sql_prepare(sql, text, select, err);
    if (status != STATUS_OK)
        return status;
    return sql_check(sql, sqlite3_bind_int64(*select, 1, run), "read turns", err);
}

enum status store_turns(struct store *store, int64_t run, struct turn_row **rows, uint32_t *count,
                        struct error *err)
{
    sqlite3_stmt *select = NULL;
    uint32_t capacity = 0;
    bool row = true;
    *rows = NULL;
    *count = 0;
    enum status status = prepare_select(&store->sql, run, &select, err);
    while (status == STATUS_OK && row) {
        status = sql_step(&store->sql, select, &row, "read turns", err);
        if (status != STATUS_OK || !row)
            continue;
        memory_grow(rows, &capacity, (uint64_t)*count + 1, sizeof **rows);
        read_row(select, &(*rows)[(*count)++]);
    }
    sqlite3_finalize(select);
    if (status == STATUS_OK)
        return status;
    free(*rows);
    *rows = NULL;
    *count = 0;
    return status;
}
