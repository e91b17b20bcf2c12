/* tests/failures/commands.h - what is disturbed: every command of reprise that makes or tells something, on a tiny
 * experiment. A new command is a new row, or test_failures.sh says that it has none. */
#ifndef REPRISE_TESTS_FAILURES_COMMANDS_H
#define REPRISE_TESTS_FAILURES_COMMANDS_H

#include <stdbool.h>
#include <stdint.h>

/* Words are parted by spaces. @ is the folder of what was made before, by stock_commands (the stock); % the sources' root. */
struct command {
    const char *name, *words;
    const char *copies;   /* files of the stock that it finds in its own folder, parted by spaces; NULL: none */
    const char *database; /* in its own folder; NULL: it writes none */
    bool varies;          /* in real time: no two of its results are the same */
    bool visited;         /* it serves a page until SIGINT */
    bool may_linger;      /* it leaves what was finished: pictures, when a later one could not be drawn */
};

extern const struct command commands[];
extern const uint32_t command_count;

/* What makes the stock, in its folder. */
struct stock_command {
    const char *made; /* what it makes; only wanted where a command names it */
    const char *words;
};
extern const struct stock_command stock_commands[]; /* ended by one without words */

enum { WORDS_MOST = 96 };

/* Makes argv of program and words, for the caller to free with words_free(). */
void words_split(const char *program, const char *words, const char *stock, const char *root, char *argv[WORDS_MOST]);
void words_free(char *argv[WORDS_MOST]);

#endif
