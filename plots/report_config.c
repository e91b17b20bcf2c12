/* plots/report_config.c - see report_config.h. Names, units and meanings are the keys' own rows'
 * (experiment_sections). */
#include "plots/report_config.h"

#include "base/memory.h"
#include "plots/html.h"
#include "sweep/axis.h"

#include <stdlib.h>
#include <string.h>

#define KEY_BYTES 192

/* Values as texts, by key. */
static struct config_tree *tree_of(const struct experiment *experiment)
{
    char *yaml = config_values_text(experiment_sections, experiment);
    struct config_tree *tree = NULL;
    struct error err = { 0 };
    if (config_tree_parse(yaml, "a configuration", &tree, &err) != STATUS_OK)
        memory_exhausted(); /* it was printed a line above: nothing else can fail */
    free(yaml);
    return tree;
}

/* ---- which keys go where ---- */

enum place { PLACE_DIFFERS, PLACE_SAID, PLACE_NAMED, PLACE_DEFAULT };

/* What is compared: each experiment's values, what the first one's policy and engine's version
 * alone would say, and the defaults. */
struct values {
    uint32_t count;
    struct config_tree **of; /* one an experiment */
    struct config_tree *named, *standard;
};

static bool is_same(const struct config_tree *a, const struct config_tree *b, const char *key)
{
    return strcmp(config_tree_value(a, key), config_tree_value(b, key)) == 0;
}

/* These say what the experiment is, whether or not by default. */
static bool is_what_it_is(const char *key)
{
    static const char *const keys[] = { "model",  "hardware",       "gpus",
                                        "policy", "engine.version", "workload.seed" };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (strcmp(keys[i], key) == 0)
            return true;
    return false;
}

static enum place place_of(const struct values *values, const char *key)
{
    for (uint32_t i = 1; i < values->count; i++)
        if (!is_same(values->of[0], values->of[i], key))
            return PLACE_DIFFERS;
    if (is_what_it_is(key) || !is_same(values->of[0], values->named, key))
        return PLACE_SAID;
    return is_same(values->of[0], values->standard, key) ? PLACE_DEFAULT : PLACE_NAMED;
}

/* The experiment that the names of its policy, hardware and engine's version make by themselves. */
static enum status read_named(const struct experiment *experiment, struct config_tree **named,
                              struct error *err)
{
    const char *const said[][2] = { { "hardware", experiment->hardware },
                                    { "policy", experiment->policy },
                                    { "engine.version", experiment->version } };
    struct config_tree *tree = NULL;
    struct experiment made;
    enum status status = config_tree_parse("{}", "names", &tree, err);
    for (size_t i = 0; status == STATUS_OK && i < sizeof said / sizeof *said; i++) {
        char assignment[2 * CONFIG_TEXT_BYTES];
        snprintf(assignment, sizeof assignment, "%s=%s", said[i][0], said[i][1]);
        status = config_tree_set(tree, assignment, err);
    }
    if (status == STATUS_OK)
        status = experiment_from_tree(tree, NULL, &made, err);
    if (status == STATUS_OK)
        *named = tree_of(&made);
    config_tree_free(tree);
    return status;
}

static void values_free(struct values *values)
{
    for (uint32_t i = 0; i < values->count; i++)
        config_tree_free(values->of[i]);
    free(values->of);
    config_tree_free(values->named);
    config_tree_free(values->standard);
}

static enum status values_read(const struct experiment *experiments, uint32_t count,
                               struct values *values, struct error *err)
{
    struct experiment standard;
    *values = (struct values){ .count = count, .of = memory_new(count, sizeof *values->of) };
    for (uint32_t i = 0; i < count; i++)
        values->of[i] = tree_of(&experiments[i]);
    enum status status = config_load(experiment_sections, NULL, &standard, err);
    if (status == STATUS_OK) {
        values->standard = tree_of(&standard);
        status = read_named(&experiments[0], &values->named, err);
    }
    return status;
}

/* ---- tables ---- */

/* The key's name, and it with its value as YAML has it: to be copied. */
static void write_key(FILE *out, const char *key, const char *value)
{
    char name[CONFIG_NAME_BYTES];
    fputs("<tr><td><b>", out);
    html_text(out, config_key_name(key, name));
    fputs("</b><br><code>", out);
    html_text(out, key);
    if (value != NULL) {
        fputs(": ", out);
        html_text(out, value[0] != '\0' ? value : "\"\"");
    }
    fputs("</code></td>", out);
}

static void write_value(FILE *out, const struct config_row *row, const char *value)
{
    char shown[CONFIG_TEXT_BYTES];
    axis_show(row, value, shown, sizeof shown);
    html_text(out, shown[0] != '\0' ? shown : "-");
}

/* In a table of begin_rows(). */
static void write_row(FILE *out, const char *key, const struct config_row *row, const char *value)
{
    write_key(out, key, value);
    fputs("<td>", out);
    write_value(out, row, value);
    fputs("</td><td class=note>", out);
    html_text(out, row->help);
    fputs("</td></tr>\n", out);
}

static void begin_rows(FILE *out)
{
    fputs("<table class=\"names keys\"><tr><th>what</th><th>value</th><th>meaning</th></tr>\n",
          out);
}

/* Calls visit with each key of an experiment. */
static void each_key(void (*visit)(void *context, const char *key, const struct config_row *row),
                     void *context)
{
    for (const struct config_section *section = experiment_sections; section->rows != NULL;
         section++)
        for (const struct config_row *row = section->rows; row->key != NULL; row++) {
            char key[KEY_BYTES];
            snprintf(key, sizeof key, "%s%s", section->prefix, row->key);
            visit(context, key, row);
        }
}

struct listing {
    FILE *out; /* NULL: only counts */
    const struct values *values;
    const char *const *names;
    enum place place;
    uint32_t count;
};

static void list_key(void *context, const char *key, const struct config_row *row)
{
    struct listing *listing = context;
    if (place_of(listing->values, key) != listing->place)
        return;
    listing->count++;
    if (listing->out == NULL)
        return;
    write_row(listing->out, key, row, config_tree_value(listing->values->of[0], key));
}

static void write_list(FILE *out, const struct values *values, enum place place)
{
    struct listing listing = { .out = out, .values = values, .place = place };
    begin_rows(out);
    each_key(list_key, &listing);
    fputs("</table>\n", out);
}

static uint32_t count_of(const struct values *values, enum place place)
{
    struct listing listing = { .values = values, .place = place };
    each_key(list_key, &listing);
    return listing.count;
}

static void write_folded(FILE *out, const struct values *values, enum place place, const char *what)
{
    uint32_t count = count_of(values, place);
    if (count == 0)
        return;
    fprintf(out, "<details><summary>%s: %u keys</summary>\n", what, count);
    write_list(out, values, place);
    fputs("</details>\n", out);
}

static void list_difference(void *context, const char *key, const struct config_row *row)
{
    struct listing *listing = context;
    if (place_of(listing->values, key) != PLACE_DIFFERS)
        return;
    write_key(listing->out, key, NULL);
    for (uint32_t i = 0; i < listing->values->count; i++) {
        fputs("<td data-name=\"", listing->out);
        html_text(listing->out, listing->names[i]);
        fputs("\">", listing->out);
        write_value(listing->out, row, config_tree_value(listing->values->of[i], key));
        fputs("</td>", listing->out);
    }
    html_row_end(listing->out);
}

static void write_differences(FILE *out, const struct values *values, const char *const *names)
{
    struct listing listing = { .out = out, .values = values, .names = names };
    fputs("<h3>What differs between the runs</h3>\n<div class=scroll><table "
          "class=cards><tr><th></th>",
          out);
    for (uint32_t i = 0; i < values->count; i++) {
        fputs("<th>", out);
        html_text(out, names[i]);
        fputs("</th>", out);
    }
    html_row_end(out);
    each_key(list_difference, &listing);
    html_table_end(out);
}

/* ---- all ---- */

static void write_yaml(FILE *out, const struct experiment *experiment, const char *name)
{
    char *yaml = config_values_text(experiment_sections, experiment);
    fputs("<details><summary>All of it as YAML, for <code>reprise sim -c</code> (", out);
    html_text(out, name);
    fputs(")</summary>\n<pre>", out);
    html_text(out, yaml);
    fputs("</pre></details>\n", out);
    free(yaml);
}

enum status report_config(FILE *out, const struct experiment *experiments, const char *const *names,
                          uint32_t count, struct error *err)
{
    struct values values;
    enum status status = values_read(experiments, count, &values, err);
    if (status == STATUS_OK) {
        fputs("<h2>Configuration</h2>\n", out);
        if (count_of(&values, PLACE_DIFFERS) > 0)
            write_differences(out, &values, names);
        fputs("<h3>What was set</h3>\n", out);
        write_list(out, &values, PLACE_SAID);
        write_folded(out, &values, PLACE_NAMED,
                     "What the policy and the engine's version say, other than the defaults");
        write_folded(out, &values, PLACE_DEFAULT, "The rest, as by default");
        write_yaml(out, &experiments[0], names[0]);
    }
    values_free(&values);
    return status;
}

struct choosing {
    FILE *out;
    const struct config_tree *tree;
    bool (*wanted)(const struct config_row *row);
};

static void choose_key(void *context, const char *key, const struct config_row *row)
{
    const struct choosing *choosing = context;
    if (!choosing->wanted(row))
        return;
    write_row(choosing->out, key, row, config_tree_value(choosing->tree, key));
}

void report_config_table(FILE *out, const struct experiment *experiment,
                         bool (*wanted)(const struct config_row *row))
{
    struct config_tree *tree = tree_of(experiment);
    struct choosing choosing = { out, tree, wanted };
    begin_rows(out);
    each_key(choose_key, &choosing);
    fputs("</table>\n", out);
    config_tree_free(tree);
}
