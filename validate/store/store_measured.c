/* validate/store/store_measured.c - see store_measured.h. */
#include "validate/store/store_measured.h"

#include "base/host.h"
#include "validate/store/store_handle.h"

static enum status begin(struct store *store, struct error *err)
{
    return sql_exec(&store->sql, "BEGIN IMMEDIATE", "write database", err);
}

static enum status end(struct store *store, enum status status, struct error *err)
{
    if (status == STATUS_OK)
        status = sql_exec(&store->sql, "COMMIT", "write database", err);
    if (status != STATUS_OK)
        sqlite3_exec(store->sql.db, "ROLLBACK", NULL, NULL, NULL);
    return status;
}

static enum status insert_head(struct store *store, const char *text, const char *a, const char *b,
                               const char *c, int64_t *id, struct error *err)
{
    sqlite3_stmt *statement = NULL;
    enum status status = sql_prepare(&store->sql, text, &statement, err);
    if (status == STATUS_OK)
        status = sql_check(&store->sql,
                           sqlite3_bind_text(statement, 1, a, -1, SQLITE_TRANSIENT) |
                               sqlite3_bind_text(statement, 2, b, -1, SQLITE_TRANSIENT) |
                               sqlite3_bind_text(statement, 3, c, -1, SQLITE_TRANSIENT),
                           "write calibration", err);
    if (status == STATUS_OK)
        status = sql_run(&store->sql, statement, "write calibration", err);
    sqlite3_finalize(statement);
    *id = sqlite3_last_insert_rowid(store->sql.db);
    return status;
}

static enum status put_samples(struct store *store, int64_t id,
                               const struct store_calibration *calibration, struct error *err)
{
    sqlite3_stmt *statement = NULL;
    enum status status =
        sql_prepare(&store->sql,
                    "INSERT INTO sample (calibration_id, number, what, x, y, value_ns)"
                    " VALUES (?, ?, ?, ?, ?, ?)",
                    &statement, err);
    for (uint32_t i = 0; i < calibration->sample_count && status == STATUS_OK; i++) {
        const struct store_sample *sample = &calibration->samples[i];
        int rc = sqlite3_bind_int64(statement, 1, id) | sqlite3_bind_int64(statement, 2, i) |
                 sqlite3_bind_text(statement, 3, sample->what, -1, SQLITE_STATIC) |
                 sqlite3_bind_double(statement, 4, sample->x) |
                 sqlite3_bind_double(statement, 5, sample->y) |
                 sqlite3_bind_double(statement, 6, sample->value_ns);
        status = sql_check(&store->sql, rc, "write sample", err);
        if (status == STATUS_OK)
            status = sql_run(&store->sql, statement, "write sample", err);
    }
    sqlite3_finalize(statement);
    return status;
}

static enum status put_fits(struct store *store, int64_t id,
                            const struct store_calibration *calibration, struct error *err)
{
    sqlite3_stmt *statement = NULL;
    enum status status = sql_prepare(&store->sql,
                                     "INSERT INTO fit (calibration_id, number, what, parameter, x, "
                                     "y, value, low, high, residual,"
                                     " samples) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                                     &statement, err);
    for (uint32_t i = 0; i < calibration->fit_count && status == STATUS_OK; i++) {
        const struct store_fit *fit = &calibration->fits[i];
        int rc = sqlite3_bind_int64(statement, 1, id) | sqlite3_bind_int64(statement, 2, i) |
                 sqlite3_bind_text(statement, 3, fit->what, -1, SQLITE_STATIC) |
                 sqlite3_bind_text(statement, 4, fit->parameter, -1, SQLITE_STATIC) |
                 sqlite3_bind_double(statement, 5, fit->x) |
                 sqlite3_bind_double(statement, 6, fit->y) |
                 sqlite3_bind_double(statement, 7, fit->value) |
                 sqlite3_bind_double(statement, 8, fit->low) |
                 sqlite3_bind_double(statement, 9, fit->high) |
                 sqlite3_bind_double(statement, 10, fit->residual) |
                 sqlite3_bind_int64(statement, 11, fit->samples);
        status = sql_check(&store->sql, rc, "write fit", err);
        if (status == STATUS_OK)
            status = sql_run(&store->sql, statement, "write fit", err);
    }
    sqlite3_finalize(statement);
    return status;
}

enum status store_put_calibration(struct store *store, const struct store_calibration *calibration,
                                  struct error *err)
{
    int64_t id = 0;
    struct host host = host_here();
    enum status status = begin(store, err);
    if (status != STATUS_OK)
        return status;
    status = insert_head(store,
                         "INSERT INTO calibration (created_at, name, device, host_cpu)"
                         " VALUES (datetime('now'), ?, ?, ?)",
                         calibration->name, calibration->device, host.cpu, &id, err);
    if (status == STATUS_OK)
        status = put_samples(store, id, calibration, err);
    if (status == STATUS_OK)
        status = put_fits(store, id, calibration, err);
    return end(store, status, err);
}

static enum status put_metric(struct store *store, sqlite3_stmt *statement, int64_t id,
                              const struct store_validated *row, struct error *err)
{
    int rc = sqlite3_bind_int64(statement, 1, id) |
             sqlite3_bind_text(statement, 2, row->policy, -1, SQLITE_STATIC) |
             sqlite3_bind_double(statement, 3, row->load_percent) |
             sqlite3_bind_text(statement, 4, row->metric, -1, SQLITE_STATIC) |
             sqlite3_bind_double(statement, 5, row->sim) |
             sqlite3_bind_double(statement, 6, row->run) |
             sqlite3_bind_double(statement, 7, row->half_width) | /* NaN is NULL */
             sqlite3_bind_double(statement, 8, row->tolerance_percent) |
             sqlite3_bind_int64(statement, 9, row->repeats);
    enum status status = sql_check(&store->sql, rc, "write validation", err);
    return status == STATUS_OK ? sql_run(&store->sql, statement, "write validation", err) : status;
}

enum status store_put_validation(struct store *store, const struct store_validation *validation,
                                 struct error *err)
{
    int64_t id = 0;
    sqlite3_stmt *statement = NULL;
    enum status status = begin(store, err);
    if (status != STATUS_OK)
        return status;
    status = insert_head(store,
                         "INSERT INTO validation (created_at, model, hardware, device)"
                         " VALUES (datetime('now'), ?, ?, ?)",
                         validation->model, validation->hardware, validation->device, &id, err);
    if (status == STATUS_OK)
        status = sql_prepare(&store->sql,
                             "INSERT INTO validation_metric (validation_id, policy, load_percent,"
                             " metric, sim, run, half_width, tolerance_percent, repeats)"
                             " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                             &statement, err);
    for (uint32_t i = 0; i < validation->count && status == STATUS_OK; i++)
        status = put_metric(store, statement, id, &validation->rows[i], err);
    sqlite3_finalize(statement);
    return end(store, status, err);
}
