/* base/folder_names.h - what a folder holds, by name: an order that no file system and no locale decides. */
#ifndef REPRISE_BASE_FOLDER_NAMES_H
#define REPRISE_BASE_FOLDER_NAMES_H

#include "base/error.h"

struct folder_names {
    char **name; /* owned, as is each; sorted by byte */
    uint32_t count, capacity;
};

/* Into *names, which is empty: those that end in `ending`, without it, of files and folders alike (NULL: all whole), but
 * not what begins with a dot. Whatever is returned, the caller's to folder_names_free(). STATUS_IO: the folder cannot be
 * read, or not to its end. */
enum status folder_names_read(const char *path, const char *ending, struct folder_names *names, struct error *err);
void folder_names_free(struct folder_names *names);

#endif
