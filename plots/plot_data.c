/* plots/plot_data.c - see plot_data.h. Units change here: nanoseconds become seconds and hours. */
#include "plots/plot_data.h"

#include "base/units.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#define NAME_BYTES 128
#define NS_PER_HOUR (3600.0 * (double)NS_PER_S)

void plot_data_write_text(FILE *out, const char *text)
{
    fputc('\'', out);
    for (; *text != '\0'; text++)
        fprintf(out, *text == '\'' ? "''" : "%c", *text);
    fputc('\'', out);
}

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

static enum status write_names(FILE *out, struct store *store, const int64_t *ids, uint32_t runs,
                               struct error *err)
{
    fprintf(out, "runs = %" PRIu32 "\narray policy[%" PRIu32 "]\n", runs, runs);
    for (uint32_t i = 0; i < runs; i++) {
        char name[NAME_BYTES];
        enum status status = store_run_name(store, ids[i], name, sizeof name, err);
        if (status != STATUS_OK)
            return status;
        fprintf(out, "policy[%" PRIu32 "] = ", i + 1);
        plot_data_write_text(out, name);
        fputc('\n', out);
    }
    return STATUS_OK;
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
    uint32_t alike[PLOT_RUNS_MAX] = { 0 }, curves = 0;
    fprintf(out, "array curve_of[%" PRIu32 "]\narray curve_runs[%" PRIu32 "]\n", runs, runs);
    for (uint32_t i = 0; i < runs; i++) {
        uint32_t first = 0;
        while (!are_alike(&ttft[first], &ttft[i]))
            first++;
        curves += alike[first]++ == 0;
        fprintf(out, "curve_of[%" PRIu32 "] = %" PRIu32 "\n", i + 1, first + 1);
    }
    for (uint32_t i = 0; i < runs; i++)
        fprintf(out, "curve_runs[%" PRIu32 "] = %" PRIu32 "\n", i + 1, alike[i]);
    fprintf(out, "curves = %" PRIu32 "\n", curves);
}

static enum status write_ttft(FILE *out, struct store *store, const int64_t *ids, uint32_t runs,
                              struct extent *extent, struct error *err)
{
    struct series ttft[PLOT_RUNS_MAX] = { 0 };
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < runs; i++) {
        status = store_series(store, ids[i], "ttft_cdf", &ttft[i], err);
        fprintf(out, "$ttft_%" PRIu32 " << END\n", i + 1);
        write_ttft_rows(out, &ttft[i], extent);
        fputs("END\n", out);
    }
    if (status == STATUS_OK)
        write_curves(out, ttft, runs);
    for (uint32_t i = 0; i < runs; i++)
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

static void write_hits_rows(FILE *out, const struct series series[TIER_ROWS], struct extent *extent)
{
    uint32_t count = series[0].count;
    for (int row = 1; row < ROW_POOL; row++)
        count = series[row].count < count ? series[row].count : count;
    for (uint32_t i = 0; i < count; i++) {
        double hours = series[0].x[i] / NS_PER_HOUR;
        extent->hours_most = fmax(extent->hours_most, hours);
        fprintf(out, "%.9g", hours);
        for (int row = 0; row < TIER_ROWS; row++)
            fprintf(out, " %.9g", i < series[row].count ? series[row].y[i] : 0.0);
        fputc('\n', out);
    }
}

static enum status write_hits(FILE *out, struct store *store, int64_t run, uint32_t number,
                              struct extent *extent, struct error *err)
{
    struct series series[TIER_ROWS] = { 0 };
    struct metrics metrics;
    enum status status = store_metrics(store, run, &metrics, err);
    bool pool = status == STATUS_OK && known(metrics.hit_tokens_remote) > 0.0;
    extent->pool |= pool;
    for (int row = 0; status == STATUS_OK && row < (pool ? TIER_ROWS : ROW_POOL); row++)
        status = store_series(store, run, tier_series[row], &series[row], err);
    if (status == STATUS_OK) {
        fprintf(out, "$hits_%" PRIu32 " << END\n", number);
        write_hits_rows(out, series, extent);
        fputs("END\n", out);
    }
    for (int row = 0; row < TIER_ROWS; row++)
        free_series(&series[row]);
    return status;
}

/* Also raises *most_bytes to the run's busiest link. */
static void write_bytes_row(FILE *out, const struct metrics *metrics, double *most_bytes)
{
    double load_dram = known(metrics->load_dram_hbm_bytes);
    double load_ssd = known(metrics->load_ssd_hbm_bytes);
    double fetch = known(metrics->fetch_ssd_dram_bytes);
    double save_dram = known(metrics->save_hbm_dram_bytes);
    double save_ssd = known(metrics->save_hbm_ssd_bytes);
    double demote = known(metrics->demote_dram_ssd_bytes) + known(metrics->write_dram_ssd_bytes);
    fprintf(out, "%.17g %.17g %.17g %.17g %.17g %.17g\n", load_dram, load_ssd, fetch, save_dram,
            save_ssd, demote);
    *most_bytes = fmax(*most_bytes, fmax(load_dram + load_ssd, save_dram + save_ssd));
    *most_bytes = fmax(*most_bytes, fmax(load_ssd + fetch, save_ssd + demote));
}

static enum status write_bytes(FILE *out, struct store *store, const int64_t *ids, uint32_t runs,
                               struct error *err)
{
    double most_bytes = 0.0;
    fputs("$bytes << END\n", out);
    for (uint32_t i = 0; i < runs; i++) {
        struct metrics metrics;
        enum status status = store_metrics(store, ids[i], &metrics, err);
        if (status != STATUS_OK)
            return status;
        write_bytes_row(out, &metrics, &most_bytes);
    }
    fprintf(out, "END\nbytes_most = %.17g\n", most_bytes);
    return STATUS_OK;
}

static void write_summary_row(FILE *out, const struct metrics *metrics)
{
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
    fprintf(out, " %.9g %.9g\n", fmax(computed, 0.0), known(metrics->cost_usd_per_mtok));
}

static enum status write_summary(FILE *out, struct store *store, const int64_t *ids, uint32_t runs,
                                 struct error *err)
{
    fputs("$summary << END\n", out);
    for (uint32_t i = 0; i < runs; i++) {
        struct metrics metrics;
        enum status status = store_metrics(store, ids[i], &metrics, err);
        if (status != STATUS_OK)
            return status;
        write_summary_row(out, &metrics);
    }
    fputs("END\n", out);
    return STATUS_OK;
}

enum status plot_data_write(FILE *out, struct store *store, const int64_t *ids, uint32_t runs,
                            struct error *err)
{
    struct extent extent = { .ttft_least_s = HUGE_VAL };
    enum status status = write_names(out, store, ids, runs, err);
    if (status == STATUS_OK)
        status = write_ttft(out, store, ids, runs, &extent, err);
    for (uint32_t i = 0; status == STATUS_OK && i < runs; i++)
        status = write_hits(out, store, ids[i], i + 1, &extent, err);
    if (status == STATUS_OK)
        status = write_summary(out, store, ids, runs, err);
    fprintf(out, "ttft_least = %.9g\nttft_most = %.9g\nhours_most = %.9g\npool = %d\n",
            extent.ttft_most_s > 0.0 ? extent.ttft_least_s : 0.0, extent.ttft_most_s,
            extent.hours_most, extent.pool);
    return status == STATUS_OK ? write_bytes(out, store, ids, runs, err) : status;
}
