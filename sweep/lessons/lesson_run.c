/* sweep/lessons/lesson_run.c - a lesson's simulations. Few and small, so one after the other. */
#include "base/memory.h"
#include "sim/sim.h"
#include "sweep/lessons/lesson_parts.h"

#include <stdlib.h>
#include <string.h>

/* ---- which experiment ---- */

static enum status read_base(const struct lesson *lesson, bool alone, struct config_tree **tree,
                             struct error *err)
{
    const char *file;
    char path[LESSON_PATH_BYTES + 256];
    if (alone)
        return config_tree_parse("{}", lesson->path, tree, err);
    if (lesson_text(lesson, "experiment", &file, err) != STATUS_OK)
        return err->status;
    snprintf(path, sizeof path, "%s/%s", lesson_folder(), file);
    return config_tree_read(path, tree, err);
}

/* Whether the run has a value of its own for what the picture goes along: a line that is the same
 * at every point, and is simulated once. */
static bool keeps_x(const struct lesson *lesson, const char *section)
{
    char key[2 * CONFIG_TEXT_BYTES];
    snprintf(key, sizeof key, "%.64s.keys.%s", section, lesson->x_key);
    return config_tree_value(lesson->tree, key) != NULL;
}

static enum status lay_value(const struct lesson *lesson, const struct lesson_choice *choice,
                             struct config_tree *tree, struct error *err)
{
    char assignment[CONFIG_TEXT_BYTES + LESSON_NAME_BYTES + 1];
    if (choice->value == NULL || lesson->x_key[0] == '\0' || keeps_x(lesson, choice->section))
        return STATUS_OK;
    snprintf(assignment, sizeof assignment, "%s=%s", lesson->x_key, choice->value);
    return config_tree_set(tree, assignment, err);
}

enum status lesson_tree(const struct lesson *lesson, const struct lesson_choice *choice,
                        struct config_tree **tree, struct error *err)
{
    char keys[LESSON_NAME_BYTES + 32];
    struct config_tree *made = NULL;
    enum status status = read_base(lesson, choice->alone, &made, err);
    if (status == STATUS_OK)
        config_tree_fill(made, lesson->tree, "keys.", true, NULL);
    for (uint32_t i = 0; status == STATUS_OK && i < lesson->set_count; i++)
        status = config_tree_set(made, lesson->set[i], err);
    if (status == STATUS_OK) {
        snprintf(keys, sizeof keys, "%s.keys.", choice->section);
        config_tree_fill(made, lesson->tree, keys, true, NULL);
        status = lay_value(lesson, choice, made, err);
    }
    if (status == STATUS_OK)
        *tree = made;
    else
        config_tree_free(made);
    return status;
}

/* Laid over a line's keys it would make all lines alike; laid below, it would do nothing. Other
 * runs keep their keys: an exercise sets what one of them has for its answer. */
static enum status check_set(const struct lesson *lesson, const char *assignment, struct error *err)
{
    char key[CONFIG_TEXT_BYTES];
    snprintf(key, sizeof key, "%.*s", (int)strcspn(assignment, "="), assignment);
    bool own = strcmp(key, lesson->x_key) == 0;
    for (uint32_t i = 0; !own && i < lesson->line_count; i++) {
        char path[2 * CONFIG_TEXT_BYTES];
        snprintf(path, sizeof path, "line.%s.keys.%s", lesson->line[i].name, key);
        own = config_tree_value(lesson->tree, path) != NULL;
    }
    return own ? error_input(err, "--set", 0, key, "a key that the lesson does not vary itself",
                             assignment)
               : STATUS_OK;
}

/* ---- turns of a session ---- */

struct by_turn {
    double ttft_sum_ns[LESSON_POINTS], prefill_sum_ns[LESSON_POINTS];
    uint32_t count[LESSON_POINTS];
};

static void note_turn(void *context, const struct turn_row *row)
{
    struct by_turn *by_turn = context;
    uint64_t k = row->turn_of_session - 1;
    if (k >= LESSON_POINTS || row->measured == 0)
        return;
    by_turn->ttft_sum_ns[k] += (double)row->ttft_ns;
    by_turn->prefill_sum_ns[k] += (double)(row->first_token_ns - row->prefill_start_ns);
    by_turn->count[k]++;
}

/* ---- running ---- */

enum status lesson_experiment(const struct lesson *lesson, const struct lesson_choice *choice,
                              struct experiment *experiment, struct error *err)
{
    struct config_tree *tree = NULL;
    enum status status = lesson_tree(lesson, choice, &tree, err);
    if (status == STATUS_OK)
        status = experiment_from_tree(tree, NULL, experiment, err);
    config_tree_free(tree);
    return status;
}

enum status lesson_simulate(const struct lesson *lesson, const struct lesson_choice *choice,
                            const struct sim_progress *progress, struct metrics *metrics,
                            struct error *err)
{
    struct experiment experiment;
    struct sim_result result;
    enum status status = lesson_experiment(lesson, choice, &experiment, err);
    if (status == STATUS_OK)
        status = sim_run(&experiment, progress, &result, err);
    if (status == STATUS_OK) {
        *metrics = result.metrics;
        sim_result_free(&result);
    }
    return status;
}

/* One run for all points: each has the run's metrics, but the TTFT and the prefill of its own turn.
 */
static enum status run_turns(const struct lesson *lesson, const struct lesson_choice *choice,
                             struct metrics at[LESSON_POINTS], struct error *err)
{
    struct by_turn by_turn = { 0 };
    const struct watch watch = { .context = &by_turn, .turn_ended = note_turn };
    const struct sim_progress progress = { .watch = &watch };
    struct metrics all;
    enum status status = lesson_simulate(lesson, choice, &progress, &all, err);
    for (uint32_t k = 0; status == STATUS_OK && k < lesson->point_count; k++) {
        at[k] = all;
        if (by_turn.count[k] == 0)
            return error_input(err, lesson->path, 0, "x.turns",
                               "sessions with so many turns in every run", lesson->value[k]);
        at[k].ttft_mean_ns = by_turn.ttft_sum_ns[k] / by_turn.count[k];
        at[k].prefill_mean_ns = by_turn.prefill_sum_ns[k] / by_turn.count[k];
    }
    return status;
}

struct lesson_choice lesson_choice(const struct lesson *lesson, struct lesson_place place,
                                   char section[LESSON_SECTION_BYTES])
{
    bool other = place.line < 0;
    snprintf(section, LESSON_SECTION_BYTES, "%s.%s", other ? "other" : "line",
             other ? lesson->other[place.other].name : lesson->line[place.line].name);
    return (struct lesson_choice){ .section = section,
                                   .value = other ? NULL : lesson->value[place.point] };
}

static enum status run_line(const struct lesson *lesson, struct lesson_line *line,
                            struct error *err)
{
    enum status status = STATUS_OK;
    char section[LESSON_SECTION_BYTES];
    snprintf(section, sizeof section, "line.%s", line->name);
    struct lesson_choice choice = { .section = section };
    if (lesson->x_key[0] == '\0')
        return run_turns(lesson, &choice, line->at, err);
    for (uint32_t k = 0; status == STATUS_OK && k < lesson->point_count; k++) {
        choice.value = lesson->value[k];
        if (k > 0 && keeps_x(lesson, section))
            line->at[k] = line->at[0];
        else
            status = lesson_simulate(lesson, &choice, NULL, &line->at[k], err);
    }
    return status;
}

static enum status run_other(const struct lesson *lesson, struct lesson_other *other,
                             struct error *err)
{
    char section[LESSON_SECTION_BYTES];
    snprintf(section, sizeof section, "other.%s", other->name);
    const struct lesson_choice choice = { .section = section };
    return lesson->x_key[0] == '\0' ? run_turns(lesson, &choice, other->at, err)
                                    : lesson_simulate(lesson, &choice, NULL, other->at, err);
}

enum status lesson_run(struct lesson *lesson, const char *const *set, uint32_t set_count,
                       struct error *err)
{
    enum status status = STATUS_OK;
    lesson->set = set;
    lesson->set_count = set_count;
    for (uint32_t i = 0; status == STATUS_OK && i < set_count; i++)
        status = check_set(lesson, set[i], err);
    for (uint32_t i = 0; status == STATUS_OK && i < lesson->line_count; i++)
        status = run_line(lesson, &lesson->line[i], err);
    for (uint32_t i = 0; status == STATUS_OK && i < lesson->other_count; i++)
        status = run_other(lesson, &lesson->other[i], err);
    return status == STATUS_OK ? lesson_run_turn(lesson, err) : status;
}
