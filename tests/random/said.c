/* tests/random/said.c - see said.h. */
#include "tests/random/said.h"

#include <ctype.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

static bool is_wrong(char wrong[SAID_BYTES], const char *what, const char *where)
{
    snprintf(wrong, SAID_BYTES, "%.90s%s%.50s", what, *where != '\0' ? ": " : "", where);
    return false;
}

/* ---- JSON ---- */

/* jansson takes no NaN, no Infinity, and no number beyond a double's range. */
static json_t *parse(const char *text, uint64_t bytes, char wrong[SAID_BYTES])
{
    json_error_t error;
    json_t *root = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &error);
    if (root == NULL)
        is_wrong(wrong, "is no JSON", error.text);
    return root;
}

static double number_at(const json_t *metrics, const char *name)
{
    return json_number_value(json_object_get(metrics, name));
}

static bool metrics_hold(json_t *metrics, char wrong[SAID_BYTES])
{
    const char *name;
    json_t *value;
    json_object_foreach(metrics, name, value)
    {
        if (!json_is_number(value) && !json_is_null(value))
            return is_wrong(wrong, "a metric is no number", name);
        if (!(json_number_value(value) >= 0.0))
            return is_wrong(wrong, "a metric is below 0", name);
    }
    double found = number_at(metrics, "hit_tokens_hbm") + number_at(metrics, "hit_tokens_dram") +
                   number_at(metrics, "hit_tokens_ssd") + number_at(metrics, "hit_tokens_remote");
    if (found + number_at(metrics, "computed_tokens") != number_at(metrics, "wanted_tokens"))
        return is_wrong(wrong, "hits and computed are not what was wanted", "");
    if (number_at(metrics, "gpu_utilisation") > 1.0 + 1e-12)
        return is_wrong(wrong, "GPUs are busy more than all the time", "");
    return true;
}

static bool runs_hold(const json_t *root, char wrong[SAID_BYTES])
{
    const json_t *runs = json_object_get(root, "runs");
    size_t i;
    json_t *run;
    if (json_array_size(runs) == 0)
        return is_wrong(wrong, "tells of no run", "");
    json_array_foreach(runs, i, run)
    {
        json_t *metrics = json_object_get(run, "metrics");
        if (json_object_size(metrics) == 0)
            return is_wrong(wrong, "tells no metrics", "");
        if (!metrics_hold(metrics, wrong))
            return false;
    }
    return true;
}

bool said_is_json(const char *text, uint64_t bytes, enum says says, char wrong[SAID_BYTES])
{
    json_t *root = parse(text, bytes, wrong);
    bool holds = root != NULL && (says != SAYS_RUNS || runs_hold(root, wrong));
    json_decref(root);
    return holds;
}

/* ---- words ---- */

static bool is_of_word(char letter)
{
    return isalnum((unsigned char)letter) || letter == '_' || letter == '-';
}

/* KEY=inf is what was asked for (workload.sessions_per_s). */
static bool is_asked(const char *text, const char *at)
{
    return at > text && at[-1] == '=' && strncmp(at, "inf", 3) == 0;
}

bool said_is_text(const char *text, bool quotes, char wrong[SAID_BYTES])
{
    static const char *const odd[] = { "inf", "nan", "-nan", "-inf", "(null)" };
    for (size_t i = quotes ? 1 : 0; i < sizeof odd / sizeof *odd; i++) {
        size_t length = strlen(odd[i]);
        for (const char *at = strstr(text, odd[i]); at != NULL; at = strstr(at + length, odd[i]))
            if ((at == text || !is_of_word(at[-1])) && !is_of_word(at[length]) &&
                !is_asked(text, at))
                return is_wrong(wrong, "says", odd[i]);
    }
    return true;
}

bool said_is_refusal(const char *out, const char *err, char wrong[SAID_BYTES])
{
    if (*out != '\0')
        return is_wrong(wrong, "refuses, and prints", "");
    if (strstr(err, "expected") == NULL && strstr(err, "cannot") == NULL)
        return is_wrong(wrong, "refuses without a word", err);
    return said_is_text(err, false, wrong);
}

/* ---- rows ---- */

/* The row's values as CSV writes them. */
static void as_csv(const json_t *row, char *text, size_t bytes)
{
    const char *name;
    json_t *value;
    size_t length = 0;
    *text = '\0';
    json_object_foreach((json_t *)row, name, value)
    {
        const char *comma = length > 0 ? "," : "";
        int wrote =
            json_is_string(value)
                ? snprintf(text + length, bytes - length, "%s%s", comma, json_string_value(value))
            : json_is_null(value) ? snprintf(text + length, bytes - length, "%s", comma)
            : json_is_boolean(value)
                ? snprintf(text + length, bytes - length, "%s%d", comma, json_is_true(value))
                : snprintf(text + length, bytes - length, "%s%" JSON_INTEGER_FORMAT, comma,
                           json_integer_value(value));
        length += (size_t)wrote < bytes - length ? (size_t)wrote : bytes - length - 1;
    }
}

struct sums {
    json_int_t turns, wanted, computed, reply;
};

static void add_row(struct sums *sums, const json_t *row)
{
    if (!json_is_true(json_object_get(row, "measured")))
        return;
    sums->turns++;
    sums->wanted += json_integer_value(json_object_get(row, "wanted_tokens"));
    sums->computed += json_integer_value(json_object_get(row, "computed_tokens"));
    sums->reply += json_integer_value(json_object_get(row, "reply_tokens"));
}

/* Reads all lines; *csv: behind its heading. */
static bool sum_rows(const char *jsonl, const char *csv, struct sums *sums, char wrong[SAID_BYTES])
{
    char line[4096];
    while (*jsonl != '\0') {
        size_t length = strcspn(jsonl, "\n"), other = strcspn(csv, "\n");
        json_t *row = parse(jsonl, length, wrong);
        if (row == NULL)
            return false;
        add_row(sums, row);
        as_csv(row, line, sizeof line);
        json_decref(row);
        if (strlen(line) != other || strncmp(line, csv, other) != 0)
            return is_wrong(wrong, "a row is another one as CSV", "");
        jsonl += length + (jsonl[length] == '\n');
        csv += other + (csv[other] == '\n');
    }
    return *csv == '\0' || is_wrong(wrong, "CSV has more rows than JSON", "");
}

bool said_are_rows(const char *runs, const char *jsonl, const char *csv, char wrong[SAID_BYTES])
{
    struct sums sums = { 0 };
    const char *first = strchr(csv, '\n');
    if (first == NULL || !sum_rows(jsonl, first + 1, &sums, wrong))
        return first == NULL ? is_wrong(wrong, "CSV has no heading", "") : false;
    json_t *root = parse(runs, strlen(runs), wrong);
    const json_t *metrics =
        json_object_get(json_array_get(json_object_get(root, "runs"), 0), "metrics");
    bool holds = number_at(metrics, "turns") == (double)sums.turns &&
                 number_at(metrics, "wanted_tokens") == (double)sums.wanted &&
                 number_at(metrics, "computed_tokens") == (double)sums.computed &&
                 number_at(metrics, "reply_tokens") == (double)sums.reply;
    json_decref(root);
    return holds || is_wrong(wrong, "rows do not sum to the metrics", "");
}
