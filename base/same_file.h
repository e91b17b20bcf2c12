/* base/same_file.h - whether two paths name one file, by whatever names. */
#ifndef REPRISE_BASE_SAME_FILE_H
#define REPRISE_BASE_SAME_FILE_H

#include <stdbool.h>

/* false also where one of them is not there. Links are followed. */
bool same_file(const char *a, const char *b);

#endif
