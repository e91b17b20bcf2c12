/* cli/cmd_sweep.c - `reprise sweep`: options, the sweep, its table. No arithmetic here. */
#include "base/memory.h"
#include "cli/commands.h"
#include "cli/experiment_options.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/sweep_options.h"
#include "cli/sweep_print.h"

#include <inttypes.h>
#include <stdlib.h>

struct sweep_options {
    struct experiment_options experiment;
    struct text_list vary;
    const char *db, *shard, *metrics;
    uint64_t random, latin, design_seed, replications, jobs;
    bool csv, json, curves, dry_run;
};

static enum status choose_design(const struct sweep_options *given, struct design *design,
                                 struct error *err)
{
    *design = (struct design){ .kind = DESIGN_GRID, .seed = given->design_seed };
    if (given->random > 0 && given->latin > 0)
        return error_input(err, NULL, 0, "--latin", "one of --random and --latin", "both");
    uint64_t samples = given->random > 0 ? given->random : given->latin;
    if (samples > 0) {
        design->kind = given->random > 0 ? DESIGN_RANDOM : DESIGN_LATIN_HYPERCUBE;
        design->samples = samples;
    }
    return STATUS_OK;
}

static enum status make_plan(const struct sweep_options *given, struct inputs *inputs,
                             struct plan *plan, struct error *err)
{
    struct design design;
    struct config_tree *tree = NULL;
    enum status status = choose_design(given, &design, err);
    if (status == STATUS_OK)
        status = experiment_tree(&given->experiment, &tree, err);
    if (status == STATUS_OK)
        status = plan_make(tree, given->vary.text, given->vary.count, &design, given->replications,
                           inputs, plan, err);
    config_tree_free(tree);
    return status;
}

/* With what decides the design. */
static char *command_text(const struct sweep_options *given)
{
    char *base = experiment_command("reprise sweep", &given->experiment, &given->vary),
         *text = NULL;
    size_t bytes;
    FILE *out = memory_stream(&text, &bytes);
    fputs(base, out);
    if (given->random > 0 || given->latin > 0)
        fprintf(out, " --%s %" PRIu64 " --design-seed %" PRIu64,
                given->random > 0 ? "random" : "latin",
                given->random > 0 ? given->random : given->latin, given->design_seed);
    if (given->replications > 1)
        fprintf(out, " --replications %" PRIu64, given->replications);
    memory_stream_close(out, &text);
    free(base);
    return text;
}

static void print_counts(const struct sweep_count *count)
{
    fprintf(stderr, "%" PRIu32 " runs: %" PRIu32 " found in the database, %" PRIu32 " done now",
            count->total, count->found, count->finished - count->found);
    if (count->failed > 0)
        fprintf(stderr, ", %" PRIu32 " cannot run", count->failed);
    if (count->finished < count->total)
        fprintf(stderr, ", %" PRIu32 " to go: the same command goes on",
                count->total - count->finished);
    fputc('\n', stderr);
}

static enum status run_plan(const struct sweep_options *given, const struct plan *plan,
                            struct shard shard, struct ranks *ranks, struct inputs *inputs,
                            struct store *store, int64_t *sweep, struct error *err)
{
    struct runner *runner = NULL;
    struct sweep_count count = { 0 };
    struct progress progress;
    enum status status = runner_open(ranks, given->jobs, given->curves, inputs, &runner, err);
    if (status != STATUS_OK)
        return status;
    char *command = command_text(given);
    struct sweep_watch watch = { tell_progress, &progress };
    progress_start(&progress);
    status = sweep_run(plan, shard, command, runner, store, &watch, sweep, &count, err);
    progress_end(&progress);
    runner_close(runner);
    free(command);
    print_counts(&count);
    return status;
}

/* What is done is shown also where the rest was interrupted. */
static enum status run_and_show(const struct sweep_options *given, const struct plan *plan,
                                struct shard shard, struct ranks *ranks, struct inputs *inputs,
                                struct store *store, struct error *err)
{
    int64_t sweep = 0;
    struct sweep_table table = { 0 };
    struct error show = { 0 };
    enum status status = run_plan(given, plan, shard, ranks, inputs, store, &sweep, err);
    if (status != STATUS_OK && status != STATUS_INTERRUPTED)
        return status;
    if (store_load_sweep(store, sweep, &table, &show) == STATUS_OK)
        sweep_print(stdout, &table,
                    given->csv    ? SWEEP_CSV
                    : given->json ? SWEEP_JSON
                                  : SWEEP_TABLE,
                    given->metrics, &show);
    sweep_table_free(&table);
    if (show.status != STATUS_OK)
        *err = show;
    return err->status;
}

static void print_plan(const struct plan *plan)
{
    char name[512];
    for (uint32_t i = 0; i < plan->count; i++)
        printf("%" PRIu32 "\t%s\t%s\n", i, plan->runs[i].key,
               plan_run_name(plan, i, name, sizeof name));
}

static enum status check_given(const struct sweep_options *given, struct error *err)
{
    enum status status =
        options_check_idle(given->json && given->csv, "--json", "no --csv beside it", err);
    if (status == STATUS_OK)
        status = options_check_idle(given->dry_run && (given->json || given->csv), "--dry-run",
                                    "no --csv or --json beside it: it is a list", err);
    return status == STATUS_OK ? sweep_print_check(given->metrics, err) : status;
}

static enum status sweep(struct ranks *ranks, void *context, struct error *err)
{
    const struct sweep_options *given = context;
    struct plan plan = { 0 };
    struct shard shard = { 1, 1 };
    struct store *store = NULL;
    struct inputs *inputs = inputs_new();
    enum status status = given->shard != NULL ? shard_parse(given->shard, &shard, err) : STATUS_OK;
    if (status == STATUS_OK)
        status = check_given(given, err);
    if (status == STATUS_OK)
        status = make_plan(given, inputs, &plan, err);
    if (status == STATUS_OK && given->dry_run)
        print_plan(&plan);
    else if (status == STATUS_OK) {
        status = store_open(given->db, false, &store, err);
        if (status == STATUS_OK)
            status = run_and_show(given, &plan, shard, ranks, inputs, store, err);
    }
    store_close(store);
    inputs_free(inputs);
    plan_free(&plan);
    return status;
}

int cmd_sweep(int argc, const char **argv)
{
    struct sweep_options given = { .db = STORE_DEFAULT_PATH, .replications = 1, .design_seed = 1 };
    const struct option table[] = {
        EXPERIMENT_OPTIONS(&given.experiment),
        EXPERIMENT_SHORT_FORMS(&given.experiment),
        { "vary", 'v', OPTION_TEXTS, &given.vary, "KEY=VALUES",
          "an axis: a,b,c or LOW..HIGH:logN, :linN; of samples also LOW..HIGH:log, :lin; may be "
          "given again" },
        { "random", 0, OPTION_U64, &given.random, "N", "N random samples instead of the grid" },
        { "latin", 0, OPTION_U64, &given.latin, "N", "a Latin hypercube of N samples" },
        { "design-seed", 0, OPTION_U64, &given.design_seed, "N", "of the samples (1)" },
        { "replications", 'r', OPTION_U64, &given.replications, "N",
          "each point under N seeds of its workload; tables then show 95 % confidence intervals" },
        { "jobs", 'j', OPTION_U64, &given.jobs, "N",
          "runs at once in this process (0: one a core; under mpirun one a rank)" },
        { "shard", 0, OPTION_TEXT, &given.shard, "i/n",
          "only the i-th of n parts, for an array of jobs; then `reprise db merge`" },
        { "db", 0, OPTION_WRITES, &given.db, "FILE", "where results go (" STORE_DEFAULT_PATH ")" },
        { "curves", 0, OPTION_FLAG, &given.curves, NULL,
          "keep each run's curves too: about 10 kB a run" },
        { "metrics", 0, OPTION_TEXT, &given.metrics, "A,B,...", "the table's columns" },
        { "csv", 0, OPTION_FLAG, &given.csv, NULL, "all runs and metrics as CSV" },
        { "json", 0, OPTION_FLAG, &given.json, NULL, "all runs and metrics as JSON" },
        { "dry-run", 'n', OPTION_FLAG, &given.dry_run, NULL, "list the runs and do none" },
        { 0 },
    };
    const struct command_line line = {
        .command = "reprise sweep",
        .usage = "-c FILE --vary KEY=VALUES... [OPTION...]",
        .summary =
            "Runs an experiment at every point of a grid, or at samples of it. What is in the "
            "database\nalready is not run again, so that an interrupted sweep goes on where it "
            "stopped. Under\nmpirun the ranks share the work.",
        .table = table,
    };
    struct options options;
    struct error err = { 0 };
    if (options_parse(&options, &line, argc, argv, &err) == STATUS_OK && !options.help)
        work_among_ranks(given.jobs, sweep, &given, &err);
    experiment_options_free(&given.experiment);
    free(given.vary.text);
    options_free(&options);
    return output_exit(&err);
}
