/* cli/explore/asks_start.c - what the page knows from its beginning: the experiment's keys as the
 * schema has them, names, metrics, and the experiment that the command line gave. */
#include "cli/explore/asks_parts.h"

#include "sim/sim.h"

#include <stdio.h>
#include <string.h>

enum { KEY_BYTES = 96 };

static const char *kind_word(enum config_kind kind)
{
    switch (kind) {
    case CONFIG_U32:
    case CONFIG_U64:
        return "whole";
    case CONFIG_DOUBLE:
        return "number";
    case CONFIG_BOOL:
        return "bool";
    case CONFIG_TEXT:
        return "text";
    case CONFIG_CHOICE:
        return "choice";
    }
    return "";
}

static const char *unit_word(enum unit_kind unit)
{
    switch (unit) {
    case UNIT_PLAIN:
        return "";
    case UNIT_BYTES:
        return "bytes";
    case UNIT_BYTES_PER_S:
        return "bytes/s";
    case UNIT_DURATION:
        return "ns";
    case UNIT_PER_S:
        return "1/s";
    case UNIT_FLOP_PER_S:
        return "FLOP/s";
    }
    return "";
}

static json_t *row_json(const char *key, const struct config_row *row)
{
    char takes[CONFIG_PHRASE_BYTES];
    json_t *choices = json_array();
    for (int i = 0; row->choices != NULL && row->choices[i] != NULL; i++)
        json_array_append_new(choices, json_string(row->choices[i]));
    return json_pack("{s:s, s:s, s:s, s:f, s:f, s:s, s:s?, s:s, s:s, s:o}", "key", key, "kind",
                     kind_word(row->kind), "unit", unit_word(row->unit), "min", row->min, "max",
                     row->max, "standard", row->standard, "word", row->word, "help", row->help,
                     "takes", config_row_expected(row, takes), "choices", choices);
}

/* Both lists in one walk over the schema. */
static void walk(const struct config_tree *tree, json_t *keys, json_t *set)
{
    char key[KEY_BYTES];
    for (const struct config_section *section = experiment_sections; section->rows != NULL;
         section++)
        for (const struct config_row *row = section->rows; row->key != NULL; row++) {
            snprintf(key, sizeof key, "%s%s", section->prefix, row->key);
            json_array_append_new(keys, row_json(key, row));
            const char *value = config_tree_value(tree, key);
            if (value != NULL)
                json_object_set_new(set, key, json_string(value));
        }
}

static json_t *metrics_json(void)
{
    json_t *list = json_array();
    for (int i = 0; i < METRIC_COUNT; i++)
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:s}", "name", metric_rows[i].name, "unit",
                                        metric_rows[i].unit, "meaning", metric_rows[i].meaning));
    return list;
}

struct door_answer asks_start(const struct asks *asks)
{
    json_t *keys = json_array(), *set = json_object();
    walk(asks->start, keys, set);
    return asks_json(200, json_pack("{s:s, s:o, s:o, s:o, s:o, s:o}", "version", REPRISE_VERSION,
                                    "keys", keys, "set", set, "metrics", metrics_json(), "names",
                                    names_json(asks->names), "gantt", asks_gantt_look()));
}
