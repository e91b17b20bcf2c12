/* cli/cmd_doctor.c - `reprise doctor`: what of this machine reprise can use. It only looks. */
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/output.h"
#include "runtime/backend.h"
#include "sweep/ranks.h"

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

/* Opened as `reprise run` would: the driver, the GPU and its libraries are there only then. */
static void look_at_backend(const char *name, const struct backend *backend)
{
    const struct backend_config config = { .hbm_bytes = 1 << 20, .dram_bytes = 1 << 20 };
    struct device *device;
    struct error err = { 0 };
    char text[128];
    if (backend->open(&config, &device, &err) != STATUS_OK) {
        printf("%-18s no: cannot %s: %s\n", name, err.expected, err.found);
        return;
    }
    printf("%-18s yes: %s\n", name, backend->describe(device, text, sizeof text));
    backend->close(device);
}

static void look_at_backends(void)
{
    char name[64], why[600];
    for (int i = 0; backend_name(i) != NULL; i++) {
        const struct backend *backend = backend_find(backend_name(i));
        snprintf(name, sizeof name, "backend %s", backend_name(i));
        if (backend != NULL)
            look_at_backend(name, backend);
        else
            printf("%-18s no: %s\n", name, backend_missing(backend_name(i), why, sizeof why));
    }
}

static void look_at_mpi(void)
{
    struct error err = { 0 };
    char version[128];
    if (ranks_library(version, sizeof version, &err) == STATUS_OK)
        printf("%-18s %s\n", "MPI", version);
    else if (err.status == STATUS_INPUT)
        printf("%-18s no: %s\n", "MPI", "sweeps run on this machine's cores, or as --shard i/n");
    else
        printf("%-18s no: cannot %s: %s\n", "MPI", err.expected, err.found);
}

static void look(void)
{
    printf("%-18s %ld\n", "cores", sysconf(_SC_NPROCESSORS_ONLN));
    printf("%-18s %s\n", "SQLite", sqlite3_libversion());
    tell("gnuplot", on_path("gnuplot"), "`reprise plot` cannot draw; install gnuplot-nox");
    tell("browser", on_path("xdg-open"),
         "`reprise explore` prints its address, to be opened by hand");
    look_at_mpi();
    tell("NVIDIA driver", access("/dev/nvidiactl", F_OK) == 0, "not needed to simulate");
    tell("CUDA compiler", on_path("nvcc") || access("/usr/local/cuda/bin/nvcc", X_OK) == 0,
         "not needed to simulate");
    look_at_backends();
}

int cmd_doctor(int argc, const char **argv)
{
    const struct option table[] = { { 0 } };
    const struct command_line line = {
        .command = "reprise doctor",
        .usage = "",
        .summary = "Says what of this machine reprise can use. It only looks.",
        .table = table,
    };
    struct options options;
    struct error err = { 0 };
    if (options_parse(&options, &line, argc, argv, &err) == STATUS_OK && !options.help)
        look();
    options_free(&options);
    return output_exit(&err);
}
