/* tests/random/tally.c - see tally.h. */
#include "tests/random/tally.h"

#include "base/clock.h"
#include "tests/random/shrink.h"

#include <inttypes.h>
#include <string.h>

/* More, and the generator tests refusals only. */
#define REFUSED_SHARE_MOST 0.40
/* Wall time for the shortest command of a kind of fault. */
#define SHRINK_S 60.0
enum { TRIES_MOST = 400 };

/* ---- shrinking ---- */

struct wanted {
    const char *kind;
    const struct tally_trials *trials;
    double most_cpu_s;
    uint64_t until_ns; /* by then the smallest so far must do */
};

static bool has_kind(const struct settings *settings, void *context)
{
    const struct wanted *wanted = context;
    if (clock_now_ns() > wanted->until_ns)
        return false;
    struct trial trial = wanted->trials->run(settings, wanted->most_cpu_s, wanted->trials->context);
    return trial_has(&trial, wanted->kind);
}

/* Tries that take much longer than what was found are given up: many of them never end. If it is
 * that which is shrunk, what is left must not end in all of its time either. */
static void print_shrunk(const struct settings *settings, const struct trial *trial,
                         const char *kind, const struct tally_trials *trials)
{
    struct settings small = *settings;
    bool is_endless = strncmp(kind, "no end", 6) == 0;
    struct wanted wanted = { kind, trials, is_endless ? 2.0 : 1.0 + 5.0 * trial->cpu_s,
                             clock_now_ns() + (uint64_t)(SHRINK_S * 1e9) };
    shrink(&small, &(struct shrink_test){ has_kind, &wanted, TRIES_MOST });
    if (is_endless) {
        struct trial whole = trials->run(&small, 0.0, trials->context);
        small = trial_has(&whole, kind) ? small : *settings;
    }
    fputs("    ", stdout);
    trials->print(stdout, &small, trials->context);
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
    if (tally->kinds == TALLY_KINDS_MOST)
        return false;
    struct tally_kind *kind = &tally->kind[tally->kinds++];
    snprintf(kind->name, sizeof kind->name, "%s", name);
    kind->seeds = 1;
    kind->first_seed = seed;
    return true;
}

static void count_time(struct tally *tally, double cpu_s, uint64_t seed)
{
    int at = TALLY_SLOWEST;
    for (; at > 0 && tally->slow[at - 1].cpu_s < cpu_s; at--)
        tally->slow[at] = tally->slow[at - 1];
    tally->slow[at].cpu_s = cpu_s;
    tally->slow[at].seed = seed;
}

static void add_faults(struct tally *tally, uint64_t seed, const struct settings *settings,
                       const struct trial *trial, const struct tally_trials *trials)
{
    for (uint32_t i = 0; i < trial->faults; i++) {
        const struct fault *fault = &trial->fault[i];
        bool is_new = count_kind(tally, fault->kind, seed);
        printf("seed %" PRIu64 ": %s\n", seed, fault->kind);
        if (!is_new)
            continue;
        printf("    %.400s\n", fault->detail);
        fflush(stdout);
        if (trials->shrinks)
            print_shrunk(settings, trial, fault->kind, trials);
        fflush(stdout);
    }
}

void tally_add(struct tally *tally, uint64_t seed, const struct settings *settings,
               const struct trial *trial, const struct tally_trials *trials)
{
    tally->run++;
    tally->refused += trial->is_refused;
    tally->faulty += trial->faults > 0;
    count_time(tally, trial->cpu_s, seed);
    add_faults(tally, seed, settings, trial, trials);
}

bool tally_print(FILE *out, const struct tally *tally, double seconds)
{
    double share = tally->run > 0 ? (double)tally->refused / (double)tally->run : 0.0;
    fprintf(out,
            "%" PRIu64 " experiments in %.0f s: %" PRIu64 " refused (%.1f %%), %" PRIu64
            " with faults\nslowest:",
            tally->run, seconds, tally->refused, 100.0 * share, tally->faulty);
    for (int i = 0; i < TALLY_SLOWEST; i++)
        fprintf(out, " seed %" PRIu64 " %.2f s", tally->slow[i].seed, tally->slow[i].cpu_s);
    fputc('\n', out);
    for (uint32_t i = 0; i < tally->kinds; i++)
        fprintf(out, "%6" PRIu64 " from seed %" PRIu64 ": %s\n", tally->kind[i].seeds,
                tally->kind[i].first_seed, tally->kind[i].name);
    if (share > REFUSED_SHARE_MOST)
        fprintf(out,
                "more than %.0f %% were refused: the generator draws too little that is valid\n",
                100.0 * REFUSED_SHARE_MOST);
    return tally->faulty == 0 && share <= REFUSED_SHARE_MOST;
}
