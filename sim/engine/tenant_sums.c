/* sim/engine/tenant_sums.c - see tenant_sums.h; and the table of tenants.h, expanded. */
#include "sim/engine/tenant_sums.h"

#include "sim/engine/collector.h"

#include <stddef.h>

#define TENANT_METRIC_ROW(name, unit, meaning) { #name, unit, meaning },
const struct tenant_metric_row tenant_metric_rows[TENANT_METRIC_COUNT] = { TENANT_METRICS(
    TENANT_METRIC_ROW) };

double tenant_metric_value(const struct tenant_metrics *metrics, int i)
{
#define TENANT_METRIC_OFFSET(name, unit, meaning) offsetof(struct tenant_metrics, name),
    static const size_t offsets[TENANT_METRIC_COUNT] = { TENANT_METRICS(TENANT_METRIC_OFFSET) };
    return *(const double *)(const void *)((const char *)metrics + offsets[i]);
}

void tenant_sums_free(struct tenant_sums *sums)
{
    if (sums->ttft.bucket != NULL)
        histogram_free(&sums->ttft);
}

void tenant_sums_restart(struct tenant_sums *sums)
{
    struct histogram ttft = sums->ttft;
    if (ttft.bucket != NULL)
        histogram_reset(&ttft);
    *sums = (struct tenant_sums){ .ttft = ttft };
}

void tenant_sums_add_part(struct tenant_sums *whole, const struct tenant_sums *part)
{
    if (part->ttft.bucket != NULL) {
        if (whole->ttft.bucket == NULL)
            histogram_init(&whole->ttft);
        histogram_add_all(&whole->ttft, &part->ttft);
    }
    whole->wanted_tokens += part->wanted_tokens;
    whole->reused_tokens += part->reused_tokens;
    whole->turns += part->turns;
    whole->turns_in_slo += part->turns_in_slo;
    whole->reply_tokens += part->reply_tokens;
    whole->preemptions += part->preemptions;
    for (int tier = 0; tier < TIER_KINDS; tier++)
        whole->hit_tokens[tier] += part->hit_tokens[tier];
}

void tenant_sums_add_turn(struct tenant_sums *sums, const struct turn_record *turn)
{
    if (sums->ttft.bucket == NULL)
        histogram_init(&sums->ttft);
    histogram_add(&sums->ttft, turn->ttft_ns, 1);
    sums->wanted_tokens += turn->context_tokens;
    sums->reused_tokens += turn->reused_tokens;
    for (int tier = 0; tier < TIER_KINDS; tier++)
        sums->hit_tokens[tier] += turn->hit_tokens[tier];
}

void tenant_sums_end_turn(struct tenant_sums *sums, const struct turn_end *turn, bool in_slo)
{
    sums->turns++;
    sums->turns_in_slo += in_slo;
    sums->reply_tokens += turn->reply_tokens;
}

static double ratio(uint64_t part, uint64_t whole)
{
    return whole > 0 ? (double)part / (double)whole : 0.0;
}

void tenant_sums_finish(const struct tenant_sums *sums, struct tenant_metrics *metrics)
{
    const struct histogram *ttft = &sums->ttft;
    *metrics =
        (struct tenant_metrics){ .turns = (double)sums->turns,
                                 .slo_attainment = ratio(sums->turns_in_slo, sums->turns),
                                 .hit_rate_tokens = ratio(sums->reused_tokens, sums->wanted_tokens),
                                 .hit_tokens_hbm = (double)sums->hit_tokens[TIER_HBM],
                                 .hit_tokens_dram = (double)sums->hit_tokens[TIER_DRAM],
                                 .hit_tokens_ssd = (double)sums->hit_tokens[TIER_SSD],
                                 .hit_tokens_remote = (double)sums->hit_tokens[TIER_REMOTE],
                                 .wanted_tokens = (double)sums->wanted_tokens,
                                 .computed_tokens =
                                     (double)(sums->wanted_tokens - sums->reused_tokens),
                                 .reply_tokens = (double)sums->reply_tokens,
                                 .preemptions = (double)sums->preemptions };
    if (ttft->bucket == NULL)
        return;
    metrics->ttft_mean_ns = histogram_mean(ttft);
    metrics->ttft_p50_ns = (double)histogram_quantile(ttft, 0.50);
    metrics->ttft_p99_ns = (double)histogram_quantile(ttft, 0.99);
}
