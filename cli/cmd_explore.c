/* cli/cmd_explore.c - `reprise explore`: the page, until it is interrupted. */
#include "base/clock.h"
#include "base/scratch.h"
#include "cli/commands.h"
#include "cli/experiment_options.h"
#include "cli/explore/explore.h"
#include "cli/interrupt.h"
#include "cli/options.h"
#include "cli/output.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOOK_EVERY_NS (100 * NS_PER_MS)

extern char **environ;

struct explore_options {
    struct experiment_options experiment;
    struct text_list traces;
    uint64_t port;
    bool no_browser;
};

/* ---- the browser ---- */

/* A file that leads to the address: a command's arguments are everybody's to read, and whoever has
 * the address has the page. */
struct leading {
    char folder[SCRATCH_PATH_BYTES], file[SCRATCH_PATH_BYTES + 16];
};

static bool leading_make(struct leading *leading, const char *address)
{
    struct error unsaid = { 0 }; /* the address is printed too */
    if (scratch_make("explore", leading->folder, &unsaid) != STATUS_OK)
        return false;
    snprintf(leading->file, sizeof leading->file, "%s/open.html", leading->folder);
    FILE *out = fopen(leading->file, "w");
    if (out == NULL)
        return false;
    fprintf(out, "<!DOCTYPE html><meta http-equiv=\"refresh\" content=\"0;url=%s\">\n", address);
    return fclose(out) == 0;
}

/* What it says is not ours to print; false: there is no such program. */
static bool start_browser(char *file, pid_t *child)
{
    char *argv[] = { (char *)"xdg-open", file, NULL };
    posix_spawn_file_actions_t actions;
    bool ready = posix_spawn_file_actions_init(&actions) == 0;
    for (int fd = STDIN_FILENO; ready && fd <= STDERR_FILENO; fd++)
        ready = posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_RDWR, 0) == 0;
    ready = ready && posix_spawnp(child, argv[0], &actions, NULL, argv, environ) == 0;
    posix_spawn_file_actions_destroy(&actions);
    return ready;
}

static bool has_screen(void)
{
    const char *x = getenv("DISPLAY"), *wayland = getenv("WAYLAND_DISPLAY");
    return (x != NULL && *x != '\0') || (wayland != NULL && *wayland != '\0');
}

/* ---- the page ---- */

static void wait_for_interrupt(void)
{
    while (!interrupt_asked())
        clock_sleep_until(clock_now_ns() + LOOK_EVERY_NS);
}

static void serve(const char *address, bool no_browser)
{
    struct leading leading = { 0 };
    pid_t child = 0;
    bool opens = !no_browser && has_screen() && leading_make(&leading, address) &&
                 start_browser(leading.file, &child);
    printf("%s\n", address);
    fflush(stdout);
    fprintf(stderr, "%s Ctrl-C ends it.\n",
            opens ? "Opened in your browser; or open the address above." : "Open it in a browser.");
    wait_for_interrupt();
    if (child > 0)
        waitpid(child, NULL, WNOHANG); /* a browser that goes on is init's */
    scratch_remove(leading.folder);
}

/* Where the command line says nothing, what ./setup runs: its server sustains its load. Under the
 * default experiment's, the paper's, every mechanism is hidden behind a queue of minutes. */
static enum status take_start(const struct explore_options *given, struct config_tree **tree,
                              struct error *err)
{
    const struct experiment_options *said = &given->experiment;
    bool silent = said->file == NULL && said->set.count == 0 && said->model == NULL &&
                  said->hardware == NULL && said->gpus == NULL && said->trace == NULL;
    return silent ? explore_first_tree(tree, err) : experiment_tree(said, tree, err);
}

static enum status explore(struct explore_options *given, struct error *err)
{
    struct config_tree *tree = NULL;
    struct explore *page = NULL;
    if (given->port > UINT16_MAX) {
        char found[32];
        snprintf(found, sizeof found, "%llu", (unsigned long long)given->port);
        return error_input(err, NULL, 0, "--port", "a port from 0 to 65535", found);
    }
    given->experiment.trace = given->traces.count > 0 ? given->traces.text[0] : NULL;
    enum status status = take_start(given, &tree, err);
    const struct explore_config config = { .start = tree,
                                           .traces = given->traces.text,
                                           .trace_count = given->traces.count,
                                           .port = (uint16_t)given->port };
    struct experiment experiment;
    if (status == STATUS_OK) /* a mistake is told here, not in the browser */
        status = experiment_from_tree(tree, NULL, &experiment, err);
    if (status == STATUS_OK) {
        interrupt_catch();
        status = explore_open(&config, &page, err);
    }
    if (status == STATUS_OK)
        serve(explore_address(page), given->no_browser);
    explore_close(page);
    config_tree_free(tree);
    return status;
}

int cmd_explore(int argc, const char **argv)
{
    struct explore_options given = { 0 };
    const struct option table[] = {
        EXPERIMENT_OPTIONS(&given.experiment),
        { "model", 'm', OPTION_READS, &given.experiment.model, "NAME", "--set model=NAME" },
        { "hardware", 'H', OPTION_READS, &given.experiment.hardware, "NAME",
          "--set hardware=NAME" },
        { "gpus", 'g', OPTION_TEXT, &given.experiment.gpus, "N", "--set gpus=N" },
        { "trace", 't', OPTION_TEXTS, &given.traces, "FILE",
          "a trace that the page may choose; may be given again; the first is where it begins" },
        { "port", 0, OPTION_U64, &given.port, "N", "listen there (0: any port that is free)" },
        { "no-browser", 0, OPTION_FLAG, &given.no_browser, NULL, "print the address only" },
        { 0 },
    };
    const struct command_line line = {
        .command = "reprise explore",
        .usage = "[OPTION...]",
        .summary = "Serves a page on this machine alone on which an experiment's model, server, "
                   "tiers, policy and load\ncan be changed and two of them compared; prints its "
                   "address, opens it in a browser where there is one,\nand ends with exit code 0 "
                   "at Ctrl-C. Files that are read: those named here.",
        .table = table,
    };
    struct options options;
    struct error err = { 0 };
    if (options_parse(&options, &line, argc, argv, &err) == STATUS_OK && !options.help)
        explore(&given, &err);
    experiment_options_free(&given.experiment);
    free(given.traces.text);
    options_free(&options);
    return output_exit(&err);
}
