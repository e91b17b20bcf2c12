/* tests/fuzz/configs.c - YAML of every kind: as a tree, and by the reader of each kind of file. */
#include "tests/fuzz/fuzz.h"

#include "base/config_tree.h"
#include "models/attention.h"
#include "models/collectives.h"
#include "models/drive.h"
#include "models/models.h"
#include "models/operators.h"
#include "models/prices.h"
#include "models/timing_measured.h"
#include "models/versions.h"
#include "sim/engine/experiment.h"
#include "sim/engine/policy_name.h"
#include "sweep/lessons/lesson.h"
#include "tests/fuzz/input.h"
#include "validate/paper/paper_numbers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void check_refusal(const struct error *err)
{
    FUZZ_EXPECT(err->status != STATUS_OK && err->expected[0] != '\0');
}

static struct config_tree *tree_of(const uint8_t *bytes, size_t size)
{
    struct error err = { 0 };
    struct config_tree *tree = NULL;
    char *text = input_text(bytes, size);
    if (config_tree_parse(text, "fuzz.yaml", &tree, &err) != STATUS_OK)
        check_refusal(&err);
    free(text);
    return tree;
}

/* ---- trees ---- */

static enum status visit_child(void *context, const char *name, struct error *err)
{
    (void)err;
    size_t *longest = context;
    size_t length = strlen(name);
    *longest = length > *longest ? length : *longest;
    return STATUS_OK;
}

static void run_yaml(const struct fuzz_target *target, const uint8_t *bytes, size_t size)
{
    (void)target;
    struct error err = { 0 };
    struct config_tree *tree = tree_of(bytes, size);
    if (tree == NULL)
        return;
    size_t longest = 0;
    struct config_tree *copy = config_tree_copy(tree);
    config_tree_fill(copy, tree, "keys.", true, NULL);
    config_tree_sections(tree, "a section", visit_child, &longest, &err);
    config_tree_children(copy, "", visit_child, &longest, &err);
    config_tree_children(copy, "a.", visit_child, &longest, &err);
    FUZZ_EXPECT(config_tree_value(tree, "") == NULL);
    config_tree_free(copy);
    config_tree_free(tree);
}

/* ---- experiments ---- */

static void hear(void *context, const char *sentence)
{
    FUZZ_EXPECT(context == NULL && sentence[0] != '\0');
}

/* What is written out and read again is the same: the record of a run is its experiment. */
static void check_record(const struct experiment *experiment)
{
    struct error err = { 0 };
    struct config_tree *tree = NULL;
    struct experiment again;
    char *text = config_values_text(experiment_sections, experiment);
    FUZZ_EXPECT(config_tree_parse(text, "record", &tree, &err) == STATUS_OK);
    FUZZ_EXPECT(config_load(experiment_sections, tree, &again, &err) == STATUS_OK);
    char *text_again = config_values_text(experiment_sections, &again);
    FUZZ_EXPECT(strcmp(text, text_again) == 0);
    free(text);
    free(text_again);
    config_tree_free(tree);
}

static void make_experiment(const struct config_tree *tree)
{
    const struct experiment_notes notes = { hear, NULL };
    struct error err = { 0 };
    struct experiment experiment;
    if (experiment_from_tree(tree, &notes, &experiment, &err) != STATUS_OK) {
        check_refusal(&err);
        return;
    }
    check_record(&experiment);
    if (experiment_check_texts(&experiment, &err) == STATUS_OK)
        experiment_check_policy_keys(&experiment, &err);
}

/* Its keys alone: no file that they name is read. */
static void run_experiment_keys(const struct fuzz_target *target, const uint8_t *bytes, size_t size)
{
    (void)target;
    struct error err = { 0 };
    struct experiment experiment;
    struct config_tree *tree = tree_of(bytes, size);
    if (tree != NULL && config_load(experiment_sections, tree, &experiment, &err) == STATUS_OK)
        check_record(&experiment);
    else if (tree != NULL)
        check_refusal(&err);
    config_tree_free(tree);
}

static void run_experiment(const struct fuzz_target *target, const uint8_t *bytes, size_t size)
{
    (void)target;
    struct config_tree *tree = tree_of(bytes, size);
    if (tree != NULL)
        make_experiment(tree);
    config_tree_free(tree);
}

/* A line each, as --set takes it, over nothing. */
static void run_set(const struct fuzz_target *target, const uint8_t *bytes, size_t size)
{
    (void)target;
    struct error err = { 0 };
    struct config_tree *tree = NULL;
    FUZZ_EXPECT(config_tree_parse("{}", "empty", &tree, &err) == STATUS_OK);
    char *text = input_text(bytes, size), *rest = NULL;
    for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest))
        if (config_tree_set(tree, line, &err) != STATUS_OK)
            check_refusal(&err);
    struct experiment experiment;
    err = (struct error){ 0 };
    if (config_load(experiment_sections, tree, &experiment, &err) == STATUS_OK)
        check_record(&experiment);
    free(text);
    config_tree_free(tree);
}

/* ---- files of models/ and others, by the reader of each kind ---- */

struct config_file {
    const char *name; /* the file is named so, where its reader goes by it */
    enum status (*read)(const char *path, struct error *err);
};

static enum status read_model(const char *path, struct error *err)
{
    struct model model;
    if (model_load(path, &model, err) != STATUS_OK)
        return err->status;
    FUZZ_EXPECT(model_check(&model, path, err) == STATUS_OK);
    return STATUS_OK;
}

static enum status read_hardware(const char *path, struct error *err)
{
    struct hardware *hardware = malloc(sizeof *hardware);
    struct prices prices;
    FUZZ_EXPECT(hardware != NULL);
    enum status status = hardware_load_keys(path, hardware, err);
    if (status == STATUS_OK) {
        FUZZ_EXPECT(engine_version_of(hardware)[0] != '\0');
        status = hardware_prices(hardware, NULL, 0, &prices, err);
    }
    free(hardware);
    return status;
}

static enum status read_timing(const char *path, struct error *err)
{
    struct operators *operators = malloc(sizeof *operators);
    FUZZ_EXPECT(operators != NULL);
    enum status status = operators_load(path, operators, err);
    free(operators);
    return status;
}

/* These two are named in a hardware's file, whose reader reads them by their rows. */
static enum status read_rows(const char *path, const struct config_row *rows, size_t bytes,
                             struct error *err)
{
    const struct config_section sections[] = { { .prefix = "", .rows = rows }, { .rows = NULL } };
    struct config_tree *tree = NULL;
    if (config_tree_read(path, &tree, err) != STATUS_OK)
        return err->status;
    void *target = calloc(1, bytes);
    FUZZ_EXPECT(target != NULL);
    enum status status = config_load(sections, tree, target, err);
    free(target);
    config_tree_free(tree);
    return status;
}

static enum status read_attention(const char *path, struct error *err)
{
    return read_rows(path, attention_rows, sizeof(struct attention_fit), err);
}

static enum status read_collectives(const char *path, struct error *err)
{
    return read_rows(path, collective_rows, sizeof(struct collective_fit), err);
}

static enum status read_drive(const char *path, struct error *err)
{
    struct drive drive;
    return drive_load(path, &drive, err);
}

static enum status read_prices(const char *path, struct error *err)
{
    static const char *const assignments[] = { "owned.years=5" };
    struct prices prices;
    if (prices_load(path, assignments, 1, &prices, err) != STATUS_OK)
        return err->status;
    char text[64];
    prices_money(&prices, 1234.5, text, sizeof text);
    return STATUS_OK;
}

static struct config_tree *empty_tree(void)
{
    struct error err = { 0 };
    struct config_tree *tree = NULL;
    FUZZ_EXPECT(config_tree_parse("{}", "empty", &tree, &err) == STATUS_OK);
    return tree;
}

static enum status read_version(const char *path, struct error *err)
{
    static struct hardware hardware;
    char summary[CONFIG_TEXT_BYTES];
    if (hardware.name[0] == '\0')
        FUZZ_EXPECT(hardware_load_keys("h100", &hardware, err) == STATUS_OK);
    struct config_tree *tree = empty_tree();
    enum status status = engine_version_lay(path, &hardware, 4, tree, err);
    if (status == STATUS_OK)
        status = engine_version_summary(path, summary, err);
    config_tree_free(tree);
    return status;
}

static enum status read_engine(const char *path, struct error *err)
{
    char summary[CONFIG_TEXT_BYTES];
    struct config_tree *tree = empty_tree();
    enum status status = preset_lay(path, tree, NULL, err);
    if (status == STATUS_OK)
        status = preset_summary(path, summary, err);
    config_tree_free(tree);
    return status;
}

static enum status read_paper(const char *path, struct error *err)
{
    struct paper_numbers numbers;
    return paper_numbers_read(path, &numbers, err);
}

/* Lessons are known by their numbers in a folder. */
static enum status read_lesson(const char *path, struct error *err)
{
    char folder[256];
    struct lesson *lesson = NULL;
    snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(path, '/') - path), path);
    setenv("REPRISE_LEARN", folder, 1);
    enum status status = lesson_open(1, &lesson, err);
    lesson_free(lesson);
    return status;
}

static enum status read_measured(const char *path, struct error *err)
{
    struct measured_timing *measured = malloc(sizeof *measured);
    FUZZ_EXPECT(measured != NULL);
    enum status status = measured_timing_read(path, measured, err);
    if (status == STATUS_OK) {
        struct decode_time decode = measured_timing_decode(measured, 7);
        FUZZ_EXPECT(isfinite(decode.base_ns) && isfinite(decode.per_token_ns));
        FUZZ_EXPECT(measured_timing_prefill(measured, 1000, 500).layer_ns < TIME_END_NS);
    }
    free(measured);
    return status;
}

static void run_kind(const struct fuzz_target *target, const uint8_t *bytes, size_t size)
{
    const struct config_file *kind = target->about;
    struct error err = { 0 };
    if (kind->read(input_named(kind->name, bytes, size), &err) != STATUS_OK)
        check_refusal(&err);
}

static const struct config_file model = { "m.yaml", read_model },
                                hardware = { "h.yaml", read_hardware },
                                timing = { "t.yaml", read_timing },
                                attention = { "a.yaml", read_attention },
                                collectives = { "c.yaml", read_collectives },
                                drive = { "d.yaml", read_drive },
                                prices = { "p.yaml", read_prices },
                                version = { "v.yaml", read_version },
                                engine = { "e.yaml", read_engine },
                                paper = { "paper.yaml", read_paper },
                                lesson = { "1-x.yaml", read_lesson },
                                measured = { "times.csv", read_measured };

const struct fuzz_target fuzz_configs[] = { { "yaml", "yaml", run_yaml, NULL },
                                            { "experiment", "experiment", run_experiment, NULL },
                                            { "experiment_keys", "experiment", run_experiment_keys,
                                              NULL },
                                            { "set", "experiment", run_set, NULL },
                                            { "model", "models", run_kind, &model },
                                            { "hardware", "models", run_kind, &hardware },
                                            { "timing", "models", run_kind, &timing },
                                            { "attention", "models", run_kind, &attention },
                                            { "collectives", "models", run_kind, &collectives },
                                            { "drive", "models", run_kind, &drive },
                                            { "prices", "models", run_kind, &prices },
                                            { "version", "experiment", run_kind, &version },
                                            { "engine", "experiment", run_kind, &engine },
                                            { "paper", "models", run_kind, &paper },
                                            { "lesson", "experiment", run_kind, &lesson },
                                            { "measured_times", "tables", run_kind, &measured },
                                            { .name = NULL } };
