/* sweep/compared_words.c - see compared_words.h. What is about one run alone is its findings' to
 * say (sim/engine/findings.c). */
#include "sweep/compared_words.h"

#include "base/histogram.h"
#include "base/memory.h"
#include "base/units.h"
#include "sweep/run_words.h"
#include "sweep/sentence.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Nearer than that to the best is as good. */
#define SAME_SHARE 0.01
/* An interval around zero that reaches no further than that share of the measure shows that
 * there is hardly a difference; a wider one leaves it open. */
#define NARROW_SHARE 0.05

/* Who hears them. */
struct teller {
    const struct compared *compared;
    void (*tell)(void *context, enum words_of of, const char *subject, const char *sentence);
    void *context;
};

static void tell(const struct teller *teller, enum words_of of, const char *subject,
                 const char *sentence)
{
    teller->tell(teller->context, of, subject, sentence);
}

/* ---- a policy ---- */

static void tell_policy(const struct teller *teller, const struct compared_run *run)
{
    char words[RUN_WORDS_BYTES];
    tell(teller, WORDS_POLICY, run->name, run_words(&run->metrics, words));
}

/* ---- which is best for what ---- */

/* Less is better. */
struct measure {
    const char *name;
    size_t offset; /* into struct metrics */
    int row;       /* of difference_rows; -1: differences are not told */
};

static double measured(const struct compared *compared, uint32_t run, const struct measure *measure)
{
    return metric_at(&compared->run[run].metrics, measure->offset);
}

/* Where the measure is least, next to it, and most. */
struct ranking {
    uint32_t best, next, last;
    bool has_next; /* some run is not as good as the best */
};

static struct ranking rank(const struct compared *compared, const struct measure *measure)
{
    struct ranking ranking = { .best = compared_least(compared, measure->offset) };
    for (uint32_t i = 1; i < compared->count; i++)
        if (measured(compared, i, measure) > measured(compared, ranking.last, measure))
            ranking.last = i;
    double as_good = measured(compared, ranking.best, measure) * (1.0 + SAME_SHARE);
    for (uint32_t i = 0; i < compared->count; i++) {
        double value = measured(compared, i, measure);
        if (value > as_good &&
            (!ranking.has_next || value < measured(compared, ranking.next, measure))) {
            ranking.next = i;
            ranking.has_next = true;
        }
    }
    return ranking;
}

/* Whether that one policy is better than another is more than chance. */
enum lead { LEAD_NOT_JUDGED, LEAD_SEEN, LEAD_NOT_SEEN, LEAD_NOT_CERTAIN, LEAD_NO_INTERVAL };

/* Never other than the table of differences, whose base is the first policy named. */
static enum lead lead_of(const struct compared *compared, const struct measure *measure,
                         uint32_t best, uint32_t other)
{
    uint32_t base = best < other ? best : other, run = best < other ? other : best;
    const struct against *against = compared_against(compared, base, run);
    if (measure->row < 0 || !difference_is_told(compared, measure->row) || against == NULL)
        return LEAD_NOT_JUDGED;
    const struct difference *difference = &against->row[measure->row];
    if (difference->doubt != PAIRED_NO_DOUBT)
        return LEAD_NO_INTERVAL;
    if (difference_seen(difference))
        return LEAD_SEEN;
    double most = fabs(difference->value) + difference->half_width;
    return most <= NARROW_SHARE * measured(compared, other, measure) ? LEAD_NOT_SEEN
                                                                     : LEAD_NOT_CERTAIN;
}

static bool is_doubtful(enum lead lead)
{
    return lead == LEAD_NOT_SEEN || lead == LEAD_NOT_CERTAIN || lead == LEAD_NO_INTERVAL;
}

/* The best's lead over each that is not as good, to be freed; *doubtful: any of them is. */
static enum lead *leads_of(const struct compared *compared, const struct measure *measure,
                           uint32_t best, bool *doubtful)
{
    enum lead *leads = memory_new(compared->count, sizeof *leads);
    double as_good = measured(compared, best, measure) * (1.0 + SAME_SHARE);
    *doubtful = false;
    for (uint32_t i = 0; i < compared->count; i++) {
        if (measured(compared, i, measure) > as_good)
            leads[i] = lead_of(compared, measure, best, i);
        *doubtful = *doubtful || is_doubtful(leads[i]);
    }
    return leads;
}

/* "scheduler-aware, lru are best (within 1 % of each other)"; doubtful: lowest is all they are. */
static void say_best(struct sentence *sentence, const struct compared *compared,
                     const struct measure *measure, uint32_t best, bool doubtful)
{
    double as_good = measured(compared, best, measure) * (1.0 + SAME_SHARE);
    uint32_t count = 0;
    for (uint32_t i = 0; i < compared->count; i++)
        if (measured(compared, i, measure) <= as_good)
            say(sentence, "%s%s", count++ > 0 ? ", " : "", compared->run[i].name);
    say(sentence, " %s %s", count > 1 ? "are" : "is", doubtful ? "lowest" : "best");
    if (count > 1)
        say(sentence, " (within %.0f %% of each other)", 100.0 * SAME_SHARE);
}

/* Runs that are as good as each other, none of them as good as the best. */
struct tie {
    double least, most;
    uint32_t of; /* the run that the best is told from */
};

static struct tie tie_of_next(const struct compared *compared, const struct measure *measure,
                              const struct ranking *ranking)
{
    double next = measured(compared, ranking->next, measure);
    return (struct tie){ next, next * (1.0 + SAME_SHARE), ranking->next };
}

/* Those of next are told with it. */
static struct tie tie_of_last(const struct compared *compared, const struct measure *measure,
                              const struct ranking *ranking)
{
    double last = measured(compared, ranking->last, measure);
    double next = tie_of_next(compared, measure, ranking).most;
    return (struct tie){ fmax(last / (1.0 + SAME_SHARE), nextafter(next, INFINITY)), last,
                         ranking->last };
}

/* ", 6 % below lru, fifo (no difference seen)": those of the tie whose lead is that one; nothing
 * where there are none. */
static bool say_below(struct sentence *sentence, const char *before,
                      const struct compared *compared, const struct measure *measure, double best,
                      const struct tie *tie, const enum lead *leads, enum lead lead)
{
    static const char *const chance[] = {
        [LEAD_NOT_JUDGED] = "",
        [LEAD_SEEN] = "",
        [LEAD_NOT_SEEN] = " (no difference seen)",
        [LEAD_NOT_CERTAIN] = " (not certain)",
        [LEAD_NO_INTERVAL] = " (cannot tell from one run)",
    };
    uint32_t count = 0;
    for (uint32_t i = 0; i < compared->count; i++) {
        double value = measured(compared, i, measure);
        if (value < tie->least || value > tie->most || leads[i] != lead)
            continue;
        if (count++ == 0)
            say(sentence, "%s%.0f %% below %s", before,
                100.0 * (1.0 - best / measured(compared, tie->of, measure)), compared->run[i].name);
        else
            say(sentence, ", %s", compared->run[i].name);
    }
    say(sentence, "%s", count > 0 ? chance[lead] : "");
    return count > 0;
}

/* Those that are as good as the next, then those as bad as the last. Returns whether a lead was
 * called not certain. */
static bool say_rivals(struct sentence *sentence, const struct compared *compared,
                       const struct measure *measure, const struct ranking *ranking,
                       const enum lead *leads)
{
    const struct tie ties[] = { tie_of_next(compared, measure, ranking),
                                tie_of_last(compared, measure, ranking) };
    double best = measured(compared, ranking->best, measure);
    const char *before = ", ";
    bool uncertain = false;
    for (size_t t = 0; t < sizeof ties / sizeof *ties; t++)
        for (enum lead lead = LEAD_NOT_JUDGED; lead <= LEAD_NO_INTERVAL; lead++)
            if (say_below(sentence, before, compared, measure, best, &ties[t], leads, lead)) {
                before = " and ";
                uncertain = uncertain || lead == LEAD_NOT_CERTAIN;
            }
    return uncertain;
}

/* Returns whether it called a lead not certain. */
static bool tell_measure(const struct teller *teller, const struct measure *measure)
{
    const struct compared *compared = teller->compared;
    struct ranking ranking = rank(compared, measure);
    char text[COMPARED_TEXT_BYTES];
    struct sentence sentence = sentence_in(text, sizeof text);
    bool doubtful, uncertain = false;
    enum lead *leads = leads_of(compared, measure, ranking.best, &doubtful);
    if (!ranking.has_next) {
        say(&sentence, "all are within %.0f %%.", 100.0 * SAME_SHARE);
    } else {
        say_best(&sentence, compared, measure, ranking.best, doubtful);
        uncertain = say_rivals(&sentence, compared, measure, &ranking, leads);
        say(&sentence, ".");
    }
    tell(teller, WORDS_VERDICT, measure->name, text);
    free(leads);
    return uncertain;
}

/* What that means and what helps. */
static void tell_not_certain(const struct teller *teller)
{
    const struct compared *compared = teller->compared;
    char text[COMPARED_TEXT_BYTES];
    struct sentence sentence = sentence_in(text, sizeof text);
    say(&sentence, "(Not certain: ");
    if (compared->seeds > 1)
        say(&sentence, "%u seeds differ too much to tell it from chance", compared->seeds);
    else
        say(&sentence, "one run's turns differ too much to tell it from chance");
    if (compared->may_replicate)
        say(&sentence, "; --replications %u may", compared->seeds < 10 ? 10 : 2 * compared->seeds);
    say(&sentence, ")");
    tell(teller, WORDS_VERDICT, "", text);
}

static double share_of_wanted(const struct metrics *metrics, double tokens)
{
    return metrics->wanted_tokens > 0.0 ? tokens / metrics->wanted_tokens : 0.0;
}

static struct measure measure_of(int row)
{
    return (struct measure){ difference_rows[row].measure, difference_rows[row].offset, row };
}

static uint32_t most_hits(const struct compared *compared)
{
    uint32_t most = 0;
    for (uint32_t i = 1; i < compared->count; i++)
        if (compared->run[i].metrics.hit_rate_tokens > compared->run[most].metrics.hit_rate_tokens)
            most = i;
    return most;
}

/* Fewer hits and a shorter wait: what is loaded only where that is sooner is no loss. */
static void tell_fewer_hits(const struct teller *teller)
{
    const struct compared *compared = teller->compared;
    const struct measure mean = measure_of(0);
    uint32_t best = rank(compared, &mean).best, most = most_hits(compared);
    const struct metrics *few = &compared->run[best].metrics;
    const struct metrics *many = &compared->run[most].metrics;
    double passed[2] = { share_of_wanted(few, few->passed_over_tokens),
                         share_of_wanted(many, many->passed_over_tokens) };
    if (many->ttft_mean_ns <= few->ttft_mean_ns * (1.0 + SAME_SHARE) || passed[0] <= passed[1] ||
        is_doubtful(lead_of(compared, &mean, best, most)))
        return;
    char text[COMPARED_TEXT_BYTES];
    struct sentence sentence = sentence_in(text, sizeof text);
    say(&sentence,
        "%s hits less than %s (%.1f %% of all tokens against %.1f %%) and yet is sooner: it found "
        "%.1f %% "
        "(against %.1f %%) that it computed again, since loading it would have taken longer.",
        compared->run[best].name, compared->run[most].name, 100.0 * few->hit_rate_tokens,
        100.0 * many->hit_rate_tokens, 100.0 * passed[0], 100.0 * passed[1]);
    tell(teller, WORDS_VERDICT, "", text);
}

/* ---- SSDs that do not last ---- */

static bool wears_out(const struct compared_run *run)
{
    return run->metrics.ssd_years > 0.0 && run->metrics.ssd_years < run->warranty_years;
}

/* Of one run its finding says so; of several this does, and no finding of the first seed's years.
 */
static bool ssd_life_is_told(const struct compared *compared)
{
    bool worn = false;
    for (uint32_t i = 0; i < compared->count; i++)
        worn = worn || wears_out(&compared->run[i]);
    return worn && (compared->count > 1 || compared->seeds > 1);
}

static void tell_ssd_life(const struct teller *teller)
{
    const struct compared *compared = teller->compared;
    char text[COMPARED_TEXT_BYTES];
    struct sentence sentence = sentence_in(text, sizeof text);
    double warranty_years = 0.0;
    say(&sentence, "drives reach their rated writes ");
    for (uint32_t i = 0; i < compared->count; i++) {
        const struct compared_run *run = &compared->run[i];
        if (!wears_out(run))
            continue;
        say(&sentence, "%sin %.1f years under %s", warranty_years > 0.0 ? ", " : "",
            run->metrics.ssd_years, run->name);
        warranty_years = fmax(warranty_years, run->warranty_years);
    }
    say(&sentence, ": before their warranty of %.0f years is over. " WEAR_ADVICE ".",
        warranty_years);
    tell(teller, WORDS_VERDICT, "SSD life", text);
}

/* ---- dollars ---- */

/* Tiers are rented whether they are used or not: what is cheapest while busy may not be. */
static const struct measure rented = { "Cost, rented",
                                       offsetof(struct metrics, rented_usd_per_mtok), -1 };

static bool all_rented(const struct compared *compared)
{
    for (uint32_t i = 0; i < compared->count; i++)
        if (!(measured(compared, i, &rented) > 0.0))
            return false;
    return true;
}

static bool is_overloaded(const struct compared_run *run)
{
    for (int k = 0; k < SIM_FINDINGS_MAX && run->finding[k] != NULL; k++)
        if (finding_tells_overload(run->finding[k]))
            return true;
    return false;
}

/* A server that falls behind is paid for longer than the load takes to come. */
static void tell_rent_too_low(const struct teller *teller)
{
    const struct compared *compared = teller->compared;
    char text[COMPARED_TEXT_BYTES];
    struct sentence names = sentence_in(text, sizeof text);
    for (uint32_t i = 0; i < compared->count; i++)
        if (is_overloaded(&compared->run[i]) && measured(compared, i, &rented) > 0.0)
            say(&names, "%s%s", names.length > 0 ? ", " : "", compared->run[i].name);
    if (names.length > 0)
        tell(
            teller, WORDS_OVERLOAD, text,
            "overloaded, so that the rented cost is too low: it is of the tokens offered, and this "
            "server does not keep up with them.");
}

static void tell_rented(const struct teller *teller)
{
    tell_measure(teller, &rented);
    tell(teller, WORDS_VERDICT, "",
         "(Busy: the hours in which GPUs work, over the tokens served. Rented: every hour, "
         "with the tiers, over the tokens that come meanwhile at the pace of the offered load, "
         "kept or not. docs/sizing.md, \"What it costs\")");
}

static void tell_verdict(const struct teller *teller)
{
    bool uncertain = false;
    for (int row = 0; row < DIFFERENCE_ROWS; row++) {
        const struct measure measure = measure_of(row);
        if (measure.name != NULL)
            uncertain = tell_measure(teller, &measure) || uncertain;
    }
    if (uncertain)
        tell_not_certain(teller);
    if (all_rented(teller->compared))
        tell_rented(teller);
    tell_fewer_hits(teller);
}

/* ---- overload ---- */

static bool all_overloaded(const struct compared *compared)
{
    for (uint32_t i = 0; i < compared->count; i++)
        if (!is_overloaded(&compared->run[i]))
            return false;
    return true;
}

static void tell_overloaded(const struct teller *teller)
{
    tell(teller, WORDS_OVERLOAD, "",
         "Overloaded whatever the policy: these are the times of a queue that grows, and "
         "tell how fast it is worked off. What users of a server that keeps up wait for "
         "is seen at less load.");
}

/* ---- findings ---- */

static bool found(const struct compared_run *run, const char *finding)
{
    for (int k = 0; k < SIM_FINDINGS_MAX && run->finding[k] != NULL; k++)
        if (strcmp(run->finding[k], finding) == 0)
            return true;
    return false;
}

/* By a run before this one, or it is in the verdict. */
static bool is_told(const struct compared *compared, uint32_t run, const char *finding)
{
    for (uint32_t i = 0; i < run; i++)
        if (found(&compared->run[i], finding))
            return true;
    return finding_tells_wear(finding) && ssd_life_is_told(compared);
}

/* A sentence that several runs share is told once, with all their names. */
static void tell_findings(const struct teller *teller)
{
    const struct compared *compared = teller->compared;
    for (uint32_t i = 0; i < compared->count; i++)
        for (int k = 0; k < SIM_FINDINGS_MAX && compared->run[i].finding[k] != NULL; k++) {
            const char *finding = compared->run[i].finding[k];
            char text[COMPARED_TEXT_BYTES];
            struct sentence names = sentence_in(text, sizeof text);
            if (is_told(compared, i, finding))
                continue;
            say(&names, "%s", compared->run[i].name);
            for (uint32_t j = i + 1; j < compared->count; j++)
                if (found(&compared->run[j], finding))
                    say(&names, ", %s", compared->run[j].name);
            tell(teller, WORDS_FINDING, text, finding);
        }
}

void compared_words(const struct compared *compared,
                    void (*hear)(void *context, enum words_of of, const char *subject,
                                 const char *sentence),
                    void *context)
{
    const struct teller teller = { compared, hear, context };
    for (uint32_t i = 0; i < compared->count; i++)
        tell_policy(&teller, &compared->run[i]);
    if (compared->count > 1)
        tell_verdict(&teller);
    if (ssd_life_is_told(compared))
        tell_ssd_life(&teller);
    if (compared->count > 1 && all_overloaded(compared)) /* of one its finding says so */
        tell_overloaded(&teller);
    tell_rent_too_low(&teller);
    tell_findings(&teller);
}

/* ---- differences as texts ---- */

/* Numbers of one cell in one unit, to the same decimal. */
struct scale {
    double factor, step; /* of a value: divided by factor, rounded to a multiple of step */
    int decimals;
    const char *before, *behind;
};

static double rounded(const struct scale *scale, double value)
{
    return round(value / scale->factor / scale->step) * scale->step;
}

static void set_last_digit(struct scale *scale, int digit)
{
    scale->step = pow(10.0, digit);
    scale->decimals = digit < 0 ? -digit : 0;
}

/* A number is known to as much as two digits of its interval's half width are. One more is shown
 * where a bound would else be rounded to the zero that the interval leaves out. */
static struct scale scale_of(enum difference_form form, const struct difference *difference)
{
    struct scale scale = { .factor = 1.0, .before = "", .behind = "" };
    double value = difference->value;
    double half_width = isnan(difference->half_width) ? 0.0 : difference->half_width;
    double largest = fabs(value) + half_width;
    if (form == DIFFERENCE_TIME)
        /* Two digits of 0.96 ms may be 1.0. */
        scale.behind = units_scale(1.05 * largest, UNIT_DURATION, &scale.factor);
    else if (form == DIFFERENCE_POINTS)
        scale = (struct scale){ .factor = 0.01, .before = "", .behind = "points" };
    else if (form == DIFFERENCE_DOLLARS)
        scale.before = "$";
    double known = (half_width > 0.0 ? half_width : largest) / scale.factor;
    int last = known > 0.0 ? (int)floor(log10(known)) - 1 : 0;
    set_last_digit(&scale, last);
    if (difference_seen(difference) && rounded(&scale, fabs(value) - half_width) == 0.0)
        set_last_digit(&scale, last - 1);
    return scale;
}

/* "-4.21": rounded zeros lose their sign. */
static const char *number_text(const struct scale *scale, double value, char text[48])
{
    double shown = rounded(scale, value);
    snprintf(text, 48, "%s%s%.*f", shown < 0.0 ? "-" : "", scale->before, scale->decimals,
             fabs(shown));
    return text;
}

char *difference_text(int row, const struct difference *difference, char out[DIFFERENCE_TEXT_BYTES])
{
    struct scale scale = scale_of(difference_rows[row].form, difference);
    char value[48], low[48], high[48];
    const char *space = scale.behind[0] != '\0' ? " " : "";
    number_text(&scale, difference->value, value);
    number_text(&scale, difference->value - difference->half_width, low);
    number_text(&scale, difference->value + difference->half_width, high);
    if (isnan(difference->value))
        snprintf(out, DIFFERENCE_TEXT_BYTES, "-");
    else if (difference->doubt != PAIRED_NO_DOUBT)
        snprintf(out, DIFFERENCE_TEXT_BYTES, "%s%s%s, no interval", value, space, scale.behind);
    else if (difference_seen(difference))
        snprintf(out, DIFFERENCE_TEXT_BYTES, "%s%s%s, %s to %s", value, space, scale.behind, low,
                 high);
    else if (difference->half_width == 0.0)
        snprintf(out, DIFFERENCE_TEXT_BYTES, "no difference seen: the same");
    else
        snprintf(out, DIFFERENCE_TEXT_BYTES, "no difference seen: %s to %s%s%s", low, high, space,
                 scale.behind);
    return out;
}

static void say_doubt(struct sentence *sentence, enum paired_doubt doubt, uint64_t block_ns)
{
    char block[32];
    units_format((double)block_ns, UNIT_DURATION, block, sizeof block);
    switch (doubt) {
    case PAIRED_ONE_SEED:
        say(sentence, "an interval takes two seeds");
        break;
    case PAIRED_FEW_TURNS:
        say(sentence, "too few turns, or all at once: their time cannot be cut into %d blocks",
            PAIRED_BLOCKS);
        break;
    case PAIRED_LONG_MEMORY:
        say(sentence,
            "turns that are a good part of a block (%s) apart are still alike, as where a queue "
            "grows for as long as turns come: what one such run shows may be chance",
            block);
        break;
    case PAIRED_NARROW_TAIL:
        say(sentence, "the slowest 1 %% of the turns came in too few of the %d blocks",
            PAIRED_BLOCKS);
        break;
    case PAIRED_NO_DOUBT:
        break;
    }
}

char *difference_doubt_text(const struct compared *compared, const struct against *against,
                            enum paired_doubt doubt, char out[COMPARED_TEXT_BYTES])
{
    struct sentence sentence = sentence_in(out, COMPARED_TEXT_BYTES);
    say_doubt(&sentence, doubt, against->block_ns);
    if (doubt != PAIRED_ONE_SEED)
        say(&sentence, "%s",
            compared->may_replicate ? "; --replications 5 compares several seeds"
                                    : "; a longer run would tell");
    return out;
}

static void say_turns(struct sentence *sentence, const struct compared *compared)
{
    const struct against *first = &compared->against[0];
    char block[32];
    if (first->block_ns == 0) {
        say(sentence, "turn by turn (%s: there is no time to resample)",
            first->pairs == 0   ? "no turn that both measured"
            : first->pairs == 1 ? "one pair of turns"
                                : "all turns were asked at one time");
        return;
    }
    units_format((double)first->block_ns, UNIT_DURATION, block, sizeof block);
    say(sentence, "turn by turn (%" PRIu32 " resamples of their time in blocks of %s)",
        compared->resamples, block);
}

char *compared_method_text(const struct compared *compared, char out[COMPARED_TEXT_BYTES])
{
    struct sentence sentence = sentence_in(out, COMPARED_TEXT_BYTES);
    say(&sentence, "difference to %s, the first policy named, and its 95 %% interval, ",
        compared->run[0].name);
    if (compared->paired_by == PAIRED_BY_SEED)
        say(&sentence, "over %u pairs of runs under the same seed (Student's t)", compared->seeds);
    else
        say_turns(&sentence, compared);
    return out;
}

const char *compared_p99_text(const struct compared *compared)
{
    return compared->paired_by == PAIRED_BY_TURN
               ? "P99: the difference is of the turns themselves; elsewhere P99s are "
                 "within " HISTOGRAM_ERROR " of the exact ones"
               : NULL;
}
