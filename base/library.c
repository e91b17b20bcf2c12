/* base/library.c - see library.h: the loader's answers, put together. */
#include "base/library.h"

#include "base/start_guard.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* What was tried and is not taken, one behind the other, as long as there is room. */
struct refusals {
    char text[256];
    size_t length;
};

static void refuse(struct refusals *refusals, const char *before, const char *name,
                   const char *after)
{
    size_t room = sizeof refusals->text - refusals->length;
    int wanted = snprintf(refusals->text + refusals->length, room, "%s%s%s%s",
                          refusals->length > 0 ? "; " : "", before, name, after);
    if (wanted > 0)
        refusals->length += (size_t)wanted < room ? (size_t)wanted : room - 1;
}

/* The loader's words take 60 bytes to say that a file is not there, which is what is usual. */
static void refuse_unloaded(struct refusals *refusals, const char *name)
{
    const char *why = dlerror();
    why = why != NULL ? why : "is not loaded";
    if (strncmp(why, name, strlen(name)) == 0 && strstr(why, "No such file") != NULL)
        refuse(refusals, "no ", name, "");
    else
        refuse(refusals, name, ": ", why);
}

/* NULL: all are found. */
static const char *missing_function(void *file, const struct library_function *functions,
                                    char *table)
{
    for (const struct library_function *each = functions; each->name != NULL; each++) {
        void *address = dlsym(file, each->name);
        if (address == NULL)
            return each->name;
        memcpy(table + each->at, &address, sizeof address); /* ISO C has no cast to a function */
    }
    return NULL;
}

static void forget(const struct library_function *functions, char *table)
{
    void *const none = NULL;
    for (const struct library_function *each = functions; each->name != NULL; each++)
        memcpy(table + each->at, &none, sizeof none);
}

/* RTLD_NODELETE: the library stays for the life of the process. Unloading and loading it again
 * takes cuBLAS half a second of CPU for every run of a validation, and crashes: its threads and
 * handlers at exit, and those of the driver on its behalf, outlive the unloading. So do OpenBLAS's
 * threads. */
static bool take(const struct library *library, const char *name, void *table,
                 struct refusals *refusals)
{
    struct start_guard guard;
    char what[96];
    snprintf(what, sizeof what, "load %s", library->name);
    start_guard_begin(&guard, what);
    void *file = dlopen(name, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    start_guard_end(&guard);
    if (file == NULL) {
        refuse_unloaded(refusals, name);
        return false;
    }
    const char *missing = missing_function(file, library->functions, table);
    if (missing == NULL)
        return true;
    refuse(refusals, name, " has no ", missing);
    dlclose(file);
    return false;
}

static bool already_tried(const struct library *library, const char *const *file)
{
    for (const char *const *before = library->files; before < file; before++)
        if (strcmp(*before, *file) == 0)
            return true;
    return false;
}

enum status library_open(const struct library *library, const char *who, void *table,
                         struct error *err)
{
    struct refusals refusals = { 0 };
    char what[64];
    for (int built = 0; built < 2; built++)
        for (const char *const *file = library->files; *file != NULL; file++) {
            char name[512];
            snprintf(name, sizeof name, "%s%s%s", built ? library->folder : "", built ? "/" : "",
                     *file);
            if (!already_tried(library, file) && take(library, name, table, &refusals))
                return STATUS_OK;
        }
    forget(library->functions, table);
    snprintf(what, sizeof what, "load %s", library->name);
    return error_io(err, who, what, refusals.text);
}
