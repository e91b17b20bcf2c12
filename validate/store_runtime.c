/* validate/store_runtime.c - see store_runtime.h. */
#include "validate/store_runtime.h"

#include "base/units.h"
#include "validate/host.h"
#include "validate/store_handle.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

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
                               const struct calibration_samples *samples, struct error *err)
{
    sqlite3_stmt *statement = NULL;
    enum status status =
        sql_prepare(&store->sql,
                    "INSERT INTO sample (calibration_id, number, what, x, y, value_ns)"
                    " VALUES (?, ?, ?, ?, ?, ?)",
                    &statement, err);
    for (uint32_t i = 0; i < samples->count && status == STATUS_OK; i++) {
        const struct sample *sample = &samples->sample[i];
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

static enum status put_fits(struct store *store, int64_t id, const struct calibration_fits *fits,
                            struct error *err)
{
    sqlite3_stmt *statement = NULL;
    enum status status = sql_prepare(&store->sql,
                                     "INSERT INTO fit (calibration_id, number, what, parameter, x, "
                                     "y, value, low, high, residual,"
                                     " samples) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                                     &statement, err);
    for (uint32_t i = 0; i < fits->count && status == STATUS_OK; i++) {
        const struct calibration_fit *fit = &fits->fit[i];
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

enum status store_put_calibration(struct store *store, const char *name,
                                  const struct calibration_samples *samples,
                                  const struct calibration_fits *fits, struct error *err)
{
    int64_t id = 0;
    struct host host = host_here();
    char device[320];
    snprintf(device, sizeof device, "%s; SSD: %s", samples->device, samples->ssd);
    enum status status = begin(store, err);
    if (status != STATUS_OK)
        return status;
    status = insert_head(store,
                         "INSERT INTO calibration (created_at, name, device, host_cpu)"
                         " VALUES (datetime('now'), ?, ?, ?)",
                         name, device, host.cpu, &id, err);
    if (status == STATUS_OK)
        status = put_samples(store, id, samples, err);
    if (status == STATUS_OK)
        status = put_fits(store, id, fits, err);
    return end(store, status, err);
}

static enum status put_metric(struct store *store, sqlite3_stmt *statement, int64_t id,
                              const struct validated_point *point,
                              const struct validated_metric *metric, struct error *err)
{
    int rc = sqlite3_bind_int64(statement, 1, id) |
             sqlite3_bind_text(statement, 2, point->policy, -1, SQLITE_STATIC) |
             sqlite3_bind_double(statement, 3, point->load_percent) |
             sqlite3_bind_text(statement, 4, metric->name, -1, SQLITE_STATIC) |
             sqlite3_bind_double(statement, 5, metric->sim) |
             sqlite3_bind_double(statement, 6, metric->run) |
             sqlite3_bind_double(statement, 7, metric->half_width) | /* NaN is NULL */
             sqlite3_bind_double(statement, 8, metric->tolerance_percent) |
             sqlite3_bind_int64(statement, 9, point->repeats);
    enum status status = sql_check(&store->sql, rc, "write validation", err);
    return status == STATUS_OK ? sql_run(&store->sql, statement, "write validation", err) : status;
}

enum status store_put_validation(struct store *store, const struct validation *validation,
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
    for (uint32_t p = 0; p < validation->count; p++)
        for (int i = 0; i < VALIDATED_COUNT && status == STATUS_OK; i++)
            status = put_metric(store, statement, id, &validation->point[p],
                                &validation->point[p].metric[i], err);
    sqlite3_finalize(statement);
    return end(store, status, err);
}

/* The value of the last fit of that name; 0: none. */
static double value_of(const struct calibration_fits *fits, const char *what)
{
    double value = 0.0;
    for (uint32_t i = 0; i < fits->count; i++)
        if (strcmp(fits->fit[i].what, what) == 0)
            value = fits->fit[i].value;
    return value;
}

/* What the simulator leaves out: a prefill takes as long whether links are busy or not, and whether
 * anything ran before it or not. */
static void print_beside(FILE *out, const struct calibration_fits *fits)
{
    double alone_ns = value_of(fits, "prefill_alone");
    double beside_ns = value_of(fits, "prefill_beside_copies");
    double decode_ns = value_of(fits, "prefill_behind_decode");
    double pause_ns = value_of(fits, "prefill_behind_pause");
    if (alone_ns > 0.0 && beside_ns > 0.0)
        fprintf(out, "a layer of prefill while both links copy takes %+.1f %%\n",
                100.0 * (beside_ns / alone_ns - 1.0));
    if (decode_ns > 0.0 && pause_ns > 0.0)
        fprintf(out,
                "a prefill behind a pause of 50 ms takes %.3f ms, behind a decode iteration %.3f\n",
                pause_ns / 1e6, decode_ns / 1e6);
    if (fits->both_bytes_per_s > 0.0)
        fprintf(out, "both directions of the link together move %.3g GB/s, of %.3g alone\n",
                fits->both_bytes_per_s / 1e9,
                (fits->h2d_bytes_per_s + fits->d2h_bytes_per_s) / 1e9);
    if (fits->ssd_both_bytes_per_s > 0.0)
        fprintf(out, "reads and writes of the disk together move %.3g GB/s, of %.3g alone\n",
                fits->ssd_both_bytes_per_s / 1e9,
                (fits->ssd_read_bytes_per_s + fits->ssd_write_bytes_per_s) / 1e9);
}

void calibration_print(FILE *out, const struct calibration_samples *samples,
                       const struct calibration_fits *fits)
{
    double worst = 0.0;
    fprintf(out, "%s; SSD: %s; %u samples\n\n%-18s %-14s %12s %25s %9s %8s\n", samples->device,
            samples->ssd, samples->count, "what", "parameter", "value", "95 % interval", "residual",
            "samples");
    for (uint32_t i = 0; i < fits->count; i++) {
        const struct calibration_fit *fit = &fits->fit[i];
        if (fit->x > 0.0) {
            worst = fit->residual > worst ? fit->residual : worst;
            continue;
        }
        fprintf(out, "%-18s %-14s %12.4g %12.4g %12.4g %8.1f%% %8u\n", fit->what, fit->parameter,
                fit->value, fit->low, fit->high, 100.0 * fit->residual, fit->samples);
    }
    fprintf(out,
            "\n%u points of prefill on a grid of %u by %u; a product attains %.3g GFLOP/s; "
            "largest spread of a point's repeats: %.0f %%\n",
            fits->measured.points, fits->measured.news, fits->measured.cacheds,
            fits->flop_per_s / 1e9, 100.0 * worst);
    print_beside(out, fits);
}
