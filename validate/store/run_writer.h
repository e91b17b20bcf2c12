/* validate/store/run_writer.h - the rows of a run, within the caller's transaction. Private to its
 * folder.
 */
#ifndef REPRISE_VALIDATE_STORE_RUN_WRITER_H
#define REPRISE_VALIDATE_STORE_RUN_WRITER_H

#include "validate/store/sql.h"
#include "validate/store/store.h"

/* The statements of one transaction, prepared once for all its runs. */
struct writer {
    const struct sql *sql;
    sqlite3_stmt *comparison, *run, *metric, *series, *tenant_metric, *finding, *difference;
    int64_t comparison_id; /* that runs are put into */
};

/* Prepares writer->sql's statements; whatever is returned, they are to be released. */
enum status writer_prepare(struct writer *writer, struct error *err);
void writer_release(struct writer *writer);

/* A new comparison, made here and now. */
enum status writer_put_comparison(struct writer *writer, struct error *err);

enum status writer_put_run(const struct writer *writer, const struct store_run *run,
                           int64_t *run_id, struct error *err);

/* Between runs that were put one after the other, of which the first has that id. */
enum status writer_put_difference(const struct writer *writer, int64_t first_id,
                                  const struct store_run_difference *difference, struct error *err);

#endif
