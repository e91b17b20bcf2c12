/* sweep/size_words.c - a search's points and what they mean in words (size.h): the text's and the
 * page's one copy. */
#include "base/path.h"
#include "base/units.h"
#include "sim/engine/cost.h"
#include "sweep/metric_show.h"
#include "sweep/sentence.h"
#include "sweep/size.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- points ---- */

static void add_storage(struct sentence *words, const struct bought *bought,
                        const struct experiment *experiment)
{
    char dram[32], ssd[32], pool[32];
    units_format((double)bought->dram_bytes, UNIT_BYTES, dram, sizeof dram);
    units_format((double)bought->ssd_bytes, UNIT_BYTES, ssd, sizeof ssd);
    units_format((double)bought->pool_bytes, UNIT_BYTES, pool, sizeof pool);
    const char *between = bought->dram_bytes > 0 ? " and " : ", ";
    if (bought->dram_bytes > 0)
        say(words, ", %s of DRAM", dram);
    if (bought->drives > 0 && experiment->drive[0] != '\0')
        say(words, "%s%" PRIu32 " x %s (%s of SSD)", between, bought->drives,
            path_name(experiment->drive), ssd);
    else if (bought->ssd_bytes > 0)
        say(words, "%s%s of SSD", between, ssd);
    if (bought->dram_bytes + bought->ssd_bytes > 0 && bought->stores < bought->servers)
        say(words, bought->stores > 1 ? " on each that prefills" : " on the one that prefills");
    else if (bought->dram_bytes + bought->ssd_bytes > 0 && bought->servers > 1)
        say(words, " each");
    if (bought->pool_bytes > 0)
        say(words, ", a shared pool of %s", pool);
}

char *size_describe(const struct size_point *point, char *out, size_t out_bytes)
{
    const struct experiment *experiment = &point->experiment;
    const struct bought *bought = &point->bought;
    struct sentence words = sentence_in(out, out_bytes);
    *out = '\0';
    const char *policy = experiment->eviction[0] != '\0' && experiment->policy[0] == '\0'
                             ? experiment->eviction
                             : experiment->policy;
    say(&words, "%" PRIu32 " server%s of %" PRIu32 " x %s", bought->servers,
        bought->servers > 1 ? "s" : "", bought->gpus, path_name(experiment->hardware));
    if (experiment->prefill_replicas > 0)
        say(&words, " (%" PRIu32 " prefill)", experiment->prefill_replicas);
    add_storage(&words, bought, experiment);
    if (bought->stores > 0 && bought->keeps_kv)
        say(&words, ", %s", policy);
    else if (bought->stores > 0 && experiment->hbm_cache_bytes > 0)
        say(&words, ", KV kept in HBM only, %s", policy);
    else
        say(&words, ", no KV kept");
    return out;
}

const char *size_short_key(const char *key)
{
    static const char *const prefixes[] = { "tiers.", "cluster." };
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (strncmp(key, prefixes[i], strlen(prefixes[i])) == 0)
            key += strlen(prefixes[i]);
    return strcmp(key, "replicas") == 0 ? "servers" : key;
}

char *size_step(const struct size_space *space, uint32_t axis, uint32_t from, uint32_t to,
                char *out, size_t out_bytes)
{
    char before[CONFIG_TEXT_BYTES], after[CONFIG_TEXT_BYTES];
    const struct axis *a = &space->axes[axis];
    axis_show(a->row, a->value[size_space_place(space, from, axis)], before, sizeof before);
    axis_show(a->row, a->value[size_space_place(space, to, axis)], after, sizeof after);
    snprintf(out, out_bytes, "%s %s -> %s", size_short_key(a->key), before, after);
    return out;
}

bool size_describes(const char *key)
{
    return strcmp(key, "hardware") == 0 || strcmp(key, "gpus") == 0 || strcmp(key, "policy") == 0 ||
           strcmp(key, "ssd.drive") == 0;
}

char *size_goodput_terms(const struct size_question *question, const struct experiment *experiment,
                         char *out, size_t out_bytes)
{
    char ttft[32], tbt[32];
    *out = '\0';
    for (uint32_t i = 0; i < question->promise_count; i++) {
        const char *name = metric_rows[question->promise[i].metric].name;
        if (strcmp(name, "slo_attainment") == 0 || strcmp(name, "goodput_turns_per_s") == 0)
            snprintf(
                out, out_bytes, "a turn counts with slo.ttft <= %s and slo.tbt <= %s",
                units_format((double)experiment->slo_ttft_ns, UNIT_DURATION, ttft, sizeof ttft),
                units_format((double)experiment->slo_tbt_ns, UNIT_DURATION, tbt, sizeof tbt));
    }
    return out;
}

/* ---- sums and verdicts ---- */

const struct prices *size_prices(const struct size_answer *answer)
{
    uint32_t point = answer->best != SIZE_NONE ? answer->best : answer->nearest;
    return size_point(answer, point != SIZE_NONE ? point : 0)->prices;
}

/* "3.2x", "1,650x" would need a locale: "1650x". */
static char *times(double factor, char *out, size_t out_bytes)
{
    snprintf(out, out_bytes, factor < 100.0 ? "%.3gx" : "%.0fx", factor);
    return out;
}

char *size_verdict(const struct size_value *value, char *out, size_t out_bytes)
{
    char factor[32];
    if (value->state == SIZE_CANNOT_RUN)
        snprintf(out, out_bytes, "cannot run");
    else if (value->violation <= 1.0)
        snprintf(out, out_bytes, "kept");
    else if (size_only_worn(value))
        snprintf(out, out_bytes, "SSDs wear out");
    else if (value->violation < 1.005)
        snprintf(out, out_bytes, "just broken");
    else if (isfinite(value->violation))
        snprintf(out, out_bytes, "broken, %s", times(value->missed, factor, sizeof factor));
    else
        snprintf(out, out_bytes, "nothing measured");
    return out;
}

char *size_change(double from, double to, char *out, size_t out_bytes)
{
    snprintf(out, out_bytes, "%+.1f %%", 100.0 * (to / from - 1.0));
    return out;
}

bool size_shows_billing(enum billing billing, const struct size_point *point)
{
    return billing_known(billing, point->prices) &&
           (billing != BILL_BUSY || point->billing == BILL_BUSY);
}

char *size_power(const struct size_point *point, const struct size_value *value, char *out,
                 size_t out_bytes)
{
    double busy = cost_load(&point->bought, point->billing, &value->metrics).busy_share;
    *out = '\0';
    if (value->bill.line[BILL_ELECTRICITY].usd_per_month > 0.0)
        snprintf(
            out, out_bytes,
            "Electricity is of GPUs that have work for %.0f %% of the time, which they have at the "
            "pace of the load (drawing %.0f W\neach then, %.0f W without); space of what can be "
            "drawn at most.",
            100.0 * fmin(1.0, busy), point->prices->gpu_busy_watts, point->prices->gpu_idle_watts);
    return out;
}

char *size_objective(const struct size_question *question, const struct size_answer *answer,
                     char *out, size_t out_bytes)
{
    static const char *const per[] = { [OBJECTIVE_USD_PER_MTOK] = "per million tokens",
                                       [OBJECTIVE_USD_PER_SESSION] = "per session",
                                       [OBJECTIVE_USD_PER_MONTH] = "a month" };
    const char *currency = size_prices(answer)->currency;
    snprintf(out, out_bytes, "%s %s", strcmp(currency, "USD") == 0 ? "$" : currency,
             per[question->objective]);
    return out;
}

char *size_terms(const struct prices *prices, char *out, size_t out_bytes)
{
    struct sentence words = sentence_in(out, out_bytes);
    *out = '\0';
    say(&words, "%s of %s", prices->name, prices->date);
    if (prices->discount > 0.0)
        say(&words, ", less %.3g %% of what is bought and rented", 100.0 * prices->discount);
    if (strcmp(prices->currency, "USD") != 0 || prices->per_usd != 1.0)
        say(&words, ", in %s at %.6g a dollar", prices->currency, prices->per_usd);
    return out;
}

uint32_t size_nearly(const struct size_answer *answer)
{
    const double cheaper = 0.95, missed = 1.15;
    const struct size_value *best = size_whole(answer, answer->best);
    uint32_t nearly = SIZE_NONE;
    for (uint32_t i = 0; i < answer->space->count; i++) {
        const struct size_value *value = size_whole(answer, i);
        if (value == NULL || value->state != SIZE_RUN || value->violation <= 1.0 ||
            value->violation > missed || value->objective > best->objective * cheaper)
            continue;
        if (nearly == SIZE_NONE || value->objective < size_whole(answer, nearly)->objective)
            nearly = i;
    }
    return nearly;
}

char *size_nearly_words(const struct size_answer *answer, uint32_t point, char *out,
                        size_t out_bytes)
{
    char what[512], month[64];
    const struct size_value *value = size_whole(answer, point);
    snprintf(out, out_bytes, "Nearly: %s, for %s a month (%.0f %% less), misses %s by %.0f %%.",
             size_describe(size_point(answer, point), what, sizeof what),
             prices_money(size_prices(answer), value->bill.usd_per_month, month, sizeof month),
             100.0 * (1.0 - value->objective / size_whole(answer, answer->best)->objective),
             size_only_worn(value) ? "the SSDs' life" : "a promise",
             100.0 * (value->violation - 1.0));
    return out;
}

char *size_cut(const struct size_value *value, char *out, size_t out_bytes)
{
    const double told_from = 0.005;
    double share = value->metrics.clamped_turns / value->metrics.turns;
    *out = '\0';
    if (share > told_from)
        snprintf(out, out_bytes,
                 "%.3g %% of the turns have a prompt or a reply that alone is too long for the "
                 "model's context window and was cut: what they would take is not in these "
                 "numbers.",
                 100.0 * share);
    return out;
}

/* ---- what keeping KV saves ---- */

const char *size_less_kept(enum size_kv kv)
{
    return kv == SIZE_KV_HBM ? "nothing kept below HBM" : "no prefix cache at all";
}

/* The cheapest that keeps the promises with less kept. */
static double least_without(const struct size_answer *answer)
{
    double least = INFINITY;
    for (int kv = SIZE_KV_HBM; kv < SIZE_KVS; kv++)
        if (answer->without[kv] != SIZE_NONE)
            least = fmin(least, size_whole(answer, answer->without[kv])->objective);
    return least;
}

char *size_saving(const struct size_answer *answer, char *out, size_t out_bytes)
{
    double with = size_whole(answer, answer->best)->objective, without = least_without(answer);
    if (size_space_kv(answer->space, answer->best) != SIZE_KV_KEPT)
        snprintf(out, out_bytes,
                 "KEEPING KV BELOW HBM DOES NOT PAY HERE: the cheapest servers keep none there.");
    else if (isinf(without))
        snprintf(out, out_bytes,
                 "Keeping KV pays: with nothing kept below HBM no point that was run keeps the "
                 "promises.");
    else if (without < with * 1.01)
        snprintf(out, out_bytes,
                 "Keeping KV hardly pays here: it saves less than 1 %%, which is within what a "
                 "model can tell.");
    else
        snprintf(out, out_bytes, "Keeping KV saves %.1f %%.", 100.0 * (1.0 - with / without));
    return out;
}

char *size_saving_today(const struct size_answer *answer, char *out, size_t out_bytes)
{
    const struct size_value *today = &answer->today;
    double saved = 100.0 * (1.0 - size_whole(answer, answer->best)->objective / today->objective);
    if (today->state != SIZE_RUN)
        snprintf(out, out_bytes, "Today's servers cannot run this.");
    else if (saved >= 0.0)
        snprintf(out, out_bytes,
                 "Against today's servers, billed as if bought now, %.1f %% are saved.", saved);
    else
        snprintf(out, out_bytes, "Today's servers cost less than this%s.",
                 today->violation > 1.0 ? ", but they break the promises"
                                        : " and keep the promises: they were not searched");
    return out;
}

char *size_cannot_reuse(const struct size_question *question, char *out, size_t out_bytes)
{
    snprintf(out, out_bytes,
             "Whether keeping KV pays cannot be told from this file (%s): it says neither which "
             "requests are turns of one\nsession nor which prompts begin alike, so that none can "
             "reuse anything, whatever is bought. What is sized above are\nservers without kept "
             "KV. The same load as sessions of 5 turns (an assumption, as is all that is not in "
             "the file):",
             question->workload.format);
    return out;
}

char *size_cannot_reuse_command(const struct size_question *question, char *out, size_t out_bytes)
{
    char sessions[512];
    size_workload_sessions(&question->workload, &question->space->point[0]->experiment.workload,
                           5.0, sessions, sizeof sessions);
    /* The last --trace is the one that is heeded, wherever the file was named. */
    snprintf(out, out_bytes, "%s --trace '' %s", question->asked, sessions);
    return out;
}

/* ---- where nothing keeps the promises ---- */

char *size_not_run(const struct size_answer *answer, char *out, size_t out_bytes)
{
    *out = '\0';
    if (answer->kinds_not_run > 0)
        snprintf(out, out_bytes,
                 ", none of %" PRIu32 " of the %" PRIu32
                 " kinds of servers: the cheapest of each cost no less than what was found",
                 answer->kinds_not_run, answer->kinds);
    return out;
}

char *size_unkept(const struct size_answer *answer, char *out, size_t out_bytes)
{
    const struct size_value *value = size_whole(answer, answer->nearest);
    char factor[32];
    if (value->violation < 1.005)
        snprintf(out, out_bytes, "NO POINT KEEPS THE PROMISES. The nearest just misses them:");
    else if (isfinite(value->violation))
        snprintf(out, out_bytes, "NO POINT KEEPS THE PROMISES. The nearest misses them by %s:",
                 times(value->violation, factor, sizeof factor));
    else
        snprintf(out, out_bytes,
                 "NO POINT KEEPS THE PROMISES. Of the nearest nothing could be measured:");
    return out;
}

/* The best that a request alone gets of this promise's metric, on any kind of server; NaN: unknown.
 */
static double best_alone(const struct size_result *result, const struct promise *promise)
{
    double best = NAN;
    for (uint32_t i = 0; i < result->idle_count; i++) {
        const struct size_value *value = &result->idle[i].value;
        double reached = metric_value(&value->metrics, promise->metric);
        if (value->state == SIZE_RUN)
            best = promise->at_least ? fmax(best, reached) : fmin(best, reached);
    }
    return best;
}

/* A rate is the load's: what nobody asks for nobody is served. */
static bool is_rate(const struct promise *promise)
{
    const char *name = metric_rows[promise->metric].name;
    size_t length = strlen(name);
    return promise->at_least && length > 6 && strcmp(name + length - 6, "_per_s") == 0;
}

char *size_advice(const struct size_question *question, const struct size_result *result, char *out,
                  size_t out_bytes)
{
    const struct size_value *nearest = size_whole(&result->answer, result->answer.nearest);
    const struct promise *promise = size_missed_most(question, nearest);
    double alone = best_alone(result, promise);
    char text[128], shown[64];
    promise_text(promise, text, sizeof text);
    if (size_only_worn(nearest))
        snprintf(
            out, out_bytes,
            "The SSDs do not last: more or other drives (--vary ssd.drive=..., ssd.drives=...), "
            "more DRAM before them, or fewer years (--ssd-years).");
    else if (is_rate(promise))
        snprintf(
            out, out_bytes,
            "%s cannot be reached by more servers where none waits for them: the workload asks "
            "for no more (the nearest serves %s).",
            text,
            metric_show(promise->metric, metric_value(&nearest->metrics, promise->metric), shown,
                        sizeof shown));
    else if (isnan(alone))
        snprintf(out, out_bytes, "No kind of server that was searched can run this.");
    else if (promise->at_least ? alone < promise->limit : alone > promise->limit)
        snprintf(
            out, out_bytes,
            "No number of servers helps: a request that meets no other one misses %s already; "
            "the best that it gets on any of\nthese is %s (for the longest prompts, their own "
            "prefill). More or faster GPUs a server, a narrower number format,\nshorter prompts, "
            "or a promise that they can keep.",
            text, metric_show(promise->metric, alone, shown, sizeof shown));
    else
        snprintf(out, out_bytes,
                 "More servers than were searched may keep the promises (--vary "
                 "cluster.replicas=...): a request that meets no others gets %s.",
                 metric_show(promise->metric, alone, shown, sizeof shown));
    return out;
}

/* ---- what it rests on ---- */

char *size_assumed(const struct size_point *point, char *out, size_t out_bytes)
{
    static const char *const routers[] = { "round robin", "the least loaded server",
                                           "the longest prefix", "its session's first server" };
    snprintf(
        out, out_bytes,
        "a turn goes to %s; a server's share of an 8-GPU chassis is billed by its GPUs; one run of "
        "one "
        "seed. Predicted TTFTs\nof 573 served vLLM runs are 34 %% off in the median, most of them "
        "too "
        "short (docs/accuracy.md): keep a margin%s.",
        routers[point->experiment.router],
        strncmp(point->experiment.policy, "scheduler-aware", 15) == 0
            ? "; the policy scheduler-aware is CachedAttention's, which no engine\nships: lru is "
              "the nearest that one does"
            : "");
    return out;
}
