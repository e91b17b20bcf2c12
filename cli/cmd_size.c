/* cli/cmd_size.c - `reprise size`: the question, the search, the answer. No arithmetic here. */
#include "base/memory.h"
#include "cli/commands.h"
#include "cli/experiment_options.h"
#include "cli/interrupt.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/price_options.h"
#include "cli/size_print.h"
#include "cli/sweep_options.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct size_options {
    struct experiment_options experiment;
    struct text_list vary, slo;
    struct price_options price;
    const char *db, *objective, *ssd_years;
    uint64_t jobs;
    bool exhaustive;
};

/* What is searched unless --vary says otherwise. Capacities are what servers are sold with;
 * policies are one that looks ahead, one that does not, and none. */
static const char *const usual_axes[] = {
    "replicas=1,2,3,4,5,6,8,12",
    "gpus=1,2,4,8",
    "tiers.dram.capacity=0,64GB,128GB,256GB,512GB,1TB",
    "tiers.ssd.capacity=0,4TB,8TB,16TB,32TB",
    "tiers.ssd.inclusive=true,false",
    "policy=scheduler-aware,lru,none",
};
enum { USUAL_AXES = sizeof usual_axes / sizeof *usual_axes };

static bool same_key(const char *a, const char *b)
{
    size_t length = strcspn(a, "=");
    return length == strcspn(b, "=") && strncmp(a, b, length) == 0;
}

static bool is_given(const struct size_options *given, const char *axis)
{
    for (uint32_t i = 0; i < given->vary.count; i++)
        if (same_key(given->vary.text[i], axis))
            return true;
    return false;
}

/* "gpus=1,2,4" of the usual ones, as far as the server has them. */
static const char *gpus_of(const struct experiment *experiment, struct error *err)
{
    struct hardware hardware;
    if (hardware_load(experiment->hardware, &hardware, err) != STATUS_OK)
        return NULL;
    return hardware.gpus >= 8   ? "gpus=1,2,4,8"
           : hardware.gpus >= 4 ? "gpus=1,2,4"
           : hardware.gpus >= 2 ? "gpus=1,2"
                                : "gpus=1";
}

/* The user's axes instead of the usual ones of the same key, then the user's others. */
static enum status choose_axes(const struct size_options *given,
                               const struct experiment *experiment, const char **axes,
                               uint32_t *count, struct error *err)
{
    *count = 0;
    for (int i = 0; i < USUAL_AXES; i++) {
        const char *axis = usual_axes[i];
        bool trace = experiment->trace[0] != '\0';
        if (is_given(given, axis) || (trace && same_key(axis, "replicas=")))
            continue;
        if (same_key(axis, "gpus="))
            axis = gpus_of(experiment, err);
        if (axis == NULL)
            return err->status;
        axes[(*count)++] = axis;
    }
    for (uint32_t i = 0; i < given->vary.count; i++)
        axes[(*count)++] = given->vary.text[i];
    return STATUS_OK;
}

static enum status make_plan(const struct size_options *given, struct plan *plan, struct error *err)
{
    struct config_tree *tree = NULL;
    struct experiment experiment;
    struct design grid = { .kind = DESIGN_GRID };
    const char **axes = memory_new(USUAL_AXES + given->vary.count, sizeof *axes);
    uint32_t count = 0;
    enum status status = experiment_load(&given->experiment, &experiment, err);
    if (status == STATUS_OK)
        status = choose_axes(given, &experiment, axes, &count, err);
    if (status == STATUS_OK)
        status = experiment_tree(&given->experiment, &tree, err);
    if (status == STATUS_OK)
        status = plan_make(tree, axes, count, &grid, 1, plan, err);
    config_tree_free(tree);
    free(axes);
    return status;
}

static enum status parse_slos(const struct size_options *given, struct size_question *question,
                              struct error *err)
{
    if (given->slo.count == 0 || given->slo.count > SIZE_SLOS_MOST)
        return error_input(err, NULL, 0, "--slo", "one to eight promises, such as ttft_p99=2s",
                           given->slo.count == 0 ? "none" : "more");
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < given->slo.count; i++)
        status = slo_parse(given->slo.text[i], &question->slo[question->slo_count++], err);
    return status;
}

static enum status parse_years(const struct size_options *given, struct size_question *question,
                               struct error *err)
{
    question->ssd_years_least = question->prices.years;
    if (given->ssd_years == NULL)
        return STATUS_OK;
    if (units_parse(given->ssd_years, UNIT_PLAIN, &question->ssd_years_least) &&
        question->ssd_years_least >= 0.0)
        return STATUS_OK;
    return error_input(err, NULL, 0, "--ssd-years", "a number of years", given->ssd_years);
}

static enum status ask(struct size_options *given, struct size_question *question,
                       struct error *err)
{
    question->exhaustive = given->exhaustive;
    enum status status = parse_slos(given, question, err);
    if (status == STATUS_OK)
        status = objective_parse(given->objective, &question->objective, err);
    struct sweep_pricing pricing;
    if (status == STATUS_OK)
        status = price_options_load(&given->price, "h100", &pricing, err);
    if (status == STATUS_OK) {
        question->prices = *pricing.prices;
        question->billing = pricing.billing;
    }
    return status == STATUS_OK ? parse_years(given, question, err) : status;
}

static bool tell(void *context, double share, uint32_t runs)
{
    progress_draw(context, share, runs, "runs");
    return !interrupt_asked();
}

static enum status search_and_print(const struct size_options *given,
                                    const struct size_question *question, struct ranks *ranks,
                                    struct store *store, struct error *err)
{
    struct runner *runner = NULL;
    struct progress progress;
    struct size_watch watch = { tell, &progress };
    struct size_answer answer = { 0 };
    struct size_growth growth[SIZE_LOADS];
    enum status status = runner_open(ranks, given->jobs, false, &runner, err);
    if (status != STATUS_OK)
        return status;
    progress_start(&progress);
    status = size_search(question, runner, store, &watch, &answer, err);
    if (status == STATUS_OK)
        status = size_grow(question, &answer, runner, store, &watch, growth, err);
    progress_end(&progress);
    runner_close(runner);
    if (status == STATUS_OK)
        size_print(stdout, question, &answer, growth);
    size_answer_free(&answer);
    return status;
}

static enum status size(struct ranks *ranks, void *context, struct error *err)
{
    struct size_options *given = context;
    struct size_question question = { 0 };
    struct plan plan = { 0 };
    struct store *store = NULL;
    enum status status = ask(given, &question, err);
    if (status == STATUS_OK)
        status = make_plan(given, &plan, err);
    if (status == STATUS_OK)
        status = store_open(given->db, false, &store, err);
    if (status == STATUS_OK) {
        char *command = experiment_command("reprise size", &given->experiment, &given->vary);
        question.plan = &plan;
        question.command = command;
        status = search_and_print(given, &question, ranks, store, err);
        free(command);
    }
    store_close(store);
    plan_free(&plan);
    return status;
}

int cmd_size(int argc, const char **argv)
{
    struct size_options given = { .db = STORE_DEFAULT_PATH, .objective = "usd_per_mtok" };
    const struct option table[] = {
        EXPERIMENT_OPTIONS(&given.experiment),
        EXPERIMENT_SHORT_FORMS(&given.experiment),
        { "slo", 's', OPTION_TEXTS, &given.slo, "METRIC=LIMIT",
          "a promise, such as ttft_p99=2s; may be given again" },
        { "objective", 'o', OPTION_TEXT, &given.objective, "NAME",
          "usd_per_mtok (the default), usd_per_session or usd_per_month" },
        PRICE_OPTIONS(&given.price),
        { "ssd-years", 0, OPTION_TEXT, &given.ssd_years, "N",
          "years that the SSDs' rated writes must last (owned.years)" },
        { "vary", 'v', OPTION_TEXTS, &given.vary, "KEY=VALUES",
          "an axis to search instead of the usual one of that key, or besides them" },
        { "exhaustive", 0, OPTION_FLAG, &given.exhaustive, NULL,
          "run every point on the whole workload: slow, to check the search" },
        { "jobs", 'j', OPTION_U64, &given.jobs, "N",
          "runs at once in this process (0: one a core; under mpirun one a rank)" },
        { "db", 0, OPTION_TEXT, &given.db, "FILE", "where runs go (" STORE_DEFAULT_PATH ")" },
        { 0 },
    };
    const struct command_line line = {
        .command = "reprise size",
        .usage = "--slo METRIC=LIMIT [OPTION...]",
        .summary =
            "Searches the cheapest servers that keep a promise: how many, with how many GPUs, "
            "how much DRAM\nand SSD, under which policy. Says what each neighbour would cost, "
            "how prices and load change\nthe answer, and when keeping KV does not pay.",
        .table = table,
    };
    struct options options;
    struct error err = { 0 };
    if (options_parse(&options, &line, argc, argv, &err) == STATUS_OK && !options.help)
        work_among_ranks(given.jobs, size, &given, &err);
    experiment_options_free(&given.experiment);
    free(given.vary.text);
    free(given.slo.text);
    price_options_free(&given.price);
    options_free(&options);
    return output_exit(&err);
}
