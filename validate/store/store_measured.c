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

/* ---- validations ---- */

typedef int bind_row(sqlite3_stmt *statement, const struct store_validation *validation, uint32_t i);

static int bind_metric(sqlite3_stmt *statement, const struct store_validation *validation,
                       uint32_t i)
{
    const struct store_validated *row = &validation->rows[i];
    return sqlite3_bind_text(statement, 2, row->policy, -1, SQLITE_STATIC) |
           sqlite3_bind_double(statement, 3, row->load_percent) |
           sqlite3_bind_text(statement, 4, row->metric, -1, SQLITE_STATIC) |
           sqlite3_bind_double(statement, 5, row->sim) |
           sqlite3_bind_double(statement, 6, row->sim_half_range) |
           sqlite3_bind_double(statement, 7, row->run) |
           sqlite3_bind_double(statement, 8, row->half_width) | /* NaN is NULL */
           sqlite3_bind_double(statement, 9, row->tolerance) |
           sqlite3_bind_text(statement, 10, row->tolerance_unit, -1, SQLITE_STATIC) |
           sqlite3_bind_int64(statement, 11, row->repeats);
}

static int bind_difference(sqlite3_stmt *statement, const struct store_validation *validation,
                           uint32_t i)
{
    const struct store_difference *row = &validation->differences[i];
    return sqlite3_bind_text(statement, 2, row->policy, -1, SQLITE_STATIC) |
           sqlite3_bind_text(statement, 3, row->minus, -1, SQLITE_STATIC) |
           sqlite3_bind_double(statement, 4, row->load_percent) |
           sqlite3_bind_text(statement, 5, row->metric, -1, SQLITE_STATIC) |
           sqlite3_bind_double(statement, 6, row->sim) |
           sqlite3_bind_double(statement, 7, row->sim_half_range) |
           sqlite3_bind_double(statement, 8, row->run) |
           sqlite3_bind_double(statement, 9, row->half_width) |
           sqlite3_bind_double(statement, 10, row->tolerance_percent) |
           sqlite3_bind_text(statement, 11, row->verdict, -1, SQLITE_STATIC) |
           sqlite3_bind_int64(statement, 12, row->repeats);
}

static int bind_load(sqlite3_stmt *statement, const struct store_validation *validation, uint32_t i)
{
    const struct store_load *row = &validation->loads[i];
    return sqlite3_bind_double(statement, 2, row->percent) |
           sqlite3_bind_int64(statement, 3, row->reached) |
           sqlite3_bind_double(statement, 4, row->rate) |
           sqlite3_bind_double(statement, 5, row->least_percent) |
           sqlite3_bind_double(statement, 6, row->most_percent) |
           sqlite3_bind_double(statement, 7, row->run_percent); /* NaN is NULL */
}

/* Rows of one table of the validation `id`. */
static enum status put_rows(struct store *store, int64_t id,
                            const struct store_validation *validation, const char *text,
                            bind_row *bind, uint32_t count, struct error *err)
{
    sqlite3_stmt *statement = NULL;
    enum status status = sql_prepare(&store->sql, text, &statement, err);
    for (uint32_t i = 0; i < count && status == STATUS_OK; i++) {
        int rc = sqlite3_bind_int64(statement, 1, id) | bind(statement, validation, i);
        status = sql_check(&store->sql, rc, "write validation", err);
        if (status == STATUS_OK)
            status = sql_run(&store->sql, statement, "write validation", err);
    }
    sqlite3_finalize(statement);
    return status;
}

static enum status put_rate_key(struct store *store, int64_t id, const char *rate_key,
                                struct error *err)
{
    sqlite3_stmt *statement = NULL;
    enum status status = sql_prepare(
        &store->sql, "UPDATE validation SET rate_key = ? WHERE id = ?", &statement, err);
    if (status == STATUS_OK)
        status = sql_check(&store->sql,
                           sqlite3_bind_text(statement, 1, rate_key, -1, SQLITE_STATIC) |
                               sqlite3_bind_int64(statement, 2, id),
                           "write validation", err);
    if (status == STATUS_OK)
        status = sql_run(&store->sql, statement, "write validation", err);
    sqlite3_finalize(statement);
    return status;
}

enum status store_put_validation(struct store *store, const struct store_validation *validation,
                                 struct error *err)
{
    int64_t id = 0;
    enum status status = begin(store, err);
    if (status != STATUS_OK)
        return status;
    status = insert_head(store,
                         "INSERT INTO validation (created_at, model, hardware, device)"
                         " VALUES (datetime('now'), ?, ?, ?)",
                         validation->model, validation->hardware, validation->device, &id, err);
    if (status == STATUS_OK)
        status = put_rate_key(store, id, validation->rate_key, err);
    if (status == STATUS_OK)
        status = put_rows(store, id, validation,
                          "INSERT INTO validation_metric (validation_id, policy, load_percent,"
                          " metric, sim, sim_half_range, run, half_width, tolerance_percent,"
                          " tolerance_unit, repeats) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                          bind_metric, validation->count, err);
    if (status == STATUS_OK)
        status = put_rows(store, id, validation,
                          "INSERT INTO validation_difference (validation_id, policy, minus,"
                          " load_percent, metric, sim, sim_half_range, run, half_width,"
                          " tolerance_percent, verdict, repeats)"
                          " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                          bind_difference, validation->difference_count, err);
    if (status == STATUS_OK)
        status = put_rows(store, id, validation,
                          "INSERT INTO validation_load (validation_id, load_percent, reached, rate,"
                          " least_percent, most_percent, run_percent) VALUES (?, ?, ?, ?, ?, ?, ?)",
                          bind_load, validation->load_count, err);
    return end(store, status, err);
}
