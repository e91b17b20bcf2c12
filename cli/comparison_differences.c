/* cli/comparison_differences.c - see comparison_differences.h. A row is one metric's difference;
 * what has a value a turn is told of one run each, the others take several seeds. */
#include "cli/comparison_differences.h"

#include "base/memory.h"
#include "base/units.h"
#include "cli/comparison_seeds.h"
#include "cli/table.h"

#include <inttypes.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>

#define WIDTH_MOST 100
#define BY_SEED_ONLY PAIRED_METRICS

enum shown_as { AS_TIME, AS_POINTS, AS_NUMBER, AS_DOLLARS };

static const struct row {
    const char *label, *metric;
    size_t offset; /* into struct metrics */
    enum paired_metric by_turn;
    enum shown_as shown;
} rows[] = {
#define ROW(label, member, by_turn, shown)                                                         \
    {                                                                                              \
        label, #member, offsetof(struct metrics, member), by_turn, shown                           \
    }
    ROW("TTFT mean", ttft_mean_ns, PAIRED_TTFT_MEAN, AS_TIME),
    ROW("     P99", ttft_p99_ns, PAIRED_TTFT_P99, AS_TIME),
    ROW("hits, all tokens", hit_rate_tokens, PAIRED_HIT_RATE, AS_POINTS),
    ROW("prefill tokens/s", prefill_tokens_per_s, BY_SEED_ONLY, AS_NUMBER),
    ROW("turns/s in the SLO", goodput_turns_per_s, BY_SEED_ONLY, AS_NUMBER),
    ROW("$ per million, busy", cost_usd_per_mtok, BY_SEED_ONLY, AS_DOLLARS),
};
enum { ROWS = sizeof rows / sizeof *rows };

/* ---- what differs ---- */

static double member(const struct metrics *metrics, size_t offset)
{
    return *(const double *)(const void *)((const char *)metrics + offset);
}

static double *values_of(const struct comparison *comparison, uint32_t policy, size_t offset)
{
    uint32_t seeds = comparison_seeds(comparison);
    double *values = memory_new(seeds, sizeof *values);
    for (uint32_t seed = 0; seed < seeds; seed++)
        values[seed] = member(&comparison_run_of(comparison, policy, seed)->result.metrics, offset);
    return values;
}

static struct difference by_seed(const struct comparison *comparison, uint32_t base, uint32_t run,
                                 const struct row *row)
{
    double *of_base = values_of(comparison, base, row->offset);
    double *of_run = values_of(comparison, run, row->offset);
    struct difference difference = paired_seeds(of_base, of_run, comparison_seeds(comparison));
    free(of_base);
    free(of_run);
    return difference;
}

static uint32_t resamples_of(const struct comparison *comparison)
{
    return comparison->resamples > 0 ? comparison->resamples : PAIRED_RESAMPLES;
}

static bool is_told(const struct comparison *comparison, const struct row *row)
{
    return comparison->seed_runs != NULL || row->by_turn != BY_SEED_ONLY;
}

/* Whether there is anything to pair. */
static bool tells(const struct comparison *comparison)
{
    return comparison->count > 1 && (comparison->pairs_turns || comparison->seed_runs != NULL);
}

/* Of one run against the base: all rows that are told. */
struct against {
    struct difference row[ROWS];
    uint32_t pairs; /* turns, or seeds */
    uint64_t block_ns;
};

static struct against against_base(const struct comparison *comparison, uint32_t run)
{
    struct against against = { .pairs = comparison_seeds(comparison) };
    struct paired_turns *turns = NULL;
    if (comparison->pairs_turns) {
        turns = paired_turns_new(&comparison->runs[0].log, &comparison->runs[run].log);
        against.pairs = paired_turns_count(turns);
        against.block_ns = paired_turns_block_ns(turns);
    }
    for (int r = 0; r < ROWS; r++)
        if (is_told(comparison, &rows[r]))
            against.row[r] = turns == NULL ? by_seed(comparison, 0, run, &rows[r])
                                           : paired_turns_difference(turns, rows[r].by_turn,
                                                                     resamples_of(comparison));
    paired_turns_free(turns);
    return against;
}

static const struct row *row_of(const struct comparison *comparison, size_t offset)
{
    for (int r = 0; r < ROWS; r++)
        if (rows[r].offset == offset && is_told(comparison, &rows[r]))
            return &rows[r];
    return NULL;
}

bool comparison_difference(const struct comparison *comparison, uint32_t base, uint32_t run,
                           size_t offset, struct difference *difference)
{
    const struct row *row = row_of(comparison, offset);
    if (row == NULL || !tells(comparison))
        return false;
    if (!comparison->pairs_turns) {
        *difference = by_seed(comparison, base, run, row);
        return true;
    }
    struct paired_turns *turns =
        paired_turns_new(&comparison->runs[base].log, &comparison->runs[run].log);
    *difference = paired_turns_difference(turns, row->by_turn, resamples_of(comparison));
    paired_turns_free(turns);
    return true;
}

/* All policies but the base; the caller frees. */
static struct against *all_against(const struct comparison *comparison)
{
    struct against *against = memory_new(comparison->count, sizeof *against);
    for (uint32_t i = 1; i < comparison->count; i++)
        against[i] = against_base(comparison, i);
    return against;
}

/* ---- as a table ---- */

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
static struct scale scale_of(enum shown_as shown, const struct difference *difference)
{
    struct scale scale = { .factor = 1.0, .before = "", .behind = "" };
    double value = difference->value;
    double half_width = isnan(difference->half_width) ? 0.0 : difference->half_width;
    double largest = fabs(value) + half_width;
    if (shown == AS_TIME)
        /* Two digits of 0.96 ms may be 1.0. */
        scale.behind = units_scale(1.05 * largest, UNIT_DURATION, &scale.factor);
    else if (shown == AS_POINTS)
        scale = (struct scale){ .factor = 0.01, .before = "", .behind = "points" };
    else if (shown == AS_DOLLARS)
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

/* Notes below a table, each once, by letters in the order in which cells name them. */
struct notes {
    uint32_t count;
    enum paired_doubt told[PAIRED_NARROW_TAIL + 1];
};

static char note_letter(struct notes *notes, enum paired_doubt note)
{
    uint32_t at = 0;
    while (at < notes->count && notes->told[at] != note)
        at++;
    if (at == notes->count)
        notes->told[notes->count++] = note;
    return (char)('a' + at);
}

static void add_cell(struct table *table, const struct row *row,
                     const struct difference *difference, struct notes *notes)
{
    struct scale scale = scale_of(row->shown, difference);
    char value[48], low[48], high[48];
    const char *space = scale.behind[0] != '\0' ? " " : "";
    number_text(&scale, difference->value, value);
    if (isnan(difference->value)) {
        table_add(table, "- (%c)", note_letter(notes, difference->doubt));
        return;
    }
    if (difference->doubt != PAIRED_NO_DOUBT) {
        table_add(table, "%s%s%s, no interval (%c)", value, space, scale.behind,
                  note_letter(notes, difference->doubt));
        return;
    }
    number_text(&scale, difference->value - difference->half_width, low);
    number_text(&scale, difference->value + difference->half_width, high);
    if (difference_seen(difference))
        table_add(table, "%s%s%s, %s to %s", value, space, scale.behind, low, high);
    else if (difference->half_width == 0.0)
        table_add(table, "no difference seen: the same");
    else
        table_add(table, "no difference seen: %s to %s%s%s", low, high, space, scale.behind);
}

static void print_note(FILE *out, const struct comparison *comparison, enum paired_doubt note,
                       char letter, uint64_t block_ns)
{
    char block[32];
    units_format((double)block_ns, UNIT_DURATION, block, sizeof block);
    fprintf(out, "(%c) ", letter);
    switch (note) {
    case PAIRED_ONE_SEED:
        fprintf(out, "an interval takes two seeds");
        break;
    case PAIRED_FEW_TURNS:
        fprintf(out, "too few turns, or all at once: their time cannot be cut into %d blocks",
                PAIRED_BLOCKS);
        break;
    case PAIRED_LONG_MEMORY:
        fprintf(
            out,
            "turns that are a good part of a block (%s) apart are still alike, as where a queue "
            "grows for as long as turns come: what one such run shows may be chance",
            block);
        break;
    case PAIRED_NARROW_TAIL:
        fprintf(out, "the slowest 1 %% of the turns came in too few of the %d blocks",
                PAIRED_BLOCKS);
        break;
    case PAIRED_NO_DOUBT:
        break;
    }
    if (note != PAIRED_ONE_SEED)
        fprintf(out, "%s",
                comparison->may_replicate ? "; --replications 5 compares several seeds"
                                          : "; a longer run would tell");
    fputc('\n', out);
}

static void print_method(FILE *out, const struct comparison *comparison, uint64_t block_ns)
{
    char block[32];
    fprintf(out, "\ndifference to %s, the first policy named, and its 95 %% interval, ",
            comparison->runs[0].experiment.policy);
    if (comparison->seed_runs != NULL)
        fprintf(out, "over %u pairs of runs under\nthe same seed (Student's t)\n",
                comparison->seeds);
    else
        fprintf(out, "turn by turn\n(%" PRIu32 " resamples of their time in blocks of %s)\n",
                resamples_of(comparison),
                units_format((double)block_ns, UNIT_DURATION, block, sizeof block));
}

static void print_not_told(FILE *out, const struct comparison *comparison)
{
    if (comparison->seed_runs == NULL && comparison->may_replicate)
        fprintf(out, "prefill tokens/s, turns/s in the SLO and dollars are of whole runs: "
                     "--replications 5 gives their differences\n");
}

static void add_pairs(struct table *table, const struct comparison *comparison,
                      const struct against *against)
{
    table_add(table, "%s", comparison->seed_runs != NULL ? "seeds" : "turns paired");
    for (uint32_t i = 1; i < comparison->count; i++)
        table_add(table, "%" PRIu32, against[i].pairs);
}

void comparison_print_differences(FILE *out, const struct comparison *comparison)
{
    if (!tells(comparison))
        return;
    struct table table;
    struct notes notes = { 0 };
    struct against *against = all_against(comparison);
    print_method(out, comparison, against[1].block_ns);
    table_init(&table, comparison->count);
    table_add(&table, "%s", "");
    for (uint32_t i = 1; i < comparison->count; i++)
        table_add(&table, "%s", comparison->runs[i].experiment.policy);
    for (int r = 0; r < ROWS; r++) {
        if (!is_told(comparison, &rows[r]))
            continue;
        table_add(&table, "%s", rows[r].label);
        for (uint32_t i = 1; i < comparison->count; i++)
            add_cell(&table, &rows[r], &against[i].row[r], &notes);
    }
    add_pairs(&table, comparison, against);
    table_print(out, &table, WIDTH_MOST);
    table_end(&table);
    for (uint32_t n = 0; n < notes.count; n++)
        print_note(out, comparison, notes.told[n], (char)('a' + (int)n), against[1].block_ns);
    print_not_told(out, comparison);
    free(against);
}

/* ---- as JSON ---- */

static const char *const doubt_words[] = {
    [PAIRED_NO_DOUBT] = NULL,
    [PAIRED_ONE_SEED] = "one-seed",
    [PAIRED_FEW_TURNS] = "few-turns",
    [PAIRED_LONG_MEMORY] = "long-memory",
    [PAIRED_NARROW_TAIL] = "narrow-tail",
};

static json_t *known(double value, json_t *(*number)(double value))
{
    return isnan(value) ? json_null() : number(value);
}

static json_t *difference_json(const struct row *row, const struct difference *difference,
                               json_t *(*number)(double value))
{
    bool told = difference->doubt == PAIRED_NO_DOUBT;
    json_t *object = json_object();
    json_object_set_new(object, "metric", json_string(row->metric));
    json_object_set_new(object, "difference", known(difference->value, number));
    json_object_set_new(object, "half_width", known(difference->half_width, number));
    json_object_set_new(object, "seen",
                        told ? json_boolean(difference_seen(difference)) : json_null());
    json_object_set_new(object, "no_interval",
                        told ? json_null() : json_string(doubt_words[difference->doubt]));
    return object;
}

static json_t *against_json(const struct comparison *comparison, uint32_t run,
                            const struct against *against, json_t *(*number)(double value))
{
    json_t *object = json_object(), *list = json_array();
    json_object_set_new(object, "policy", json_string(comparison->runs[run].experiment.policy));
    json_object_set_new(object, "pairs", json_integer(against->pairs));
    json_object_set_new(object, "block_ns",
                        comparison->pairs_turns ? json_integer((json_int_t)against->block_ns)
                                                : json_null());
    for (int r = 0; r < ROWS; r++)
        if (is_told(comparison, &rows[r]))
            json_array_append_new(list, difference_json(&rows[r], &against->row[r], number));
    json_object_set_new(object, "metrics", list);
    return object;
}

json_t *comparison_differences_json(const struct comparison *comparison,
                                    json_t *(*number)(double value))
{
    if (!tells(comparison))
        return json_null();
    struct against *against = all_against(comparison);
    json_t *object = json_object(), *list = json_array();
    json_object_set_new(object, "base", json_string(comparison->runs[0].experiment.policy));
    json_object_set_new(object, "paired_by",
                        json_string(comparison->pairs_turns ? "turn" : "seed"));
    json_object_set_new(object, "resamples",
                        comparison->pairs_turns ? json_integer(resamples_of(comparison))
                                                : json_null());
    for (uint32_t i = 1; i < comparison->count; i++)
        json_array_append_new(list, against_json(comparison, i, &against[i], number));
    json_object_set_new(object, "policies", list);
    free(against);
    return object;
}
