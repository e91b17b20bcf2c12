/* base/scratch.h - folders for files that nobody but this process shall see: in $TMPDIR, or /tmp, with a name that
 * nobody can know, readable by their owner alone. They go with the process: scratch_remove_all() is what every way out
 * calls, memory's end and a signal among them. Only SIGKILL leaves them. */
#ifndef REPRISE_BASE_SCRATCH_H
#define REPRISE_BASE_SCRATCH_H

#include "base/error.h"

/* Names of files in it fit into twice as much. */
#define SCRATCH_PATH_BYTES 256

/* Makes one; path is the caller's to scratch_remove(). what: part of its name, as in /tmp/reprise-WHAT-XXXXXX.
 * STATUS_IO: it cannot be made; path is empty then. From any thread. */
enum status scratch_make(const char *what, char path[SCRATCH_PATH_BYTES], struct error *err);

/* Removes it and the files in it. Folders in it are not looked for. "" is fine. From any thread. */
void scratch_remove(const char *path);

/* A file that stands beside the place that it shall have, under a name of ours. Told of it, in the order of these, each way
 * out waits while it is made or moved, and removes it where it stands; nobody makes one once the process ends. A thread
 * takes no signal while it makes or moves one. Returns what to name it by; -1: there are too many, or its path is too long:
 * it is the caller's alone. From any thread. */
int scratch_file_moves(const char *path);
void scratch_file_stands(int file);
void scratch_file_gone(int file);

/* Removes every one that is left. Allocates and locks nothing: a signal's handler may call it, and a process that has
 * no memory. */
void scratch_remove_all(void);

#endif
