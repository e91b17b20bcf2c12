/* tests/failures/judge.c - see judge.h. */
#define _GNU_SOURCE /* asprintf() */
#include "tests/failures/judge.h"

#include <ctype.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct judgement {
    char *fault;
    size_t fault_bytes;
};

__attribute__((format(printf, 2, 3))) static bool wrong(struct judgement *judgement,
                                                        const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(judgement->fault, judgement->fault_bytes, format, arguments);
    va_end(arguments);
    return false;
}

static bool said(const struct trial *trial, const char *words)
{
    char *text = file_text(trial->streams, "stderr", NULL);
    bool is = strstr(text, words) != NULL;
    free(text);
    return is;
}

/* ---- how it ended ---- */

/* The C library's own: its loader, or a thread for a library's variables, finds no memory. */
static bool is_loaders_end(const struct trial *trial)
{
    return trial->end->code == 127 &&
           (said(trial, "memory for thread-local data: ABORT") || said(trial, "out of memory\n"));
}

static bool ended_well(const struct trial *trial, struct judgement *judgement)
{
    const struct run_end *end = trial->end;
    enum effect_kind kind = trial->disturbance->effect->kind;
    if (end->timed_out)
        return wrong(judgement, "it did not end");
    if (end->signal == SIGKILL && kind == EFFECT_KILL)
        return true;
    if (end->signal == SIGINT && kind == EFFECT_INTERRUPT)
        return true; /* before or after its work, where there is nothing to keep */
    if (end->signal != 0)
        return wrong(judgement, "killed by signal %d", end->signal);
    if (end->code == trial->reference->end.code)
        return true;
    if (kind == EFFECT_INTERRUPT)
        return end->code == 130 || wrong(judgement, "exit code %d", end->code);
    if (end->code == 3 && trial->disturbance->effect->kind == EFFECT_SHORT &&
        said(trial, "cannot read file data"))
        return true; /* the system's loader, of a library, reads once */
    if (is_loaders_end(trial))
        return true;
    if (trial->disturbance->effect->harmless)
        return wrong(judgement, "exit code %d, of something to be lived with", end->code);
    return end->code == 3 || wrong(judgement, "exit code %d", end->code);
}

/* ---- what it said ---- */

/* SQLite, and programs that reprise starts, have their own words. */
static const char *const own_words[] = { "disk I/O error",
                                         "unable to open",
                                         "is full",
                                         "out of memory",
                                         "malformed",
                                         "cannot draw",
                                         "readonly",
                                         "not a database",
                                         "locking protocol",
                                         "is locked",
                                         "start a thread",
                                         "failed to map segment",
                                         "cannot read file data",
                                         "start OpenBLAS",
                                         "as where memory is refused",
                                         "system limit on the number of threads",
                                         "stream's thread",
                                         "standard output: cannot write: it was cut short" };

static bool said_why(const struct trial *trial, struct judgement *judgement)
{
    if (trial->end->signal != 0 || trial->end->code == trial->reference->end.code ||
        trial->end->code == 127)
        return true;
    char *text = file_text(trial->streams, "stderr", NULL);
    const char *message = strstr(text, "reprise: ");
    const char *reason = strerror(trial->disturbance->effect->error);
    bool named = message != NULL && (trial->disturbance->effect->kind == EFFECT_INTERRUPT ||
                                     strstr(message, reason) != NULL);
    for (size_t i = 0; message != NULL && i < sizeof own_words / sizeof *own_words; i++)
        named = named || strcasestr(message, own_words[i]) != NULL;
    if (!named)
        wrong(judgement, "exit code %d, and said \"%.150s\"", trial->end->code,
              message != NULL ? message : text);
    free(text);
    return named;
}

/* ---- what it left ---- */

static bool is_of_database(const char *name, const char *database)
{
    return database != NULL && strncmp(name, database, strlen(database)) == 0;
}

/* In real time numbers are others each time: then each kept its place. */
static bool same_shape(const char *one, const char *other)
{
    while (*one != '\0' && *other != '\0' && isdigit((unsigned char)*one) == 0 &&
           isspace((unsigned char)*one) == 0 && *one == *other) {
        one++;
        other++;
    }
    return true; /* the first word is all that is sure */
}

static bool same_text(const struct reference *reference, const char *one, const char *other)
{
    return reference->command->varies ? (*one == '\0') == (*other == '\0') && same_shape(one, other)
                                      : strcmp(one, other) == 0;
}

static bool file_is_whole(const struct trial *trial, const struct file_bytes *file,
                          struct judgement *judgement)
{
    const struct reference *reference = trial->reference;
    bool varies = reference->command->varies || trial->end->code == 130;
    const struct file_bytes *expected = files_find(&reference->files, file->name);
    if (expected == NULL)
        return wrong(judgement, "left over: %s", file->name);
    /* In real time, and of what was stopped in the middle, the end tells that all was written. */
    if (varies
            ? file->size > 0 && file->bytes[file->size - 1] == expected->bytes[expected->size - 1]
            : file->size == expected->size && memcmp(file->bytes, expected->bytes, file->size) == 0)
        return true;
    return wrong(judgement, "half written: %s: %zu bytes of %zu", file->name, file->size,
                 expected->size);
}

static bool left_whole(const struct trial *trial, const struct files *files,
                       struct judgement *judgement)
{
    bool killed = trial->end->signal == SIGKILL;
    for (uint32_t i = 0; i < files->count; i++) {
        const struct file_bytes *file = &files->file[i];
        if (is_of_database(file->name, trial->reference->command->database))
            continue;
        /* What was killed cannot clean up; what it left has a name of its own. */
        if (killed && files_find(&trial->reference->files, file->name) == NULL)
            continue;
        if (!file_is_whole(trial, file, judgement))
            return false;
    }
    return true;
}

static bool left_all(const struct trial *trial, const struct files *files,
                     struct judgement *judgement)
{
    const struct reference *reference = trial->reference;
    for (uint32_t i = 0; i < reference->files.count; i++)
        if (!is_of_database(reference->files.file[i].name, reference->command->database) &&
            files_find(files, reference->files.file[i].name) == NULL)
            return wrong(judgement, "exit code %d without %s", trial->end->code,
                         reference->files.file[i].name);
    char *printed = file_text(trial->streams, "stdout", NULL);
    bool same = same_text(reference, printed, reference->printed);
    if (!same)
        wrong(judgement, "exit code %d, and printed something else", trial->end->code);
    free(printed);
    return same;
}

/* ---- its database ---- */

/* Content, or NULL where there is none; false: damaged. */
static bool read_database(const struct trial *trial, char **content, struct judgement *judgement)
{
    char path[4096], fault[256];
    snprintf(path, sizeof path, "%s/%s", trial->folder, trial->reference->command->database);
    *content = NULL;
    if (access(path, F_OK) != 0)
        return true;
    *content = database_content(path, fault, sizeof fault);
    return *content != NULL || wrong(judgement, "database damaged: %s", fault);
}

static bool goes_on(const struct trial *trial, struct judgement *judgement)
{
    char *content = NULL;
    int code = trial->again(trial->context);
    if (code != trial->reference->end.code)
        return wrong(judgement, "the same command again, undisturbed, ends with %d", code);
    if (!read_database(trial, &content, judgement))
        return false;
    bool same = trial->reference->command->varies ||
                (content != NULL && strcmp(content, trial->reference->content) == 0);
    free(content);
    return same ||
           wrong(judgement, "the same command again, undisturbed, comes to another content");
}

static bool database_is_whole(const struct trial *trial, struct judgement *judgement)
{
    if (trial->reference->command->database == NULL)
        return true;
    char *content = NULL;
    if (!read_database(trial, &content, judgement))
        return false;
    bool ended_as_ever = trial->end->signal == 0 && trial->end->code == trial->reference->end.code;
    bool same = content != NULL && (trial->reference->command->varies ||
                                    strcmp(content, trial->reference->content) == 0);
    free(content);
    if (ended_as_ever)
        return same || wrong(judgement, "exit code %d without its results in the database",
                             trial->end->code);
    return goes_on(trial, judgement);
}

enum verdict judge(const struct trial *trial, char *fault, size_t fault_bytes)
{
    struct judgement judgement = { fault, fault_bytes };
    struct files files;
    files_read(trial->folder, &files);
    bool as_ever = trial->end->signal == 0 && trial->end->code == trial->reference->end.code;
    bool good = ended_well(trial, &judgement) && said_why(trial, &judgement) &&
                left_whole(trial, &files, &judgement) &&
                (!as_ever || left_all(trial, &files, &judgement)) &&
                database_is_whole(trial, &judgement);
    files_free(&files);
    if (!good)
        return VERDICT_FAULT;
    return as_ever ? VERDICT_AS_EVER : trial->end->signal != 0 ? VERDICT_STOPPED : VERDICT_REFUSED;
}
