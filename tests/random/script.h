/* tests/random/script.h - commands of reprise in a row, drawn for an experiment: what each kind of
 * script does. What must hold of what they say: said.h. */
#ifndef REPRISE_TESTS_RANDOM_SCRIPT_H
#define REPRISE_TESTS_RANDOM_SCRIPT_H

#include "tests/random/names.h"
#include "tests/random/settings.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { SCRIPT_STEPS_MOST = 12, STEP_WORDS_MOST = 32, STEP_WORD_BYTES = 640 };

/* In the place of a word: what -j takes (struct surroundings). */
#define WORD_THREADS "THREADS"

/* What a step's output is. */
enum says {
    SAYS_TEXT,
    SAYS_JSON,
    SAYS_RUNS, /* JSON of `sim`: each run's metrics */
    SAYS_IDS,  /* CSV whose first column is a run's id in its database: by when it ended */
};

struct step {
    char word[STEP_WORDS_MOST][STEP_WORD_BYTES];
    uint32_t words;
    bool has_settings; /* behind them the experiment's keys, as --set */
    bool may_miss;     /* exit code 1 is an answer */
    enum says says;
    int same_as;          /* a step that said the same; -1: none */
    const char *file;     /* that it wrote and that is to be whole; NULL: none */
    const char *same_file; /* as that one, byte by byte; NULL: none */
};

struct script {
    const char *kind;
    struct step step[SCRIPT_STEPS_MOST];
    uint32_t steps;
    double runs;      /* simulations of the experiment's size, at most */
    bool has_turns;   /* t.jsonl and t.csv are rows of the same turns, and step 0's metrics their sums */
};

/* The same seed and settings give the same script. A kind may need other settings, or fewer. */
void script_draw(uint64_t seed, struct settings *settings, const struct names *names,
                 struct script *script);

/* The commands, one a line, for a shell in a folder of its own. */
void script_print(FILE *out, const struct script *script, const struct settings *settings);

#endif
