/* tests/fuzz/texts.c - values of options and keys, and texts that are written out between quotes.
 */
#include "tests/fuzz/fuzz.h"

#include "base/json_constants.h"
#include "base/shown.h"
#include "base/units.h"
#include "models/bill.h"
#include "models/models.h"
#include "models/prices.h"
#include "plots/gnuplot_text.h"
#include "plots/html.h"
#include "sim/engine/policy_name.h"
#include "sweep/axis.h"
#include "sweep/design.h"
#include "sweep/plan.h"
#include "sweep/promise.h"
#include "sweep/size.h"
#include "sweep/sweep.h"
#include "tests/fuzz/input.h"
#include "traces/record_time.h"
#include "traces/tenants.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINES_MOST = 8 };

struct words {
    char *text, *line[LINES_MOST];
    uint32_t count;
};

/* The input's first lines, without empty ones. */
static struct words words_of(const uint8_t *bytes, size_t size)
{
    struct words words = { .text = input_text(bytes, size) };
    char *rest = NULL;
    for (char *line = strtok_r(words.text, "\n", &rest); line != NULL && words.count < LINES_MOST;
         line = strtok_r(NULL, "\n", &rest))
        words.line[words.count++] = line;
    return words;
}

static void run_units(const struct fuzz_target *target, const uint8_t *bytes, size_t size)
{
    (void)target;
    char *text = input_text(bytes, size), written[64];
    uint64_t whole;
    double value, again;
    for (int kind = UNIT_PLAIN; kind <= UNIT_FLOP_PER_S; kind++) {
        if (!units_parse(text, (enum unit_kind)kind, &value))
            continue;
        FUZZ_EXPECT(isfinite(value));
        units_format(value, (enum unit_kind)kind, written, sizeof written);
        FUZZ_EXPECT(units_parse(written, (enum unit_kind)kind, &again));
        units_number(value, written, sizeof written);
        FUZZ_EXPECT(units_parse(written, UNIT_PLAIN, &again) && again == value);
    }
    if (units_whole(text, &whole))
        FUZZ_EXPECT(units_parse(text, UNIT_PLAIN, &value));
    datetime_parse(text, &whole);
    free(text);
}

/* Each by every reader of such a value. */
static void read_value(const char *text)
{
    struct error err = { 0 };
    struct promise promise;
    struct shard shard;
    struct tenant_list list;
    enum objective objective;
    char shown[128];
    if (promise_parse(text, &promise, &err) == STATUS_OK) {
        FUZZ_EXPECT(promise.limit > 0.0 && isfinite(promise.limit));
        promise_text(&promise, shown, sizeof shown);
    }
    err = (struct error){ 0 };
    if (shard_parse(text, &shard, &err) == STATUS_OK)
        FUZZ_EXPECT(shard.number >= 1 && shard.number <= shard.count);
    err = (struct error){ 0 };
    objective_parse(text, &objective, &err);
    err = (struct error){ 0 };
    if (tenant_list_parse("k", "shares", 0.0, 1e9, text, &list, &err) == STATUS_OK)
        FUZZ_EXPECT(list.count <= TRACE_TENANTS_MOST);
}

static void run_values(const struct fuzz_target *target, const uint8_t *bytes, size_t size)
{
    (void)target;
    struct words words = words_of(bytes, size);
    for (uint32_t i = 0; i < words.count; i++) {
        struct error err = { 0 };
        struct placement_config config;
        memset(&config, 0, sizeof config);
        read_value(words.line[i]);
        if (strlen(words.line[i]) < CONFIG_TEXT_BYTES)
            policy_name_parse(words.line[i], &config, &err);
    }
    free(words.text);
}

/* Lines are axes; of those that are understood a design is made, and its points. */
static void run_axes(const struct fuzz_target *target, const uint8_t *bytes, size_t size)
{
    (void)target;
    struct words words = words_of(bytes, size);
    struct axis axes[LINES_MOST];
    uint32_t count = 0;
    for (uint32_t i = 0; i < words.count; i++) {
        struct error err = { 0 };
        struct axis *axis = &axes[count];
        memset(axis, 0, sizeof *axis);
        if (axis_parse(words.line[i], axis, &err) == STATUS_OK) {
            free(axis_value_at(axis, 0.37));
            count++;
        } else {
            FUZZ_EXPECT(err.expected[0] != '\0');
            axis_free(axis);
        }
    }
    struct error err = { 0 };
    struct points points = { 0 };
    const struct design design = { .kind = (enum design_kind)(size % 3), .samples = 5, .seed = 1 };
    uint64_t grid = 1;
    for (uint32_t i = 0; i < count; i++)
        grid *= axes[i].count + 1;
    if (count > 0 && (design.kind != DESIGN_GRID || grid < 10000))
        design_points(&design, axes, count, &points, &err);
    points_free(&points);
    for (uint32_t i = 0; i < count; i++)
        axis_free(&axes[i]);
    free(words.text);
}

/* What a terminal, a page and gnuplot are given of a stranger's text. */
static void run_shown(const struct fuzz_target *target, const uint8_t *bytes, size_t size)
{
    (void)target;
    char *text = input_text(bytes, size), *shown = shown_new(text), *page = NULL;
    FUZZ_EXPECT(shown_is_plain(shown) && strlen(shown) < SHOWN_ROOM(strlen(text)));
    FUZZ_EXPECT(!shown_is_plain(text) || strcmp(shown, text) == 0);
    size_t length;
    FILE *out = open_memstream(&page, &length);
    FUZZ_EXPECT(out != NULL);
    html_text(out, text);
    FUZZ_EXPECT(fclose(out) == 0 && strpbrk(page, "<>\"") == NULL);
    free(text), free(shown), free(page);
}

static bool is_octal(const char *at)
{
    return at[1] == '0' && strspn(at + 1, "01234567") >= 4;
}

/* The input may hold NULs, and the string's room may be too small for it. */
static void run_gnuplot(const struct fuzz_target *target, const uint8_t *bytes, size_t size)
{
    (void)target;
    const size_t whole = GNUPLOT_STRING_ROOM(size);
    const size_t room = size > 0 && bytes[0] % 2 == 0 ? 3 + whole / 3 : whole;
    char *string = malloc(room);
    FUZZ_EXPECT(string != NULL);
    size_t length = gnuplot_string((const char *)bytes, size, string, room);
    FUZZ_EXPECT(length >= 2 && length < room && strlen(string) == length);
    FUZZ_EXPECT(string[0] == '"' && string[length - 1] == '"');
    string[length - 1] = '\0';
    FUZZ_EXPECT(strpbrk(string + 1, "\"'`@$#{}^&~|<>!?\r\n\t") == NULL);
    for (const char *at = strchr(string, '\\'); at != NULL; at = strchr(at + 1, '\\'))
        FUZZ_EXPECT(is_octal(at));
    free(string);
}

static void run_json_constants(const struct fuzz_target *target, const uint8_t *bytes, size_t size)
{
    (void)target;
    size_t length;
    char *copy = malloc(size > 0 ? size : 1);
    FUZZ_EXPECT(copy != NULL);
    memcpy(copy, bytes, size);
    char *plain = json_without_constants(copy, size, &length);
    FUZZ_EXPECT(plain[length] == '\0' && length <= size + size / 3 + 1); /* NaN is now null */
    free(plain);
    free(copy);
}

const struct fuzz_target fuzz_texts[] = {
    { "units", "values", run_units, NULL },
    { "values", "values", run_values, NULL },
    { "axes", "values", run_axes, NULL },
    { "shown", NULL, run_shown, NULL },
    { "gnuplot_text", NULL, run_gnuplot, NULL },
    { "json_constants", "traces", run_json_constants, NULL },
    { .name = NULL },
};
