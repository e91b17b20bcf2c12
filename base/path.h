/* base/path.h - the two parts of a path, by its last '/': the folder and the name in it; what a name ends in. */
#ifndef REPRISE_BASE_PATH_H
#define REPRISE_BASE_PATH_H

#include <stdbool.h>
#include <stddef.h>

/* What stands behind the last '/': the path itself where it has none. */
const char *path_name(const char *path);

/* The bytes before the name, with the '/': of "a/b" 2, of "b" 0. For the name of a file beside it:
 * snprintf(beside, sizeof beside, "%.*s%s", path_folder_bytes(path), path, name). */
int path_folder_bytes(const char *path);

/* Whether something stands before this ending: "a.csv" ends in ".csv", ".csv" does not. */
bool path_ends_in(const char *path, const char *ending);

/* The folder as one may open it: of "a/b" "a", of "b" ".", of "/b" "/". The caller's to free(). */
char *path_folder(const char *path);

#endif
