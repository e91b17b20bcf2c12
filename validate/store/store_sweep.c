/* validate/store/store_sweep.c - see store_sweep.h: writing sweeps, and looking up points. */
#include "validate/store/store_sweep.h"

#include "base/memory.h"
#include "validate/store/checked.h"
#include "validate/store/run_writer.h"
#include "validate/store/schema.h"
#include "validate/store/store_handle.h"

#include <stdlib.h>
#include <string.h>

/* Runs `body` in one transaction: all of it, or nothing. */
static enum status in_transaction(struct store *store, enum status (*body)(void *, struct error *),
                                  void *context, struct error *err)
{
    enum status status = sql_exec(&store->sql, "BEGIN IMMEDIATE", "write sweep", err);
    if (status != STATUS_OK)
        return status;
    status = body(context, err);
    if (status == STATUS_OK)
        status = sql_exec(&store->sql, "COMMIT", "write sweep", err);
    if (status != STATUS_OK)
        sqlite3_exec(store->sql.db, "ROLLBACK", NULL, NULL, NULL);
    return status;
}

/* ---- a sweep and its members ---- */

struct beginning {
    struct store *store;
    const struct store_sweep *sweep;
    int64_t id;
};

static enum status find_sweep(struct beginning *beginning, struct error *err)
{
    const struct sql *sql = &beginning->store->sql;
    sqlite3_stmt *statement = NULL;
    bool row = false;
    enum status status = sql_prepare(sql, "SELECT id FROM sweep WHERE hash = ?", &statement, err);
    if (status == STATUS_OK)
        status = sql_check(
            sql, sqlite3_bind_text(statement, 1, beginning->sweep->hash, -1, SQLITE_STATIC),
            "read sweep", err);
    if (status == STATUS_OK)
        status = sql_step(sql, statement, &row, "read sweep", err);
    if (row)
        beginning->id = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return status;
}

static enum status insert_axes(const struct beginning *beginning, struct error *err)
{
    const struct sql *sql = &beginning->store->sql;
    sqlite3_stmt *statement = NULL;
    enum status status = sql_prepare(
        sql, "INSERT INTO sweep_axis (sweep_id, axis, key) VALUES (?, ?, ?)", &statement, err);
    for (uint32_t a = 0; status == STATUS_OK && a < beginning->sweep->axes; a++) {
        int rc = sqlite3_bind_int64(statement, 1, beginning->id) |
                 sqlite3_bind_int64(statement, 2, a) |
                 sqlite3_bind_text(statement, 3, beginning->sweep->axis_keys[a], -1, SQLITE_STATIC);
        status = sql_check(sql, rc, "write sweep", err);
        if (status == STATUS_OK)
            status = sql_run(sql, statement, "write sweep", err);
    }
    sqlite3_finalize(statement);
    return status;
}

static enum status insert_sweep(struct beginning *beginning, struct error *err)
{
    const struct sql *sql = &beginning->store->sql;
    struct writer writer = { .sql = sql };
    sqlite3_stmt *statement = NULL;
    enum status status = writer_prepare(&writer, err);
    if (status == STATUS_OK)
        status = writer_put_comparison(&writer, err);
    if (status == STATUS_OK)
        status =
            sql_prepare(sql, "INSERT INTO sweep (hash, comparison_id, command) VALUES (?, ?, ?)",
                        &statement, err);
    if (status == STATUS_OK) {
        int rc = sqlite3_bind_text(statement, 1, beginning->sweep->hash, -1, SQLITE_STATIC) |
                 sqlite3_bind_int64(statement, 2, writer.comparison_id) |
                 sqlite3_bind_text(statement, 3, beginning->sweep->command, -1, SQLITE_STATIC);
        status = sql_check(sql, rc, "write sweep", err);
    }
    if (status == STATUS_OK)
        status = sql_run(sql, statement, "write sweep", err);
    beginning->id = sqlite3_last_insert_rowid(sql->db);
    sqlite3_finalize(statement);
    writer_release(&writer);
    return status == STATUS_OK ? insert_axes(beginning, err) : status;
}

static enum status find_or_insert(void *context, struct error *err)
{
    struct beginning *beginning = context;
    enum status status = find_sweep(beginning, err);
    return status == STATUS_OK && beginning->id == 0 ? insert_sweep(beginning, err) : status;
}

enum status store_begin_sweep(struct store *store, const struct store_sweep *sweep, int64_t *id,
                              struct error *err)
{
    struct beginning beginning = { .store = store, .sweep = sweep };
    if (strlen(sweep->command) > CHECKED_COMMAND_MOST)
        return error_input(err, NULL, 0, "the command", "1 MiB at most, which the database keeps",
                           NULL);
    enum status status = in_transaction(store, find_or_insert, &beginning, err);
    *id = beginning.id;
    return status;
}

struct members {
    struct store *store;
    int64_t sweep;
    uint32_t axes;
    const struct store_member *member;
    uint32_t count;
    sqlite3_stmt *run, *value, *count_axes;
};

static enum status read_axes(struct members *members, struct error *err)
{
    bool row;
    enum status status =
        sql_check(&members->store->sql, sqlite3_bind_int64(members->count_axes, 1, members->sweep),
                  "read sweep", err);
    if (status == STATUS_OK)
        status = sql_step(&members->store->sql, members->count_axes, &row, "read sweep", err);
    if (status == STATUS_OK)
        members->axes = (uint32_t)sqlite3_column_int64(members->count_axes, 0);
    return status;
}

static enum status insert_values(const struct members *members, const struct store_member *member,
                                 struct error *err)
{
    const struct sql *sql = &members->store->sql;
    enum status status = STATUS_OK;
    for (uint32_t a = 0; status == STATUS_OK && a < members->axes; a++) {
        int rc = sqlite3_bind_int64(members->value, 1, members->sweep) |
                 sqlite3_bind_int64(members->value, 2, member->point) |
                 sqlite3_bind_int64(members->value, 3, a) |
                 sqlite3_bind_text(members->value, 4, member->values[a], -1, SQLITE_STATIC);
        status = sql_check(sql, rc, "write sweep", err);
        if (status == STATUS_OK)
            status = sql_run(sql, members->value, "write sweep", err);
    }
    return status;
}

static enum status insert_member(const struct members *members, const struct store_member *member,
                                 struct error *err)
{
    const struct sql *sql = &members->store->sql;
    int rc = sqlite3_bind_int64(members->run, 1, members->sweep) |
             sqlite3_bind_int64(members->run, 2, member->number) |
             sqlite3_bind_int64(members->run, 3, member->point) |
             sqlite3_bind_int64(members->run, 4, member->replication) |
             sqlite3_bind_text(members->run, 5, member->key, -1, SQLITE_STATIC);
    enum status status = sql_check(sql, rc, "write sweep", err);
    if (status == STATUS_OK)
        status = sql_run(sql, members->run, "write sweep", err);
    bool new_point = sqlite3_changes(sql->db) > 0 && member->replication == 0;
    return status == STATUS_OK && new_point ? insert_values(members, member, err) : status;
}

static enum status insert_members(void *context, struct error *err)
{
    struct members *members = context;
    const struct sql *sql = &members->store->sql;
    enum status status = sql_prepare(sql, "SELECT count(*) FROM sweep_axis WHERE sweep_id = ?",
                                     &members->count_axes, err);
    if (status == STATUS_OK)
        status = sql_prepare(sql,
                             "INSERT OR IGNORE INTO sweep_run (sweep_id, number, point,"
                             " replication, point_key) VALUES (?, ?, ?, ?, ?)",
                             &members->run, err);
    if (status == STATUS_OK)
        status = sql_prepare(sql,
                             "INSERT OR IGNORE INTO sweep_value (sweep_id, point, axis, value)"
                             " VALUES (?, ?, ?, ?)",
                             &members->value, err);
    if (status == STATUS_OK)
        status = read_axes(members, err);
    for (uint32_t i = 0; status == STATUS_OK && i < members->count; i++)
        status = insert_member(members, &members->member[i], err);
    sqlite3_finalize(members->run);
    sqlite3_finalize(members->value);
    sqlite3_finalize(members->count_axes);
    return status;
}

enum status store_add_members(struct store *store, int64_t sweep,
                              const struct store_member *members, uint32_t count, struct error *err)
{
    struct members adding = { .store = store, .sweep = sweep, .member = members, .count = count };
    return in_transaction(store, insert_members, &adding, err);
}

/* ---- points ---- */

struct putting {
    struct store *store;
    int64_t sweep;
    const struct store_point *point;
    uint32_t count;
    struct writer writer;
    sqlite3_stmt *find, *insert;
};

static enum status find_comparison(struct putting *putting, struct error *err)
{
    const struct sql *sql = &putting->store->sql;
    sqlite3_stmt *statement = NULL;
    bool row = false;
    enum status status =
        sql_prepare(sql, "SELECT comparison_id FROM sweep WHERE id = ?", &statement, err);
    if (status == STATUS_OK)
        status =
            sql_check(sql, sqlite3_bind_int64(statement, 1, putting->sweep), "read sweep", err);
    if (status == STATUS_OK)
        status = sql_step(sql, statement, &row, "read sweep", err);
    if (row)
        putting->writer.comparison_id = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    if (status == STATUS_OK && !row)
        return error_io(err, sql->path, "write points", "the sweep is no longer there");
    return status;
}

static enum status is_there(const struct putting *putting, const char *key, bool *there,
                            struct error *err)
{
    const struct sql *sql = &putting->store->sql;
    enum status status = sql_check(sql, sqlite3_bind_text(putting->find, 1, key, -1, SQLITE_STATIC),
                                   "read point", err);
    if (status == STATUS_OK)
        status = sql_step(sql, putting->find, there, "read point", err);
    sqlite3_reset(putting->find);
    return status;
}

static enum status put_point(const struct putting *putting, const struct store_point *point,
                             struct error *err)
{
    const struct sql *sql = &putting->store->sql;
    bool there = false;
    int64_t run = 0;
    enum status status = is_there(putting, point->key, &there, err);
    if (status != STATUS_OK || there)
        return status;
    if (point->failure == NULL)
        status = writer_put_run(&putting->writer, &point->run, &run, err);
    if (status != STATUS_OK)
        return status;
    int rc = sqlite3_bind_text(putting->insert, 1, point->key, -1, SQLITE_STATIC) |
             (point->failure == NULL ? sqlite3_bind_int64(putting->insert, 2, run)
                                     : sqlite3_bind_null(putting->insert, 2)) |
             sqlite3_bind_text(putting->insert, 3, point->failure, -1, SQLITE_STATIC);
    status = sql_check(sql, rc, "write point", err);
    return status == STATUS_OK ? sql_run(sql, putting->insert, "write point", err) : status;
}

static enum status put_points(void *context, struct error *err)
{
    struct putting *putting = context;
    const struct sql *sql = &putting->store->sql;
    enum status status = schema_register_metrics(sql, err);
    if (status == STATUS_OK)
        status = find_comparison(putting, err);
    if (status == STATUS_OK)
        status = writer_prepare(&putting->writer, err);
    if (status == STATUS_OK)
        status = sql_prepare(sql, "SELECT 1 FROM point WHERE key = ?", &putting->find, err);
    if (status == STATUS_OK)
        status = sql_prepare(sql, "INSERT INTO point (key, run_id, failure) VALUES (?, ?, ?)",
                             &putting->insert, err);
    for (uint32_t i = 0; status == STATUS_OK && i < putting->count; i++)
        status = put_point(putting, &putting->point[i], err);
    sqlite3_finalize(putting->find);
    sqlite3_finalize(putting->insert);
    writer_release(&putting->writer);
    return status;
}

enum status store_put_points(struct store *store, int64_t sweep, const struct store_point *points,
                             uint32_t count, struct error *err)
{
    struct putting putting = { .store = store,
                               .sweep = sweep,
                               .point = points,
                               .count = count,
                               .writer = { .sql = &store->sql } };
    return in_transaction(store, put_points, &putting, err);
}

enum status store_find_point(struct store *store, const char *key, enum point_state *state,
                             int64_t *run, struct error *err)
{
    sqlite3_stmt *statement = NULL;
    bool row = false;
    enum status status =
        sql_prepare(&store->sql, "SELECT run_id FROM point WHERE key = ?", &statement, err);
    if (status == STATUS_OK)
        status = sql_check(&store->sql, sqlite3_bind_text(statement, 1, key, -1, SQLITE_STATIC),
                           "read point", err);
    if (status == STATUS_OK)
        status = sql_step(&store->sql, statement, &row, "read point", err);
    *state = POINT_ABSENT;
    if (row)
        *state = sqlite3_column_type(statement, 0) == SQLITE_NULL ? POINT_FAILED : POINT_DONE;
    if (*state == POINT_DONE && run != NULL)
        *run = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return status;
}
