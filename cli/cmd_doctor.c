/* cli/cmd_doctor.c - `reprise doctor`: what of this machine reprise can use. It only looks. */
#include "cli/commands.h"
#include "cli/options.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Whether a program of that name is on the PATH. */
static bool on_path(const char *program)
{
    const char *path = getenv("PATH");
    while (path != NULL && *path != '\0') {
        char file[4096];
        size_t length = strcspn(path, ":");
        int size = snprintf(file, sizeof file, "%.*s/%s", (int)length, path, program);
        if (size > 0 && (size_t)size < sizeof file && access(file, X_OK) == 0)
            return true;
        path += length + (path[length] == ':');
    }
    return false;
}

static void tell(const char *what, bool works, const char *without)
{
    printf("%-18s %s%s%s\n", what, works ? "yes" : "no", works ? "" : ": ", works ? "" : without);
}

int cmd_doctor(int argc, const char **argv)
{
    const char *arguments[1];
    poptContext context;
    struct error err = { 0 };
    const struct poptOption table[] = { POPT_TABLEEND };
    const struct options options = { .usage = "doctor",
                                     .summary = "Says what of this machine reprise can use.",
                                     .table = table };
    enum options_step step = options_parse(&options, argc, argv, arguments, &context, &err);
    if (step == OPTIONS_RUN) {
        printf("%-18s %ld\n", "cores", sysconf(_SC_NPROCESSORS_ONLN));
        printf("%-18s %s\n", "SQLite", sqlite3_libversion());
        tell("gnuplot", on_path("gnuplot"), "`reprise plot` cannot draw; install gnuplot-nox");
        tell("NVIDIA driver", access("/dev/nvidiactl", F_OK) == 0,
             "not needed to simulate; the validation runtime is to come");
        tell("CUDA compiler", on_path("nvcc") || access("/usr/local/cuda/bin/nvcc", X_OK) == 0,
             "not needed to simulate");
    }
    options_free(context, NULL);
    return err.status != STATUS_OK ? options_fail(&err) : 0;
}
