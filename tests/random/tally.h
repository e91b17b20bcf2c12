/* tests/random/tally.h - what many trials came to: faults by kind, each kind's first shrunk and
 * shown, the slowest seeds. */
#ifndef REPRISE_TESTS_RANDOM_TALLY_H
#define REPRISE_TESTS_RANDOM_TALLY_H

#include "tests/random/trial.h"

enum { TALLY_KINDS_MOST = 256, TALLY_SLOWEST = 5 };

struct tally_kind {
    char name[160];
    uint64_t seeds, first_seed;
};

struct tally { /* zeroed: empty */
    uint64_t run, refused, faulty;
    struct tally_kind kind[TALLY_KINDS_MOST];
    uint32_t kinds;
    struct {
        double cpu_s;
        uint64_t seed;
    } slow[TALLY_SLOWEST + 1];
};

/* How a seed's experiment is tried again, and told. */
struct tally_trials {
    /* most_cpu_s: as in struct trial_options. */
    struct trial (*run)(const struct settings *settings, double most_cpu_s, void *context);
    void (*print)(FILE *out, const struct settings *settings, void *context);
    void *context;
    bool shrinks;
};

/* Counts the trial and prints its faults on stdout; of a kind that is new, the fewest keys that
 * show it too, where the trials shrink. */
void tally_add(struct tally *tally, uint64_t seed, const struct settings *settings,
               const struct trial *trial, const struct tally_trials *trials);

/* Prints all of it. Returns whether it is as it should be: no faults, not too many refused. */
bool tally_print(FILE *out, const struct tally *tally, double seconds);

#endif
