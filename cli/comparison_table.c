/* cli/comparison_table.c - runs side by side as a table, a row a measure, a column a policy. */
#include "cli/comparison_differences.h"
#include "cli/comparison_print.h"
#include "cli/comparison_seeds.h"
#include "cli/comparison_tenants.h"
#include "cli/comparison_words.h"

#include "base/units.h"
#include "cli/table.h"
#include "sweep/metric_show.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* More policies than fit make further blocks of columns. */
#define WIDTH_MOST 100

enum cell { CELL_TIME, CELL_BYTES, CELL_PERCENT, CELL_NUMBER, CELL_DOLLARS, CELL_HOURS };

struct line {
    const char *label; /* NULL: an empty line */
    enum cell cell;
    size_t offset; /* into struct metrics */
};

#define OF(member) offsetof(struct metrics, member)

static const struct line lines[] = {
    { "TTFT mean", CELL_TIME, OF(ttft_mean_ns) },
    { "     P50", CELL_TIME, OF(ttft_p50_ns) },
    { "     P99", CELL_TIME, OF(ttft_p99_ns) },
    { "  outside the scheduler", CELL_TIME, OF(ttft_outside_mean_ns) },
    { "  queueing, mean", CELL_TIME, OF(queueing_mean_ns) },
    { "  prefill, mean", CELL_TIME, OF(prefill_mean_ns) },
    { "  prefill, P99", CELL_TIME, OF(prefill_p99_ns) },
    { "TBT mean", CELL_TIME, OF(tbt_mean_ns) },
    { "    P99", CELL_TIME, OF(tbt_p99_ns) },
    { "TPOT, mean of turns", CELL_TIME, OF(tpot_mean_ns) },
    { "end to end mean", CELL_TIME, OF(e2e_mean_ns) },
    { "           P50", CELL_TIME, OF(e2e_p50_ns) },
    { "           P99", CELL_TIME, OF(e2e_p99_ns) },
    { NULL, 0, 0 },
    { "prefill tokens/s", CELL_NUMBER, OF(prefill_tokens_per_s) },
    { "reply tokens/s", CELL_NUMBER, OF(reply_tokens_per_s) },
    { "turns/s", CELL_NUMBER, OF(turns_per_s) },
    { "  within the SLO", CELL_NUMBER, OF(goodput_turns_per_s) },
    { "GPU busy", CELL_HOURS, OF(gpu_busy_ns) },
    { "  waiting for KV", CELL_HOURS, OF(gpu_load_wait_ns) },
    { "turns waiting, mean", CELL_NUMBER, OF(queue_mean) },
    { NULL, 0, 0 },
    { "hits, all tokens", CELL_PERCENT, OF(hit_rate_tokens) },
    { "  from HBM", CELL_PERCENT, OF(hit_tokens_hbm) },
    { "  from DRAM", CELL_PERCENT, OF(hit_tokens_dram) },
    { "  from SSD", CELL_PERCENT, OF(hit_tokens_ssd) },
    { "  from the remote pool", CELL_PERCENT, OF(hit_tokens_remote) },
    { "  found, but computed", CELL_PERCENT, OF(passed_over_tokens) },
    { "    in DRAM", CELL_PERCENT, OF(passed_over_tokens_dram) },
    { "    on SSD", CELL_PERCENT, OF(passed_over_tokens_ssd) },
    { "    in the remote pool", CELL_PERCENT, OF(passed_over_tokens_remote) },
    { "hits, history tokens", CELL_PERCENT, OF(hit_rate_history_tokens) },
    { NULL, 0, 0 },
    { "SSD to DRAM, ahead", CELL_BYTES, OF(fetch_ssd_dram_bytes) },
    { "SSD to HBM", CELL_BYTES, OF(load_ssd_hbm_bytes) },
    { "DRAM to HBM", CELL_BYTES, OF(load_dram_hbm_bytes) },
    { "remote pool to DRAM, ahead", CELL_BYTES, OF(fetch_remote_dram_bytes) },
    { "remote pool to HBM", CELL_BYTES, OF(load_remote_hbm_bytes) },
    { "SSD written", CELL_BYTES, OF(ssd_written_bytes) },
    { "  years to rated writes", CELL_NUMBER, OF(ssd_years) },
    { "stored, never loaded", CELL_BYTES, OF(stored_never_loaded_bytes) },
    { "peak DRAM", CELL_BYTES, OF(peak_dram_bytes) },
    { "peak SSD", CELL_BYTES, OF(peak_ssd_bytes) },
    { "peak remote pool", CELL_BYTES, OF(peak_remote_bytes) },
    { NULL, 0, 0 },
    { "cost, busy", CELL_DOLLARS, OF(cost_usd) },
    { "  per million tokens", CELL_DOLLARS, OF(cost_usd_per_mtok) },
    { "cost, rented, a month", CELL_DOLLARS, OF(rented_usd_per_month) },
    { "  per million tokens", CELL_DOLLARS, OF(rented_usd_per_mtok) },
    { "cost, owned, a month", CELL_DOLLARS, OF(owned_usd_per_month) },
    { "  per million tokens", CELL_DOLLARS, OF(owned_usd_per_mtok) },
};

/* Tokens are shown as a share of all prompt and history tokens. */
static double as_share(const struct metrics *metrics, size_t offset)
{
    double value = metric_at(metrics, offset);
    if (offset == OF(hit_rate_tokens) || offset == OF(hit_rate_history_tokens))
        return value;
    return metrics->wanted_tokens > 0.0 ? value / metrics->wanted_tokens : 0.0;
}

static const char *cell_text(const struct line *line, const struct metrics *metrics, char *text,
                             size_t text_bytes)
{
    double value = metric_at(metrics, line->offset);
    /* The trace of an open loop does not tell a prompt's history from its new part. */
    if (line->offset == OF(hit_rate_history_tokens) && metrics->history_tokens == 0.0)
        return "-";
    if (metric_is_untold((int)(line->offset / sizeof(double)),
                         value)) /* metrics are doubles, in order */
        return "-";
    switch (line->cell) {
    case CELL_TIME:
        return units_format(value, UNIT_DURATION, text, text_bytes);
    case CELL_BYTES:
        return units_format(value, UNIT_BYTES, text, text_bytes);
    case CELL_PERCENT:
        snprintf(text, text_bytes, "%.2f %%", 100.0 * as_share(metrics, line->offset));
        return text;
    case CELL_DOLLARS:
        snprintf(text, text_bytes, "$%.*f", value < 10.0 ? 3 : 2, value);
        return text;
    case CELL_HOURS:
        snprintf(text, text_bytes, "%.3f h", value / (3600.0 * (double)NS_PER_S));
        return text;
    case CELL_NUMBER:
        snprintf(text, text_bytes, value < 100.0 ? "%.2f" : "%.0f", value);
        return text;
    }
    return "";
}

static void print_size(FILE *out, uint64_t bytes)
{
    char text[32];
    if (bytes == UINT64_MAX)
        fprintf(out, "as the hardware has");
    else
        fprintf(out, "%s", units_format((double)bytes, UNIT_BYTES, text, sizeof text));
}

static void print_tier(FILE *out, const char *name, uint64_t bytes)
{
    fprintf(out, ", %s ", name);
    print_size(out, bytes);
}

static uint64_t size_in(const struct comparison *comparison, uint32_t at, size_t offset)
{
    const void *experiment = &comparison->runs[at].experiment;
    return *(const uint64_t *)(const void *)((const char *)experiment + offset);
}

/* How many sizes the runs give the tier; out (may be NULL): each once, as ", SSD 0 B or as the
 * hardware has", since presets have tiers of their own. */
static uint32_t print_sizes(FILE *out, const struct comparison *comparison, const char *name,
                            size_t offset)
{
    uint32_t sizes = 0;
    for (uint32_t i = 0; i < comparison->count; i++) {
        uint32_t first = 0;
        while (size_in(comparison, first, offset) != size_in(comparison, i, offset))
            first++;
        if (first < i)
            continue;
        if (out != NULL && sizes > 0)
            fprintf(out, " or ");
        if (out != NULL && sizes == 0)
            fprintf(out, ", %s ", name);
        if (out != NULL)
            print_size(out, size_in(comparison, i, offset));
        sizes++;
    }
    return sizes;
}

/* ", SSD 4.00 TB", ", SSD 4.00 TB on samsung-990-pro-2tb", ", SSD on 8 x samsung-990-pro-2tb". */
static void print_ssd(FILE *out, const struct experiment *experiment)
{
    bool fits = experiment->drives == UINT64_MAX, given = experiment->drive[0] != '\0';
    if (fits || experiment->ssd_bytes != UINT64_MAX)
        print_tier(out, "SSD", experiment->ssd_bytes);
    else
        fprintf(out, ", SSD");
    if (given || !fits)
        fprintf(out, " on ");
    if (!fits)
        fprintf(out, "%" PRIu64 " x ", experiment->drives);
    if (given || !fits)
        fprintf(out, "%s", given ? experiment->drive : "the hardware's drive");
}

/* When sessions come: "1/s", "all at once", "16 in flight at once". */
static void arrivals_text(const struct workload *workload, char *text, size_t text_bytes)
{
    if (workload->concurrency > 0)
        snprintf(text, text_bytes, "%u in flight at once", workload->concurrency);
    else if (isinf(workload->sessions_per_s))
        snprintf(text, text_bytes, "all at once");
    else
        snprintf(text, text_bytes, "%g/s", workload->sessions_per_s);
}

static void print_trace(FILE *out, const struct run *run)
{
    const struct workload *workload = &run->experiment.workload;
    char arrivals[48];
    fprintf(out, "trace     %s (%s), ", run->experiment.trace, run->result.trace_format);
    arrivals_text(workload, arrivals, sizeof arrivals);
    if (workload->concurrency > 0)
        fprintf(out, "closed loop: %s, its arrival times are not heeded\n", arrivals);
    else
        fprintf(out, "%s\n",
                run->result.open_loop ? "open loop: requests at their times"
                                      : "closed loop: a turn follows the reply before it");
}

static void print_shape(FILE *out, const struct run *run, const char *arrivals)
{
    struct experiment experiment = run->experiment;
    const uint64_t *sessions = workload_sessions(&experiment.workload, &experiment.shape);
    fprintf(out, "workload  %s, %s", run->result.trace_format,
            run->result.open_loop ? "open loop: requests at drawn times" : "closed loop");
    if (sessions != NULL)
        fprintf(out, ", %" PRIu64 " sessions", *sessions);
    fprintf(out, ", %s, seed %" PRIu64 "\n", arrivals, experiment.workload.seed);
}

static void print_workload(FILE *out, const struct run *run)
{
    static const char *const distributions[] = { "exponential", "log-normal", "constant" };
    const struct workload *workload = &run->experiment.workload;
    char think[32], arrivals[48];
    if (run->experiment.trace[0] != '\0') {
        print_trace(out, run);
        return;
    }
    units_format((double)workload->think_mean_ns, UNIT_DURATION, think, sizeof think);
    arrivals_text(workload, arrivals, sizeof arrivals);
    if (run->experiment.shape.shape != SHAPE_SHAREGPT || run->result.open_loop) {
        print_shape(out, run, arrivals);
        return;
    }
    fprintf(out, "workload  %s, closed loop: %" PRIu64 " sessions, %s", run->result.trace_format,
            workload->sessions, arrivals);
    if (workload->mean_turns > 1.0)
        fprintf(out, ", think time %s of mean %s", distributions[workload->think_time], think);
    fprintf(out, ", seed %" PRIu64 "\n", workload->seed);
}

static const char *engine_of(const struct run *run)
{
    const char *engine = experiment_engine(&run->experiment);
    return engine != NULL ? engine : "the paper's";
}

static bool is_first_of_engine(const struct comparison *comparison, uint32_t at)
{
    for (uint32_t i = 0; i < at; i++)
        if (strcmp(engine_of(&comparison->runs[i]), engine_of(&comparison->runs[at])) == 0)
            return false;
    return true;
}

/* Each once; nothing where all are the paper's. */
static void print_engines(FILE *out, const struct comparison *comparison)
{
    uint32_t engines = 0, printed = 0;
    for (uint32_t i = 0; i < comparison->count; i++)
        engines += is_first_of_engine(comparison, i);
    if (engines == 1 && experiment_engine(&comparison->runs[0].experiment) == NULL)
        return;
    fprintf(out, engines == 1 ? ", engine " : ", engines ");
    for (uint32_t i = 0; i < comparison->count; i++)
        if (is_first_of_engine(comparison, i))
            fprintf(out, "%s%s", printed++ > 0 ? " and " : "", engine_of(&comparison->runs[i]));
}

/* Presets are engines of their own: what differs between runs is printed as a range. */
static void print_limits(FILE *out, const struct comparison *comparison)
{
    uint64_t least = UINT64_MAX, most = 0;
    for (uint32_t i = 0; i < comparison->count; i++) {
        uint32_t batch = comparison->runs[i].experiment.batch;
        least = batch < least ? batch : least;
        most = batch > most ? batch : most;
    }
    fprintf(out, least == most ? ", batch %" PRIu64 : ", batch %" PRIu64 " to %" PRIu64, least,
            most);
}

static void print_budget(FILE *out, const struct comparison *comparison)
{
    const struct run *least = &comparison->runs[0], *most = least;
    char text[2][32];
    bool estimated = false;
    for (uint32_t i = 0; i < comparison->count; i++) {
        const struct run *run = &comparison->runs[i];
        least = run->result.kv_budget_bytes < least->result.kv_budget_bytes ? run : least;
        most = run->result.kv_budget_bytes > most->result.kv_budget_bytes ? run : most;
        estimated |= experiment_engine(&run->experiment) != NULL && run->experiment.hbm_tokens == 0;
    }
    units_format((double)least->result.kv_budget_bytes, UNIT_BYTES, text[0], sizeof text[0]);
    units_format((double)most->result.kv_budget_bytes, UNIT_BYTES, text[1], sizeof text[1]);
    fprintf(out, "tiers     HBM %s", text[0]);
    if (strcmp(text[0], text[1]) != 0)
        fprintf(out, " to %s", text[1]);
    fprintf(out, " for KV%s", estimated ? " (an estimate: " ENGINE_KV_ERROR ")" : "");
}

/* Where a tier keeps fewer copies than HBM has ranks, its token is smaller. */
static void print_token(FILE *out, const struct sim_result *result)
{
    static const char *const in[] = { [TIER_DRAM] = "in DRAM", [TIER_SSD] = "on SSD" };
    char text[32];
    fprintf(out, ", KV %s a token",
            units_format((double)result->kv_bytes_per_token, UNIT_BYTES, text, sizeof text));
    for (int tier = TIER_DRAM; tier <= TIER_SSD; tier++)
        if (result->kv_tier_bytes[tier] != result->kv_bytes_per_token)
            fprintf(
                out, ", %s %s",
                units_format((double)result->kv_tier_bytes[tier], UNIT_BYTES, text, sizeof text),
                in[tier]);
    if (result->raised_block_tokens > 0)
        fprintf(out, " in blocks of %" PRIu32 " tokens with a state each",
                result->raised_block_tokens);
    fputc('\n', out);
}

static void print_heading(FILE *out, const struct comparison *comparison)
{
    const struct run *run = &comparison->runs[0];
    const struct experiment *experiment = &run->experiment;
    fprintf(out, "model     %s on %u GPU(s) of %s", experiment->model, experiment->gpus,
            experiment->hardware);
    print_engines(out, comparison);
    print_limits(out, comparison);
    print_token(out, &run->result);
    print_budget(out, comparison);
    print_sizes(out, comparison, "DRAM", offsetof(struct experiment, dram_bytes));
    if (print_sizes(NULL, comparison, "SSD", offsetof(struct experiment, ssd_bytes)) == 1)
        print_ssd(out, experiment);
    else
        print_sizes(out, comparison, "SSD", offsetof(struct experiment, ssd_bytes));
    if (experiment->remote_bytes > 0)
        print_tier(out, "remote pool", experiment->remote_bytes);
    fprintf(out, "\n");
    print_workload(out, run);
    comparison_print_seeds(out, comparison);
    fprintf(out, "timing    %s; measured: %.0f turns after %" PRIu64 " of warm-up\n\n",
            run->result.timing_source, run->result.metrics.turns, experiment->warmup_turns);
}

/* Points of all prompt tokens. */
static void add_regret(struct table *table, const struct comparison *comparison)
{
    const struct comparison_bound *bound = &comparison->bound;
    table_add(table, "  regret, to the bound");
    for (uint32_t i = 0; i < comparison->count; i++) {
        double reached = comparison->runs[i].result.metrics.hit_rate_tokens;
        if (bound->known)
            table_add(table, "%.2f points", 100.0 * (bound->hit_rate_tokens - reached));
        else
            table_add(table, "-");
    }
}

static void print_bound(FILE *out, const struct comparison_bound *bound)
{
    if (!bound->known)
        return;
    fprintf(out, "\nbound: no policy hits more than %.2f %% of the tokens",
            100.0 * bound->hit_rate_tokens);
    if (bound->unlimited)
        fprintf(out, ", were there no limit to its cache\n");
    else
        fprintf(out, " with the %" PRIu64 " blocks of all tiers (Belady's MIN)\n", bound->blocks);
}

/* Of a tier that most have not. */
static bool is_of_pool(const struct line *line)
{
    return line->label != NULL && strstr(line->label, "remote pool") != NULL;
}

/* Where what was passed over lay: only where some of it did. */
static bool is_idle_detail(const struct line *line, const struct comparison *comparison)
{
    static const size_t details[] = { OF(passed_over_tokens_dram), OF(passed_over_tokens_ssd),
                                      OF(passed_over_tokens_remote) };
    bool detail = false, idle = true;
    for (size_t i = 0; line->label != NULL && i < sizeof details / sizeof *details; i++)
        detail = detail || line->offset == details[i];
    for (uint32_t i = 0; detail && i < comparison->count; i++)
        idle = idle && metric_at(&comparison->runs[i].result.metrics, line->offset) == 0.0;
    return detail && idle;
}

static void print_metrics(FILE *out, const struct comparison *comparison)
{
    struct table table;
    table_init(&table, comparison->count + 1);
    table_add(&table, "%s", "");
    for (uint32_t i = 0; i < comparison->count; i++)
        table_add(&table, "%s", comparison->runs[i].experiment.policy);
    for (size_t l = 0; l < sizeof lines / sizeof *lines; l++) {
        char text[48];
        if ((is_of_pool(&lines[l]) && comparison->runs[0].experiment.remote_bytes == 0) ||
            is_idle_detail(&lines[l], comparison))
            continue;
        if (lines[l].label != NULL && lines[l].offset == OF(hit_rate_history_tokens))
            add_regret(&table, comparison); /* the last one of all tokens */
        table_add(&table, "%s", lines[l].label != NULL ? lines[l].label : "");
        for (uint32_t i = 0; i < comparison->count; i++)
            table_add(
                &table, "%s",
                lines[l].label == NULL
                    ? ""
                    : cell_text(&lines[l], &comparison->runs[i].result.metrics, text, sizeof text));
    }
    table_print(out, &table, WIDTH_MOST);
    table_end(&table);
}

static double change(double now, double before)
{
    return before > 0.0 ? 100.0 * (now / before - 1.0) : 0.0;
}

static void print_gain(FILE *out, const struct run *run, const struct metrics *none)
{
    const struct metrics *metrics = &run->result.metrics;
    fprintf(out,
            "%s against recomputing: TTFT %+.1f %%, of it prefill %+.1f %%; prefill throughput "
            "x%.2f; GPU time %+.1f %%; cost %+.1f %%\n",
            run->experiment.policy, change(metrics->ttft_mean_ns, none->ttft_mean_ns),
            change(metrics->prefill_mean_ns, none->prefill_mean_ns),
            none->prefill_tokens_per_s > 0.0
                ? metrics->prefill_tokens_per_s / none->prefill_tokens_per_s
                : 0.0,
            change(metrics->gpu_busy_ns, none->gpu_busy_ns),
            change(metrics->cost_usd, none->cost_usd));
}

static void print_gains(FILE *out, const struct comparison *comparison)
{
    const struct metrics *none = NULL;
    for (uint32_t i = 0; i < comparison->count; i++)
        if (strcmp(comparison->runs[i].experiment.policy, "none") == 0)
            none = &comparison->runs[i].result.metrics;
    if (none == NULL || comparison->count < 2)
        return;
    fprintf(out, "\n");
    for (uint32_t i = 0; i < comparison->count; i++)
        if (&comparison->runs[i].result.metrics != none)
            print_gain(out, &comparison->runs[i], none);
}

void comparison_print_table(FILE *out, const struct comparison *comparison)
{
    if (comparison->count == 0)
        return;
    comparison_print_words(out, &comparison->compared);
    print_heading(out, comparison);
    print_metrics(out, comparison);
    comparison_print_tenants(out, comparison);
    comparison_print_differences(out, &comparison->compared);
    print_bound(out, &comparison->bound);
    print_gains(out, comparison);
}
