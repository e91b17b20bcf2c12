/* cli/cmd_run.c - `reprise run`: an experiment done in real time. No arithmetic here. */
#include "cli/commands.h"
#include "cli/comparison.h"
#include "cli/experiment_options.h"
#include "cli/interrupt.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/results_store.h"
#include "cli/runtime_options.h"
#include "runtime/serve.h"

#include <stdio.h>

struct run_options {
    struct experiment_options experiment;
    struct runtime_options runtime;
    struct record_options record;
    const char *policies, *db, *iterations;
    bool json, no_db;
};

struct teller {
    struct progress *progress;
    struct comparison *comparison;
    uint32_t done;
};

static bool tell(void *context, uint64_t turns, uint64_t expected, double share_read)
{
    const struct teller *teller = context;
    double share = expected > 0 ? (double)turns / (double)expected : share_read;
    share = share > 1.0 ? 1.0 : share;
    progress_draw(teller->progress, ((double)teller->done + share) / teller->comparison->count,
                  turns, "turns");
    return !interrupt_asked();
}

static void note_turn(void *context, const struct turn_times *turn)
{
    const struct teller *teller = context;
    turn_log_add(&teller->comparison->runs[teller->done].log, turn);
}

static enum status run_one(const struct run_options *given, const struct serve_config *config,
                           const struct sim_progress *told, const struct comparison *comparison,
                           struct run *run, struct error *err)
{
    struct serve_report report;
    struct sim_progress heard = *told;
    enum status status = comparison_record_begin(comparison, run);
    heard.watch = record_watch(&run->record);
    if (status == STATUS_OK)
        status = serve_run(&run->experiment, config, &heard, &run->result, &report, &run->err);
    bool ran = status == STATUS_OK, stopped = ran && run->result.interrupted;
    if (ran && !stopped)
        status = serve_check_disk(&report, config, &run->err);
    turn_log_sort(&run->log);
    run->finished = status == STATUS_OK && !stopped;
    if (ran && !run->finished)
        sim_result_free(&run->result);
    if (run->finished && !given->json)
        runtime_report_print(stdout, run->experiment.policy, &report);
    fflush(stdout); /* the next one takes its time */
    if (comparison_record_end(run) != STATUS_OK) {
        *err = run->err;
        return err->status;
    }
    return stopped ? error_interrupted(err) : STATUS_OK;
}

static enum status check_run(const struct experiment *experiment, const struct serve_config *config,
                             struct error *err)
{
    enum status status =
        experiment_check_apart(experiment, "--iterations", config->iterations_path, err);
    return status == STATUS_OK ? serve_check(experiment, config, err) : status;
}

/* One after the other: each has the machine to itself. */
static enum status run_all(const struct run_options *given, struct comparison *comparison,
                           struct error *err)
{
    struct progress progress;
    struct serve_config config; /* of all runs */
    enum status status = runtime_options_config(&given->runtime, &config, err);
    config.machine = serve_machine_new();
    config.iterations_path = given->iterations;
    if (status == STATUS_OK && given->iterations != NULL && comparison->count > 1)
        status = error_input(err, NULL, 0, "--iterations", "one policy", "several");
    struct teller teller = { .progress = &progress, .comparison = comparison };
    struct sim_progress told = { .tell = tell,
                                 .context = &teller,
                                 .turn_ended = comparison->pairs_turns ? note_turn : NULL };
    for (uint32_t i = 0; i < comparison->count && status == STATUS_OK; i++)
        status = check_run(&comparison->runs[i].experiment, &config, err);
    progress_start(&progress);
    for (; teller.done < comparison->count && status == STATUS_OK; teller.done++)
        status = run_one(given, &config, &told, comparison, &comparison->runs[teller.done], err);
    progress_end(&progress);
    serve_machine_free(config.machine);
    if (status == STATUS_INTERRUPTED || status == STATUS_IO)
        comparison_keep_finished(comparison);
    return status;
}

static enum status run(const struct run_options *given, struct error *err)
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
        status = results_store_open(given->db, given->no_db, &store, err);
    if (status == STATUS_OK) {
        interrupt_catch();
        status = run_all(given, &comparison, err);
        if (status == STATUS_IO) /* which ends the rest as the user would */
            status = STATUS_INTERRUPTED;
        status = comparison_conclude(&comparison, status, store, given->json, err);
    }
    store_close(store);
    comparison_free(&comparison);
    return status;
}

int cmd_run(int argc, const char **argv)
{
    struct run_options given = { .db = STORE_DEFAULT_PATH, .runtime = RUNTIME_OPTIONS_DEFAULT };
    const struct option table[] = {
        EXPERIMENT_OPTIONS(&given.experiment),
        EXPERIMENT_SHORT_FORMS(&given.experiment),
        { "policy", 'p', OPTION_TEXT, &given.policies, "A,B,...",
          "presets, EVICTION or EVICTION+FETCHING; several, parted by commas, are run one after "
          "the other" },
        RUNTIME_OPTIONS(&given.runtime),
        { "iterations", 0, OPTION_WRITES, &given.iterations, "FILE",
          "a CSV of every iteration: what it took beside what timing says (one policy)" },
        RECORD_OPTIONS(&given.record),
        { "db", 0, OPTION_WRITES, &given.db, "FILE", "where results go (" STORE_DEFAULT_PATH ")" },
        { "no-db", 0, OPTION_FLAG, &given.no_db, NULL, "keep no results" },
        { "json", 0, OPTION_FLAG, &given.json, NULL, "print all metrics as one JSON object" },
        { 0 },
    };
    const struct command_line line = {
        .command = "reprise run",
        .usage = "[OPTION...]",
        .summary =
            "Does what `reprise sim` simulates: a trace of sessions served in real time on real "
            "kernels,\nmemory and a file on SSD, with the same policies. The model and the server "
            "are files that\n`reprise calibrate` writes.",
        .table = table,
    };
    struct options options;
    struct error err = { 0 };
    if (options_parse(&options, &line, argc, argv, &err) == STATUS_OK && !options.help)
        run(&given, &err);
    experiment_options_free(&given.experiment);
    options_free(&options);
    return output_exit(&err);
}
