/* tests/validate/store/test_store_migration.c - databases of every older schema become new ones:
 * whole, by whoever comes first, and killed at any moment. $REPRISE_RUNS says of how many runs they
 * are (by hand: 10000), $REPRISE_KILLS how often one is killed. */
#define _DEFAULT_SOURCE /* usleep */
#include "tests/validate/store/cases.h"

#include "base/clock.h"
#include "tests/support.h"

#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LATEST = 8, PROCESSES = 4 };

/* What takes a file from version v + 1 back to v, as one of that version was. [0]: v = 1. A new
 * version of validate/store/schema.c is a line here. */
static const char *const back[LATEST - 1] = {
    "DROP TABLE sweep_value; DROP TABLE sweep_run; DROP TABLE sweep_axis; DROP TABLE sweep;"
    "DROP TABLE point; CREATE INDEX metric_by_value ON metric (metric_id, value);",
    "DROP TABLE validation_metric; DROP TABLE validation; DROP TABLE fit; DROP TABLE sample;"
    "DROP TABLE calibration;",
    "DROP TABLE validation_difference; DROP TABLE validation_load;"
    "ALTER TABLE validation DROP COLUMN rate_key;"
    "ALTER TABLE validation_metric DROP COLUMN tolerance_unit;"
    "ALTER TABLE validation_metric DROP COLUMN sim_half_range;",
    "DROP TABLE tenant_metric;",
    "DROP TABLE turn;",
    "DROP TABLE finding;",
    "DROP TABLE difference;",
};

static uint32_t number_from(const char *variable, uint32_t otherwise)
{
    const char *text = getenv(variable);
    return text != NULL ? (uint32_t)strtoul(text, NULL, 10) : otherwise;
}

/* ---- databases of before ---- */

static void make_old(const char *path, uint32_t runs, int version)
{
    struct error err = { 0 };
    int64_t first;
    struct store *store = store_opened(path);
    for (uint32_t i = 0; i < runs; i += 100)
        ck_assert_int_eq(put_numbered(store, runs - i < 100 ? runs - i : 100, 3, &first, &err),
                         STATUS_OK);
    store_close(store);
    sql_do(path, "INSERT INTO calibration VALUES (1, '2026-11-25', 'here', 'host', 'cpu');"
                 "INSERT INTO validation (id, created_at, model, hardware, device)"
                 " VALUES (1, '2026-11-25', 'tiny', 'here', 'host')");
    for (int at = LATEST - 1; at >= version; at--)
        sql_do(path, back[at - 1]);
    char pragma[64];
    snprintf(pragma, sizeof pragma, "PRAGMA user_version = %d", version);
    sql_do(path, pragma);
}

/* All rows of the tables and columns that are there, as one text each: SELECTs to compare by. */
struct content {
    char select[24][2048];
    int64_t hash[24];
    int tables;
};

static sqlite3 *opened(const char *path)
{
    sqlite3 *db;
    ck_assert_int_eq(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_busy_timeout(db, 5000), SQLITE_OK);
    return db;
}

static int64_t hash_of_rows(sqlite3 *db, const char *select)
{
    sqlite3_stmt *rows;
    uint64_t hash = UINT64_C(14695981039346656037);
    ck_assert_msg(sqlite3_prepare_v2(db, select, -1, &rows, NULL) == SQLITE_OK, "%s: %s", select,
                  sqlite3_errmsg(db));
    while (sqlite3_step(rows) == SQLITE_ROW)
        for (int i = 0; i < sqlite3_column_count(rows); i++) {
            const unsigned char *bytes = sqlite3_column_blob(rows, i);
            for (int k = 0; k < sqlite3_column_bytes(rows, i); k++)
                hash = (hash ^ bytes[k]) * UINT64_C(1099511628211);
            hash = (hash ^ (uint64_t)sqlite3_column_type(rows, i)) * UINT64_C(1099511628211);
        }
    sqlite3_finalize(rows);
    return (int64_t)hash;
}

static struct content content_of(const char *path)
{
    struct content content = { .tables = 0 };
    sqlite3 *db = opened(path);
    sqlite3_stmt *tables;
    static const char text[] =
        "SELECT 'SELECT ' || group_concat('quote(\"' || c.name || '\")', '||') ||"
        "  ' FROM ' || t.name || ' ORDER BY 1'"
        " FROM sqlite_schema t JOIN pragma_table_info(t.name) c"
        " WHERE t.type = 'table' GROUP BY t.name ORDER BY t.name";
    ck_assert_int_eq(sqlite3_prepare_v2(db, text, -1, &tables, NULL), SQLITE_OK);
    while (sqlite3_step(tables) == SQLITE_ROW) {
        ck_assert_int_lt(content.tables, 24);
        snprintf(content.select[content.tables], sizeof content.select[0], "%s",
                 (const char *)sqlite3_column_text(tables, 0));
        content.hash[content.tables] = hash_of_rows(db, content.select[content.tables]);
        content.tables++;
    }
    sqlite3_finalize(tables);
    sqlite3_close(db);
    return content;
}

static void assert_kept(const char *path, const struct content *before)
{
    sqlite3 *db = opened(path);
    for (int i = 0; i < before->tables; i++)
        ck_assert_msg(hash_of_rows(db, before->select[i]) == before->hash[i], "%s",
                      before->select[i]);
    sqlite3_close(db);
    ck_assert_int_eq(sql_number(path, "SELECT count(*) FROM pragma_integrity_check"
                                      " WHERE integrity_check = 'ok'"),
                     1);
    ck_assert_int_eq(sql_number(path, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
}

static int64_t version_of(const char *path)
{
    return sql_number(path, "SELECT user_version FROM pragma_user_version");
}

/* ---- what must hold ---- */

START_TEST(a_database_of_each_version_keeps_all_its_rows)
{
    int version = _i + 1;
    uint32_t runs = number_from("REPRISE_RUNS", 60);
    char *path = database_path();
    make_old(path, runs, version);
    struct content before = content_of(path);
    uint64_t begin_ns = clock_now_ns();
    clock_t begin = clock(); /* the processor's: a disk that others use takes its time */
    store_close(store_opened(path));
    double seconds = (double)(clock() - begin) / CLOCKS_PER_SEC;
    if (getenv("REPRISE_RUNS") != NULL)
        printf("%u runs from version %d: %.3f s, of CPU %.3f s\n", runs, version,
               (double)(clock_now_ns() - begin_ns) * 1e-9, seconds);
    /* No migration reads the runs: they take as long for many as for few. */
    ck_assert_double_lt(seconds, 2.0 + 1e-4 * runs);
    ck_assert_int_eq(version_of(path), LATEST);
    assert_kept(path, &before);
    struct store *store = store_opened(path);
    struct error err = { 0 };
    int64_t first;
    ck_assert_int_eq(put_numbered(store, 2, 3, &first, &err), STATUS_OK);
    ck_assert_int_eq(first, runs + 1);
    store_close(store);
    database_remove(path);
}
END_TEST

/* A reader has no business writing: it says what is to be done. */
START_TEST(a_reader_leaves_an_older_database_as_it_is)
{
    struct error err = { 0 };
    struct store *store = NULL;
    char *path = database_path();
    make_old(path, 3, 6);
    struct content before = content_of(path);
    ck_assert_int_eq(store_open(path, true, &store, &err), STATUS_IO);
    ck_assert_ptr_nonnull(strstr(err.found, "older schema"));
    ck_assert_int_eq(version_of(path), 6);
    assert_kept(path, &before);
    database_remove(path);
}
END_TEST

/* As an older reprise does with a database of today: there is no way back, and nothing is lost. */
START_TEST(a_database_of_a_newer_program_is_refused_and_left_as_it_is)
{
    struct error err = { 0 };
    struct store *store = NULL;
    char *path = database_path();
    make_old(path, 3, LATEST);
    char pragma[64];
    snprintf(pragma, sizeof pragma, "PRAGMA user_version = %d", LATEST + 1);
    sql_do(path, pragma);
    struct content before = content_of(path);
    for (int reads = 0; reads < 2; reads++) {
        err = (struct error){ 0 };
        ck_assert_int_eq(store_open(path, reads == 1, &store, &err), STATUS_IO);
        ck_assert_ptr_nonnull(strstr(err.found, "written by a newer reprise"));
    }
    ck_assert_int_eq(version_of(path), LATEST + 1);
    assert_kept(path, &before);
    database_remove(path);
}
END_TEST

static pid_t migrating(const char *path)
{
    struct error err = { 0 };
    struct store *store = NULL;
    fflush(NULL);
    pid_t child = fork();
    if (child != 0)
        return child;
    enum status status = store_open(path, false, &store, &err);
    _exit(status == STATUS_OK ? 0 : 3);
}

static int code_of(pid_t child)
{
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static double seconds_to_migrate(const char *path)
{
    uint64_t begin_ns = clock_now_ns();
    ck_assert_int_eq(code_of(migrating(path)), 0);
    return (double)(clock_now_ns() - begin_ns) * 1e-9;
}

START_TEST(a_migration_that_is_killed_leaves_the_old_or_the_new)
{
    uint32_t kills = number_from("REPRISE_KILLS", TRIES(8)), old = 0, new = 0;
    uint64_t state = test_seed();
    char *path = database_path();
    make_old(path, number_from("REPRISE_RUNS", 50), 1);
    struct content before = content_of(path);
    size_t bytes;
    char *file = file_content(path, &bytes);
    double most_s = 1.5 * seconds_to_migrate(path);
    for (uint32_t i = 0; i < kills; i++) {
        database_remove(strdup(path));
        FILE *out = fopen(path, "wb");
        ck_assert(fwrite(file, 1, bytes, out) == bytes && fclose(out) == 0);
        state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
        pid_t child = migrating(path);
        usleep((useconds_t)((double)(state >> 40) / 0x1p24 * most_s * 1e6));
        kill(child, SIGKILL);
        code_of(child);
        int64_t version = version_of(path);
        ck_assert_msg(version == 1 || version == LATEST, "version %lld", (long long)version);
        old += version == 1;
        new += version == LATEST;
        assert_kept(path, &before);
        ck_assert_int_eq(code_of(migrating(path)), 0); /* and the next one ends it */
        ck_assert_int_eq(version_of(path), LATEST);
        assert_kept(path, &before);
    }
    if (getenv("REPRISE_KILLS") != NULL)
        printf("%u killed: %u old, %u new\n", kills, old, new);
    free(file);
    database_remove(path);
}
END_TEST

START_TEST(several_processes_may_come_to_an_old_database_at_once)
{
    for (int round = 0; round < TRIES(3); round++) {
        pid_t child[PROCESSES];
        char *path = database_path();
        make_old(path, 20, 1 + 2 * round);
        struct content before = content_of(path);
        for (int i = 0; i < PROCESSES; i++)
            child[i] = migrating(path);
        for (int i = 0; i < PROCESSES; i++)
            ck_assert_int_eq(code_of(child[i]), 0);
        ck_assert_int_eq(version_of(path), LATEST);
        assert_kept(path, &before);
        database_remove(path);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store_migration");
    TCase *tcase = tcase_create("store_migration");
    tcase_set_timeout(tcase, getenv("REPRISE_RUNS") != NULL ? 3600 : 300);
    tcase_add_loop_test(tcase, a_database_of_each_version_keeps_all_its_rows, 0, LATEST - 1);
    tcase_add_test(tcase, a_reader_leaves_an_older_database_as_it_is);
    tcase_add_test(tcase, a_database_of_a_newer_program_is_refused_and_left_as_it_is);
    tcase_add_test(tcase, a_migration_that_is_killed_leaves_the_old_or_the_new);
    tcase_add_test(tcase, several_processes_may_come_to_an_old_database_at_once);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
