/* plots/workshop.c - see workshop.h. */
#include "plots/workshop.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES WORKSHOP_PATH_BYTES

enum status workshop_check_name(const char *what, const char *path, struct error *err)
{
    if (strlen(path) > PATH_BYTES - 64)
        return error_input(err, NULL, 0, what, "a folder's name of less than 4,000 bytes", path);
    for (const char *byte = path; *byte != '\0'; byte++)
        if ((unsigned char)*byte < 0x20) /* gnuplot's strings end with the line */
            return error_input(err, NULL, 0, what, "a folder's name without control characters",
                               path);
    return STATUS_OK;
}

const char *workshop_scripts(void)
{
    const char *folder = getenv("REPRISE_PLOTS");
    return folder != NULL && *folder != '\0' ? folder : REPRISE_PLOTS_FOLDER;
}

enum status workshop_make_folder(const char *folder, struct error *err)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s", folder);
    /* The folders above it first: "a", "a/b", "a/b/c". */
    for (char *slash = path + 1; *path != '\0' && *slash != '\0'; slash++) {
        if (*slash != '/')
            continue;
        *slash = '\0';
        if (mkdir(path, 0777) != 0 && errno != EEXIST)
            return error_io(err, path, "create folder", strerror(errno));
        *slash = '/';
    }
    struct stat facts;
    if (mkdir(path, 0777) != 0 && errno != EEXIST)
        return error_io(err, folder, "create folder", strerror(errno));
    if (stat(path, &facts) != 0 || !S_ISDIR(facts.st_mode))
        return error_io(err, folder, "create folder", "there is a file of that name");
    if (access(path, W_OK) != 0)
        return error_io(err, folder, "write into folder", strerror(errno));
    return STATUS_OK;
}

enum status workshop_open(struct workshop *workshop, struct error *err)
{
    snprintf(workshop->folder, sizeof workshop->folder, "/tmp/reprise-plot-XXXXXX");
    if (mkdtemp(workshop->folder) == NULL)
        return error_io(err, workshop->folder, "create folder", strerror(errno));
    snprintf(workshop->script, sizeof workshop->script, "%s/plot.gp", workshop->folder);
    snprintf(workshop->log, sizeof workshop->log, "%s/log", workshop->folder);
    return STATUS_OK;
}

void workshop_close(const struct workshop *workshop)
{
    unlink(workshop->script);
    unlink(workshop->log);
    rmdir(workshop->folder);
}
