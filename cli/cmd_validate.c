/* cli/cmd_validate.c - `reprise validate`: simulator against runs. No arithmetic here. */
#include "base/memory.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/experiment_options.h"
#include "cli/interrupt.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/runtime_options.h"
#include "plots/validation_plots.h"
#include "validate/comparison.h"
#include "validate/store/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIST_MOST = 16 };

struct validate_options {
    struct experiment_options experiment;
    struct runtime_options runtime;
    const char *policies, *loads, *db, *csv, *plot, *tolerance;
    uint64_t repeats;
    bool no_db;
};

static bool tell(void *context, double share)
{
    progress_draw(context, share, 0, "points");
    return !interrupt_asked();
}

/* Cuts text at its commas; list points into it. */
static uint32_t cut_list(char *text, const char *list[LIST_MOST])
{
    uint32_t count = 0;
    for (char *at = text; at != NULL && count < LIST_MOST; count++) {
        list[count] = at;
        at = strchr(at, ',');
        if (at != NULL)
            *at++ = '\0';
    }
    return count;
}

static enum status parse_loads(char *text, double loads[LIST_MOST], uint32_t *count,
                               struct error *err)
{
    const char *list[LIST_MOST];
    *count = cut_list(text, list);
    for (uint32_t i = 0; i < *count; i++)
        if (!units_parse(list[i], UNIT_PLAIN, &loads[i]) || loads[i] <= 0.0 || loads[i] > 1000.0)
            return error_input(err, NULL, 0, "--loads", "percentages above 0, with commas",
                               list[i]);
    return STATUS_OK;
}

static enum status write_csv(const char *path, const struct validation *validation,
                             struct error *err)
{
    FILE *out = fopen(path, "w");
    if (out == NULL)
        return error_io(err, path, "write", strerror(errno));
    validation_print_csv(out, validation);
    return fclose(out) == 0 ? STATUS_OK : error_io(err, path, "write", strerror(errno));
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
    if (status == STATUS_OK && given->plot != NULL)
        status = validation_plots_draw(&plain, given->plot, err);
    free(plain.rows);
    return status;
}

/* *past: a judged metric is past its tolerance. */
static enum status run(const struct validate_options *given, struct validation_config *config,
                       double scale, bool *past, struct error *err)
{
    struct validation validation = { 0 };
    struct progress progress;
    struct store *store = NULL;
    enum status status = STATUS_OK;
    if (!given->no_db)
        status = store_open(given->db, false, &store, err);
    if (status == STATUS_OK) {
        interrupt_catch();
        progress_start(&progress);
        config->tell = tell;
        config->context = &progress;
        status = validate(config, &validation, err);
        progress_end(&progress);
    }
    if (status == STATUS_OK)
        status = keep(given, &validation, store, err);
    if (status == STATUS_OK) {
        validation_print(stdout, &validation);
        *past = !validation_passes(&validation, scale);
    }
    free(validation.point);
    store_close(store);
    return status;
}

static enum status set_up_and_run(const struct validate_options *given, bool *past,
                                  struct error *err)
{
    struct validation_config config = { .repeats = (uint32_t)given->repeats };
    const char *policies[LIST_MOST];
    double loads[LIST_MOST], scale = 1.0;
    char *policy_text = memory_text(given->policies), *load_text = memory_text(given->loads);
    enum status status = experiment_load(&given->experiment, &config.experiment, err);
    if (status == STATUS_OK)
        status = runtime_options_config(&given->runtime, &config.serve, err);
    if (status == STATUS_OK)
        status = parse_loads(load_text, loads, &config.load_count, err);
    if (status == STATUS_OK && (!units_parse(given->tolerance, UNIT_PLAIN, &scale) || scale <= 0.0))
        status = error_input(err, NULL, 0, "--tolerance", "a factor above 0", given->tolerance);
    if (status == STATUS_OK && (given->repeats < 1 || given->repeats > VALIDATED_RUNS_MOST))
        status = error_input(err, NULL, 0, "--repeats", "1 to 32", NULL);
    config.policy_count = cut_list(policy_text, policies);
    config.policies = policies;
    config.loads_percent = loads;
    if (status == STATUS_OK)
        status = run(given, &config, scale, past, err);
    free(policy_text);
    free(load_text);
    return status;
}

int cmd_validate(int argc, const char **argv)
{
    struct validate_options given = { .runtime = RUNTIME_OPTIONS_DEFAULT,
                                      .policies = "scheduler-aware,lru",
                                      .loads = "25,60,85,150",
                                      .db = STORE_DEFAULT_PATH,
                                      .tolerance = "1",
                                      .repeats = 3 };
    const struct option table[] = {
        EXPERIMENT_OPTIONS(&given.experiment),
        EXPERIMENT_SHORT_FORMS(&given.experiment),
        { "policy", 'p', OPTION_TEXT, &given.policies, "A,B,...",
          "policies (scheduler-aware,lru); the first one's load sets the arrival rates" },
        { "loads", 0, OPTION_TEXT, &given.loads, "A,B,...",
          "shares of time in % that computing shall be busy (25,60,85,150); over 100 is shown, not "
          "judged" },
        { "repeats", 0, OPTION_U64, &given.repeats, "N", "runs of each point (3)" },
        { "tolerance", 0, OPTION_TEXT, &given.tolerance, "FACTOR",
          "times 5 % for mean and P50 of TTFT, 10 % for P99, 2 % for throughput (1)" },
        RUNTIME_OPTIONS(&given.runtime),
        { "csv", 0, OPTION_TEXT, &given.csv, "FILE", "also as a table for other programs" },
        { "plot", 0, OPTION_TEXT, &given.plot, "FILE", "also as a picture, .png or .svg" },
        { "db", 0, OPTION_TEXT, &given.db, "FILE", "where results go (" STORE_DEFAULT_PATH ")" },
        { "no-db", 0, OPTION_FLAG, &given.no_db, NULL, "keep no results" },
        { 0 },
    };
    const struct command_line line = {
        .command = "reprise validate",
        .usage = "[OPTION...]",
        .summary =
            "Simulates an experiment and runs it in real time, at several loads and under several\n"
            "policies, and compares. The server is a calibration's. Exits with 1 if an error is "
            "past\nits tolerance.",
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
