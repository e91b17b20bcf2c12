/* base/same_file.h - whether two paths name one file, by whatever names; or one place. */
#ifndef REPRISE_BASE_SAME_FILE_H
#define REPRISE_BASE_SAME_FILE_H

#include <stdbool.h>

/* false also where one of them is not there. Links are followed. */
bool same_file(const char *a, const char *b);

/* Whether what is put at one of them takes the other's place: one name in one folder, whether a file is there or not. A link
 * is a place of its own, since what is written replaces it (base/whole_file.h). */
bool same_place(const char *a, const char *b);

#endif
