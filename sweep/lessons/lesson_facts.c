/* sweep/lessons/lesson_facts.c - what a lesson's run is made of, for its words: keys of its
 * experiment, and numbers that follow from them, its model and its server. They are read from where
 * the simulator reads them, so that words name no bandwidth that the run does not have. */
#include "base/memory.h"
#include "models/models.h"
#include "sim/engine/setup.h"
#include "sweep/lessons/lesson_parts.h"
#include "traces/traces.h"

#include <stdlib.h>
#include <string.h>

/* ---- keys of the experiment ---- */

static char *value_of(const struct experiment *experiment, const char *key)
{
    struct config_tree *tree = NULL;
    struct error ignored = { 0 }; /* what the program wrote, it reads */
    char *text = config_values_text(experiment_sections, experiment), *value = NULL;
    if (config_tree_parse(text, "experiment", &tree, &ignored) == STATUS_OK &&
        config_tree_value(tree, key) != NULL)
        value = memory_text(config_tree_value(tree, key));
    config_tree_free(tree);
    free(text);
    return value;
}

static const struct config_row *row_of(const char *name)
{
    for (const struct config_section *part = experiment_sections; part->rows != NULL; part++) {
        size_t length = strlen(part->prefix);
        for (const struct config_row *row = part->rows; row->key != NULL; row++)
            if (strncmp(name, part->prefix, length) == 0 && strcmp(name + length, row->key) == 0)
                return row;
    }
    return NULL;
}

static bool read_key(const struct experiment *experiment, const char *name,
                     struct lesson_number *number)
{
    const struct config_row *row = row_of(name);
    char *text = row != NULL ? value_of(experiment, name) : NULL;
    bool read = text != NULL && units_parse(text, row->unit, &number->value);
    if (read) {
        number->kind = NUMBER_QUANTITY;
        number->unit = row->unit;
    }
    free(text);
    return read;
}

char *lesson_key_show(const struct experiment *experiment, const char *key)
{
    struct lesson_number number;
    char shown[64];
    return read_key(experiment, key, &number)
               ? memory_text(lesson_number_show(&number, number.value, shown, sizeof shown))
               : value_of(experiment, key);
}

/* ---- what follows ---- */

static double layers(const struct engine_setup *setup)
{
    return setup->model.layers;
}
static double window(const struct engine_setup *setup)
{
    return setup->window_tokens;
}
static double token_bytes(const struct engine_setup *setup)
{
    return (double)setup->kv.bytes_per_token;
}
static double from_dram(const struct engine_setup *setup)
{
    return setup->link_bytes_per_s[LINK_H2D];
}
static double from_ssd(const struct engine_setup *setup)
{
    return setup->link_bytes_per_s[LINK_SSD_READ];
}
static double gpu_hour(const struct engine_setup *setup)
{
    return prices_gpu_hour(&setup->hardware.prices, setup->experiment->gpus);
}
static double dram_hour(const struct engine_setup *setup)
{
    return setup->hardware.prices.rent_usd_per_dram_gb_hour;
}
static double ssd_hour(const struct engine_setup *setup)
{
    return setup->hardware.prices.rent_usd_per_ssd_gb_hour;
}

static const struct fact {
    const char *name; /* docs/learn/README.md lists them */
    double (*value)(const struct engine_setup *setup);
    enum lesson_number_kind kind;
    enum unit_kind unit;
} facts[] = {
    { "layers", layers, NUMBER_QUANTITY, UNIT_PLAIN },
    { "window_tokens", window, NUMBER_QUANTITY, UNIT_PLAIN },
    { "kv_token_bytes", token_bytes, NUMBER_QUANTITY, UNIT_BYTES },
    { "dram_bytes_per_s", from_dram, NUMBER_QUANTITY, UNIT_BYTES_PER_S },
    { "ssd_bytes_per_s", from_ssd, NUMBER_QUANTITY, UNIT_BYTES_PER_S },
    { "gpu_hour_usd", gpu_hour, NUMBER_DOLLARS, UNIT_PLAIN },
    { "dram_gb_hour_usd", dram_hour, NUMBER_DOLLARS, UNIT_PLAIN },
    { "ssd_gb_hour_usd", ssd_hour, NUMBER_DOLLARS, UNIT_PLAIN },
};

static const struct fact *fact_of(const char *name)
{
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++)
        if (strcmp(facts[i].name, name) == 0)
            return &facts[i];
    return NULL;
}

static enum status read_fact(const struct experiment *experiment, const struct fact *fact,
                             struct lesson_number *number, struct error *err)
{
    struct engine_setup setup;
    struct trace *trace = NULL;
    enum status status = engine_setup_open(experiment, &setup, &trace, err);
    if (status == STATUS_OK) {
        number->kind = fact->kind;
        number->unit = fact->unit;
        number->value = fact->value(&setup);
    }
    trace_close(trace);
    return status;
}

enum status lesson_fact(const struct lesson *lesson, const struct lesson_choice *choice,
                        const char *name, bool *found, struct lesson_number *number,
                        struct error *err)
{
    const struct fact *fact = fact_of(name);
    struct experiment experiment;
    *found = fact != NULL || row_of(name) != NULL;
    if (!*found)
        return STATUS_OK;
    if (lesson_experiment(lesson, choice, &experiment, err) != STATUS_OK)
        return err->status;
    if (fact != NULL)
        return read_fact(&experiment, fact, number, err);
    *found = read_key(&experiment, name, number);
    return STATUS_OK;
}
