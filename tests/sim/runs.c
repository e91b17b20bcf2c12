/* tests/sim/runs.c - see runs.h. */
#include "tests/sim/runs.h"

#include <stdio.h>
#include <string.h>

struct experiment experiment_of(const char *yaml, const char *settings[])
{
    struct error err = { 0 };
    struct config_tree *tree = NULL;
    struct experiment experiment = { 0 };
    ck_assert_int_eq(config_tree_parse(yaml, "test", &tree, &err), STATUS_OK);
    for (int i = 0; settings != NULL && settings[i] != NULL; i++)
        ck_assert_int_eq(config_tree_set(tree, settings[i], &err), STATUS_OK);
    if (experiment_from_tree(tree, NULL, &experiment, &err) != STATUS_OK) {
        error_print(stderr, &err);
        ck_abort_msg("experiment refused");
    }
    config_tree_free(tree);
    return experiment;
}

struct metrics run_experiment(const struct experiment *experiment)
{
    struct error err = { 0 };
    struct sim_result result;
    if (sim_run(experiment, NULL, &result, &err) != STATUS_OK) {
        error_print(stderr, &err);
        ck_abort_msg("run refused");
    }
    struct metrics metrics = result.metrics;
    sim_result_free(&result);
    return metrics;
}

struct metrics run(const char *yaml, const char *setting)
{
    const char *settings[] = { setting, NULL };
    struct experiment experiment = experiment_of(yaml, settings);
    return run_experiment(&experiment);
}

struct metrics run2(const char *yaml, const char *first, const char *second)
{
    const char *settings[] = { first, second, NULL };
    struct experiment experiment = experiment_of(yaml, settings);
    return run_experiment(&experiment);
}

struct metrics run_all(const char *yaml, const char *settings)
{
    char text[1024];
    const char *parts[33] = { NULL };
    size_t count = 0;
    ck_assert_uint_lt(strlen(settings), sizeof text);
    strcpy(text, settings);
    for (char *part = strtok(text, " "); part != NULL && count < 32; part = strtok(NULL, " "))
        parts[count++] = part;
    struct experiment experiment = experiment_of(yaml, parts);
    return run_experiment(&experiment);
}
