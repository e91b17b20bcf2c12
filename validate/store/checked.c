/* validate/store/checked.c - see checked.h. */
#include "validate/store/checked.h"

#include "base/memory.h"
#include "sim/engine/turn_row.h"
#include "validate/store/schema.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REASON_BYTES 256

static enum status refuse(const struct sql *sql, const char *table, const char *what,
                          struct error *err)
{
    char reason[REASON_BYTES];
    snprintf(reason, sizeof reason, "it is damaged, or none of reprise's: %s: %s", table, what);
    return error_io(err, sql->path, "use database", reason);
}

/* A statement that is made of a pattern with names in it (sqlite3_mprintf()'s %w). */
static enum status prepare_named(const struct sql *sql, sqlite3_stmt **statement, struct error *err,
                                 const char *pattern, const char *first, const char *second,
                                 const char *third)
{
    char *text = sqlite3_mprintf(pattern, first, second, third);
    enum status status = sql_prepare(sql, text, statement, err);
    sqlite3_free(text);
    return status;
}

/* ---- tables ---- */

static bool is_same_text(const unsigned char *a, const unsigned char *b)
{
    return (a == NULL) == (b == NULL) &&
           (a == NULL || strcmp((const char *)a, (const char *)b) == 0);
}

/* The object that `ours` stands at, in theirs. */
static enum status find_same(const struct sql *sql, sqlite3_stmt *ours, sqlite3_stmt *theirs,
                             struct error *err)
{
    const char *name = (const char *)sqlite3_column_text(ours, 1);
    bool row = false, same = false;
    int rc = sqlite3_bind_text(theirs, 1, (const char *)sqlite3_column_text(ours, 0), -1,
                               SQLITE_TRANSIENT) |
             sqlite3_bind_text(theirs, 2, name, -1, SQLITE_TRANSIENT);
    enum status status = sql_check(sql, rc, "read database", err);
    if (status == STATUS_OK)
        status = sql_step(sql, theirs, &row, "read database", err);
    if (row)
        same = is_same_text(sqlite3_column_text(theirs, 0), sqlite3_column_text(ours, 2)) &&
               is_same_text(sqlite3_column_text(theirs, 1), sqlite3_column_text(ours, 3));
    sqlite3_reset(theirs);
    return status == STATUS_OK && !same
               ? refuse(sql, name, row ? "it is another" : "it is missing", err)
               : status;
}

static enum status find_all(const struct sql *sql, const struct sql *reference,
                            sqlite3_stmt *theirs, struct error *err)
{
    static const char text[] = "SELECT type, name, tbl_name, sql FROM sqlite_schema";
    sqlite3_stmt *ours = NULL;
    bool row = true;
    enum status status = sql_prepare(reference, text, &ours, err);
    while (status == STATUS_OK && row) {
        status = sql_step(reference, ours, &row, "read database", err);
        if (status == STATUS_OK && row)
            status = find_same(sql, ours, theirs, err);
    }
    sqlite3_finalize(ours);
    return status;
}

/* Triggers are ours to none: one that is not run would be missed by who made it. */
static enum status refuse_triggers(const struct sql *sql, const char *database, struct error *err)
{
    sqlite3_stmt *statement = NULL;
    bool row = false;
    enum status status = prepare_named(sql, &statement, err,
                                       "SELECT name FROM \"%w\".sqlite_schema"
                                       " WHERE type = 'trigger'",
                                       database, NULL, NULL);
    if (status == STATUS_OK)
        status = sql_step(sql, statement, &row, "read database", err);
    if (row)
        status = refuse(sql, (const char *)sqlite3_column_text(statement, 0),
                        "it is a trigger, and no database of reprise's has any", err);
    sqlite3_finalize(statement);
    return status;
}

enum status checked_tables(const struct sql *sql, const char *database, int64_t version,
                           struct error *err)
{
    sqlite3_stmt *theirs = NULL;
    struct sql reference = { .path = sql->path };
    enum status status = schema_reference(version, &reference, err);
    if (status == STATUS_OK)
        status = prepare_named(sql, &theirs, err,
                               "SELECT tbl_name, sql FROM \"%w\".sqlite_schema"
                               " WHERE type = ? AND name = ?",
                               database, NULL, NULL);
    if (status == STATUS_OK)
        status = find_all(sql, &reference, theirs, err);
    sqlite3_finalize(theirs);
    sqlite3_close(reference.db);
    return status == STATUS_OK ? refuse_triggers(sql, database, err) : status;
}

/* ---- cells ---- */

/* SQL, over a column's name. Numbers that readers add, multiply and draw stay finite; a text ends
 * where C thinks that it ends. */
#define NOT_ID(column) column " < 1 OR " column " > 1152921504606846975"
#define NOT_U32(column) column " < 0 OR " column " > 4294967295"
#define NOT_COUNT(column) column " < 0 OR " column " > 1152921504606846975"
/* Simulated time ends at 2^63 ns, where SQLite's integers do. */
#define NOT_TIME(column) column " < 0"
#define NOT_NUMBER(column) "abs(" column ") > 1e30"
#define NOT_TEXT(column, most)                                                                     \
    "instr(" column ", char(0)) > 0 OR length(CAST(" column " AS BLOB)) > " most
#define NAME_MOST "4096"
#define PAGE_MOST "1048576" /* a configuration, a command */
#define OR " OR "
#define TEXT_OF(number) TEXT_OF_THIS(number)
#define TEXT_OF_THIS(number) #number

/* From the list of columns: as one literal it would be longer than C has them. To be freed by
 * sqlite3_free(). */
static char *wrong_turn(void)
{
    sqlite3_str *text = sqlite3_str_new(NULL);
    sqlite3_str_appendall(text, NOT_ID("run_id"));
    for (uint32_t i = 0; i < turn_column_count; i++) {
        const struct turn_column *column = &turn_columns[i];
        bool is_word = column->kind == TURN_WHY || column->kind == TURN_TIER;
        const char *wrong = is_word                           ? " OR " NOT_TEXT("%s", NAME_MOST)
                            : strcmp(column->unit, "ns") == 0 ? " OR " NOT_TIME("%s")
                                                              : " OR " NOT_COUNT("%s");
        sqlite3_str_appendf(text, wrong, column->name, column->name);
    }
    char *wrong = sqlite3_str_finish(text);
    if (wrong == NULL)
        memory_exhausted();
    return wrong;
}

static const struct {
    const char *table, *wrong; /* of a row; NULL: wrong_turn() */
} rules[] = {
    { "comparison", NOT_ID("id") },
    { "run", NOT_ID("id") OR NOT_ID("comparison_id") OR NOT_TEXT("name", NAME_MOST)
                 OR NOT_TEXT("config_yaml", PAGE_MOST) OR NOT_TEXT("trace_format", NAME_MOST) },
    { "metric_name", NOT_TEXT("name", NAME_MOST) },
    { "metric", NOT_NUMBER("value") },
    { "series",
      NOT_TEXT("name", NAME_MOST) OR "points < 0 OR points > 65536 OR length(xy_zstd) > 2097152" },
    { "point", NOT_TEXT("key", NAME_MOST) OR NOT_TEXT("failure", PAGE_MOST) OR NOT_ID("run_id") },
    { "sweep", NOT_ID("id") OR NOT_ID("comparison_id") OR NOT_TEXT("hash", NAME_MOST)
                   OR NOT_TEXT("command", PAGE_MOST) },
    { "sweep_axis", "axis < 0 OR axis > 255" OR NOT_TEXT("key", NAME_MOST) },
    { "sweep_run", NOT_U32("number") OR NOT_U32("point") OR NOT_U32("replication")
                       OR NOT_TEXT("point_key", NAME_MOST) },
    { "sweep_value", NOT_U32("point") OR "axis < 0 OR axis > 255" OR NOT_TEXT("value", PAGE_MOST) },
    { "tenant_metric",
      NOT_TEXT("tenant", NAME_MOST) OR NOT_TEXT("metric", NAME_MOST) OR NOT_NUMBER("value") },
    { "turn", NULL },
    { "finding", NOT_U32("number") OR NOT_TEXT("sentence", NAME_MOST) },
    { "difference", NOT_TEXT("metric", NAME_MOST) OR NOT_TEXT("no_interval", NAME_MOST)
                        OR NOT_NUMBER("value") OR NOT_NUMBER("half_width") OR NOT_U32("pairs")
                            OR NOT_U32("resamples") OR NOT_TIME("block_ns") },
};
_Static_assert(CHECKED_POINTS_MOST == 65536 && CHECKED_AXES_MOST == 256 &&
                   CHECKED_COMMAND_MOST == 1048576,
               "as in the rules");

static enum status is_table(const struct sql *sql, const char *database, const char *table,
                            bool *there, struct error *err)
{
    sqlite3_stmt *statement = NULL;
    enum status status = prepare_named(sql, &statement, err,
                                       "SELECT 1 FROM \"%w\".sqlite_schema"
                                       " WHERE type = 'table' AND name = '%q'",
                                       database, table, NULL);
    *there = false;
    if (status == STATUS_OK)
        status = sql_step(sql, statement, there, "read database", err);
    sqlite3_finalize(statement);
    return status;
}

/* quick_check says of a page that could not be read what it says of one that is damaged, but for
 * the code; or, of a page that a long row goes on in, these words. */
static bool is_unread(const char *words)
{
    if (strstr(words, "failed to get page") != NULL)
        return true;
    const char *code = strstr(words, "error code=");
    return code != NULL && (atoi(code + strlen("error code=")) & 0xff) == SQLITE_IOERR;
}

/* SQLite's words for the first thing that is wrong; "ok": nothing. */
static enum status check_trees(const struct sql *sql, const char *database, const char *table,
                               struct error *err)
{
    sqlite3_stmt *statement = NULL;
    bool row = false;
    enum status status = prepare_named(sql, &statement, err, "PRAGMA \"%w\".quick_check('%q')",
                                       database, table, NULL);
    if (status == STATUS_OK)
        status = sql_step(sql, statement, &row, "read database", err);
    const char *words = row ? (const char *)sqlite3_column_text(statement, 0) : NULL;
    if (status == STATUS_OK && words != NULL && is_unread(words))
        status = error_io(err, sql->path, "read database", sqlite3_errstr(SQLITE_IOERR));
    else if (status == STATUS_OK && (words == NULL || strcmp(words, "ok") != 0))
        status = refuse(sql, table, words != NULL ? words : "SQLite does not say", err);
    sqlite3_finalize(statement);
    return status;
}

static enum status check_cells(const struct sql *sql, const char *database, const char *table,
                               const char *wrong, struct error *err)
{
    sqlite3_stmt *statement = NULL;
    bool row = false;
    enum status status =
        prepare_named(sql, &statement, err, "SELECT 1 FROM \"%w\".\"%w\" WHERE %s LIMIT 1",
                      database, table, wrong);
    if (status == STATUS_OK)
        status = sql_step(sql, statement, &row, "read database", err);
    sqlite3_finalize(statement);
    return row ? refuse(sql, table, "a row holds what no run gives", err) : status;
}

enum status checked_content(const struct sql *sql, const char *database, struct error *err)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < sizeof rules / sizeof *rules; i++) {
        bool there = false;
        status = is_table(sql, database, rules[i].table, &there, err);
        if (status == STATUS_OK && there)
            status = check_trees(sql, database, rules[i].table, err);
        if (status == STATUS_OK && there) {
            char *made = rules[i].wrong == NULL ? wrong_turn() : NULL;
            status = check_cells(sql, database, rules[i].table,
                                 made != NULL ? made : rules[i].wrong, err);
            sqlite3_free(made);
        }
    }
    return status;
}
