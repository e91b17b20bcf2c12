/* cli/cmd_paper.c - `reprise paper`: CachedAttention's evaluation, run and set beside what was
 * published. No arithmetic here. */
#include "base/memory.h"
#include "base/shown.h"
#include "cli/commands.h"
#include "cli/comparison.h"
#include "cli/interrupt.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/paper_print.h"
#include "plots/paper_page.h"
#include "plots/workshop.h"
#include "sweep/point_key.h"
#include "validate/paper/paper.h"
#include "validate/truncation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A check that fails is a result, not an error of the program. */
#define EXIT_CHECK_FAILED 1

struct paper_options {
    const char *folder, *db;
    uint64_t jobs;
    bool list;
};

static void plan(struct comparison *comparison, const struct paper *paper)
{
    comparison->count = paper->run_count;
    comparison->runs = memory_new(paper->run_count, sizeof *comparison->runs);
    for (uint32_t i = 0; i < paper->run_count; i++) {
        struct run *run = &comparison->runs[i];
        run->experiment = paper->runs[i].experiment;
        atomic_init(&run->turns, 0);
        atomic_init(&run->share_millionths, 0);
    }
}

/* Those that finished keep their order, so that each is found behind the one before. */
static void take_results(struct paper *paper, const struct comparison *comparison,
                         struct store_run *stored)
{
    uint32_t at = 0;
    for (uint32_t i = 0; i < comparison->count; i++) {
        const struct run *run = &comparison->runs[i];
        char *yaml = experiment_text(&run->experiment);
        while (strcmp(paper->runs[at].config_yaml, yaml) != 0)
            at++;
        free(yaml);
        struct paper_run *planned = &paper->runs[at];
        planned->metrics = run->result.metrics;
        planned->finished = true;
        stored[i] = (struct store_run){ .name = planned->name,
                                        .config_yaml = planned->config_yaml,
                                        .seed = planned->experiment.workload.seed,
                                        .result = &run->result };
    }
}

static enum status run_and_store(struct paper *paper, const struct paper_options *given,
                                 struct store *store, struct error *err)
{
    struct comparison comparison = { 0 };
    if (paper->run_count == 0)
        return STATUS_OK;
    plan(&comparison, paper);
    enum status status = comparison_run(&comparison, given->jobs, err);
    if ((status == STATUS_OK || status == STATUS_INTERRUPTED) && comparison.count > 0) {
        struct store_run *stored = memory_new(comparison.count, sizeof *stored);
        int64_t first_id;
        struct error store_err = { 0 };
        take_results(paper, &comparison, stored);
        if (store_put_runs(store, stored, comparison.count, &first_id, &store_err) != STATUS_OK) {
            *err = store_err;
            status = err->status;
        }
        free(stored);
    }
    comparison_free(&comparison);
    return status;
}

static enum status measure(struct paper *paper, struct error *err)
{
    for (uint32_t i = 0; i < paper->truncation_count; i++)
        if (truncation_measure(&paper->truncations[i], err) != STATUS_OK)
            return err->status;
    return STATUS_OK;
}

static void tell_file(const char *path, void *context)
{
    (void)context;
    shown_line(stdout, "", path);
}

static enum status reproduce(const struct paper_options *given, const struct options *options,
                             bool *passed, struct error *err)
{
    struct paper *paper = NULL;
    struct store *store = NULL;
    char db[4096];
    snprintf(db, sizeof db, "%s/paper.db", given->folder);
    enum status status = workshop_make_folder(given->folder, err);
    if (status == STATUS_OK)
        status =
            paper_open(options->arguments, options->argument_count, given->folder, &paper, err);
    if (status == STATUS_OK)
        status = store_open(given->db != NULL ? given->db : db, false, &store, err);
    if (status == STATUS_OK) {
        interrupt_catch();
        status = run_and_store(paper, given, store, err);
    }
    if (status == STATUS_OK)
        status = measure(paper, err);
    if (status == STATUS_OK)
        status = paper_report(paper, err);
    if (status == STATUS_OK) {
        paper_print(stdout, paper);
        *passed = paper_all_passed(paper);
        status = paper_page_draw(paper, given->folder, tell_file, NULL, err);
    }
    store_close(store);
    paper_free(paper);
    return status;
}

int cmd_paper(int argc, const char **argv)
{
    struct paper_options given = { .folder = "paper" };
    const struct option table[] = {
        { "jobs", 'j', OPTION_U64, &given.jobs, "N",
          "runs at once (0: one a core); results do not depend on it" },
        { "out", 'o', OPTION_WRITES, &given.folder, "FOLDER",
          "where pictures and the page go (paper)" },
        { "db", 0, OPTION_WRITES, &given.db, "FILE", "where results go (FOLDER/paper.db)" },
        { "list", 0, OPTION_FLAG, &given.list, NULL, "list the figures and other parts" },
        { 0 },
    };
    const struct command_line line = {
        .command = "reprise paper",
        .usage = "[OPTION...] [FIGURE...]",
        .summary =
            "Runs CachedAttention's evaluation (USENIX ATC'24) and sets each published number "
            "beside ours:\na table, a picture a figure, and one page, index.html. Without "
            "FIGURE: all of it. Exit code 1: a\ncheck against theory failed.",
        .table = table,
        .arguments_most = 32,
    };
    struct options options;
    struct error err = { 0 };
    bool passed = true;
    if (options_parse(&options, &line, argc, argv, &err) == STATUS_OK && !options.help) {
        if (options_check_idle(given.list && options.argument_count > 0, "--list",
                               "no figure beside it", &err) == STATUS_OK)
            given.list ? paper_print_parts(stdout)
                       : (void)reproduce(&given, &options, &passed, &err);
    }
    options_free(&options);
    int code = output_exit(&err);
    return code == 0 && !passed ? EXIT_CHECK_FAILED : code;
}
