/* cli/comparison_words.c - see comparison_words.h. What is about one run alone is its findings' to
 * say (sim/engine/findings.c). */
#include "cli/comparison_words.h"

#include "base/memory.h"
#include "cli/comparison_differences.h"
#include "sweep/run_words.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH_MOST 100
#define SENTENCE_BYTES 1024
/* Nearer than that to the best is as good. */
#define SAME_SHARE 0.01

/* ---- a sentence being put together ---- */

struct sentence {
    char text[SENTENCE_BYTES];
    size_t length;
};

__attribute__((format(printf, 2, 3))) static void say(struct sentence *sentence, const char *format,
                                                      ...)
{
    size_t left = sizeof sentence->text - sentence->length;
    va_list arguments;
    va_start(arguments, format);
    int written = vsnprintf(sentence->text + sentence->length, left, format, arguments);
    va_end(arguments);
    if (written > 0)
        sentence->length += (size_t)written < left ? (size_t)written : left - 1;
}

/* Broken between words where it is too wide; what follows the first line is indented. */
static void print_sentence(FILE *out, const struct sentence *sentence)
{
    const char *rest = sentence->text;
    size_t room = WIDTH_MOST;
    while (strlen(rest) > room) {
        size_t length = room;
        while (length > 0 && (rest[length] != ' ' || rest[length + 1] == '%'))
            length--; /* "39 %" stays together */
        if (length == 0)
            length = strcspn(rest, " ");
        fprintf(out, "%.*s\n    ", (int)length, rest);
        rest += length + strspn(rest + length, " ");
        room = WIDTH_MOST - 4;
    }
    fprintf(out, "%s\n", rest);
}

/* ---- a policy ---- */

static void print_policy(FILE *out, const struct run *run)
{
    struct sentence sentence = { .length = 0 };
    char words[RUN_WORDS_BYTES];
    say(&sentence, "%s: %s", run->experiment.policy, run_words(&run->result.metrics, words));
    print_sentence(out, &sentence);
}

/* ---- which is best for what ---- */

struct measure {
    const char *name;
    size_t offset; /* into struct metrics; less is better */
};

static const struct measure measures[] = {
    { "Mean TTFT", offsetof(struct metrics, ttft_mean_ns) },
    { "P99 TTFT", offsetof(struct metrics, ttft_p99_ns) },
    { "Cost, busy", offsetof(struct metrics, cost_usd_per_mtok) },
};

/* Tiers are rented whether they are used or not: what is cheapest while busy may not be. */
static const struct measure rented = { "Cost, rented",
                                       offsetof(struct metrics, rented_usd_per_mtok) };

static double measured(const struct comparison *comparison, uint32_t run,
                       const struct measure *measure)
{
    const struct metrics *metrics = &comparison->runs[run].result.metrics;
    return *(const double *)(const void *)((const char *)metrics + measure->offset);
}

/* Where the measure is least, next to it, and most. */
struct ranking {
    uint32_t best, next, last;
    bool has_next; /* some run is not as good as the best */
};

static struct ranking rank(const struct comparison *comparison, const struct measure *measure)
{
    struct ranking ranking = { 0 };
    for (uint32_t i = 1; i < comparison->count; i++) {
        if (measured(comparison, i, measure) < measured(comparison, ranking.best, measure))
            ranking.best = i;
        if (measured(comparison, i, measure) > measured(comparison, ranking.last, measure))
            ranking.last = i;
    }
    double as_good = measured(comparison, ranking.best, measure) * (1.0 + SAME_SHARE);
    for (uint32_t i = 0; i < comparison->count; i++) {
        double value = measured(comparison, i, measure);
        if (value > as_good &&
            (!ranking.has_next || value < measured(comparison, ranking.next, measure))) {
            ranking.next = i;
            ranking.has_next = true;
        }
    }
    return ranking;
}

/* Whether that one policy is better than another is more than chance. */
enum lead { LEAD_NOT_JUDGED, LEAD_SEEN, LEAD_NOT_SEEN, LEAD_NO_INTERVAL };

/* Never other than the table of differences, whose base is the first policy named. */
static enum lead lead_of(const struct comparison *comparison, const struct measure *measure,
                         uint32_t best, uint32_t other)
{
    uint32_t base = best < other ? best : other, run = best < other ? other : best;
    struct difference difference;
    if (!comparison_difference(comparison, base, run, measure->offset, &difference))
        return LEAD_NOT_JUDGED;
    if (difference.doubt != PAIRED_NO_DOUBT)
        return LEAD_NO_INTERVAL;
    return difference_seen(&difference) ? LEAD_SEEN : LEAD_NOT_SEEN;
}

static bool is_doubtful(enum lead lead)
{
    return lead == LEAD_NOT_SEEN || lead == LEAD_NO_INTERVAL;
}

/* The best's lead over each that is not as good, to be freed; *doubtful: any of them is. */
static enum lead *leads_of(const struct comparison *comparison, const struct measure *measure,
                           uint32_t best, bool *doubtful)
{
    enum lead *leads = memory_new(comparison->count, sizeof *leads);
    double as_good = measured(comparison, best, measure) * (1.0 + SAME_SHARE);
    *doubtful = false;
    for (uint32_t i = 0; i < comparison->count; i++) {
        if (measured(comparison, i, measure) > as_good)
            leads[i] = lead_of(comparison, measure, best, i);
        *doubtful = *doubtful || is_doubtful(leads[i]);
    }
    return leads;
}

/* "scheduler-aware, lru are best (within 1 % of each other)"; doubtful: lowest is all they are. */
static void say_best(struct sentence *sentence, const struct comparison *comparison,
                     const struct measure *measure, uint32_t best, bool doubtful)
{
    double as_good = measured(comparison, best, measure) * (1.0 + SAME_SHARE);
    uint32_t count = 0;
    for (uint32_t i = 0; i < comparison->count; i++)
        if (measured(comparison, i, measure) <= as_good)
            say(sentence, "%s%s", count++ > 0 ? ", " : "", comparison->runs[i].experiment.policy);
    say(sentence, " %s %s", count > 1 ? "are" : "is", doubtful ? "lowest" : "best");
    if (count > 1)
        say(sentence, " (within %.0f %% of each other)", 100.0 * SAME_SHARE);
}

/* "6 % below lru (no difference seen)". */
static void say_below(struct sentence *sentence, const struct comparison *comparison,
                      const struct measure *measure, uint32_t best, uint32_t other, enum lead lead)
{
    static const char *const chance[] = {
        [LEAD_NOT_JUDGED] = "",
        [LEAD_SEEN] = "",
        [LEAD_NOT_SEEN] = " (no difference seen)",
        [LEAD_NO_INTERVAL] = " (cannot tell from one run)",
    };
    double value = measured(comparison, other, measure);
    say(sentence, "%.0f %% below %s%s", 100.0 * (1.0 - measured(comparison, best, measure) / value),
        comparison->runs[other].experiment.policy, chance[lead]);
}

static void print_measure(FILE *out, const struct comparison *comparison,
                          const struct measure *measure)
{
    struct ranking ranking = rank(comparison, measure);
    struct sentence sentence = { .length = 0 };
    bool doubtful;
    enum lead *leads = leads_of(comparison, measure, ranking.best, &doubtful);
    say(&sentence, "%s: ", measure->name);
    if (!ranking.has_next) {
        say(&sentence, "all are within %.0f %%.", 100.0 * SAME_SHARE);
    } else {
        say_best(&sentence, comparison, measure, ranking.best, doubtful);
        say(&sentence, ", ");
        say_below(&sentence, comparison, measure, ranking.best, ranking.next, leads[ranking.next]);
        if (ranking.last != ranking.next) {
            say(&sentence, " and ");
            say_below(&sentence, comparison, measure, ranking.best, ranking.last,
                      leads[ranking.last]);
        }
        say(&sentence, ".");
    }
    print_sentence(out, &sentence);
    free(leads);
}

static double share_of_wanted(const struct metrics *metrics, double tokens)
{
    return metrics->wanted_tokens > 0.0 ? tokens / metrics->wanted_tokens : 0.0;
}

/* Fewer hits and a shorter wait: what is loaded only where that is sooner is no loss. */
static void print_fewer_hits(FILE *out, const struct comparison *comparison)
{
    uint32_t best = rank(comparison, &measures[0]).best, most = 0;
    for (uint32_t i = 1; i < comparison->count; i++)
        if (comparison->runs[i].result.metrics.hit_rate_tokens >
            comparison->runs[most].result.metrics.hit_rate_tokens)
            most = i;
    const struct metrics *few = &comparison->runs[best].result.metrics;
    const struct metrics *many = &comparison->runs[most].result.metrics;
    double passed[2] = { share_of_wanted(few, few->passed_over_tokens),
                         share_of_wanted(many, many->passed_over_tokens) };
    if (many->ttft_mean_ns <= few->ttft_mean_ns * (1.0 + SAME_SHARE) || passed[0] <= passed[1] ||
        is_doubtful(lead_of(comparison, &measures[0], best, most)))
        return;
    struct sentence sentence = { .length = 0 };
    say(&sentence,
        "%s hits less than %s (%.1f %% of all tokens against %.1f %%) and yet is sooner: it found "
        "%.1f %% "
        "(against %.1f %%) that it computed again, since loading it would have taken longer.",
        comparison->runs[best].experiment.policy, comparison->runs[most].experiment.policy,
        100.0 * few->hit_rate_tokens, 100.0 * many->hit_rate_tokens, 100.0 * passed[0],
        100.0 * passed[1]);
    print_sentence(out, &sentence);
}

static bool all_overloaded(const struct comparison *comparison)
{
    for (uint32_t i = 0; i < comparison->count; i++)
        if (!comparison->runs[i].result.overloaded)
            return false;
    return true;
}

static void print_overloaded(FILE *out)
{
    struct sentence sentence = { .length = 0 };
    say(&sentence, "Overloaded whatever the policy: these are the times of a queue that grows, and "
                   "tell how fast it is worked off. What users of a server that keeps up wait for "
                   "is seen at less load.");
    fprintf(out, "\n");
    print_sentence(out, &sentence);
}

static bool all_rented(const struct comparison *comparison)
{
    for (uint32_t i = 0; i < comparison->count; i++)
        if (!(measured(comparison, i, &rented) > 0.0))
            return false;
    return true;
}

static void print_rented(FILE *out, const struct comparison *comparison)
{
    struct sentence sentence = { .length = 0 };
    print_measure(out, comparison, &rented);
    say(&sentence,
        "(Busy: the hours in which GPUs work, over the tokens served. Rented: every hour, "
        "with the tiers, over the tokens that come meanwhile. docs/sizing.md, \"What it "
        "costs\")");
    print_sentence(out, &sentence);
}

static void print_verdict(FILE *out, const struct comparison *comparison)
{
    fprintf(out, "\n");
    for (size_t i = 0; i < sizeof measures / sizeof *measures; i++)
        print_measure(out, comparison, &measures[i]);
    if (all_rented(comparison))
        print_rented(out, comparison);
    print_fewer_hits(out, comparison);
}

/* ---- findings ---- */

/* Whether a run before this one found the same. */
static bool was_found(const struct comparison *comparison, uint32_t run, const char *finding)
{
    for (uint32_t i = 0; i < run; i++)
        for (int k = 0; k < SIM_FINDINGS_MAX; k++)
            if (strcmp(comparison->runs[i].result.finding[k], finding) == 0)
                return true;
    return false;
}

static bool found(const struct sim_result *result, const char *finding)
{
    for (int k = 0; k < SIM_FINDINGS_MAX; k++)
        if (strcmp(result->finding[k], finding) == 0)
            return true;
    return false;
}

/* A sentence that several runs share is printed once, with all their names. */
static void print_findings(FILE *out, const struct comparison *comparison)
{
    bool first = true;
    for (uint32_t i = 0; i < comparison->count; i++)
        for (int k = 0; k < SIM_FINDINGS_MAX; k++) {
            const char *finding = comparison->runs[i].result.finding[k];
            struct sentence sentence = { .length = 0 };
            if (finding[0] == '\0' || was_found(comparison, i, finding))
                continue;
            say(&sentence, "%s", comparison->runs[i].experiment.policy);
            for (uint32_t j = i + 1; j < comparison->count; j++)
                if (found(&comparison->runs[j].result, finding))
                    say(&sentence, ", %s", comparison->runs[j].experiment.policy);
            say(&sentence, ": %s", finding);
            fprintf(out, "%s", first ? "\n" : "");
            print_sentence(out, &sentence);
            first = false;
        }
}

void comparison_print_words(FILE *out, const struct comparison *comparison)
{
    for (uint32_t i = 0; i < comparison->count; i++)
        print_policy(out, &comparison->runs[i]);
    if (comparison->count > 1)
        print_verdict(out, comparison);
    if (comparison->count > 1 && all_overloaded(comparison)) /* of one its finding says so */
        print_overloaded(out);
    print_findings(out, comparison);
    fprintf(out, "\n");
}
