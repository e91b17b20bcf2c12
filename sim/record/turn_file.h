/* sim/record/turn_file.h - rows of turns (sim/engine/turn_row.h) as a file: CSV or JSON lines, by its name, which
 * .gz or .zst may follow. Rows are written as turns end; the file takes its name when it is whole. */
#ifndef REPRISE_SIM_RECORD_TURN_FILE_H
#define REPRISE_SIM_RECORD_TURN_FILE_H

#include "base/error.h"
#include "sim/engine/turn_row.h"

struct turn_file;

/* STATUS_INPUT: a name that ends otherwise. STATUS_IO: nothing can be created there. policy: the first
 * column, in every row. */
enum status turn_file_open(const char *path, const char *policy, struct turn_file **file,
                           struct error *err);
/* What goes wrong is told by turn_file_finish(). */
void turn_file_add(struct turn_file *file, const struct turn_row *row);
/* STATUS_IO: it could not be written, and nothing is left. Frees file either way. */
enum status turn_file_finish(struct turn_file *file, struct error *err);
void turn_file_abandon(struct turn_file *file); /* leaves nothing; NULL is fine */

#endif
