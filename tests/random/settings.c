/* tests/random/settings.c - see settings.h. */
#include "tests/random/settings.h"

#include <stdlib.h>
#include <string.h>

static struct setting *find(const struct settings *settings, const char *key)
{
    for (uint32_t i = 0; i < settings->count; i++)
        if (strcmp(settings->item[i].key, key) == 0)
            return (struct setting *)&settings->item[i];
    return NULL;
}

const char *settings_value(const struct settings *settings, const char *key)
{
    const struct setting *setting = find(settings, key);
    return setting != NULL ? setting->value : NULL;
}

void settings_set(struct settings *settings, const char *key, const char *value)
{
    struct setting *setting = find(settings, key);
    if (setting == NULL) {
        if (settings->count ==
            SETTINGS_MOST) /* not assert(): a release build's tests hear it too */
            abort();
        setting = &settings->item[settings->count++];
        snprintf(setting->key, sizeof setting->key, "%s", key);
    }
    snprintf(setting->value, sizeof setting->value, "%s", value);
}

void settings_remove(struct settings *settings, const char *key)
{
    struct setting *setting = find(settings, key);
    if (setting == NULL)
        return;
    struct setting *end = settings->item + --settings->count;
    memmove(setting, setting + 1, (size_t)(end - setting) * sizeof *setting);
}

void settings_print(FILE *out, const struct settings *settings)
{
    fputs("reprise sim --no-db", out);
    for (uint32_t i = 0; i < settings->count; i++)
        fprintf(out, " --set %s=%s", settings->item[i].key, settings->item[i].value);
}

enum status settings_experiment(const struct settings *settings, struct experiment *experiment,
                                struct error *err)
{
    struct config_tree *tree = NULL;
    enum status status = config_tree_parse("{}", "drawn", &tree, err);
    for (uint32_t i = 0; status == STATUS_OK && i < settings->count; i++) {
        char assignment[SETTING_KEY_BYTES + CONFIG_TEXT_BYTES];
        snprintf(assignment, sizeof assignment, "%s=%s", settings->item[i].key,
                 settings->item[i].value);
        status = config_tree_set(tree, assignment, err);
    }
    if (status == STATUS_OK)
        status = experiment_from_tree(tree, NULL, experiment, err);
    config_tree_free(tree);
    return status;
}

void settings_rows(void (*visit)(const char *key, const struct config_row *row, void *context),
                   void *context)
{
    for (const struct config_section *section = experiment_sections; section->rows != NULL;
         section++)
        for (const struct config_row *row = section->rows; row->key != NULL; row++) {
            char key[SETTING_KEY_BYTES];
            snprintf(key, sizeof key, "%s%s", section->prefix, row->key);
            visit(key, row, context);
        }
}
