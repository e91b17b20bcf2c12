/* cli/cmd_accuracy.c - `reprise accuracy`: predictions beside what others measured. No arithmetic
 * here. */
#include "cli/accuracy_json.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/output.h"

#include <stdio.h>

/* A goal that is missed is a result, not an error of the program. */
#define EXIT_GOAL_MISSED 1

struct accuracy_options {
    uint64_t threads;
    bool json, markdown, check;
};

/* judged: how many goals the tables say anything of. */
static bool all_met(const struct accuracy *accuracy, uint32_t *judged)
{
    bool met = true;
    *judged = 0;
    for (uint32_t i = 0; i < accuracy_goal_count; i++) {
        enum accuracy_verdict verdict = accuracy_judge(accuracy, &accuracy_goals[i]).verdict;
        *judged += verdict != ACCURACY_NO_DATA;
        met = met && verdict != ACCURACY_MISSED;
    }
    return met;
}

/* met: whether all goals were that the folder has data of. */
static enum status measure(const struct options *options, const struct accuracy_options *given,
                           bool *met, struct error *err)
{
    struct accuracy accuracy;
    if (options_check_idle(given->json && given->markdown, "--markdown", "no --json beside it",
                           err) != STATUS_OK)
        return err->status;
    if (options->argument_count == 0)
        return error_input(err, NULL, 0, "FOLDER", "a folder of measurements (docs/accuracy.md)",
                           NULL);
    enum status status = accuracy_measure(options->arguments, options->argument_count,
                                          given->threads, &accuracy, err);
    if (status == STATUS_OK) {
        uint32_t judged;
        *met = all_met(&accuracy, &judged);
        if (given->json)
            accuracy_print_json(stdout, &accuracy);
        else
            (given->markdown ? accuracy_print_markdown : accuracy_print)(stdout, &accuracy);
        if (given->check && judged == 0) /* nothing was checked: that is no success */
            status = error_input(err, options->arguments[0], 0, "--check",
                                 "tables that some goal is of", "none");
    }
    accuracy_free(&accuracy);
    return status;
}

int cmd_accuracy(int argc, const char **argv)
{
    struct accuracy_options given = { 0 };
    const struct option table[] = {
        { "threads", 'j', OPTION_U64, &given.threads, "N",
          "served runs simulated at once (0: one a core); results do not depend on it" },
        { "json", 0, OPTION_FLAG, &given.json, NULL,
          "print goals, groups, runs and what is furthest off as one JSON object" },
        { "markdown", 0, OPTION_FLAG, &given.markdown, NULL, "print docs/accuracy.md's tables" },
        { "check", 0, OPTION_FLAG, &given.check, NULL, "end with 1 where a goal is missed" },
        { 0 },
    };
    const struct command_line line = {
        .command = "reprise accuracy",
        .usage = "[OPTION...] FOLDER|FILE...",
        .summary =
            "Predicts what the tables of folders measured: kernels, iterations and served runs of "
            "public\n"
            "measurements (docs/accuracy.md lists the tables), and says how far off, and why.",
        .table = table,
        .arguments_most = 64,
    };
    struct options options;
    struct error err = { 0 };
    bool met = true;
    if (options_parse(&options, &line, argc, argv, &err) == STATUS_OK && !options.help)
        measure(&options, &given, &met, &err);
    options_free(&options);
    int code = output_exit(&err);
    return code == 0 && given.check && !met ? EXIT_GOAL_MISSED : code;
}
