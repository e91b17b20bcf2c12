/* tests/failures/files.h - a folder's files with their bytes, and a results database's content, as text. */
#ifndef REPRISE_TESTS_FAILURES_FILES_H
#define REPRISE_TESTS_FAILURES_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct file_bytes {
    char *name; /* below the folder */
    char *bytes; /* ended by a zero */
    size_t size;
};
struct files {
    struct file_bytes *file;
    uint32_t count, capacity;
};

void files_read(const char *folder, struct files *files);
const struct file_bytes *files_find(const struct files *files, const char *name);
void files_free(struct files *files);

/* The bytes of one, ended by a zero, for the caller to free; "" where there is none. */
char *file_text(const char *folder, const char *name, size_t *size);

/* Removes all that is in the folder. */
void folder_empty(const char *folder);
void file_copy(const char *from, const char *into, const char *name);

/* Everything that runs, sweeps and calibrations are but their numbers and dates, each thing once, in an order of its
 * own. NULL, and *fault says why: it is damaged. For the caller to free. */
char *database_content(const char *path, char *fault, size_t fault_bytes);

#endif
