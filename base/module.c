/* base/module.c - see module.h. */
#include "base/module.h"

#include "base/absent.h"
#include "base/start_guard.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 4096 };

/* The folder of the running program, without a link's detour; false: the system does not say. */
static bool own_folder(char folder[PATH_BYTES])
{
    ssize_t length = readlink("/proc/self/exe", folder, PATH_BYTES - 1);
    if (length <= 0)
        return false;
    folder[length] = '\0';
    char *slash = strrchr(folder, '/');
    if (folder[0] != '/' || slash == NULL)
        return false;
    *slash = '\0';
    return true;
}

/* Who may write beside the program, as everybody may in /tmp, shall not choose what it runs. */
static enum status check_owner(const char *path, struct error *err)
{
    struct stat module, program;
    if (stat(path, &module) != 0)
        return error_io(err, path, "open the module", strerror(errno));
    if (module.st_uid == 0 ||
        (stat("/proc/self/exe", &program) == 0 && module.st_uid == program.st_uid))
        return STATUS_OK;
    return error_io(err, path, "open the module", "its owner is not the program's");
}

static enum status open_file(const char *path, const char *stamp, const void **door,
                             struct error *err)
{
    if (check_owner(path, err) != STATUS_OK)
        return err->status;
    struct start_guard guard;
    start_guard_begin(&guard, "load a module of reprise"); /* which brings others' libraries */
    void *file = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    start_guard_end(&guard);
    if (file == NULL)
        return error_io(err, path, "load the module", dlerror());
    const struct module *module = dlsym(file, "reprise_module");
    if (module == NULL || strcmp(module->stamp, stamp) != 0)
        return error_io(err, path, "use the module",
                        "it is of another build than the program; build both again");
    *door = module->door;
    return STATUS_OK;
}

static bool is_there(const char *folder, const char *name, char path[PATH_BYTES])
{
    int length = snprintf(path, PATH_BYTES, "%s/%s.so", folder, name);
    return length > 0 && length < PATH_BYTES && !file_absent(path);
}

enum status module_open(const char *name, const char *stamp, const void **door, struct error *err)
{
    char folder[PATH_BYTES], path[PATH_BYTES], reason[256];
    bool known = own_folder(folder);
    if ((known && is_there(folder, name, path)) || is_there(REPRISE_MODULES, name, path))
        return open_file(path, stamp, door, err);
    snprintf(reason, sizeof reason, "%s.so is neither in %.96s nor in %.96s", name,
             known ? folder : "the program's folder", REPRISE_MODULES);
    return error_io(err, NULL, "find a module of reprise", reason);
}
