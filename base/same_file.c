/* base/same_file.c - see same_file.h. */
#include "base/same_file.h"

#include <sys/stat.h>

bool same_file(const char *a, const char *b)
{
    struct stat first, second;
    return stat(a, &first) == 0 && stat(b, &second) == 0 && first.st_dev == second.st_dev &&
           first.st_ino == second.st_ino;
}
