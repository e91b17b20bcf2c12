/* base/error.h - how every fallible call of reprise says what went wrong.
 * A fallible call returns a status and fills the caller's struct error; the first error stays. */
#ifndef REPRISE_BASE_ERROR_H
#define REPRISE_BASE_ERROR_H

#include <stdint.h>
#include <stdio.h>

enum status {
    STATUS_OK = 0,
    STATUS_INPUT,      /* the user's file, option or value is wrong: the process exits with 2 */
    STATUS_IO,         /* a file, disk, database or program failed: exits with 3 */
    STATUS_INTERRUPTED /* Ctrl-C: what finished is kept; exits with 130 */
};

/* Copies, not pointers: an error outlives the parser that found it. Texts are as shown.h shows them; longer ones are
 * cut. */
struct error {
    enum status status;
    uint64_t line; /* 1-based; 0: the file as a whole */
    char file[256], key[96], expected[256], found[256];
};

/* Each fills err unless it already holds an error, and returns its status, so that refusing is one
 * line: return error_input(err, path, line, "ssd.read_bytes_per_s", "a number above 0", text);
 * prints as: models/h100.yaml:12: ssd.read_bytes_per_s: expected a number above 0, found "-3"
 * file, key and found may be NULL where they say nothing. */
enum status error_input(struct error *err, const char *file, uint64_t line, const char *key,
                        const char *expected, const char *found);

/* what: what was tried ("open", "write row"); reason: strerror(errno), sqlite3_errmsg()...
 * Prints as: FILE: cannot WHAT: REASON */
enum status error_io(struct error *err, const char *file, const char *what, const char *reason);

enum status error_interrupted(struct error *err);

/* One line, ended by a newline, as shown above and prefixed by "reprise: ". */
void error_print(FILE *out, const struct error *err);

/* 0, 2, 3 or 130. */
int error_exit_code(enum status status);

#endif
