/* plots/plot_data.c - see plot_data.h. Units change here: nanoseconds become seconds and hours. */
#include "plots/plot_data.h"

#include "base/units.h"

#include <inttypes.h>
#include <math.h>
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

static enum status write_ttft(FILE *out, struct store *store, int64_t run, uint32_t number,
                              struct error *err)
{
    struct series ttft;
    enum status status = store_series(store, run, "ttft_cdf", &ttft, err);
    if (status != STATUS_OK)
        return status;
    fprintf(out, "$ttft_%" PRIu32 " << END\n", number);
    for (uint32_t i = 0; i < ttft.count; i++)
        if (ttft.x[i] > 0.0) /* the axis is logarithmic */
            fprintf(out, "%.9g %.9g\n", ttft.x[i] / (double)NS_PER_S, ttft.y[i]);
    fputs("END\n", out);
    free_series(&ttft);
    return STATUS_OK;
}

enum { TIER_ROWS = 4 };
static const char *const tier_series[TIER_ROWS] = { "hits_hbm_over_time", "hits_dram_over_time",
                                                    "hits_ssd_over_time", "misses_over_time" };

static void write_hits_rows(FILE *out, const struct series series[TIER_ROWS])
{
    uint32_t count = series[0].count;
    for (int row = 1; row < TIER_ROWS; row++)
        count = series[row].count < count ? series[row].count : count;
    for (uint32_t i = 0; i < count; i++) {
        fprintf(out, "%.9g", series[0].x[i] / NS_PER_HOUR);
        for (int row = 0; row < TIER_ROWS; row++)
            fprintf(out, " %.9g", series[row].y[i]);
        fputc('\n', out);
    }
}

static enum status write_hits(FILE *out, struct store *store, int64_t run, uint32_t number,
                              struct error *err)
{
    struct series series[TIER_ROWS] = { 0 };
    enum status status = STATUS_OK;
    for (int row = 0; status == STATUS_OK && row < TIER_ROWS; row++)
        status = store_series(store, run, tier_series[row], &series[row], err);
    if (status == STATUS_OK) {
        fprintf(out, "$hits_%" PRIu32 " << END\n", number);
        write_hits_rows(out, series);
        fputs("END\n", out);
    }
    for (int row = 0; row < TIER_ROWS; row++)
        free_series(&series[row]);
    return status;
}

static enum status write_bytes(FILE *out, struct store *store, const int64_t *ids, uint32_t runs,
                               struct error *err)
{
    fputs("$bytes << END\n", out);
    for (uint32_t i = 0; i < runs; i++) {
        struct metrics metrics;
        enum status status = store_metrics(store, ids[i], &metrics, err);
        if (status != STATUS_OK)
            return status;
        const double causes[] = { metrics.load_dram_hbm_bytes,  metrics.load_ssd_hbm_bytes,
                                  metrics.fetch_ssd_dram_bytes, metrics.save_hbm_dram_bytes,
                                  metrics.save_hbm_ssd_bytes,   metrics.demote_dram_ssd_bytes };
        for (size_t cause = 0; cause < sizeof causes / sizeof *causes; cause++)
            fprintf(out, "%.17g ", isnan(causes[cause]) ? 0.0 : causes[cause]);
        fputc('\n', out);
    }
    fputs("END\n", out);
    return STATUS_OK;
}

enum status plot_data_write(FILE *out, struct store *store, const int64_t *ids, uint32_t runs,
                            struct error *err)
{
    enum status status = write_names(out, store, ids, runs, err);
    for (uint32_t i = 0; status == STATUS_OK && i < runs; i++) {
        status = write_ttft(out, store, ids[i], i + 1, err);
        if (status == STATUS_OK)
            status = write_hits(out, store, ids[i], i + 1, err);
    }
    return status == STATUS_OK ? write_bytes(out, store, ids, runs, err) : status;
}
