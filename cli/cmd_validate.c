/* cli/cmd_validate.c - `reprise validate`: simulator against runs. No arithmetic here. */
#include "base/memory.h"
#include "base/units.h"
#include "base/whole_file.h"
#include "cli/commands.h"
#include "cli/experiment_list.h"
#include "cli/experiment_options.h"
#include "cli/interrupt.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/results_store.h"
#include "cli/runtime_options.h"
#include "plots/validation_plots.h"
#include "validate/comparison.h"
#include "validate/store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STANDARD_POLICIES "scheduler-aware,lru"
#define STANDARD_LOADS "25,60,85,150"
enum { LOADS_MOST = 16 };

struct validate_options {
    struct experiment_options experiment;
    struct runtime_options runtime;
    const char *policies, *experiments, *loads, *db, *csv, *plot, *tolerance;
    uint64_t repeats;
    bool no_db;
};

static bool tell(void *context, double share)
{
    progress_draw(context, share, 0, "points");
    return !interrupt_asked();
}

static bool is_load(const double *loads, uint32_t count, double load)
{
    if (load <= 0.0 || load > 1000.0)
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (loads[i] == load)
            return false;
    return true;
}

static enum status parse_loads(const char *text, double loads[LOADS_MOST], uint32_t *count,
                               struct error *err)
{
    *count = 0;
    for (const char *at = text; at != NULL;) {
        char item[32];
        size_t length = strcspn(at, ",");
        snprintf(item, sizeof item, "%.*s", (int)(length < 31 ? length : 31), at);
        if (*count == LOADS_MOST || !units_parse(item, UNIT_PLAIN, &loads[*count]) ||
            !is_load(loads, *count, loads[*count]))
            return error_input(err, NULL, 0, "--loads",
                               "up to 16 percentages above 0, each once, with commas", text);
        ++*count;
        at = at[length] == ',' ? at + length + 1 : NULL;
    }
    return STATUS_OK;
}

static enum status write_csv(const char *path, const struct validation *validation,
                             struct error *err)
{
    struct whole_file file;
    if (whole_file_open(&file, path, err) != STATUS_OK)
        return err->status;
    validation_print_csv(file.out, validation);
    return whole_file_close(&file, err);
}

static enum status keep(const struct validate_options *given, const struct validation *validation,
                        struct store *store, struct error *err)
{
    struct store_validation plain = validation_rows(validation);
    enum status status = STATUS_OK;
    if (store != NULL)
        status = store_put_validation(store, &plain, err);
    if (status == STATUS_OK && given->csv != NULL)
        status = write_csv(given->csv, validation, err);
    if (status == STATUS_OK && given->plot != NULL && plain.count > 0)
        status = validation_plots_draw(&plain, given->plot, err);
    validation_rows_free(&plain);
    return status;
}

/* *past: a judged metric is past its tolerance. */
static enum status run(const struct validate_options *given, struct validation_config *config,
                       double scale, bool *past, struct error *err)
{
    struct validation validation = { 0 };
    struct progress progress;
    struct store *store = NULL;
    enum status status = results_store_open(given->db, given->no_db, &store, err);
    if (status == STATUS_OK) {
        interrupt_catch();
        progress_start(&progress);
        config->tell = tell;
        config->context = &progress;
        status = validate(config, &validation, err);
        config->context = NULL;
        progress_end(&progress);
    }
    if (status == STATUS_OK)
        status = keep(given, &validation, store, err);
    if (status == STATUS_OK) {
        validation_print(stdout, &validation);
        *past = !validation_passes(&validation, scale);
    }
    validation_free(&validation);
    store_close(store);
    return status;
}

/* The policies', then the file's; without either those of docs/validate.yaml. */
static enum status list_experiments(const struct validate_options *given,
                                    struct experiment_list *list, struct error *err)
{
    struct config_tree *tree = NULL;
    const char *policies = given->policies;
    if (policies == NULL && given->experiments == NULL)
        policies = STANDARD_POLICIES;
    enum status status = experiment_tree(&given->experiment, &tree, err);
    if (status == STATUS_OK && policies != NULL)
        status = experiment_list_add_policies(list, tree, policies, err);
    if (status == STATUS_OK && given->experiments != NULL)
        status = experiment_list_add_file(list, tree, given->experiments, err);
    if (status == STATUS_OK && list->count == 0)
        status = error_input(err, given->experiments, 0, NULL, "an experiment", "none");
    config_tree_free(tree);
    return status;
}

/* Before the work, not after it. */
static enum status check_written(const struct validate_options *given,
                                 const struct experiment_list *list, struct error *err)
{
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < list->count && status == STATUS_OK; i++)
        if (experiment_check_apart(&list->item[i].experiment, "--csv", given->csv, err) ||
            experiment_check_apart(&list->item[i].experiment, "--plot", given->plot, err))
            status = err->status;
    if (status == STATUS_OK && given->csv != NULL)
        status = whole_file_check(given->csv, err);
    if (status == STATUS_OK && given->plot != NULL)
        status = whole_file_check(given->plot, err);
    return status;
}

static enum status run_list(const struct validate_options *given, struct validation_config *config,
                            const struct experiment_list *list, double scale, bool *past,
                            struct error *err)
{
    struct validated_experiment *experiments = memory_new(list->count, sizeof *experiments);
    for (uint32_t i = 0; i < list->count; i++)
        experiments[i] =
            (struct validated_experiment){ list->item[i].name, &list->item[i].experiment };
    config->experiments = experiments;
    config->experiment_count = list->count;
    enum status status = run(given, config, scale, past, err);
    free(experiments);
    return status;
}

/* At fixed concurrency there is one load, which the experiments say. */
static enum status set_loads(const struct validate_options *given,
                             const struct experiment_list *list, double loads[LOADS_MOST],
                             uint32_t *count, struct error *err)
{
    *count = 0;
    if (list->item[0].experiment.workload.concurrency == 0)
        return parse_loads(given->loads != NULL ? given->loads : STANDARD_LOADS, loads, count, err);
    if (given->loads == NULL)
        return STATUS_OK;
    return error_input(err, NULL, 0, "--loads",
                       "none: workload.concurrency says how many sessions are in flight",
                       given->loads);
}

static enum status set_up_and_run(const struct validate_options *given, bool *past,
                                  struct error *err)
{
    struct validation_config config = { .repeats = (uint32_t)given->repeats };
    struct experiment_list list = { 0 };
    double loads[LOADS_MOST], scale = 1.0;
    config.loads_percent = loads;
    enum status status = list_experiments(given, &list, err);
    if (status == STATUS_OK)
        status = runtime_options_config(&given->runtime, &config.serve, err);
    if (status == STATUS_OK)
        status = set_loads(given, &list, loads, &config.load_count, err);
    if (status == STATUS_OK && (!units_parse(given->tolerance, UNIT_PLAIN, &scale) || scale <= 0.0))
        status = error_input(err, NULL, 0, "--tolerance", "a factor above 0", given->tolerance);
    if (status == STATUS_OK && (given->repeats < 1 || given->repeats > VALIDATED_RUNS_MOST))
        status = error_input(err, NULL, 0, "--repeats", "1 to 32", NULL);
    if (status == STATUS_OK)
        status = check_written(given, &list, err);
    if (status == STATUS_OK)
        status = run_list(given, &config, &list, scale, past, err);
    experiment_list_free(&list);
    return status;
}

int cmd_validate(int argc, const char **argv)
{
    struct validate_options given = {
        .runtime = RUNTIME_OPTIONS_DEFAULT, .db = STORE_DEFAULT_PATH, .tolerance = "1", .repeats = 3
    };
    const struct option table[] = {
        EXPERIMENT_OPTIONS(&given.experiment),
        EXPERIMENT_SHORT_FORMS(&given.experiment),
        { "policy", 'p', OPTION_TEXT, &given.policies, "A,B,...",
          "presets, EVICTION or EVICTION+FETCHING (" STANDARD_POLICIES
          "); the first one's load sets the arrival rates" },
        { "experiments", 'e', OPTION_READS, &given.experiments, "FILE",
          "YAML: names, and below each the keys that its experiment has otherwise; they come after "
          "--policy's" },
        { "loads", 0, OPTION_TEXT, &given.loads, "A,B,...",
          "shares of time in % that computing shall be busy (" STANDARD_LOADS "); over 100 only "
          "throughput and hits are judged; none at fixed workload.concurrency, which is the load" },
        { "repeats", 0, OPTION_U64, &given.repeats, "N", "runs of each point (3)" },
        { "tolerance", 0, OPTION_TEXT, &given.tolerance, "FACTOR",
          "times 5 % for mean and P50 of TTFT, 10 % for P99, 2 % for throughput, 1 point of hits, "
          "15 % of a difference (1)" },
        RUNTIME_OPTIONS(&given.runtime),
        { "csv", 0, OPTION_WRITES, &given.csv, "FILE", "also as a table for other programs" },
        { "plot", 0, OPTION_WRITES, &given.plot, "FILE", "also as a picture, .png or .svg" },
        { "db", 0, OPTION_WRITES, &given.db, "FILE", "where results go (" STORE_DEFAULT_PATH ")" },
        { "no-db", 0, OPTION_FLAG, &given.no_db, NULL, "keep no results" },
        { 0 },
    };
    const struct command_line line = {
        .command = "reprise validate",
        .usage = "[OPTION...]",
        .summary =
            "Simulates an experiment and runs it in real time, at several loads and under several\n"
            "policies, and compares; also what one policy has over another. The server is a\n"
            "calibration's. Exits with 1 if an error is past its tolerance, or a load is not "
            "reached.",
        .table = table,
    };
    struct options options;
    struct error err = { 0 };
    bool past = false;
    if (options_parse(&options, &line, argc, argv, &err) == STATUS_OK && !options.help)
        set_up_and_run(&given, &past, &err);
    experiment_options_free(&given.experiment);
    options_free(&options);
    int code = output_exit(&err);
    return code == 0 && past ? 1 : code;
}
