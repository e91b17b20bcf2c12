/* base/path.c - see path.h. */
#include "base/path.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

const char *path_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

int path_folder_bytes(const char *path)
{
    return (int)(path_name(path) - path);
}

bool path_ends_in(const char *path, const char *ending)
{
    size_t length = strlen(path), tail = strlen(ending);
    return length > tail && strcmp(path + length - tail, ending) == 0;
}

char *path_folder(const char *path)
{
    char *folder = memory_text(path);
    char *slash = strrchr(folder, '/');
    if (slash != NULL) {
        slash[slash == folder] = '\0';
        return folder;
    }
    free(folder);
    return memory_text(".");
}
