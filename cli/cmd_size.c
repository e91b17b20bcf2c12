/* cli/cmd_size.c - `reprise size`: the question, the search, the answer. No arithmetic here. */
#include "base/memory.h"
#include "base/whole_file.h"
#include "cli/commands.h"
#include "cli/experiment_options.h"
#include "cli/interrupt.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/price_options.h"
#include "cli/size_axes.h"
#include "cli/size_print.h"
#include "cli/sweep_options.h"
#include "plots/size_page.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct size_options {
    struct experiment_options experiment;
    struct text_list vary, slo, today;
    struct price_options price;
    const char *db, *objective, *ssd_years, *page;
    uint64_t jobs;
    bool exhaustive, json;
    bool unkept; /* told: no point keeps the promises */
};

/* ---- the question ---- */

static enum status parse_promises(const struct size_options *given, struct size_question *question,
                                  struct error *err)
{
    if (given->slo.count == 0 || given->slo.count > SIZE_PROMISES_MOST)
        return error_input(err, NULL, 0, "--slo", "one to eight promises, such as ttft_p99=2s",
                           given->slo.count == 0 ? "none" : "more");
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < given->slo.count; i++)
        status =
            promise_parse(given->slo.text[i], &question->promise[question->promise_count++], err);
    return status;
}

static enum status parse_years(const struct size_options *given, struct size_question *question,
                               struct error *err)
{
    question->ssd_years_least = -1.0; /* as the prices say */
    if (given->ssd_years == NULL)
        return STATUS_OK;
    if (units_parse(given->ssd_years, UNIT_PLAIN, &question->ssd_years_least) &&
        question->ssd_years_least >= 0.0)
        return STATUS_OK;
    return error_input(err, NULL, 0, "--ssd-years", "a number of years", given->ssd_years);
}

static enum status ask(const struct size_options *given, struct size_question *question,
                       struct error *err)
{
    question->exhaustive = given->exhaustive;
    enum status status = parse_promises(given, question, err);
    if (status == STATUS_OK)
        status = objective_parse(given->objective, &question->objective, err);
    return status == STATUS_OK ? parse_years(given, question, err) : status;
}

/* ---- what is searched ---- */

static enum status check_warmup(const struct size_question *question, struct error *err)
{
    const struct size_point *first;
    char expected[96], found[32];
    enum status status = size_space_point(question->space, 0, &first, err);
    if (status != STATUS_OK || first->experiment.warmup_turns < question->workload.turns)
        return status;
    snprintf(expected, sizeof expected, "fewer than the workload's %" PRIu64 " turns",
             question->workload.turns);
    snprintf(found, sizeof found, "%" PRIu64, first->experiment.warmup_turns);
    return error_input(err, NULL, 0, "warmup_turns", expected, found);
}

static enum status make_space(const struct size_options *given, struct inputs *inputs,
                              struct config_tree *tree, struct size_question *question,
                              struct error *err)
{
    struct experiment experiment;
    struct pricing pricing = price_options_pricing(&given->price);
    const char **axes = memory_new(SIZE_AXES_MOST + given->vary.count, sizeof *axes);
    enum status status = experiment_from_tree(tree, NULL, &experiment, err);
    if (status == STATUS_OK)
        status = experiment_check_apart(&experiment, "--report", given->page, err);
    if (status == STATUS_OK)
        status = size_workload_read(inputs, &experiment, &question->workload, err);
    if (status == STATUS_OK && question->workload.turns == 0)
        status = error_input(err, experiment.trace[0] != '\0' ? experiment.trace : NULL, 0, "trace",
                             "requests", "none");
    uint32_t count = 0;
    if (status == STATUS_OK) {
        count = size_axes_choose(tree, &given->vary, &question->workload, axes);
        status = size_axes_settle(tree, &question->workload, err);
    }
    if (status == STATUS_OK)
        status = size_space_make(tree, axes, count, &pricing, question->space, err);
    if (status == STATUS_OK)
        status = check_warmup(question, err);
    free(axes);
    return status;
}

/* What runs now: the experiment with --today's keys over it. */
static enum status make_today(const struct size_options *given, const struct config_tree *tree,
                              struct experiment *today, struct size_question *question,
                              struct error *err)
{
    if (given->today.count == 0)
        return STATUS_OK;
    struct config_tree *changed = config_tree_copy(tree);
    struct size_point point;
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < given->today.count; i++)
        status = size_space_is_workload(given->today.text[i])
                     ? error_input(err, NULL, 0, "--today",
                                   "a key of servers or engine: the workload is the same",
                                   given->today.text[i])
                     : config_tree_set(changed, given->today.text[i], err);
    if (status == STATUS_OK)
        status = experiment_from_tree(changed, NULL, today, err);
    if (status == STATUS_OK) /* its prices, before the search and not after it */
        status = size_space_foreign(question->space, today, &point, err);
    config_tree_free(changed);
    question->today = today;
    return status;
}

/* ---- the answer ---- */

static bool tell(void *context, double share, uint32_t runs, const char *what)
{
    progress_tell(context, share, runs, "runs", what);
    return !interrupt_asked();
}

static enum status run_means(const struct size_question *question, struct size_result *result,
                             struct runner *runner, struct store *store,
                             const struct size_watch *watch, struct error *err)
{
    if (result->answer.best == SIZE_NONE)
        return size_run_idle(question, &result->answer, runner, store, watch, result->idle,
                             &result->idle_count, err);
    return size_run_loads(question, &result->answer, runner, store, watch, result->loads, err);
}

static enum status show(const struct size_options *given, const struct size_question *question,
                        const struct size_result *result, struct error *err)
{
    enum status status = given->json ? size_print_json(stdout, question, result, err) : STATUS_OK;
    if (!given->json)
        size_print(stdout, question, result);
    if (status == STATUS_OK && given->page != NULL)
        status = size_page_write(given->page, question, result, err);
    return status;
}

static enum status search_and_show(struct size_options *given, const struct size_question *question,
                                   struct ranks *ranks, struct inputs *inputs, struct store *store,
                                   struct error *err)
{
    struct runner *runner = NULL;
    struct progress progress;
    struct size_watch watch = { tell, &progress };
    struct size_result result = { 0 };
    struct error shown = { 0 };
    enum status status = runner_open(ranks, given->jobs, false, inputs, &runner, err);
    if (status != STATUS_OK)
        return status;
    progress_start(&progress);
    status = size_search(question, runner, store, &watch, &result.answer, err);
    if (status == STATUS_OK)
        status = run_means(question, &result, runner, store, &watch, err);
    progress_end(&progress);
    runner_close(runner);
    /* Interrupted, what is known by then is shown. */
    if (status == STATUS_OK || (status == STATUS_INTERRUPTED && result.answer.space != NULL)) {
        result.answer.interrupted = status == STATUS_INTERRUPTED;
        show(given, question, &result, &shown);
        if (shown.status != STATUS_OK && interrupt_asked()) {
            error_print(stderr, &shown); /* gnuplot is stopped by the same key */
            shown = (struct error){ 0 };
            error_interrupted(&shown);
        }
    }
    given->unkept = status == STATUS_OK && result.answer.best == SIZE_NONE;
    size_answer_free(&result.answer);
    if (status == STATUS_OK)
        *err = shown;
    else if (shown.status != STATUS_OK && shown.status != STATUS_INTERRUPTED)
        error_print(stderr, &shown);
    return err->status;
}

/* The whole command: what it asks is part of what it found. */
static char *command_of(const struct size_options *given, bool whole_command)
{
    char *asked = experiment_command("reprise size", &given->experiment, &given->vary), *whole;
    const struct {
        const char *option;
        const struct text_list *values;
    } lists[] = { { "--slo", &given->slo },
                  { "--price", &given->price.price },
                  { "--today", &given->today } };
    const struct {
        const char *option, *value;
    } words[] = { { "--prices", given->price.prices },
                  { "--billing", given->price.billing },
                  { "--ssd-years", given->ssd_years },
                  { "--report", whole_command ? given->page : NULL } };
    size_t bytes;
    FILE *out = memory_stream(&whole, &bytes);
    fputs(asked, out);
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        for (uint32_t j = 0; j < lists[i].values->count; j++)
            experiment_command_word(out, lists[i].option, lists[i].values->text[j]);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (words[i].value != NULL)
            experiment_command_word(out, words[i].option, words[i].value);
    if (strcmp(given->objective, "usd_per_mtok") != 0)
        experiment_command_word(out, "--objective", given->objective);
    if (given->exhaustive)
        fputs(" --exhaustive", out);
    memory_stream_close(out, &whole);
    free(asked);
    return whole;
}

static enum status size(struct ranks *ranks, void *context, struct error *err)
{
    struct size_options *given = context;
    struct size_space space = { 0 };
    struct size_question question = { .space = &space };
    struct config_tree *tree = NULL;
    struct store *store = NULL;
    struct inputs *inputs = inputs_new();
    struct experiment today;
    enum status status = ask(given, &question, err);
    if (status == STATUS_OK)
        status = experiment_tree(&given->experiment, &tree, err);
    if (status == STATUS_OK)
        status = make_space(given, inputs, tree, &question, err);
    if (status == STATUS_OK)
        status = make_today(given, tree, &today, &question, err);
    if (status == STATUS_OK && given->page != NULL) /* before the work, not after it */
        status = whole_file_check(given->page, err);
    if (status == STATUS_OK)
        status = store_open(given->db, false, &store, err);
    if (status == STATUS_OK) {
        char *command = command_of(given, true), *asked = command_of(given, false);
        question.command = command;
        question.asked = asked;
        status = search_and_show(given, &question, ranks, inputs, store, err);
        free(asked);
        free(command);
    }
    store_close(store);
    inputs_free(inputs);
    size_space_free(&space);
    config_tree_free(tree);
    return status;
}

int cmd_size(int argc, const char **argv)
{
    struct size_options given = { .db = STORE_DEFAULT_PATH, .objective = "usd_per_mtok" };
    const struct option table[] = {
        EXPERIMENT_OPTIONS(&given.experiment),
        EXPERIMENT_SHORT_FORMS(&given.experiment),
        { "slo", 0, OPTION_TEXTS, &given.slo, "METRIC=LIMIT",
          "a promise, such as ttft_p99=2s, tbt_p99=50ms, e2e_p99=30s, goodput=99%, "
          "tokens_per_s=500; may be given again" },
        { "objective", 'o', OPTION_TEXT, &given.objective, "NAME",
          "usd_per_mtok (the default), usd_per_session or usd_per_month" },
        PRICE_OPTIONS(&given.price),
        { "ssd-years", 0, OPTION_TEXT, &given.ssd_years, "N",
          "years that the SSDs' rated writes must last (owned.years)" },
        { "today", 0, OPTION_TEXTS, &given.today, "KEY=VALUE",
          "what runs now, as keys of the experiment, to be compared with; may be given again" },
        { "vary", 'v', OPTION_TEXTS, &given.vary, "KEY=VALUES",
          "an axis to search instead of the usual one of that key, or besides them" },
        { "exhaustive", 0, OPTION_FLAG, &given.exhaustive, NULL,
          "run every point on the whole workload: slow, to check the search" },
        { "report", 0, OPTION_WRITES, &given.page, "FILE",
          "write the answer as one HTML page, to be shown" },
        { "json", 0, OPTION_FLAG, &given.json, NULL, "print the answer as one JSON object" },
        { "jobs", 'j', OPTION_U64, &given.jobs, "N",
          "runs at once in this process (0: one a core; under mpirun one a rank)" },
        { "db", 0, OPTION_WRITES, &given.db, "FILE", "where runs go (" STORE_DEFAULT_PATH ")" },
        { 0 },
    };
    const struct command_line line = {
        .command = "reprise size",
        .usage = "--slo METRIC=LIMIT [OPTION...]",
        .summary =
            "Searches the cheapest servers that keep a promise: which, how many, with how many "
            "GPUs, how much DRAM\nand which SSDs, under which policy. Says what they cost line by "
            "line, what that saves, what half and\ntwice the load need, and what each neighbour "
            "would cost. Exits with 1 where nothing keeps the promise.",
        .table = table,
    };
    struct options options;
    struct error err = { 0 };
    if (options_parse(&options, &line, argc, argv, &err) == STATUS_OK && !options.help)
        work_among_ranks(given.jobs, size, &given, &err);
    experiment_options_free(&given.experiment);
    free(given.vary.text);
    free(given.slo.text);
    free(given.today.text);
    price_options_free(&given.price);
    options_free(&options);
    int code = output_exit(&err);
    return code == 0 && given.unkept ? 1 : code;
}
