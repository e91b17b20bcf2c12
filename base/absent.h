/* base/absent.h - whether a file is surely not there, for who goes on without one. A file that could not be looked at (a disk
 * that fails, a folder that may not be entered) is not absent: opening it tells why it cannot be read. */
#ifndef REPRISE_BASE_ABSENT_H
#define REPRISE_BASE_ABSENT_H

#include <stdbool.h>

bool file_absent(const char *path);

#endif
