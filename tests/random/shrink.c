/* tests/random/shrink.c - see shrink.h. */
#include "tests/random/shrink.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct shrinking {
    struct settings *settings;
    const struct shrink_test *test;
    uint32_t tries;
};

/* Takes the candidate if it still has the property. */
static bool take(struct shrinking *shrinking, const struct settings *candidate)
{
    if (shrinking->tries >= shrinking->test->tries_most)
        return false;
    shrinking->tries++;
    if (!shrinking->test->has(candidate, shrinking->test->context))
        return false;
    *shrinking->settings = *candidate;
    return true;
}

/* ---- fewer keys ---- */

static struct settings without(const struct settings *settings, uint32_t first, uint32_t count)
{
    struct settings fewer = *settings;
    uint32_t behind = settings->count - first - count;
    memmove(&fewer.item[first], &fewer.item[first + count], behind * sizeof *fewer.item);
    fewer.count -= count;
    return fewer;
}

/* Tries to do without each run of `count` keys. Returns whether any went. */
static bool drop_runs(struct shrinking *shrinking, uint32_t count)
{
    bool any = false;
    for (uint32_t first = 0; first + count <= shrinking->settings->count;) {
        struct settings fewer = without(shrinking->settings, first, count);
        if (take(shrinking, &fewer))
            any = true;
        else
            first += count;
    }
    return any;
}

static void drop_keys(struct shrinking *shrinking)
{
    for (uint32_t count = shrinking->settings->count; count > 1; count /= 2)
        drop_runs(shrinking, count);
    while (drop_runs(shrinking, 1))
        ;
}

/* ---- plainer values ---- */

enum { PLAINER = 4 };

static uint64_t one_digit(uint64_t value)
{
    uint64_t scale = 1;
    while (value / scale >= 10)
        scale *= 10;
    return value / scale * scale;
}

/* The i-th thing to try in the place of a whole number. false: it is none, or plain already. */
static bool plainer(const char *value, int i, char out[CONFIG_TEXT_BYTES])
{
    if (*value == '\0' || value[strspn(value, "0123456789")] != '\0')
        return false;
    uint64_t number = strtoull(value, NULL, 10);
    const uint64_t tries[PLAINER] = { 0, 1, number / 2, one_digit(number) };
    snprintf(out, CONFIG_TEXT_BYTES, "%" PRIu64, tries[i]);
    return tries[i] < number;
}

static bool make_plainer(struct shrinking *shrinking, uint32_t at)
{
    for (int i = 0; i < PLAINER; i++) {
        struct settings candidate = *shrinking->settings;
        if (plainer(shrinking->settings->item[at].value, i, candidate.item[at].value) &&
            take(shrinking, &candidate))
            return true;
    }
    return false;
}

void shrink(struct settings *settings, const struct shrink_test *test)
{
    struct shrinking shrinking = { .settings = settings, .test = test };
    drop_keys(&shrinking);
    for (uint32_t at = 0; at < settings->count; at++)
        while (make_plainer(&shrinking, at))
            ;
    drop_keys(&shrinking);
}
