/* base/same_file.c - see same_file.h. */
#include "base/same_file.h"

#include "base/path.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

bool same_file(const char *a, const char *b)
{
    struct stat first, second;
    return stat(a, &first) == 0 && stat(b, &second) == 0 && first.st_dev == second.st_dev &&
           first.st_ino == second.st_ino;
}

static bool same_folder(const char *a, const char *b)
{
    char *first = path_folder(a), *second = path_folder(b);
    bool same = same_file(first, second);
    free(first);
    free(second);
    return same;
}

bool same_place(const char *a, const char *b)
{
    return strcmp(path_name(a), path_name(b)) == 0 && same_folder(a, b);
}
