/* plots/size_terms.c - see size_terms.h. */
#include "plots/size_terms.h"

#include "sweep/metric_show.h"

#include <stdio.h>
#include <string.h>

/* ---- metrics ---- */

/* title NULL: the table of metrics says it. */
static const struct term {
    const char *name, *title, *words;
} kinds[] = {
    { "ttft_", NULL, "time until an answer's first word" },
    { "tbt_", NULL, "time between two words of an answer" },
    { "tpot_", NULL, "time that a word of an answer takes" },
    { "e2e_", NULL, "time until an answer's last word" },
};
static const struct term parts[] = {
    { "mean_ns", NULL, "on average" },
    { "p50_ns", NULL, "half are no slower" },
    { "p90_ns", NULL, "90 in 100 are no slower" },
    { "p95_ns", NULL, "95 in 100 are no slower" },
    { "p99_ns", NULL, "99 in 100 are no slower" },
};

static const struct term others[] = {
    { "slo_attainment", "answers in time", "share of the answers that keep both limits of time" },
    { "goodput_turns_per_s", "answers in time a second", "those that keep both limits of time" },
    { "reply_tokens_per_s", "tokens answered a second", "of all servers together" },
    { "turns_per_s", "answers a second", "of all servers together" },
};

static const struct term *find_other(int metric)
{
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(metric_rows[metric].name, others[i].name) == 0)
            return &others[i];
    return NULL;
}

/* false: the metric is none of those times. */
static bool find_terms(int metric, const struct term **kind, const struct term **part)
{
    const char *name = metric_rows[metric].name;
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        for (size_t p = 0; p < sizeof parts / sizeof *parts; p++) {
            size_t length = strlen(kinds[k].name);
            if (strncmp(name, kinds[k].name, length) != 0 ||
                strcmp(name + length, parts[p].name) != 0)
                continue;
            *kind = &kinds[k];
            *part = &parts[p];
            return true;
        }
    return false;
}

char *size_metric_title(int metric, char *out, size_t out_bytes)
{
    const struct term *other = find_other(metric);
    snprintf(out, out_bytes, "%s", other != NULL ? other->title : metric_rows[metric].title);
    return out;
}

char *size_metric_words(int metric, char *out, size_t out_bytes)
{
    const struct term *kind, *part, *other = find_other(metric);
    if (find_terms(metric, &kind, &part))
        snprintf(out, out_bytes, "%s: %s", kind->words, part->words);
    else
        snprintf(out, out_bytes, "%s", other != NULL ? other->words : metric_rows[metric].meaning);
    return out;
}

char *size_limit_words(const struct promise *promise, char *out, size_t out_bytes)
{
    char limit[64];
    snprintf(out, out_bytes, "%s %s", promise->at_least ? "at least" : "at most",
             metric_show(promise->metric, promise->limit, limit, sizeof limit));
    return out;
}

/* ---- sums ---- */

char *size_billing_words(enum billing billing, const struct prices *prices, char *out,
                         size_t out_bytes)
{
    if (billing == BILL_OWNED)
        snprintf(out, out_bytes,
                 "bought and written off over %g years, with support, a place in a rack and "
                 "electricity",
                 prices->years);
    else if (billing == BILL_RENTED)
        snprintf(out, out_bytes, "every hour is paid for, used or not");
    else
        snprintf(out, out_bytes, "rent for only those hours in which the GPUs work");
    return out;
}

static const char *currency(const struct prices *prices)
{
    return strcmp(prices->currency, "USD") == 0 ? "$" : prices->currency;
}

char *size_objective_words(enum objective objective, const struct prices *prices, char *out,
                           size_t out_bytes)
{
    static const char *const words[] = { "per million tokens", "per session", "a month" };
    snprintf(out, out_bytes, "%.60s %s", currency(prices), words[objective]);
    return out;
}

char *size_money_bare(const struct prices *prices, double usd, char *out, size_t out_bytes)
{
    char text[CONFIG_TEXT_BYTES + 96];
    const char *number = prices_money(prices, usd, text, sizeof text) + strlen(currency(prices));
    snprintf(out, out_bytes, "%.40s", *number == ' ' ? number + 1 : number);
    return out;
}

/* ---- promises ---- */

const struct promise *size_shown_promise(const struct size_question *question)
{
    for (uint32_t i = 0; i < question->promise_count; i++)
        if (strcmp(metric_rows[question->promise[i].metric].name, "ttft_p99_ns") == 0)
            return &question->promise[i];
    return &question->promise[0];
}
