/* cli/cmd_sim.c - `reprise sim`: options, runs, table. No arithmetic here. */
#include "cli/commands.h"
#include "cli/comparison.h"
#include "cli/configure.h"
#include "cli/interrupt.h"
#include "cli/options.h"
#include "validate/store.h"

#include <stdlib.h>
#include <unistd.h>

struct sim_args {
    const char *config, *policies, *db, *model, *hardware, *trace, *gpus;
    int threads, json, no_db, help_config;
    struct text_list set;
};

/* Where results go unless --db says otherwise. */
#define DEFAULT_DB "reprise.db"

/* --model M is --set model=M, and so on: one way in, one kind of message. */
static void short_options(struct sim_args *args)
{
    text_list_assign(&args->set, "model", args->model);
    text_list_assign(&args->set, "hardware", args->hardware);
    text_list_assign(&args->set, "trace", args->trace);
    text_list_assign(&args->set, "gpus", args->gpus);
}

static enum status thread_count(int asked, uint32_t *threads, struct error *err)
{
    char text[16];
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    *threads = asked > 0 ? (uint32_t)asked : (uint32_t)(cores > 0 ? cores : 1);
    snprintf(text, sizeof text, "%d", asked);
    if (asked < 0 || asked > 1024)
        return error_input(err, NULL, 0, "--threads", "1 to 1024, or 0 for one a core", text);
    return STATUS_OK;
}

static char *config_text(const struct experiment *experiment)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    if (out == NULL)
        abort();
    config_print_values(out, experiment_sections, experiment);
    fclose(out);
    return text;
}

static enum status put_runs(struct store *store, const struct runs *runs, struct error *err)
{
    struct store_run rows[RUNS_MAX];
    char *texts[RUNS_MAX];
    uint32_t count = 0;
    for (uint32_t i = 0; i < runs->count; i++) {
        const struct run *run = &runs->run[i];
        if (!run->done)
            continue;
        texts[count] = config_text(&run->experiment);
        rows[count] = (struct store_run){ .name = run->experiment.policy,
                                          .config_yaml = texts[count],
                                          .seed = run->experiment.workload.seed,
                                          .result = &run->result };
        count++;
    }
    int64_t first_id;
    enum status status = count > 0 ? store_put_runs(store, rows, count, &first_id, err) : STATUS_OK;
    for (uint32_t i = 0; i < count; i++)
        free(texts[i]);
    return status;
}

/* What finished is kept and shown even if the rest was interrupted. */
static enum status run_and_show(const struct sim_args *args, struct runs *runs, struct store *store,
                                uint32_t threads, struct error *err)
{
    enum status status = runs_run(runs, threads, err);
    if (status != STATUS_OK && status != STATUS_INTERRUPTED)
        return status;
    struct error store_err = { 0 };
    if (store != NULL && put_runs(store, runs, &store_err) != STATUS_OK) {
        *err = store_err;
        return err->status;
    }
    if (args->json)
        comparison_print_json(stdout, runs);
    else
        comparison_print_table(stdout, runs);
    return status;
}

static enum status simulate(struct sim_args *args, struct error *err)
{
    struct experiment experiment;
    struct store *store = NULL;
    uint32_t threads;
    short_options(args);
    if (thread_count(args->threads, &threads, err) ||
        configure(args->config, &args->set, &experiment, err))
        return err->status;
    struct runs *runs = calloc(1, sizeof *runs);
    if (runs == NULL)
        abort();
    const char *policies = args->policies != NULL ? args->policies : experiment.policy;
    enum status status = runs_plan(runs, &experiment, policies, err);
    /* Opened before the work: a database that cannot be written is told at once. */
    if (status == STATUS_OK && !args->no_db)
        status = store_open(args->db, false, &store, err);
    if (status == STATUS_OK) {
        interrupt_watch();
        status = run_and_show(args, runs, store, threads, err);
    }
    store_close(store);
    runs_free(runs);
    free(runs);
    return status;
}

int cmd_sim(int argc, const char **argv)
{
    struct sim_args args = { .db = DEFAULT_DB };
    const char *arguments[1];
    poptContext context;
    struct error err = { 0 };
    const struct poptOption table[] = {
        { "config", 'c', POPT_ARG_STRING, &args.config, 0, "the experiment", "FILE.yaml" },
        { "set", 's', POPT_ARG_STRING, NULL, 'R', "a key of it, laid over the file; repeatable",
          "KEY=VALUE" },
        { "policy", 'p', POPT_ARG_STRING, &args.policies, 0,
          "EVICTION or EVICTION+FETCHING; several, parted by commas, are compared", "A,B,..." },
        { "trace", 't', POPT_ARG_STRING, &args.trace, 0, "short for --set trace=FILE", "FILE" },
        { "model", 'm', POPT_ARG_STRING, &args.model, 0, "short for --set model=NAME", "NAME" },
        { "hardware", 'H', POPT_ARG_STRING, &args.hardware, 0, "short for --set hardware=NAME",
          "NAME" },
        { "gpus", 'g', POPT_ARG_STRING, &args.gpus, 0, "short for --set gpus=N", "N" },
        { "threads", 'j', POPT_ARG_INT, &args.threads, 0,
          "policies run at once (default: one a core); results do not depend on it", "N" },
        { "db", 0, POPT_ARG_STRING, &args.db, 0, "where results go (default: " DEFAULT_DB ")",
          "FILE" },
        { "no-db", 0, POPT_ARG_NONE, &args.no_db, 0, "keep no results", NULL },
        { "json", 0, POPT_ARG_NONE, &args.json, 0, "print all metrics as one JSON object", NULL },
        { "help-config", 0, POPT_ARG_NONE, &args.help_config, 0,
          "list the experiment's keys: units, ranges, defaults", NULL },
        POPT_TABLEEND
    };
    const struct options options = {
        .usage = "sim [OPTION...]",
        .summary = "Simulates an experiment, by default CachedAttention's: LLaMA-13B on the paper's "
                   "server\nunder a ShareGPT-like workload. Several policies are compared side by side.",
        .table = table,
        .repeated = &args.set,
    };
    enum options_step step = options_parse(&options, argc, argv, arguments, &context, &err);
    if (step == OPTIONS_RUN && args.help_config)
        config_print_rows(stdout, experiment_sections, false);
    else if (step == OPTIONS_RUN)
        simulate(&args, &err);
    options_free(context, &args.set);
    return err.status != STATUS_OK ? options_fail(&err) : 0;
}
