/* tests/validate/store/test_store_stranger.c - a database that anyone may have made: what is in it
 * does not run, lie, hang or crash us, and nothing beside it is trusted. Each case is refused with
 * its reason, read or merged, and no byte of the file is another one afterwards. */
#include "base/random.h"
#include "tests/support.h"
#include "tests/validate/store/cases.h"
#include "validate/store/store_sweep.h"
#include "validate/store/store_turns.h"

#include <fcntl.h>
#include <inttypes.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Two runs, a sweep of two points, of which one is done, a turn and a difference. */
static char *stranger(void)
{
    char *path = database_path();
    struct store *store = store_opened(path);
    struct error err = { 0 };
    int64_t first;
    ck_assert_int_eq(put_numbered(store, 2, 100, &first, &err), STATUS_OK);
    store_close(store);
    sql_do(path, "INSERT INTO point VALUES ('k', 1, NULL);"
                 "INSERT INTO sweep VALUES (1, 'hash', 1, 'reprise sweep');"
                 "INSERT INTO sweep_axis VALUES (1, 0, 'tiers.dram.capacity');"
                 "INSERT INTO sweep_run VALUES (1, 0, 0, 0, 'k'), (1, 1, 1, 0, 'l');"
                 "INSERT INTO sweep_value VALUES (1, 0, 0, '1GB'), (1, 1, 0, '2GB');"
                 "INSERT INTO finding VALUES (1, 0, 'a sentence');"
                 "INSERT INTO turn (run_id, turn, session) VALUES (1, 1, 0);"
                 "INSERT INTO difference VALUES (2, 1, 'ttft_mean_ns', 1, 2, NULL, 3, 4, 5)");
    return path;
}

static void assert_file_is(const char *path, const char *before, size_t before_bytes)
{
    size_t bytes;
    char *after = file_content(path, &bytes);
    ck_assert_uint_eq(bytes, before_bytes);
    ck_assert_mem_eq(after, before, bytes);
    free(after);
}

static void assert_nothing_beside(const char *path)
{
    static const char *const endings[] = { "-wal", "-shm", "-journal" };
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        char name[4200];
        snprintf(name, sizeof name, "%s%s", path, endings[i]);
        ck_assert_msg(access(name, F_OK) != 0, "%s", name);
    }
}

/* What cases are made of: a database, its bytes, and another one to merge into. */
struct ground {
    char *path, *bytes, *other;
    size_t size_bytes;
    struct store *all;
};

static struct ground ground_of(char *path)
{
    struct ground ground = { .path = path, .other = database_path() };
    ground.bytes = file_content(path, &ground.size_bytes);
    ground.all = store_opened(ground.other);
    return ground;
}

/* The database as it was. */
static void write_again(const struct ground *ground, const char *bytes, size_t size_bytes)
{
    FILE *file = fopen(ground->path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, size_bytes, file), size_bytes);
    ck_assert_int_eq(fclose(file), 0);
}

static void ground_end(struct ground *ground)
{
    store_close(ground->all);
    ck_assert_int_eq(sql_number(ground->other, "SELECT count(*) FROM run"), 0);
    database_remove(ground->other);
    database_remove(ground->path);
    free(ground->bytes);
}

/* By each way in: to be read, to be written, to be merged; under sanitizers by one of them, from
 * case to case another. */
static void assert_refused_everywhere(const struct ground *ground, int number, const char *words)
{
    const char *path = ground->path;
    size_t bytes;
    char *before = file_content(path, &bytes);
    for (int n = 0; n < TRIES(3); n++) {
        struct error err = { 0 };
        struct store *store = NULL;
        uint64_t added;
        int way = (number + n) % 3;
        enum status status = way < 2 ? store_open(path, way == 0, &store, &err)
                                     : store_merge(ground->all, path, &added, &err);
        ck_assert_msg(status == STATUS_IO, "way %d: taken, not refused for \"%s\"", way, words);
        ck_assert_str_eq(err.file, path);
        ck_assert_msg(strstr(err.found, words) != NULL, "way %d: \"%s\" does not say \"%s\"", way,
                      err.found, words);
        assert_file_is(path, before, bytes);
        assert_nothing_beside(path);
    }
    free(before);
}

/* What its tables are. An `edit` is of the schema's own text, as no statement of SQLite allows. */
static const struct {
    const char *statements, *words;
} tables[] = {
    { "CREATE TRIGGER t AFTER INSERT ON run BEGIN DELETE FROM comparison; END",
      "t: it is a trigger" },
    { "CREATE TRIGGER t INSTEAD OF INSERT ON run_wide BEGIN DELETE FROM run; END", "trigger" },
    { "ALTER TABLE finding RENAME TO f; CREATE VIEW finding AS SELECT * FROM f", "finding: it is" },
    { "DROP TABLE finding; CREATE VIEW finding (run_id, number, sentence) AS WITH RECURSIVE n(x) AS"
      " (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT 1, x, 'endless' FROM n",
      "finding: it is" },
    { "DROP TABLE finding; CREATE VIRTUAL TABLE finding USING fts5(run_id, number, sentence)",
      "finding: it is another" },
    { "DROP TABLE finding; CREATE TABLE finding (run_id INTEGER, number INTEGER, sentence TEXT)",
      "finding: it is another" },
    { "DROP TABLE finding; CREATE TABLE finding (run_id INTEGER NOT NULL, number INTEGER NOT NULL,"
      " sentence TEXT AS (hex(zeroblob(500000000))), PRIMARY KEY (run_id, number)) STRICT",
      "finding: it is another" },
    { "DROP TABLE difference", "difference: it is missing" },
    { "ALTER TABLE run ADD COLUMN mine TEXT", "run: it is another" },
    { "DROP INDEX run_by_comparison; CREATE INDEX run_by_comparison ON run (hex(config_yaml))",
      "run_by_comparison: it is another" },
    { "DROP VIEW run_metric; CREATE VIEW run_metric AS SELECT load_extension('x')",
      "run_metric: it is another" },
    { "PRAGMA user_version = 3", "it is another" },
    { "PRAGMA user_version = 0", "not one of reprise's" },
    { "PRAGMA user_version = -2000000000", "not one of reprise's" },
    { "PRAGMA user_version = 2000000000", "written by a newer reprise" },
    { "PRAGMA application_id = 1", "not one of reprise's" },
};
enum { TABLES = sizeof tables / sizeof *tables };

START_TEST(a_database_whose_tables_are_not_ours_is_refused)
{
    struct ground ground = ground_of(stranger());
    for (int i = 0; i < TABLES; i++) {
        write_again(&ground, ground.bytes, ground.size_bytes);
        sql_do(ground.path, tables[i].statements);
        assert_refused_everywhere(&ground, i, tables[i].words);
    }
    ground_end(&ground);
}
END_TEST

/* What stands in its cells. */
static const struct {
    const char *statements, *words;
} cells[] = {
    { "UPDATE metric SET value = 9e999 WHERE run_id = 1", "metric: a row holds" },
    { "UPDATE metric SET value = -1e31 WHERE run_id = 2 AND metric_id = 3", "metric" },
    { "UPDATE series SET points = -1", "series" },
    { "UPDATE series SET points = 9223372036854775807", "series" },
    { "UPDATE series SET xy_zstd = zeroblob(3000000) WHERE run_id = 2", "series" },
    { "UPDATE run SET name = 'lru' || char(0) || 'x' WHERE id = 2", "run" },
    { "UPDATE run SET name = hex(zeroblob(3000)) WHERE id = 2", "run" },
    { "UPDATE run SET config_yaml = hex(zeroblob(2000000)) WHERE id = 1", "run" },
    { "UPDATE run SET id = -7 WHERE id = 2", "run" },
    { "UPDATE run SET id = 9223372036854775807 WHERE id = 2", "run" },
    { "UPDATE comparison SET id = 0", "comparison" },
    { "UPDATE sweep_run SET number = -1 WHERE number = 1", "sweep_run" },
    { "UPDATE sweep_run SET point = 4294967296 WHERE number = 1", "sweep_run" },
    { "UPDATE sweep_axis SET axis = 256", "sweep_axis" },
    { "UPDATE sweep_value SET axis = -1", "sweep_value" },
    { "UPDATE sweep_value SET value = char(0)", "sweep_value" },
    { "UPDATE turn SET ttft_ns = -1", "turn" },
    { "UPDATE turn SET server = 9223372036854775807", "turn" },
    { "UPDATE turn SET lost_why = char(0)", "turn" },
    { "UPDATE finding SET sentence = hex(zeroblob(30000))", "finding" },
    { "UPDATE difference SET pairs = -1", "difference" },
    { "UPDATE difference SET value = -9e999", "difference" },
    { "UPDATE difference SET resamples = 4294967296", "difference" },
    { "UPDATE point SET failure = 'x' || char(0), run_id = NULL", "point" },
};
enum { CELLS = sizeof cells / sizeof *cells };

START_TEST(a_cell_that_no_run_gives_is_refused)
{
    struct ground ground = ground_of(stranger());
    for (int i = 0; i < CELLS; i++) {
        write_again(&ground, ground.bytes, ground.size_bytes);
        char statements[512];
        snprintf(statements, sizeof statements, "PRAGMA foreign_keys = 0; %s", cells[i].statements);
        sql_do(ground.path, statements);
        assert_refused_everywhere(&ground, i, cells[i].words);
    }
    ground_end(&ground);
}
END_TEST

/* Another type than the column's: what STRICT keeps out of a table that has it, not of the file. */
static const struct {
    const char *table, *statement;
} types[] = {
    { "metric", "UPDATE metric SET value = 'text' WHERE run_id = 1" },
    { "metric", "UPDATE metric SET value = x'00' WHERE run_id = 1" },
    { "run", "UPDATE run SET seed = 'many'" },
    { "run", "UPDATE run SET name = x'6c7275'" },
    { "run", "UPDATE run SET kv_budget_bytes = 1.5" },
    { "series", "UPDATE series SET points = 'all'" },
    { "series", "UPDATE series SET xy_zstd = 'text'" },
    { "sweep_run", "UPDATE sweep_run SET point = 'first'" },
    { "sweep_value", "UPDATE sweep_value SET value = x'37'" },
    { "turn", "UPDATE turn SET ttft_ns = 'long'" },
    { "difference", "UPDATE difference SET pairs = 0.5" },
};
enum { TYPES = sizeof types / sizeof *types };

/* Takes STRICT off the table, or puts it back. */
static void set_strict(const char *path, const char *table, bool strict)
{
    static const char off[] =
        "replace(replace(sql, ') STRICT, WITHOUT', ') WITHOUT'), ') STRICT', ')')";
    static const char on[] = "CASE WHEN sql LIKE '%WITHOUT ROWID' THEN"
                             " replace(sql, ') WITHOUT', ') STRICT, WITHOUT')"
                             " ELSE sql || ' STRICT' END";
    char *text = sqlite3_mprintf("PRAGMA writable_schema = 1; UPDATE sqlite_schema SET sql = %s"
                                 " WHERE name = '%q' AND type = 'table'",
                                 strict ? on : off, table);
    sql_do(path, text);
    sqlite3_free(text);
}

START_TEST(a_cell_of_another_type_is_refused)
{
    struct ground ground = ground_of(stranger());
    for (int i = 0; i < TYPES; i++) {
        write_again(&ground, ground.bytes, ground.size_bytes);
        set_strict(ground.path, types[i].table, false);
        sql_do(ground.path, types[i].statement);
        set_strict(ground.path, types[i].table, true);
        assert_refused_everywhere(&ground, i, types[i].table);
    }
    ground_end(&ground);
}
END_TEST

/* What somebody put there for questions of their own stays, and does not run: this view ends never.
 */
START_TEST(views_and_tables_of_the_user_are_left_alone)
{
    char *path = stranger(), *other = database_path();
    sql_do(
        path,
        "CREATE TABLE mine (a PRIMARY KEY, b CHECK (b <> 7));"
        "INSERT INTO mine VALUES ('x', 1);"
        "CREATE VIEW fast AS SELECT * FROM run_metric WHERE value < 7;"
        "CREATE VIEW merge_run AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n)"
        " SELECT x AS id FROM n;"
        "CREATE INDEX metric_of_mine ON metric (value); ANALYZE");
    struct store *all = store_opened(other), *store = store_opened(path);
    struct error err = { 0 };
    uint64_t added;
    int64_t first;
    ck_assert_int_eq(put_numbered(store, 1, 10, &first, &err), STATUS_OK);
    store_close(store);
    ck_assert_int_eq(store_merge(all, path, &added, &err), STATUS_OK);
    ck_assert_uint_eq(added, 3);
    store_close(all);
    ck_assert_int_eq(sql_number(path, "SELECT count(*) FROM mine"), 1);
    ck_assert_int_eq(sql_number(other, "SELECT count(*) FROM sqlite_schema WHERE name = 'mine'"),
                     0);
    /* Merging into it does not run its views either, though one is named as a table of ours is. */
    store = store_opened(path);
    ck_assert_int_eq(store_merge(store, other, &added, &err), STATUS_OK);
    store_close(store);
    database_remove(path);
    database_remove(other);
}
END_TEST

/* ---- pages ---- */

static uint32_t big_endian(const unsigned char *bytes, int count)
{
    uint32_t number = 0;
    for (int i = 0; i < count; i++)
        number = number << 8 | bytes[i];
    return number;
}

/* Where a tree has room, all of its root's children become one page: the first, or the root itself,
 * which a walk would go down for ever. */
static void make_bomb(const char *path, uint32_t root, bool to_itself)
{
    int fd = open(path, O_RDWR);
    unsigned char head[100], page[65536];
    ck_assert_int_eq(pread(fd, head, sizeof head, 0), sizeof head);
    uint32_t bytes = big_endian(head + 16, 2), begin = root == 1 ? 100 : 0;
    off_t at = (off_t)(root - 1) * bytes;
    ck_assert_int_eq(pread(fd, page, bytes, at), bytes);
    ck_assert(page[begin] == 2 || page[begin] == 5); /* inner */
    uint32_t count = big_endian(page + begin + 3, 2);
    ck_assert_uint_ge(count, 1);
    unsigned char child[4];
    memcpy(child, page + big_endian(page + begin + 12, 2), 4);
    if (to_itself)
        for (int i = 0; i < 4; i++)
            child[i] = (unsigned char)(root >> (24 - 8 * i));
    for (uint32_t i = 0; i < count; i++)
        memcpy(page + big_endian(page + begin + 12 + 2 * i, 2), child, 4);
    memcpy(page + begin + 8, child, 4);
    ck_assert_int_eq(pwrite(fd, page, bytes, at), bytes);
    close(fd);
}

START_TEST(a_tree_that_never_ends_is_refused)
{
    static const struct {
        const char *table, *words;
        bool to_itself;
    } bombs[] = { { "metric", "metric", false },
                  { "metric", "metric", true },
                  { NULL, "malformed", false },
                  { NULL, "malformed", true } };
    char *path = database_path(), text[128];
    struct store *store = store_opened(path);
    struct error err = { 0 };
    int64_t first;
    ck_assert_int_eq(put_numbered(store, 20, 10, &first, &err), STATUS_OK);
    store_close(store);
    snprintf(text, sizeof text, "SELECT rootpage FROM sqlite_schema WHERE name = '%s'",
             bombs[_i].table != NULL ? bombs[_i].table : "");
    make_bomb(path, bombs[_i].table != NULL ? (uint32_t)sql_number(path, text) : 1,
              bombs[_i].to_itself);
    struct ground ground = ground_of(path);
    assert_refused_everywhere(&ground, _i, bombs[_i].words);
    ground_end(&ground);
}
END_TEST

/* The frame of a blob says how long it is, and may lie; or tells the truth of much. */
START_TEST(a_curve_that_unpacks_to_much_is_refused)
{
    static const char *const blobs[] = {
        /* a frame of one segment that says 64 GiB of content, with one block of RLE */
        "x'28B52FFDE00000000010000000030000FF'",
        /* 1 MiB said, and none there */
        "x'28B52FFDA000001000'",
    };
    char *path = stranger(), text[256];
    snprintf(text, sizeof text, "UPDATE series SET points = 65536, xy_zstd = %s", blobs[_i]);
    sql_do(path, text);
    struct error err = { 0 };
    struct store *store = NULL;
    struct series series;
    ck_assert_int_eq(store_open(path, true, &store, &err), STATUS_OK);
    ck_assert_int_eq(store_series(store, 1, "ttft_cdf", &series, &err), STATUS_IO);
    ck_assert_str_eq(err.found, "its blob is damaged");
    store_close(store);
    database_remove(path);
}
END_TEST

/* ---- what lies beside it ---- */

/* A process that writes and dies in the middle, in that journal mode: leaves a journal or a log. */
static void die_writing(const char *path, const char *mode, const char *statements)
{
    pid_t child = fork();
    if (child == 0) {
        sqlite3 *db;
        char pragmas[128];
        snprintf(pragmas, sizeof pragmas, "PRAGMA journal_mode = %s; PRAGMA cache_size = 1", mode);
        if (sqlite3_open(path, &db) == SQLITE_OK && sqlite3_exec(db, pragmas, 0, 0, 0) == SQLITE_OK)
            sqlite3_exec(db, statements, 0, 0, 0);
        _exit(0);
    }
    int how;
    ck_assert_int_eq(waitpid(child, &how, 0), child);
}

static const char half[] = "BEGIN; UPDATE run SET seed = seed + 1; UPDATE metric SET value = 1";

START_TEST(a_journal_that_is_to_be_undone_is_not_undone_by_reading)
{
    char *path = stranger();
    die_writing(path, "DELETE", half);
    size_t bytes;
    char *before = file_content(path, &bytes);
    struct error err = { 0 };
    struct store *store = NULL;
    ck_assert_int_eq(store_open(path, true, &store, &err), STATUS_IO);
    ck_assert_msg(strstr(err.found, "journal") != NULL, "%s", err.found);
    assert_file_is(path, before, bytes);
    free(before);
    store_close(store_opened(path)); /* writing undoes it */
    ck_assert_int_eq(sql_number(path, "SELECT count(*) FROM run WHERE seed < 9"), 2);
    ck_assert_int_eq(sql_number(path, "SELECT count(*) FROM metric WHERE value = 1"), 0);
    database_remove(path);
}
END_TEST

/* A journal may name a file that lists it, which SQLite deletes once no journal is there. */
START_TEST(a_journal_that_names_another_file_is_not_followed)
{
    char *path = stranger(), *victim = test_temp_file(""), journal[4200];
    die_writing(path, "DELETE", half);
    snprintf(journal, sizeof journal, "%s-journal", path);
    FILE *file = fopen(journal, "ab");
    unsigned sum = 0;
    size_t length = strlen(victim);
    for (size_t i = 0; i < length; i++)
        sum += (unsigned char)victim[i];
    const uint32_t numbers[] = { (uint32_t)length, sum };
    const unsigned char magic[] = { 0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7 };
    fwrite("\0\0\0\0", 1, 4, file);
    fwrite(victim, 1, length, file);
    for (int n = 0; n < 2; n++)
        for (int i = 3; i >= 0; i--)
            fputc((int)(numbers[n] >> (8 * i) & 255), file);
    fwrite(magic, 1, sizeof magic, file);
    fclose(file);
    struct error err = { 0 };
    struct store *store = NULL;
    ck_assert_int_eq(store_open(path, false, &store, &err), STATUS_IO);
    ck_assert_msg(strstr(err.found, "names another file") != NULL, "%s", err.found);
    err = (struct error){ 0 };
    ck_assert_int_eq(store_open(path, true, &store, &err), STATUS_IO);
    ck_assert_int_eq(access(victim, F_OK), 0);
    unlink(victim);
    unlink(journal);
    free(victim);
    database_remove(path);
}
END_TEST

START_TEST(a_journal_that_cannot_be_read_is_not_taken_for_none)
{
    char *path = stranger(), journal[4200];
    struct error err = { 0 };
    struct store *store = NULL;
    snprintf(journal, sizeof journal, "%s-journal", path);
    ck_assert_int_eq(symlink(journal, journal), 0); /* which leads to itself */
    ck_assert_int_eq(store_open(path, false, &store, &err), STATUS_IO);
    ck_assert_str_eq(err.found, strerror(ELOOP));
    unlink(journal);
    database_remove(path);
}
END_TEST

START_TEST(a_log_that_was_left_is_read_and_stays)
{
    char *path = stranger(), log[4200];
    die_writing(path, "WAL", "UPDATE run SET seed = 77");
    snprintf(log, sizeof log, "%s-wal", path);
    size_t bytes, log_bytes;
    char *before = file_content(path, &bytes), *log_before = file_content(log, &log_bytes);
    ck_assert_ptr_nonnull(log_before);
    ck_assert_uint_gt(log_bytes, 0);
    struct store *store = NULL;
    struct error err = { 0 };
    struct store_runs runs;
    ck_assert_int_eq(store_open(path, true, &store, &err), STATUS_OK);
    ck_assert_int_eq(store_comparison_runs(store, 0, &runs, &err), STATUS_OK);
    ck_assert_uint_eq(runs.seed[0], 77);
    store_runs_free(&runs);
    store_close(store);
    assert_file_is(path, before, bytes);
    assert_file_is(log, log_before, log_bytes);
    free(before), free(log_before);
    database_remove(path);
}
END_TEST

START_TEST(while_it_is_read_nothing_is_beside_it)
{
    char *path = stranger();
    struct store *store = NULL;
    struct error err = { 0 };
    struct metrics metrics;
    ck_assert_int_eq(store_open(path, true, &store, &err), STATUS_OK);
    ck_assert_int_eq(store_metrics(store, 1, &metrics, &err), STATUS_OK);
    assert_nothing_beside(path);
    ck_assert_int_eq(store_still(store, &err), STATUS_OK);
    store_close(store);
    assert_nothing_beside(path);
    database_remove(path);
}
END_TEST

/* It is then read without locks, as it lies: who began to write meanwhile is noticed. */
START_TEST(what_was_written_while_it_was_read_is_told)
{
    char *path = stranger();
    struct store *store = NULL;
    struct error err = { 0 };
    ck_assert_int_eq(store_open(path, true, &store, &err), STATUS_OK);
    sql_do(path, "UPDATE run SET seed = 99");
    ck_assert_int_eq(store_still(store, &err), STATUS_IO);
    ck_assert_msg(strstr(err.found, "another process wrote it") != NULL, "%s", err.found);
    store_close(store);
    database_remove(path);
}
END_TEST

/* ---- what it is ---- */

START_TEST(what_is_no_file_of_bytes_is_refused_at_once)
{
    char *pipe_path = database_path(), *other = database_path();
    ck_assert_int_eq(mkfifo(pipe_path, 0600), 0);
    struct store *all = store_opened(other), *store = NULL;
    const char *const paths[] = { pipe_path, "/dev/zero", "/dev/null", "/proc/self/fd" };
    for (size_t i = 0; i < 4; i++)
        for (int way = 0; way < 3; way++) {
            struct error err = { 0 };
            uint64_t added;
            enum status status = way < 2 ? store_open(paths[i], way == 0, &store, &err)
                                         : store_merge(all, paths[i], &added, &err);
            ck_assert_msg(status == STATUS_IO, "%s, way %d", paths[i], way);
            ck_assert_str_eq(err.file, paths[i]);
        }
    store_close(all);
    database_remove(pipe_path);
    database_remove(other);
}
END_TEST

START_TEST(an_empty_file_is_no_database_to_read)
{
    char *path = test_temp_file("");
    struct store *store = NULL;
    struct error err = { 0 };
    ck_assert_int_eq(store_open(path, true, &store, &err), STATUS_IO);
    ck_assert_msg(strstr(err.found, "it is empty") != NULL, "%s", err.found);
    assert_nothing_beside(path);
    database_remove(path);
}
END_TEST

/* A link is followed: results go where its owner put them, and the link stays one. */
START_TEST(a_link_is_the_database_that_it_names)
{
    char *path = stranger(), *link = database_path();
    ck_assert_int_eq(symlink(path, link), 0);
    struct store *store = store_opened(link);
    struct error err = { 0 };
    int64_t first;
    ck_assert_int_eq(put_numbered(store, 1, 10, &first, &err), STATUS_OK);
    store_close(store);
    ck_assert_int_eq(sql_number(path, "SELECT count(*) FROM run"), 3);
    ck_assert_int_eq(store_open(link, true, &store, &err), STATUS_OK);
    assert_nothing_beside(link);
    store_close(store);
    struct stat facts;
    ck_assert_int_eq(lstat(link, &facts), 0);
    ck_assert(S_ISLNK(facts.st_mode));
    database_remove(link);
    database_remove(path);
}
END_TEST

/* Names that SQLite would take for something else are names of files. */
START_TEST(a_name_is_a_name_of_a_file)
{
    static const char *const names[] = { ":memory:", "file:x.db?mode=memory", "a%20b.db",
                                         "//x.db" };
    char *folder = test_temp_file(""), path[300];
    unlink(folder);
    ck_assert_int_eq(mkdir(folder, 0700), 0);
    ck_assert_int_eq(chdir(folder), 0);
    snprintf(path, sizeof path, _i == 3 ? "/%s/x.db" : "%.0s%s", folder, names[_i]);
    struct store *store = store_opened(path);
    struct error err = { 0 };
    int64_t first;
    ck_assert_int_eq(put_numbered(store, 1, 10, &first, &err), STATUS_OK);
    store_close(store);
    ck_assert_int_eq(access(_i == 3 ? "x.db" : path, F_OK), 0);
    ck_assert_int_eq(store_open(path, true, &store, &err), STATUS_OK);
    store_close(store);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(chdir("/"), 0);
    ck_assert_int_eq(rmdir(folder), 0);
    free(folder);
}
END_TEST

/* ---- damage ---- */

static void ignore_difference(const struct store_run_difference *difference, void *context)
{
    *(size_t *)context += strlen(difference->metric);
}

static void ignore_text(const char *text, void *context)
{
    *(size_t *)context += strlen(text);
}

static void ignore_summary(const struct sweep_summary *sweep, void *context)
{
    *(size_t *)context += strlen(sweep->command);
}

static void read_run(struct store *store, int64_t run, size_t *texts)
{
    struct error errors[6] = { { 0 } };
    struct metrics metrics;
    struct series series;
    struct turn_row *rows = NULL;
    uint32_t count = 0;
    char name[64], *yaml = NULL;
    store_run_name(store, run, name, sizeof name, &errors[0]);
    store_metrics(store, run, &metrics, &errors[1]);
    store_findings(store, run, ignore_text, texts, &errors[2]);
    store_series(store, run, "ttft_cdf", &series, &errors[3]);
    store_turns(store, run, &rows, &count, &errors[4]);
    store_run_config(store, run, &yaml, &errors[5]);
    free(series.x), free(series.y), free(rows), free(yaml);
}

/* Everything that can be asked; errors are fine, crashes and endless answers are not. */
static void read_all(struct store *store)
{
    struct error errors[5] = { { 0 } };
    struct store_runs runs;
    struct sweep_table table;
    size_t texts = 0;
    int64_t sweep;
    store_list_sweeps(store, ignore_summary, &texts, &errors[0]);
    store_load_sweep(store, 0, &table, &errors[1]);
    sweep_table_free(&table);
    store_sweep_of(store, 0, &sweep, &errors[2]);
    if (store_comparison_runs(store, 0, &runs, &errors[3]) == STATUS_OK) {
        for (uint32_t i = 0; i < runs.policies * runs.seeds; i++)
            read_run(store, runs.id[i], &texts);
        store_differences(store, runs.id, runs.policies * runs.seeds, ignore_difference, &texts,
                          &errors[4]);
    }
    store_runs_free(&runs);
    FILE *out = fopen("/dev/null", "w");
    struct error err = { 0 };
    store_dump(store, out, &err);
    fclose(out);
}

static void damage(char *bytes, size_t size_bytes, struct random *random)
{
    for (uint64_t times = 1 + random_below(random, 8); times > 0; times--)
        bytes[random_below(random, size_bytes)] = (char)random_below(random, 256);
}

START_TEST(a_database_that_is_damaged_at_random_is_read_or_refused)
{
    struct random random = random_from(test_seed(), 0);
    struct ground ground = ground_of(stranger());
    char *bytes = malloc(ground.size_bytes);
    uint32_t read = 0;
    for (int round = 0; round < TRIES(150); round++) {
        bool cut = random_below(&random, 10) == 0;
        memcpy(bytes, ground.bytes, ground.size_bytes);
        damage(bytes, ground.size_bytes, &random);
        write_again(&ground, bytes,
                    cut ? random_below(&random, ground.size_bytes) : ground.size_bytes);
        struct error err = { 0 }, merge_err = { 0 };
        struct store *store = NULL;
        uint64_t added;
        if (store_open(ground.path, true, &store, &err) == STATUS_OK) {
            read_all(store);
            store_close(store);
            read++;
        }
        store_merge(ground.all, ground.path, &added, &merge_err);
    }
    ck_assert_uint_ge(read, 1);
    ck_assert_int_eq(sql_number(ground.other, "SELECT count(*) FROM pragma_integrity_check"
                                              " WHERE integrity_check = 'ok'"),
                     1);
    sql_do(ground.other, "DELETE FROM run");
    ground_end(&ground);
    free(bytes);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store_stranger");
    TCase *tcase = tcase_create("store_stranger");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_database_whose_tables_are_not_ours_is_refused);
    tcase_add_test(tcase, a_cell_that_no_run_gives_is_refused);
    tcase_add_test(tcase, a_cell_of_another_type_is_refused);
    tcase_add_test(tcase, views_and_tables_of_the_user_are_left_alone);
    tcase_add_loop_test(tcase, a_tree_that_never_ends_is_refused, 0, 4);
    tcase_add_loop_test(tcase, a_curve_that_unpacks_to_much_is_refused, 0, 2);
    tcase_add_test(tcase, a_journal_that_is_to_be_undone_is_not_undone_by_reading);
    tcase_add_test(tcase, a_journal_that_names_another_file_is_not_followed);
    tcase_add_test(tcase, a_journal_that_cannot_be_read_is_not_taken_for_none);
    tcase_add_test(tcase, a_log_that_was_left_is_read_and_stays);
    tcase_add_test(tcase, while_it_is_read_nothing_is_beside_it);
    tcase_add_test(tcase, what_was_written_while_it_was_read_is_told);
    tcase_add_test(tcase, what_is_no_file_of_bytes_is_refused_at_once);
    tcase_add_test(tcase, an_empty_file_is_no_database_to_read);
    tcase_add_test(tcase, a_link_is_the_database_that_it_names);
    tcase_add_loop_test(tcase, a_name_is_a_name_of_a_file, 0, 4);
    tcase_add_test(tcase, a_database_that_is_damaged_at_random_is_read_or_refused);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
