/* base/embedded.h - files of the tree that the build put into the program: reprise_embed() of
 * CMakeLists.txt makes such a list, ended by a row without a name. */
#ifndef REPRISE_BASE_EMBEDDED_H
#define REPRISE_BASE_EMBEDDED_H

#include <stddef.h>
#include <string.h>

struct embedded_file {
    const char *name; /* without folders */
    const unsigned char *bytes; /* ended by a NUL, which size does not count */
    size_t size;
};

/* The file of that name; NULL: none in the list. */
static inline const struct embedded_file *embedded_find(const struct embedded_file *list,
                                                        const char *name)
{
    for (; list->name != NULL; list++)
        if (strcmp(list->name, name) == 0)
            return list;
    return NULL;
}

#endif
