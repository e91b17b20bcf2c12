/* validate/store/store.c - see store.h: opening and writing. Reading is store_read.c. */
#include "validate/store/store.h"

#include "base/memory.h"
#include "validate/store/run_writer.h"
#include "validate/store/schema.h"
#include "validate/store/sql_open.h"
#include "validate/store/store_handle.h"

#include <assert.h>
#include <stdlib.h>

/* ---- opening ---- */

static enum status check_readable(struct sql *sql, struct error *err)
{
    bool current = false;
    enum status status = schema_check(sql, "main", &current, err);
    if (status == STATUS_OK && !current)
        return error_io(err, sql->path, "read database",
                        "it is empty, or of an older schema that the next `reprise sim` migrates");
    return status;
}

static enum status open_to_read(struct sql *sql, struct error *err)
{
    enum status status = sql_open_read(sql, err);
    return status == STATUS_OK ? check_readable(sql, err) : status;
}

static enum status open_to_write(struct sql *sql, struct error *err)
{
    enum status status = sql_open_write(sql, err);
    if (status != STATUS_OK)
        return status;
    /* SQLite falls back to reading in silence; a simulation must not run for nothing. */
    if (sqlite3_db_readonly(sql->db, "main") == 1)
        return error_io(err, sql->path, "write database", "the file is read-only");
    bool current = false;
    status = schema_check(sql, "main", &current, err);
    sql_trust(sql);
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
    opened->sql.path = opened->path = memory_text(path);
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
    sql_close(&store->sql);
    free(store->path);
    free(store);
}

enum status store_still(const struct store *store, struct error *err)
{
    return sql_still(&store->sql, err);
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
