/* tests/validate/store/cases.c - see cases.h. */
#include "tests/validate/store/cases.h"

#include "tests/support.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char *database_path(void)
{
    char *path = test_temp_file("");
    unlink(path);
    return path;
}

void database_remove(char *path)
{
    static const char *const endings[] = { "", "-wal", "-shm" };
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        char name[4200];
        snprintf(name, sizeof name, "%s%s", path, endings[i]);
        unlink(name);
    }
    free(path);
}

/* A number without a short binary form, so that rounding on the way would show. */
static void set_curve(struct series *series, const char *name, uint32_t number, uint32_t points)
{
    *series = (struct series){ .x_unit = "ns", .y_unit = "share", .count = points };
    snprintf(series->name, sizeof series->name, "%s", name);
    series->x = calloc(points + 1, sizeof *series->x);
    series->y = calloc(points + 1, sizeof *series->y);
    uint64_t state = number + 1;
    for (uint32_t i = 0; i < points; i++) {
        state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
        series->x[i] = (double)state / 3.0;
        series->y[i] = (double)i / 7.0;
    }
}

struct sim_result result_numbered(uint32_t number, uint32_t points)
{
    struct sim_result result = { .trace_hash = UINT64_C(0xFEDCBA9876543210) + number,
                                 .open_loop = number % 2 == 1,
                                 .trace_format = "sharegpt-like",
                                 .timing_source = "by hand",
                                 .kv_bytes_per_token = 819200,
                                 .kv_budget_bytes = 1000000000,
                                 .series_count = 2 };
    double values[METRIC_COUNT];
    for (int i = 0; i < METRIC_COUNT; i++)
        values[i] = 1000.0 * number + i + 0.5;
    memcpy(&result.metrics, values, sizeof values);
    set_curve(&result.series[0], "ttft_cdf", number, points);
    set_curve(&result.series[1], "queue_over_time", number + 17, points);
    return result;
}

enum status put_numbered(struct store *store, uint32_t count, uint32_t points, int64_t *first_id,
                         struct error *err)
{
    struct sim_result *results = calloc(count, sizeof *results);
    struct store_run *runs = calloc(count, sizeof *runs);
    char(*names)[32] = calloc(count, sizeof *names);
    for (uint32_t i = 0; i < count; i++) {
        results[i] = result_numbered(i, points);
        snprintf(names[i], sizeof names[i], "policy-%u", i);
        runs[i] = (struct store_run){
            .name = names[i], .config_yaml = "policy: \"x\"\n", .seed = 7 + i, .result = &results[i]
        };
    }
    enum status status = store_put_runs(store, runs, count, first_id, err);
    for (uint32_t i = 0; i < count; i++)
        sim_result_free(&results[i]);
    free(names);
    free(runs);
    free(results);
    return status;
}

struct store *store_opened(const char *path)
{
    struct error err = { 0 };
    struct store *store = NULL;
    if (store_open(path, false, &store, &err) != STATUS_OK) {
        error_print(stderr, &err);
        ck_abort_msg("store refused");
    }
    return store;
}

char *file_content(const char *path, size_t *bytes)
{
    struct stat facts;
    if (stat(path, &facts) != 0 || !S_ISREG(facts.st_mode))
        return NULL;
    FILE *file = fopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    *bytes = (size_t)facts.st_size;
    char *content = malloc(*bytes + 1);
    ck_assert_ptr_nonnull(content);
    ck_assert_uint_eq(fread(content, 1, *bytes, file), *bytes);
    fclose(file);
    return content;
}

int64_t sql_number(const char *path, const char *text)
{
    sqlite3 *db;
    sqlite3_stmt *statement;
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_msg(sqlite3_prepare_v2(db, text, -1, &statement, NULL) == SQLITE_OK, "%s: %s", text,
                  sqlite3_errmsg(db));
    ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
    int64_t number = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return number;
}

void sql_do(const char *path, const char *text)
{
    sqlite3 *db;
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_msg(sqlite3_exec(db, text, NULL, NULL, NULL) == SQLITE_OK, "%s: %s", text,
                  sqlite3_errmsg(db));
    sqlite3_close(db);
}
