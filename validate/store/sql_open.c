/* validate/store/sql_open.c - see sql_open.h. */
#define _XOPEN_SOURCE 700 /* realpath(), S_IFMT */

#include "validate/store/sql_open.h"

#include "base/absent.h"
#include "base/memory.h"
#include "base/plain_file.h"
#include "base/read_end.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Another process's transaction is over in milliseconds; one that holds the lock longer than this
 * hangs. */
#define LOCK_WAIT_MS 5000

/* Steps of SQLite's machine that a statement may take. The longest of ours (db dump of 10,000 runs)
 * takes one a byte. */
#define STEPS_LEAST UINT64_C(100000000)
#define STEPS_A_BYTE 500
#define STEPS_AT_ONCE 100000

/* ---- the files ---- */

/* PATH-wal and the like, as SQLite names them: beside the file itself, not beside a link to it. */
static void name_beside(const char *real, const char *ending, char name[PATH_MAX + 16])
{
    snprintf(name, PATH_MAX + 16, "%s%s", real, ending);
}

/* SQLite would wait for a pipe that is there in the place of one of its files. */
static enum status check_beside(const char *real, struct error *err)
{
    static const char *const endings[] = { "-wal", "-shm", "-journal" };
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        char name[PATH_MAX + 16];
        name_beside(real, endings[i], name);
        if (plain_file_not(name) != NULL)
            return error_io(err, name, "open database", "it is no file of bytes");
    }
    return STATUS_OK;
}

static bool is_beside(const char *real, const char *ending)
{
    char name[PATH_MAX + 16];
    name_beside(real, ending, name);
    return !file_absent(name);
}

/* Nobody is writing, nor was cut off: all there is lies in the file. */
static bool lies_alone(const char *real)
{
    return !is_beside(real, "-wal") && !is_beside(real, "-shm") && !is_beside(real, "-journal");
}

/* The last bytes of a rollback journal that belongs to a transaction over several files, behind the
 * name of the file that lists them (sqlite.org/fileformat2.html, "The Rollback Journal"). SQLite
 * opens that file, and deletes it where it takes it for done. No database of ours has such. */
static enum status check_journal(const char *path, const char *real, struct error *err)
{
    static const unsigned char magic[8] = { 0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7 };
    char name[PATH_MAX + 16];
    unsigned char last[sizeof magic];
    name_beside(real, "-journal", name);
    if (file_absent(name))
        return STATUS_OK;
    FILE *file;
    if (plain_file_open(name, &file, err) != STATUS_OK)
        return err->status;
    bool named = fseek(file, -(long)sizeof last, SEEK_END) == 0 &&
                 fread(last, 1, sizeof last, file) == sizeof last &&
                 memcmp(last, magic, sizeof last) == 0;
    if (named)
        error_io(err, path, "open database",
                 "the journal beside it names another file, which opening would have deleted: it "
                 "is none of reprise's");
    return read_end(file, path, err);
}

/* "file:PATH?QUERY", with what is special in a URI escaped. A path that reads as a host (//...) or
 * as a name of SQLite's (:memory:) is still a path. */
static char *uri_of(const char *path, const char *query)
{
    sqlite3_str *uri = sqlite3_str_new(NULL);
    sqlite3_str_appendall(uri, *path == '/' ? "file:" : "file:./");
    while (path[0] == '/' && path[1] == '/')
        path++;
    for (; *path != '\0'; path++)
        sqlite3_str_appendf(uri, *path == '?' || *path == '#' || *path == '%' ? "%%%02X" : "%c",
                            (unsigned char)*path);
    sqlite3_str_appendall(uri, query);
    char *text = sqlite3_str_finish(uri);
    if (text == NULL)
        memory_exhausted();
    return text;
}

/* ---- the connection ---- */

/* Called every STEPS_AT_ONCE steps; 1 ends the statement. */
static int count_steps(void *context)
{
    struct sql_budget *budget = context;
    if (budget->left_steps == 0)
        budget->spent = true;
    else
        budget->left_steps -=
            budget->left_steps < STEPS_AT_ONCE ? budget->left_steps : STEPS_AT_ONCE;
    return budget->spent;
}

static void bound_steps(struct sql *sql, uint64_t size_bytes)
{
    sql->budget->steps = sql->budget->left_steps = STEPS_LEAST + STEPS_A_BYTE * size_bytes;
    sqlite3_progress_handler(sql->db, STEPS_AT_ONCE, count_steps, sql->budget);
}

void sql_trust(const struct sql *sql)
{
    sqlite3_progress_handler(sql->db, 0, NULL, NULL);
}

/* sqlite.org/security.html, "Untrusted SQLite Database Files". */
static int disarm(sqlite3 *db)
{
    static const struct {
        int what, value;
    } settings[] = {
        { SQLITE_DBCONFIG_DEFENSIVE, 1 },
        { SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0 },
        { SQLITE_DBCONFIG_ENABLE_TRIGGER, 0 },
        { SQLITE_DBCONFIG_ENABLE_VIEW, 0 },
        { SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0 },
    };
    int rc = SQLITE_OK;
    for (size_t i = 0; rc == SQLITE_OK && i < sizeof settings / sizeof *settings; i++)
        rc = sqlite3_db_config(db, settings[i].what, settings[i].value, NULL);
    sqlite3_limit(db, SQLITE_LIMIT_LENGTH, SQL_LENGTH_MOST);
    sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 1);
    sqlite3_limit(db, SQLITE_LIMIT_WORKER_THREADS, 0);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(db, "PRAGMA cell_size_check = 1; PRAGMA mmap_size = 0", NULL, NULL, NULL);
    return rc;
}

static enum status open_connection(struct sql *sql, const char *uri, int flags, struct error *err)
{
    int rc = sqlite3_open_v2(uri, &sql->db, flags | SQLITE_OPEN_URI, NULL);
    if (sql->db == NULL)
        memory_exhausted();
    if (rc == SQLITE_OK)
        rc = sqlite3_busy_timeout(sql->db, LOCK_WAIT_MS);
    sql->budget = memory_new(1, sizeof *sql->budget);
    if (rc == SQLITE_OK)
        bound_steps(sql, sql->stamp.size_bytes);
    if (rc == SQLITE_OK)
        rc = disarm(sql->db);
    return sql_check(sql, rc, "open database", err);
}

void sql_close(struct sql *sql)
{
    sqlite3_close(sql->db);
    free(sql->budget);
    sql->db = NULL;
    sql->budget = NULL;
}

/* ---- opening ---- */

/* What is to be read: its stamp, and the URI by which to open it, to be freed by sqlite3_free(). */
static enum status prepare_read(struct sql *sql, char **uri, struct error *err)
{
    char real[PATH_MAX];
    *uri = NULL;
    if (realpath(sql->path, real) == NULL || !sql_stamp_of(real, &sql->stamp))
        return error_io(err, sql->path, "open database", strerror(errno));
    if (sql->stamp.kind != S_IFREG)
        return error_io(err, sql->path, "open database", "it is no file of bytes");
    if (check_beside(real, err) != STATUS_OK)
        return err->status;
    sql->lies_still = lies_alone(real);
    *uri = uri_of(real, sql->lies_still ? "?immutable=1" : "?mode=ro");
    return STATUS_OK;
}

enum status sql_open_read(struct sql *sql, struct error *err)
{
    char *uri;
    enum status status = prepare_read(sql, &uri, err);
    if (status == STATUS_OK)
        status = open_connection(sql, uri, SQLITE_OPEN_READONLY, err);
    sqlite3_free(uri);
    return status;
}

enum status sql_open_write(struct sql *sql, struct error *err)
{
    char real[PATH_MAX];
    bool there = realpath(sql->path, real) != NULL && sql_stamp_of(real, &sql->stamp);
    if (!there && errno != ENOENT)
        return error_io(err, sql->path, "open database", strerror(errno));
    /* A pipe would be waited for, a device written over. Folders SQLite refuses. */
    if (there && sql->stamp.kind != S_IFREG && sql->stamp.kind != S_IFDIR)
        return error_io(err, sql->path, "open database", "it is no file of bytes");
    if (there && check_beside(real, err) != STATUS_OK)
        return err->status;
    if (there && check_journal(sql->path, real, err) != STATUS_OK)
        return err->status;
    char *uri = uri_of(sql->path, "");
    enum status status = open_connection(sql, uri, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, err);
    sqlite3_free(uri);
    return status;
}

enum status sql_attach_read(const struct sql *sql, const char *path, struct sql *attached,
                            struct error *err)
{
    sqlite3_stmt *statement = NULL;
    char *uri;
    *attached = (struct sql){ .db = sql->db, .path = path, .budget = sql->budget };
    enum status status = prepare_read(attached, &uri, err);
    if (status == STATUS_OK)
        bound_steps(attached, sql->stamp.size_bytes + attached->stamp.size_bytes);
    if (status == STATUS_OK)
        status = sql_prepare(attached, "ATTACH DATABASE ? AS other", &statement, err);
    if (status == STATUS_OK)
        status = sql_check(attached, sqlite3_bind_text(statement, 1, uri, -1, SQLITE_STATIC),
                           "open database", err);
    /* SQLite's message would name the URI. */
    if (status == STATUS_OK && sqlite3_step(statement) != SQLITE_DONE)
        status = error_io(err, path, "open database", sqlite3_errstr(sqlite3_errcode(sql->db)));
    sqlite3_finalize(statement);
    sqlite3_free(uri);
    return status;
}
