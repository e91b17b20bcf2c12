/* plots/plot_data.c - see plot_data.h. Units change here: nanoseconds become seconds and hours. */
#include "plots/plot_data.h"

#include "base/units.h"
#include "plots/bytes_data.h"
#include "plots/gnuplot_text.h"
#include "plots/ticks.h"
#include "sweep/estimate.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#define NS_PER_HOUR (3600.0 * (double)NS_PER_S)

/* What the axes must reach; kept while the blocks are written. */
struct extent {
    double ttft_least_s, ttft_most_s, hours_most;
    bool pool; /* some run found KV there */
};

static void free_series(struct series *series)
{
    free(series->x);
    free(series->y);
}

static void write_names(FILE *out, const struct compared_kept *kept)
{
    uint32_t count = kept->compared.count;
    fprintf(out, "runs = %" PRIu32 "\nseeds = %" PRIu32 "\nfirst_seed = %" PRIu64 "\n", count,
            kept->compared.seeds, kept->runs.seed[0]);
    fprintf(out, "array policy[%" PRIu32 "]\narray arriving[%" PRIu32 "]\narray cut[%" PRIu32 "]\n",
            count, count, count);
    for (uint32_t i = 0; i < count; i++) {
        char name[32];
        snprintf(name, sizeof name, "policy[%" PRIu32 "]", i + 1);
        gnuplot_put_variable(out, name, kept->compared.run[i].name);
    }
}

static void write_ttft_rows(FILE *out, const struct series *ttft, struct extent *extent)
{
    for (uint32_t i = 0; i < ttft->count; i++) {
        double seconds = ttft->x[i] / (double)NS_PER_S;
        if (!(seconds > 0.0)) /* the axis is logarithmic */
            continue;
        fprintf(out, "%.9g %.9g\n", seconds, ttft->y[i]);
        extent->ttft_least_s = fmin(extent->ttft_least_s, seconds);
        extent->ttft_most_s = fmax(extent->ttft_most_s, seconds);
    }
}

/* Whether no share of turns is further apart than a reader sees: quantile i of one lies between
 * those around i of the other. */
static bool are_alike(const struct series *a, const struct series *b)
{
    uint32_t near = a->count / 50;
    if (a->count != b->count)
        return false;
    for (uint32_t i = near; i + near < a->count; i++)
        if (a->x[i] < b->x[i - near] || a->x[i] > b->x[i + near])
            return false;
    return true;
}

/* Runs whose curves lie on each other are one curve, the first one's. */
static void write_curves(FILE *out, const struct series *ttft, uint32_t runs)
{
    uint32_t alike[PLOT_POLICIES_MAX] = { 0 }, curves = 0;
    fprintf(out, "array curve_of[%" PRIu32 "]\narray curve_runs[%" PRIu32 "]\n", runs, runs);
    for (uint32_t i = 0; i < runs; i++) {
        uint32_t first = 0;
        while (first < i && !are_alike(&ttft[first], &ttft[i]))
            first++;
        curves += alike[first]++ == 0;
        fprintf(out, "curve_of[%" PRIu32 "] = %" PRIu32 "\n", i + 1, first + 1);
    }
    for (uint32_t i = 0; i < runs; i++)
        fprintf(out, "curve_runs[%" PRIu32 "] = %" PRIu32 "\n", i + 1, alike[i]);
    fprintf(out, "curves = %" PRIu32 "\n", curves);
}

/* Quantiles of the same shares: their mean over the seeds that measured any turn. */
static enum status read_ttft(struct store *store, const struct compared_kept *kept, uint32_t policy,
                             struct series *mean, struct error *err)
{
    uint32_t found = 0;
    enum status status = STATUS_OK;
    for (uint32_t seed = 0; status == STATUS_OK && seed < kept->runs.seeds; seed++) {
        int64_t id = kept->runs.id[(size_t)seed * kept->runs.policies + policy];
        struct series one;
        status = store_series(store, id, "ttft_cdf", &one, err);
        if (status != STATUS_OK || one.count == 0 || (found > 0 && one.count != mean->count)) {
            free_series(&one);
            continue;
        }
        for (uint32_t i = 0; found > 0 && i < one.count; i++)
            mean->x[i] += one.x[i];
        if (found++ == 0)
            *mean = one;
        else
            free_series(&one);
    }
    for (uint32_t i = 0; found > 1 && i < mean->count; i++)
        mean->x[i] /= found;
    return status;
}

static enum status write_ttft(FILE *out, struct store *store, const struct compared_kept *kept,
                              struct extent *extent, struct error *err)
{
    struct series ttft[PLOT_POLICIES_MAX] = { 0 };
    uint32_t count = kept->compared.count;
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < count; i++) {
        status = read_ttft(store, kept, i, &ttft[i], err);
        fprintf(out, "$ttft_%" PRIu32 " << END\n", i + 1);
        write_ttft_rows(out, &ttft[i], extent);
        fputs("END\n", out);
    }
    if (status == STATUS_OK)
        write_curves(out, ttft, count);
    for (uint32_t i = 0; i < count; i++)
        free_series(&ttft[i]);
    return status;
}

static double known(double bytes) /* a run of an older reprise may lack a metric */
{
    return isnan(bytes) ? 0.0 : bytes;
}

/* The pool's, last, is empty where a run found nothing there: older runs have no such series. */
enum { ROW_POOL = 4, TIER_ROWS };
static const char *const tier_series[TIER_ROWS] = { "hits_hbm_over_time", "hits_dram_over_time",
                                                    "hits_ssd_over_time", "misses_over_time",
                                                    "hits_remote_over_time" };

/* Fewer bins before the last arrival show nothing: sessions that came about at once. */
#define ARRIVING_BINS_LEAST 8

/* Behind the last arrival few sessions are left, whose hits are of a load that nobody asked about:
 * that is cut. */
static uint32_t bins_arriving(const struct series *series, uint32_t count, double arriving_ns)
{
    uint32_t bins = 0;
    while (bins < count && series->x[bins] <= arriving_ns)
        bins++;
    return bins < ARRIVING_BINS_LEAST ? count : bins;
}

static void write_hits_rows(FILE *out, const struct series series[TIER_ROWS], uint32_t count,
                            struct extent *extent)
{
    for (uint32_t i = 0; i < count; i++) {
        double hours = series[0].x[i] / NS_PER_HOUR;
        extent->hours_most = fmax(extent->hours_most, hours);
        fprintf(out, "%.9g", hours);
        for (int row = 0; row < TIER_ROWS; row++)
            fprintf(out, " %.9g", i < series[row].count ? series[row].y[i] : 0.0);
        fputc('\n', out);
    }
}

static void write_hits_block(FILE *out, const struct series series[TIER_ROWS], uint32_t number,
                             double arriving_ns, struct extent *extent)
{
    uint32_t count = series[0].count;
    for (int row = 1; row < ROW_POOL; row++)
        count = series[row].count < count ? series[row].count : count;
    uint32_t shown = bins_arriving(&series[0], count, known(arriving_ns));
    fprintf(out, "$hits_%" PRIu32 " << END\n", number);
    write_hits_rows(out, series, shown, extent);
    fprintf(out, "END\narriving[%" PRIu32 "] = %.9g\ncut[%" PRIu32 "] = %d\n", number,
            isnan(arriving_ns) ? -1.0 : arriving_ns / NS_PER_HOUR, number, shown < count);
}

static enum status write_hits(FILE *out, struct store *store, const struct compared_kept *kept,
                              uint32_t policy, struct extent *extent, struct error *err)
{
    const struct compared_run *run = &kept->compared.run[policy];
    const struct metrics *metrics = run->of_seed != NULL ? &run->of_seed[0] : &run->metrics;
    struct series series[TIER_ROWS] = { 0 };
    bool pool = known(metrics->hit_tokens_remote) > 0.0;
    enum status status = STATUS_OK;
    extent->pool |= pool;
    for (int row = 0; status == STATUS_OK && row < (pool ? TIER_ROWS : ROW_POOL); row++)
        status = store_series(store, kept->runs.id[policy], tier_series[row], &series[row], err);
    if (status == STATUS_OK)
        write_hits_block(out, series, policy + 1, metrics->arriving_ns, extent);
    for (int row = 0; row < TIER_ROWS; row++)
        free_series(&series[row]);
    return status;
}

/* Half of the interval of the metric's mean over seeds; 0: there is none. */
static double half_width(const struct compared *compared, const struct compared_run *run,
                         size_t offset)
{
    if (run->of_seed == NULL)
        return 0.0;
    return known(compared_estimate(compared, run, offset).half_width);
}

static void write_summary_row(FILE *out, const struct compared *compared,
                              const struct compared_run *run)
{
    const struct metrics *metrics = &run->metrics;
    const double reused[] = { metrics->hit_tokens_hbm, metrics->hit_tokens_dram,
                              metrics->hit_tokens_ssd, metrics->hit_tokens_remote };
    double wanted = known(metrics->wanted_tokens), computed = 100.0;
    fprintf(out, "%.9g %.9g", known(metrics->ttft_mean_ns) / (double)NS_PER_S,
            known(metrics->ttft_p99_ns) / (double)NS_PER_S);
    for (size_t tier = 0; tier < sizeof reused / sizeof *reused; tier++) {
        double percent = wanted > 0.0 ? 100.0 * known(reused[tier]) / wanted : 0.0;
        computed -= percent;
        fprintf(out, " %.9g", percent);
    }
    fprintf(out, " %.9g %.9g", fmax(computed, 0.0), known(metrics->cost_usd_per_mtok));
    fprintf(out, " %.9g %.9g %.9g\n",
            half_width(compared, run, offsetof(struct metrics, ttft_mean_ns)) / (double)NS_PER_S,
            half_width(compared, run, offsetof(struct metrics, ttft_p99_ns)) / (double)NS_PER_S,
            half_width(compared, run, offsetof(struct metrics, cost_usd_per_mtok)));
}

enum status plot_data_write(FILE *out, struct store *store, const struct compared_kept *kept,
                            struct error *err)
{
    struct extent extent = { .ttft_least_s = HUGE_VAL };
    const struct compared *compared = &kept->compared;
    write_names(out, kept);
    enum status status = write_ttft(out, store, kept, &extent, err);
    for (uint32_t i = 0; status == STATUS_OK && i < compared->count; i++)
        status = write_hits(out, store, kept, i, &extent, err);
    fputs("$summary << END\n", out);
    for (uint32_t i = 0; i < compared->count; i++)
        write_summary_row(out, compared, &compared->run[i]);
    fprintf(out, "END\nttft_least = %.9g\nttft_most = %.9g\nhours_most = %.9g\npool = %d\n",
            extent.ttft_most_s > 0.0 ? extent.ttft_least_s : 0.0, extent.ttft_most_s,
            extent.hours_most, extent.pool);
    struct ticks ticks = ticks_make(TICK_DURATION, 0.0, extent.hours_most * NS_PER_HOUR, true);
    ticks_write(out, "time", &ticks);
    bytes_data_write(out, compared);
    return status;
}
