/* tests/random/random_experiments.c - runs random experiments and says which seeds have faults, and
 * the shortest command that shows each kind. docs/testing.md. */
#include "tests/random/draw.h"
#include "tests/random/shrink.h"
#include "tests/random/trial.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* More, and the generator tests refusals only. */
#define REFUSED_SHARE_MOST 0.40

enum { KINDS_MOST = 256, SLOWEST = 5, TRIES_MOST = 400, TWICE_EACH = 8 };
/* Wall time for the shortest command of a kind of fault. */
#define SHRINK_S 60.0
/* Of the work of an experiment (work.h), unless asked for otherwise: seconds, at worst. */
#define STEPS_MOST 1e7

struct asked_for {
    uint64_t first_seed, count;
    double seconds;    /* 0: until all have run */
    double steps_most; /* of the work of one experiment */
    bool shrinks, lists, says_refusals;
};

struct kind {
    char name[160];
    uint64_t seeds, first_seed;
};

struct tally {
    uint64_t run, refused, faulty;
    struct kind kind[KINDS_MOST];
    uint32_t kinds;
    struct {
        double cpu_s;
        uint64_t seed;
    } slow[SLOWEST + 1];
};

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* ---- shrinking ---- */

struct wanted {
    const char *kind;
    struct trial_options options;
    double until_s; /* by then the smallest so far must do */
};

static bool has_kind(const struct settings *settings, void *context)
{
    const struct wanted *wanted = context;
    if (seconds_now() > wanted->until_s)
        return false;
    struct trial trial = trial_run(settings, wanted->options);
    return trial_has(&trial, wanted->kind);
}

/* Tries that take much longer than what was found are given up: many of them never end. If it is
 * that which is shrunk, what is left must not end in all of its time either. */
static void print_shrunk(const struct settings *settings, const struct trial *trial,
                         const char *kind, struct trial_options options)
{
    struct settings small = *settings;
    bool is_endless = strncmp(kind, "no end", 6) == 0;
    struct wanted wanted = { kind, options, seconds_now() + SHRINK_S };
    wanted.options.most_cpu_s = is_endless ? 2.0 : 1.0 + 5.0 * trial->cpu_s;
    shrink(&small, &(struct shrink_test){ has_kind, &wanted, TRIES_MOST });
    if (is_endless) {
        struct trial whole = trial_run(&small, options);
        small = trial_has(&whole, kind) ? small : *settings;
    }
    fputs("    ", stdout);
    settings_print(stdout, &small);
    printf("\n    # %u keys\n", small.count);
}

/* ---- counting ---- */

/* Returns whether the kind is new. */
static bool count_kind(struct tally *tally, const char *name, uint64_t seed)
{
    for (uint32_t i = 0; i < tally->kinds; i++)
        if (strcmp(tally->kind[i].name, name) == 0) {
            tally->kind[i].seeds++;
            return false;
        }
    if (tally->kinds == KINDS_MOST)
        return false;
    struct kind *kind = &tally->kind[tally->kinds++];
    snprintf(kind->name, sizeof kind->name, "%s", name);
    kind->seeds = 1;
    kind->first_seed = seed;
    return true;
}

static void count_time(struct tally *tally, double cpu_s, uint64_t seed)
{
    int at = SLOWEST;
    for (; at > 0 && tally->slow[at - 1].cpu_s < cpu_s; at--)
        tally->slow[at] = tally->slow[at - 1];
    tally->slow[at].cpu_s = cpu_s;
    tally->slow[at].seed = seed;
}

static void print_faults(const struct asked_for *asked, struct tally *tally, uint64_t seed,
                         const struct settings *settings, const struct trial *trial,
                         struct trial_options options)
{
    for (uint32_t i = 0; i < trial->faults; i++) {
        const struct fault *fault = &trial->fault[i];
        bool is_new = count_kind(tally, fault->kind, seed);
        printf("seed %" PRIu64 ": %s\n", seed, fault->kind);
        if (!is_new)
            continue;
        printf("    %.400s\n", fault->detail);
        fflush(stdout);
        if (asked->shrinks)
            print_shrunk(settings, trial, fault->kind, options);
        fflush(stdout);
    }
}

static void try_seed(const struct asked_for *asked, struct tally *tally, uint64_t seed,
                     const struct names *names)
{
    struct settings settings = draw_experiment(seed, asked->steps_most, names);
    struct trial_options options = { .twice = seed % TWICE_EACH == 0 };
    if (asked->lists) {
        printf("seed %" PRIu64 ": ", seed);
        settings_print(stdout, &settings);
        printf("\n");
        return;
    }
    struct trial trial = trial_run(&settings, options);
    tally->run++;
    tally->refused += trial.is_refused;
    tally->faulty += trial.faults > 0;
    count_time(tally, trial.cpu_s, seed);
    if (trial.is_refused && asked->says_refusals)
        printf("seed %" PRIu64 ": refused: %s\n", seed, trial.refusal);
    print_faults(asked, tally, seed, &settings, &trial, options);
}

static int print_tally(const struct tally *tally, double seconds)
{
    double share = tally->run > 0 ? (double)tally->refused / (double)tally->run : 0.0;
    printf("%" PRIu64 " experiments in %.0f s: %" PRIu64 " refused (%.1f %%), %" PRIu64
           " with faults\n",
           tally->run, seconds, tally->refused, 100.0 * share, tally->faulty);
    printf("slowest:");
    for (int i = 0; i < SLOWEST; i++)
        printf(" seed %" PRIu64 " %.2f s", tally->slow[i].seed, tally->slow[i].cpu_s);
    printf("\n");
    for (uint32_t i = 0; i < tally->kinds; i++)
        printf("%6" PRIu64 " from seed %" PRIu64 ": %s\n", tally->kind[i].seeds,
               tally->kind[i].first_seed, tally->kind[i].name);
    if (share > REFUSED_SHARE_MOST)
        printf("more than %.0f %% were refused: the generator draws too little that is valid\n",
               100.0 * REFUSED_SHARE_MOST);
    return tally->faulty > 0 || share > REFUSED_SHARE_MOST ? 1 : 0;
}

/* ---- options ---- */

static _Noreturn void refuse_usage(void)
{
    fputs("usage: random_experiments FIRST_SEED COUNT [--seconds S] [--steps N] [--shrink]\n"
          "                          [--refusals] [--list]\n"
          "  --seconds S  stop after so long\n"
          "  --steps N    work of an experiment at most (1e7); with another bound a seed may have\n"
          "               a smaller workload\n"
          "  --shrink     for each kind of fault, the fewest keys that show it\n"
          "  --refusals   say why each was refused\n"
          "  --list       print the experiments and run none\n",
          stderr);
    exit(2);
}

static double number_of(const char *text)
{
    char *end;
    double number = text != NULL ? strtod(text, &end) : -1.0;
    if (text == NULL || *text == '\0' || *end != '\0' || number < 0.0)
        refuse_usage();
    return number;
}

static struct asked_for read_options(char **argv)
{
    struct asked_for asked = { .steps_most = STEPS_MOST };
    int numbers = 0;
    for (argv++; *argv != NULL; argv++) {
        if (strcmp(*argv, "--shrink") == 0)
            asked.shrinks = true;
        else if (strcmp(*argv, "--list") == 0)
            asked.lists = true;
        else if (strcmp(*argv, "--refusals") == 0)
            asked.says_refusals = true;
        else if (strcmp(*argv, "--seconds") == 0)
            asked.seconds = number_of(*++argv);
        else if (strcmp(*argv, "--steps") == 0)
            asked.steps_most = number_of(*++argv);
        else if (numbers++ == 0)
            asked.first_seed = (uint64_t)number_of(*argv);
        else
            asked.count = (uint64_t)number_of(*argv);
    }
    if (numbers != 2)
        refuse_usage();
    return asked;
}

int main(int argc, char **argv)
{
    (void)argc;
    struct asked_for asked = read_options(argv);
    static struct tally tally;
    struct names names = names_read();
    double begin = seconds_now();
    printf("seeds %" PRIu64 " to %" PRIu64 ", %g steps at most\n", asked.first_seed,
           asked.first_seed + asked.count - 1, asked.steps_most);
    for (uint64_t i = 0; i < asked.count; i++) {
        if (asked.seconds > 0.0 && seconds_now() - begin > asked.seconds)
            break;
        try_seed(&asked, &tally, asked.first_seed + i, &names);
    }
    names_free(&names);
    return asked.lists ? 0 : print_tally(&tally, seconds_now() - begin);
}
