/* cli/comparison_differences.c - see comparison_differences.h. A row is one metric's difference. */
#include "cli/comparison_differences.h"

#include "cli/comparison_words.h"
#include "cli/table.h"
#include "sweep/compared_words.h"

#include <inttypes.h>
#include <math.h>

#define WIDTH_MOST 100

/* ---- as a table ---- */

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

static void add_cell(struct table *table, int row, const struct difference *difference,
                     struct notes *notes)
{
    char text[DIFFERENCE_TEXT_BYTES];
    difference_text(row, difference, text);
    if (difference->doubt != PAIRED_NO_DOUBT)
        table_add(table, "%s (%c)", text, note_letter(notes, difference->doubt));
    else
        table_add(table, "%s", text);
}

static void print_method(FILE *out, const struct compared *compared)
{
    char text[COMPARED_TEXT_BYTES];
    fputc('\n', out);
    comparison_print_sentence(out, compared_method_text(compared, text), 0);
}

static void print_notes(FILE *out, const struct compared *compared, const struct notes *notes)
{
    char text[COMPARED_TEXT_BYTES];
    for (uint32_t n = 0; n < notes->count; n++)
        fprintf(out, "(%c) %s\n", (char)('a' + (int)n),
                difference_doubt_text(compared, &compared->against[0], notes->told[n], text));
    if (compared_p99_text(compared) != NULL)
        fprintf(out, "%s\n", compared_p99_text(compared));
    if (compared->paired_by == PAIRED_BY_TURN && compared->may_replicate)
        fprintf(out, "prefill tokens/s, turns/s in the SLO and dollars are of whole runs: "
                     "--replications 5 gives their differences\n");
}

static void add_pairs(struct table *table, const struct compared *compared)
{
    table_add(table, "%s", compared->paired_by == PAIRED_BY_SEED ? "seeds" : "turns paired");
    for (uint32_t i = 1; i < compared->count; i++)
        table_add(table, "%" PRIu32, compared_against(compared, 0, i)->pairs);
}

void comparison_print_differences(FILE *out, const struct compared *compared)
{
    if (compared->paired_by == PAIRED_BY_NOTHING)
        return;
    struct table table;
    struct notes notes = { 0 };
    print_method(out, compared);
    table_init(&table, compared->count);
    table_add(&table, "%s", "");
    for (uint32_t i = 1; i < compared->count; i++)
        table_add(&table, "%s", compared->run[i].name);
    for (int r = 0; r < DIFFERENCE_ROWS; r++) {
        if (!difference_is_told(compared, r))
            continue;
        table_add(&table, "%s", difference_rows[r].label);
        for (uint32_t i = 1; i < compared->count; i++)
            add_cell(&table, r, &compared_against(compared, 0, i)->row[r], &notes);
    }
    add_pairs(&table, compared);
    table_print(out, &table, WIDTH_MOST);
    table_end(&table);
    print_notes(out, compared, &notes);
}

/* ---- as JSON ---- */

static json_t *known(double value, json_t *(*number)(double value))
{
    return isnan(value) ? json_null() : number(value);
}

static json_t *difference_json(int row, const struct difference *difference,
                               json_t *(*number)(double value))
{
    bool told = difference->doubt == PAIRED_NO_DOUBT;
    json_t *object = json_object();
    json_object_set_new(object, "metric", json_string(difference_rows[row].metric));
    json_object_set_new(object, "difference", known(difference->value, number));
    json_object_set_new(object, "half_width", known(difference->half_width, number));
    json_object_set_new(object, "seen",
                        told ? json_boolean(difference_seen(difference)) : json_null());
    json_object_set_new(object, "no_interval",
                        told ? json_null() : json_string(paired_doubt_word(difference->doubt)));
    return object;
}

static json_t *against_json(const struct compared *compared, const struct against *against,
                            json_t *(*number)(double value))
{
    json_t *object = json_object(), *list = json_array();
    json_object_set_new(object, "policy", json_string(compared->run[against->run].name));
    json_object_set_new(object, "pairs", json_integer(against->pairs));
    json_object_set_new(object, "block_ns",
                        compared->paired_by == PAIRED_BY_TURN
                            ? json_integer((json_int_t)against->block_ns)
                            : json_null());
    for (int r = 0; r < DIFFERENCE_ROWS; r++)
        if (difference_is_told(compared, r))
            json_array_append_new(list, difference_json(r, &against->row[r], number));
    json_object_set_new(object, "metrics", list);
    return object;
}

json_t *comparison_differences_json(const struct compared *compared,
                                    json_t *(*number)(double value))
{
    bool by_turn = compared->paired_by == PAIRED_BY_TURN;
    if (compared->paired_by == PAIRED_BY_NOTHING)
        return json_null();
    json_t *object = json_object(), *list = json_array();
    json_object_set_new(object, "base", json_string(compared->run[0].name));
    json_object_set_new(object, "paired_by", json_string(by_turn ? "turn" : "seed"));
    json_object_set_new(object, "resamples",
                        by_turn ? json_integer(compared->resamples) : json_null());
    for (uint32_t i = 1; i < compared->count; i++)
        json_array_append_new(list,
                              against_json(compared, compared_against(compared, 0, i), number));
    json_object_set_new(object, "policies", list);
    return object;
}
