/* validate/store/store.c - see store.h: opening and writing. Reading is store_read.c. */
#include "validate/store/store.h"

#include "base/memory.h"
#include "validate/store/run_writer.h"
#include "validate/store/schema.h"
#include "validate/store/store_handle.h"

#include <assert.h>
#include <stdlib.h>

/* Another process's transaction is over in milliseconds; one that holds the lock longer than this
 * hangs. */
#define LOCK_WAIT_MS 5000

/* ---- opening ---- */

static enum status open_connection(struct sql *sql, const char *name, int flags, struct error *err)
{
    sqlite3_close(sql->db);
    sql->db = NULL;
    int rc = sqlite3_open_v2(name, &sql->db, flags, NULL);
    if (sql->db == NULL)
        memory_exhausted();
    if (rc == SQLITE_OK)
        rc = sqlite3_busy_timeout(sql->db, LOCK_WAIT_MS);
    return sql_check(sql, rc, "open database", err);
}

/* "file:PATH?immutable=1", with what is special in a URI escaped. */
static char *immutable_uri(const char *path)
{
    sqlite3_str *uri = sqlite3_str_new(NULL);
    sqlite3_str_appendall(uri, "file:");
    for (; *path != '\0'; path++)
        sqlite3_str_appendf(uri, *path == '?' || *path == '#' || *path == '%' ? "%%%02X" : "%c",
                            (unsigned char)*path);
    sqlite3_str_appendall(uri, "?immutable=1");
    char *text = sqlite3_str_finish(uri);
    if (text == NULL)
        memory_exhausted();
    return text;
}

/* In WAL mode even a reader writes (the index of the log), which a read-only folder does not allow:
 * nobody else can write there either, so the file is read as it lies. */
static enum status open_immutable(struct sql *sql, struct error *err)
{
    char *uri = immutable_uri(sql->path);
    enum status status = open_connection(sql, uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, err);
    sqlite3_free(uri);
    return status;
}

static enum status check_readable(struct sql *sql, struct error *err)
{
    bool current = false;
    enum status status = schema_check(sql, &current, err);
    if (status == STATUS_OK && !current)
        return error_io(err, sql->path, "read database",
                        "it is empty, or of an older schema that the next `reprise sim` migrates");
    return status;
}

static enum status open_to_read(struct sql *sql, struct error *err)
{
    /* Opened for writing as far as the file system lets us: a read-only connection would leave the
     * log's files behind. query_only holds back our own statements. */
    enum status status = open_connection(sql, sql->path, SQLITE_OPEN_READWRITE, err);
    if (status == STATUS_OK)
        status = sql_exec(sql, "PRAGMA query_only = 1", "open database", err);
    if (status != STATUS_OK)
        return status;
    struct error first = { 0 };
    if (check_readable(sql, &first) == STATUS_OK)
        return STATUS_OK;
    int rc = sqlite3_errcode(sql->db);
    if (rc != SQLITE_CANTOPEN && rc != SQLITE_READONLY) {
        *err = first;
        return first.status;
    }
    status = open_immutable(sql, err);
    return status == STATUS_OK ? check_readable(sql, err) : status;
}

static enum status open_to_write(struct sql *sql, struct error *err)
{
    enum status status =
        open_connection(sql, sql->path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, err);
    if (status != STATUS_OK)
        return status;
    /* SQLite falls back to reading in silence; a simulation must not run for nothing. */
    if (sqlite3_db_readonly(sql->db, "main") == 1)
        return error_io(err, sql->path, "write database", "the file is read-only");
    bool current = false;
    status = schema_check(sql, &current, err);
    if (status == STATUS_OK && !current)
        status = sql_exec(sql, "PRAGMA journal_mode = WAL", "write database", err);
    /* In WAL mode NORMAL loses nothing when the program dies and keeps the file whole when the
     * machine does: then the last runs may be missing, and are run again. */
    if (status == STATUS_OK)
        status = sql_exec(sql, "PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = 1",
                          "open database", err);
    /* Takes the write lock, needed or not: what cannot be written is refused now. */
    return status == STATUS_OK ? schema_migrate(sql, err) : status;
}

enum status store_open(const char *path, bool read_only, struct store **store, struct error *err)
{
    if (*path == '\0') /* SQLite takes it for a temporary database */
        return error_io(err, path, "open database", "its name is empty");
    struct store *opened = memory_new(1, sizeof *opened);
    opened->sql.path = memory_text(path);
    enum status status =
        read_only ? open_to_read(&opened->sql, err) : open_to_write(&opened->sql, err);
    if (status != STATUS_OK) {
        store_close(opened);
        return status;
    }
    *store = opened;
    return STATUS_OK;
}

void store_close(struct store *store)
{
    if (store == NULL)
        return;
    sqlite3_close(store->sql.db);
    free(store->sql.path);
    free(store);
}

/* ---- writing ---- */

static enum status put_all(struct writer *writer, const struct store_run *runs, uint32_t count,
                           int64_t *first_id, struct error *err)
{
    enum status status = schema_register_metrics(writer->sql, err);
    if (status == STATUS_OK)
        status = writer_prepare(writer, err);
    if (status == STATUS_OK)
        status = writer_put_comparison(writer, err);
    for (uint32_t i = 0; status == STATUS_OK && i < count; i++) {
        int64_t run_id;
        status = writer_put_run(writer, &runs[i], &run_id, err);
        if (i == 0)
            *first_id = run_id;
    }
    return status;
}

enum status store_put_comparison(struct store *store, const struct store_run *runs, uint32_t count,
                                 const struct store_run_difference *differences,
                                 uint32_t difference_count, int64_t *first_id, struct error *err)
{
    assert(count > 0);
    const struct sql *sql = &store->sql;
    enum status status = sql_exec(sql, "BEGIN IMMEDIATE", "write runs", err);
    if (status != STATUS_OK)
        return status;
    struct writer writer = { .sql = sql };
    status = put_all(&writer, runs, count, first_id, err);
    for (uint32_t i = 0; status == STATUS_OK && i < difference_count; i++)
        status = writer_put_difference(&writer, *first_id, &differences[i], err);
    writer_release(&writer);
    if (status == STATUS_OK)
        status = sql_exec(sql, "COMMIT", "write runs", err);
    /* Where SQLite has rolled back by itself this finds nothing to do, which is no matter. */
    if (status != STATUS_OK)
        sqlite3_exec(sql->db, "ROLLBACK", NULL, NULL, NULL);
    return status;
}

enum status store_put_runs(struct store *store, const struct store_run *runs, uint32_t count,
                           int64_t *first_id, struct error *err)
{
    return store_put_comparison(store, runs, count, NULL, 0, first_id, err);
}
