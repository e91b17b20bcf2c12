/* base/folder_names.c - see folder_names.h. */
#include "base/folder_names.h"

#include "base/memory.h"
#include "base/path.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Not scandir() with alphasort(): that sorts by the locale. */
static int by_bytes(const void *one, const void *other)
{
    return strcmp(*(char *const *)one, *(char *const *)other);
}

static void add(struct folder_names *names, const char *name, const char *ending)
{
    if (name[0] == '.' || !path_ends_in(name, ending))
        return;
    memory_grow(&names->name, &names->capacity, (uint64_t)names->count + 1, sizeof *names->name);
    char *kept = memory_text(name);
    kept[strlen(name) - strlen(ending)] = '\0';
    names->name[names->count++] = kept;
}

enum status folder_names_read(const char *path, const char *ending, struct folder_names *names,
                              struct error *err)
{
    DIR *folder = opendir(path);
    if (folder == NULL)
        return error_io(err, path, "open folder", strerror(errno));
    errno = 0; /* readdir()'s only sign that it could not go on */
    for (struct dirent *entry; (entry = readdir(folder)) != NULL; errno = 0)
        add(names, entry->d_name, ending != NULL ? ending : "");
    int reason = errno;
    closedir(folder);
    if (reason != 0)
        return error_io(err, path, "read folder", strerror(reason));
    if (names->count > 0)
        qsort(names->name, names->count, sizeof *names->name, by_bytes);
    return STATUS_OK;
}

void folder_names_free(struct folder_names *names)
{
    for (uint32_t i = 0; i < names->count; i++)
        free(names->name[i]);
    free(names->name);
    *names = (struct folder_names){ 0 };
}
