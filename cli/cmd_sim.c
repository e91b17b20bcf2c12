/* cli/cmd_sim.c - `reprise sim`: options, runs, table. No arithmetic here. */
#include "cli/commands.h"
#include "cli/comparison.h"
#include "cli/experiment_options.h"
#include "cli/interrupt.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/results_store.h"

#include <stdio.h>

struct sim_options {
    struct experiment_options experiment;
    struct record_options record;
    const char *policies, *db;
    uint64_t threads, replications;
    bool json, no_db, help_config;
};

static enum status simulate(const struct sim_options *given, struct error *err)
{
    struct config_tree *tree = NULL;
    struct comparison comparison = { 0 };
    struct store *store = NULL;
    enum status status = experiment_tree(&given->experiment, &tree, err);
    if (status != STATUS_OK)
        return status;
    status = comparison_init(&comparison, tree, given->policies, err);
    config_tree_free(tree);
    if (status == STATUS_OK)
        status = comparison_record(&comparison, &given->record, err);
    if (status == STATUS_OK)
        status = options_check_idle(given->record.keep_turns && given->no_db, "--keep-turns",
                                    "a database to keep them in: no --no-db beside it", err);
    if (status == STATUS_OK)
        status = comparison_replicate(&comparison, given->replications, err);
    if (status == STATUS_OK)
        status = results_store_open(given->db, given->no_db, &store, err);
    if (status == STATUS_OK) {
        interrupt_catch();
        status = comparison_conclude(&comparison, comparison_run(&comparison, given->threads, err),
                                     store, given->json, err);
    }
    store_close(store);
    comparison_free(&comparison);
    return status;
}

int cmd_sim(int argc, const char **argv)
{
    struct sim_options given = { .db = STORE_DEFAULT_PATH };
    const struct option table[] = {
        EXPERIMENT_OPTIONS(&given.experiment),
        EXPERIMENT_SHORT_FORMS(&given.experiment),
        { "policy", 'p', OPTION_TEXT, &given.policies, "A,B,...",
          "presets, EVICTION or EVICTION+FETCHING; several, parted by commas, are compared" },
        { "replications", 'r', OPTION_U64, &given.replications, "N",
          "each policy under N seeds of the workload, which are paired; of a trace, N resamples of "
          "its "
          "time (1000)" },
        { "threads", 'j', OPTION_U64, &given.threads, "N",
          "policies run at once, and threads of a fleet's run beyond them (0: one a core); results "
          "do "
          "not depend on it" },
        RECORD_OPTIONS(&given.record),
        { "db", 0, OPTION_WRITES, &given.db, "FILE", "where results go (" STORE_DEFAULT_PATH ")" },
        { "no-db", 0, OPTION_FLAG, &given.no_db, NULL, "keep no results" },
        { "json", 0, OPTION_FLAG, &given.json, NULL, "print all metrics as one JSON object" },
        { "help-config", 0, OPTION_FLAG, &given.help_config, NULL,
          "list the experiment's keys: units, ranges, defaults" },
        { 0 },
    };
    const struct command_line line = {
        .command = "reprise sim",
        .usage = "[OPTION...]",
        .summary =
            "Simulates an experiment, by default CachedAttention's: LLaMA-13B on the paper's "
            "server\nunder a ShareGPT-like workload that overloads it; "
            "docs/examples/first.yaml is one that its\nserver sustains. Several policies are "
            "compared in sentences and side by side, and with the first one\nnamed: by how much "
            "they differ, and whether that is more than chance.",
        .table = table,
    };
    struct options options;
    struct error err = { 0 };
    if (options_parse(&options, &line, argc, argv, &err) == STATUS_OK && !options.help) {
        if (given.help_config)
            config_print_rows(stdout, experiment_sections, false);
        else
            simulate(&given, &err);
    }
    experiment_options_free(&given.experiment);
    options_free(&options);
    return output_exit(&err);
}
