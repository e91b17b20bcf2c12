/* tests/failures/files.c - see files.h. */
#define _GNU_SOURCE /* nftw() */
#include "tests/failures/files.h"

#include <ftw.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- files ---- */

char *file_text(const char *folder, const char *name, size_t *size)
{
    char path[4096], *text = NULL;
    size_t all;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *in = fopen(path, "rb"), *out = open_memstream(&text, &all);
    char part[1 << 14];
    for (size_t count; in != NULL && (count = fread(part, 1, sizeof part, in)) > 0;)
        fwrite(part, 1, count, out);
    if (in != NULL)
        fclose(in);
    fclose(out);
    if (size != NULL)
        *size = all;
    return text;
}

/* nftw() gives its caller's data no way in. */
static struct files *reading;
static size_t reading_prefix;

static int read_one(const char *path, const struct stat *facts, int kind, struct FTW *where)
{
    (void)where;
    (void)facts;
    if (kind == FTW_D || strlen(path) <= reading_prefix)
        return 0;
    if (reading->count == reading->capacity) {
        reading->capacity = reading->capacity * 2 + 16;
        reading->file = realloc(reading->file, reading->capacity * sizeof *reading->file);
    }
    struct file_bytes *file = &reading->file[reading->count++];
    file->name = strdup(path + reading_prefix);
    file->bytes = file_text("", path, &file->size);
    return 0;
}

void files_read(const char *folder, struct files *files)
{
    *files = (struct files){ 0 };
    reading = files;
    reading_prefix = strlen(folder) + 1;
    nftw(folder, read_one, 16, FTW_PHYS);
}

const struct file_bytes *files_find(const struct files *files, const char *name)
{
    for (uint32_t i = 0; i < files->count; i++)
        if (strcmp(files->file[i].name, name) == 0)
            return &files->file[i];
    return NULL;
}

void files_free(struct files *files)
{
    for (uint32_t i = 0; i < files->count; i++) {
        free(files->file[i].name);
        free(files->file[i].bytes);
    }
    free(files->file);
}

static int remove_one(const char *path, const struct stat *facts, int kind, struct FTW *where)
{
    (void)facts;
    (void)kind;
    return where->level > 0 ? remove(path) : 0;
}

void folder_empty(const char *folder)
{
    nftw(folder, remove_one, 16, FTW_PHYS | FTW_DEPTH);
}

void file_copy(const char *from, const char *into, const char *name)
{
    char path[4096];
    size_t size;
    char *bytes = file_text(from, name, &size);
    snprintf(path, sizeof path, "%s/%s", into, name);
    FILE *out = fopen(path, "wb");
    if (out == NULL || fwrite(bytes, 1, size, out) != size || fclose(out) != 0)
        abort();
    free(bytes);
}

/* ---- a database ---- */

static void put_rows(sqlite3 *db, FILE *out, const char *text)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(db, text, -1, &statement, NULL) != SQLITE_OK)
        fprintf(out, "no table: %s\n", text); /* one that never came to hold its tables */
    while (statement != NULL && sqlite3_step(statement) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(statement); i++)
            fprintf(out, "%s\t", (const char *)sqlite3_column_text(statement, i));
        fputc('\n', out);
    }
    sqlite3_finalize(statement);
}

static bool first_is(sqlite3 *db, const char *text, const char *expected, char *found,
                     size_t found_bytes)
{
    sqlite3_stmt *statement = NULL;
    const char *first = "no row";
    snprintf(found, found_bytes, "%s: %s", text, sqlite3_errmsg(db));
    if (sqlite3_prepare_v2(db, text, -1, &statement, NULL) == SQLITE_OK) {
        int rc = sqlite3_step(statement);
        first = rc == SQLITE_ROW    ? (const char *)sqlite3_column_text(statement, 0)
                : rc == SQLITE_DONE ? ""
                                    : sqlite3_errmsg(db);
    } else
        first = sqlite3_errmsg(db);
    bool same = strcmp(first, expected) == 0;
    snprintf(found, found_bytes, "%s: %s", text, first);
    sqlite3_finalize(statement);
    return same;
}

static void put_content(sqlite3 *db, FILE *out)
{
    put_rows(db, out, "PRAGMA user_version");
    put_rows(
        db, out,
        "SELECT DISTINCT name, config_yaml, config_hash, seed, trace_hash, trace_format, open_loop,"
        " timing_source, (SELECT group_concat(n || '=' || v) FROM (SELECT metric_name.name AS n, "
        "value AS v"
        " FROM metric JOIN metric_name ON metric_name.id = metric_id WHERE run_id = run.id ORDER "
        "BY 1)),"
        " (SELECT group_concat(name || points || length(xy_zstd)) FROM series WHERE run_id = "
        "run.id),"
        " (SELECT group_concat(sentence) FROM finding WHERE run_id = run.id),"
        " (SELECT count(*) FROM turn WHERE run_id = run.id) FROM run ORDER BY 1, 3, 4, 8, 9, 10, "
        "11, 12");
    put_rows(
        db, out,
        "SELECT DISTINCT name, base.b, metric, value, half_width FROM difference JOIN run ON "
        "run.id = run_id"
        " JOIN (SELECT id AS i, name AS b FROM run) base ON base.i = base_id ORDER BY 1, 2, 3");
    put_rows(db, out, "SELECT hash, command FROM sweep ORDER BY hash");
    put_rows(db, out,
             "SELECT hash, number, point, replication, point_key FROM sweep JOIN sweep_run ON "
             "sweep_id = id"
             " ORDER BY 1, 2");
    put_rows(db, out,
             "SELECT hash, axis, key FROM sweep JOIN sweep_axis ON sweep_id = id ORDER BY 1, 2");
    put_rows(db, out,
             "SELECT key, name, failure FROM point LEFT JOIN run ON run.id = run_id ORDER BY 1");
}

char *database_content(const char *path, char *fault, size_t fault_bytes)
{
    sqlite3 *db = NULL;
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    bool whole = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK &&
                 first_is(db, "PRAGMA integrity_check", "ok", fault, fault_bytes) &&
                 first_is(db, "PRAGMA foreign_key_check", "", fault, fault_bytes);
    if (whole)
        put_content(db, out);
    fclose(out);
    sqlite3_close(db);
    if (whole)
        return text;
    free(text);
    return NULL;
}
