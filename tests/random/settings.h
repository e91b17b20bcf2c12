/* tests/random/settings.h - an experiment as the few keys that it sets: what is drawn, shrunk and
 * printed. All other keys have their defaults. */
#ifndef REPRISE_TESTS_RANDOM_SETTINGS_H
#define REPRISE_TESTS_RANDOM_SETTINGS_H

#include "sim/sim.h"

#include <stdint.h>
#include <stdio.h>

#define SETTING_KEY_BYTES 96
#define SETTINGS_MOST 256 /* more than the schema has keys; setting another one aborts */

struct setting {
    char key[SETTING_KEY_BYTES], value[CONFIG_TEXT_BYTES];
};

struct settings {
    uint32_t count;
    struct setting item[SETTINGS_MOST]; /* in the order of setting; no key twice */
};

/* What is set of the key; NULL: nothing. */
const char *settings_value(const struct settings *settings, const char *key);
void settings_set(struct settings *settings, const char *key, const char *value);
void settings_remove(struct settings *settings, const char *key); /* not set: fine */

/* The command that runs it, without a newline, for the root of the repository. */
void settings_print(FILE *out, const struct settings *settings);

/* STATUS_INPUT: the schema or a preset refuses it. */
enum status settings_experiment(const struct settings *settings, struct experiment *experiment,
                                struct error *err);

/* Calls visit for each row of the schema with its whole key, in the schema's order. */
void settings_rows(void (*visit)(const char *key, const struct config_row *row, void *context),
                   void *context);

#endif
