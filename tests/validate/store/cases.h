/* tests/validate/store/cases.h - results made by hand, databases to put them in, and a look into a
 * database's file that does not go through the store. */
#ifndef REPRISE_TESTS_VALIDATE_STORE_CASES_H
#define REPRISE_TESTS_VALIDATE_STORE_CASES_H

#include "validate/store/store.h"

#include <stddef.h>

/* The path of a database that is not there yet. The caller removes it by database_remove(). */
char *database_path(void);
void database_remove(char *path);

/* Metric i is 1000 * number + i + 0.5; two curves of `points` points. The caller frees it by
 * sim_result_free(). */
struct sim_result result_numbered(uint32_t number, uint32_t points);

/* Stores `count` runs named "policy-0", ... as one comparison, each of result_numbered(i, points).
 */
enum status put_numbered(struct store *store, uint32_t count, uint32_t points, int64_t *first_id,
                         struct error *err);

/* Opens for writing, or fails the test. */
struct store *store_opened(const char *path);

/* A whole file; the caller frees it. NULL: it is no file. */
char *file_content(const char *path, size_t *bytes);

/* What `SELECT` text gives in its first row's first column, by a connection of its own. */
int64_t sql_number(const char *path, const char *text);
/* Runs statements by a connection of its own, or fails the test. */
void sql_do(const char *path, const char *text);

#endif
