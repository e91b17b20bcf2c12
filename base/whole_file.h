/* base/whole_file.h - how every file that reprise makes for a user is written: whole when it is there, or as it was before.
 * It is written without any name, where the file system can do that, so that nothing stays of what is killed; else beside
 * its place under a name that nobody can know. At its end it takes its place: a symbolic link that stood there is
 * replaced, what it led to stays as it is. What is no plain file (a folder, a device, a pipe, or a link to one) is refused;
 * so are a database of SQLite, which holds somebody's results, and the file that the process's own input or output is. */
#ifndef REPRISE_BASE_WHOLE_FILE_H
#define REPRISE_BASE_WHOLE_FILE_H

#include "base/error.h"

#include <stdbool.h>
#include <stdio.h>

struct whole_file {
    FILE *out;           /* to be written to; NULL: closed */
    /* Private: */
    char *path, *beside;
    struct sink *sink;
    bool nameless;
    int listed; /* see base/scratch.h */
};

/* STATUS_IO: nothing can be created there. */
enum status whole_file_open(struct whole_file *file, const char *path, struct error *err);

/* *err without an error: what was written takes its place; else what was there stays. STATUS_IO: something could not be
 * written. Returns err's status. */
enum status whole_file_close(struct whole_file *file, struct error *err);

/* Leaves what was there. */
void whole_file_abandon(struct whole_file *file);

/* Whether a file can be written there. */
enum status whole_file_check(const char *path, struct error *err);

/* The bytes of the file `from` as `path`. */
enum status whole_file_copy(const char *from, const char *path, struct error *err);

#endif
