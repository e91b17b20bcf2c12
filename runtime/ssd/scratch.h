/* runtime/ssd/scratch.h - a file that nobody else sees: without a name, so that it is never in the way of
 * another, follows no link, and is gone with the process however that ends. Private to runtime/ssd/. */
#ifndef REPRISE_RUNTIME_SSD_SCRATCH_H
#define REPRISE_RUNTIME_SSD_SCRATCH_H

#include "base/error.h"

#include <stdbool.h>

/* Opens a new file on the file system of `path`: a folder, or the name of a file that is not there, which
 * then lies in that file's folder and never gets the name. *direct: whether it is open past the page
 * cache (O_DIRECT), which not all file systems can. STATUS_IO: something is there by that name that is
 * no folder, or no file can be made. */
enum status scratch_open(const char *path, int *file, bool *direct, struct error *err);

#endif
