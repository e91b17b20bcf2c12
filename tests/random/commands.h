/* tests/random/commands.h - trials of the program itself: a script of commands (script.h) under two
 * surroundings, of which nothing may depend on which. */
#ifndef REPRISE_TESTS_RANDOM_COMMANDS_H
#define REPRISE_TESTS_RANDOM_COMMANDS_H

#include "tests/random/names.h"
#include "tests/random/trial.h"

struct commands {
    const char *program; /* a path from the root of the file system */
    const struct names *names;
    char *folder;             /* owned; where commands run, emptied before each script */
    char *locales;            /* owned; the folder of a locale that was made */
    const char *comma_locale; /* NULL: this machine has none, nor can make one */
    const char *root;         /* of the repository, for what the settings name in it */
};

/* commands_close() removes the folders. */
void commands_open(struct commands *commands, const char *program, const struct names *names);
void commands_close(struct commands *commands);

/* The seed's script with these settings. most_cpu_s: as in struct trial_options; of each command. */
struct trial commands_trial(const struct commands *commands, uint64_t seed,
                            const struct settings *settings, double most_cpu_s);

/* A hash of all that the seed's script says and leaves, under the first surroundings. */
uint64_t commands_digest(const struct commands *commands, uint64_t seed,
                         const struct settings *settings, const char **kind);

/* The script, for a shell. */
void commands_print(FILE *out, const struct commands *commands, uint64_t seed,
                    const struct settings *settings);

#endif
