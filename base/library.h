/* base/library.h - others' shared libraries that only some commands want: opened when one does, so
 * that all others start without them, where they are not installed and where there is no memory for
 * them. Parts of this program that are opened so: module.h. */
#ifndef REPRISE_BASE_LIBRARY_H
#define REPRISE_BASE_LIBRARY_H

#include "base/error.h"

#include <stddef.h>

struct library_function {
    const char *name;
    size_t at; /* offset of its pointer in the caller's table of functions */
};

struct library {
    const char *name;         /* for messages: "cuBLAS" */
    const char *const *files; /* such as "libz.so.1", the best first, ended by NULL */
    const char *folder;       /* the build's, which is looked into behind those of the loader */
    const struct library_function *functions; /* that are wanted, ended by one without a name */
};

/* Takes the first file that is loaded and has all the functions, and fills the table in with them. It
 * stays loaded for the life of the process. who: whose message it is ("cuda"). STATUS_IO: says each
 * file that was tried, and why it was not taken; the table's functions are NULL. */
enum status library_open(const struct library *library, const char *who, void *table,
                         struct error *err);

#endif
