/* sim/engine/cost.c - see cost.h. */
#include "sim/engine/cost.h"

#include "base/units.h"
#include "sim/placement/policy.h"

#include <math.h>
#include <string.h>

#define HOUR_NS (3600.0 * (double)NS_PER_S)

/* Whether the policy keeps KV of turns that have ended. */
static bool keeps(const struct experiment *experiment)
{
    const char *policy =
        experiment->eviction[0] != '\0' ? experiment->eviction : experiment->policy;
    char eviction[CONFIG_TEXT_BYTES];
    size_t length = strcspn(policy, "+");
    memcpy(eviction, policy, length);
    eviction[length] = '\0';
    const struct policy *found = policy_find(eviction);
    return found == NULL || found->saves;
}

struct bought cost_bought_with(const struct experiment *experiment, const struct hardware *hardware,
                               const struct disks *disks)
{
    struct bought bought = { .servers = experiment->replicas, .gpus = experiment->gpus };
    if (!keeps(experiment))
        return bought;
    struct disk_rates rates =
        disks_rates(disks, hardware, DRIVE_SEQUENTIAL_BYTES, experiment->queue_depth);
    bought.dram_bytes = tier_usable_bytes(
        experiment->dram_bytes != UINT64_MAX ? experiment->dram_bytes : hardware->dram_bytes,
        hardware->h2d_bytes_per_s, hardware->d2h_bytes_per_s);
    bought.ssd_bytes =
        tier_usable_bytes(disks->capacity_bytes, rates.read_bytes_per_s, rates.write_bytes_per_s);
    bought.pool_bytes = experiment->remote_bytes;
    /* Servers that only decode store nothing. */
    bought.stores =
        experiment->prefill_replicas > 0 ? experiment->prefill_replicas : experiment->replicas;
    bought.keeps_kv = bought.dram_bytes + bought.ssd_bytes + bought.pool_bytes > 0;
    if (disks->named && bought.ssd_bytes > 0) {
        bought.drives = disks->count;
        bought.usd_per_drive = disks->drive.usd;
        bought.watts_per_drive = disks->drive.watts_busy;
    }
    return bought;
}

enum status cost_bought(const struct experiment *experiment, const struct hardware *hardware,
                        struct bought *bought, struct error *err)
{
    struct disks disks;
    enum status status = disks_for(experiment, hardware, &disks, err);
    if (status == STATUS_OK)
        *bought = cost_bought_with(experiment, hardware, &disks);
    return status;
}

static double ratio(double a, double b)
{
    return b > 0.0 ? a / b : 0.0;
}

static double served_tokens(const struct metrics *metrics)
{
    return metrics->wanted_tokens + metrics->reply_tokens;
}

double cost_pace_ns(const struct metrics *metrics)
{
    if (!(metrics->offered_tokens > 0.0))
        return metrics->elapsed_ns;
    return served_tokens(metrics) / metrics->offered_tokens * metrics->offered_ns;
}

struct bill_load cost_load(const struct bought *bought, enum billing billing,
                           const struct metrics *metrics)
{
    double time_ns = billing == BILL_BUSY ? metrics->elapsed_ns : cost_pace_ns(metrics);
    double hours = time_ns / HOUR_NS;
    double tokens = served_tokens(metrics);
    /* Measured turns of sessions whose first one was not are no sessions of the run's own. */
    double sessions = metrics->offered_tokens > 0.0
                          ? tokens * metrics->offered_sessions / metrics->offered_tokens
                          : metrics->sessions;
    return (struct bill_load){
        .busy_share = ratio(metrics->gpu_busy_ns, time_ns * bought->servers),
        .tokens_per_hour = ratio(tokens, hours),
        .sessions_per_hour = ratio(sessions, hours),
    };
}

struct bill cost_bill(const struct bought *bought, const struct prices *prices,
                      enum billing billing, const struct metrics *metrics)
{
    struct bill_load load = cost_load(bought, billing, metrics);
    return bill_of(bought, prices, billing, &load);
}

static void set_month(const struct bought *bought, const struct prices *prices,
                      enum billing billing, const struct metrics *metrics, double *usd_per_month,
                      double *usd_per_mtok)
{
    *usd_per_month = *usd_per_mtok = 0.0;
    if (!billing_known(billing, prices))
        return;
    struct bill bill = cost_bill(bought, prices, billing, metrics);
    *usd_per_month = bill.usd_per_month;
    *usd_per_mtok = isnan(bill.usd_per_mtok) ? 0.0 : bill.usd_per_mtok;
}

void cost_set(const struct bought *bought, const struct prices *prices, struct metrics *metrics)
{
    /* An hour of all servers' being busy, by item. */
    struct bill_load busy = { .busy_share = 1.0 / BILL_MONTH_HOURS };
    struct bill hour = bill_of(bought, prices, BILL_BUSY, &busy);
    double hours = metrics->gpu_busy_ns / HOUR_NS / bought->servers;
    metrics->cost_gpu_usd = hours * hour.line[BILL_GPUS].usd_per_month;
    metrics->cost_dram_usd = hours * hour.line[BILL_DRAM].usd_per_month;
    metrics->cost_ssd_usd = hours * hour.line[BILL_SSD].usd_per_month;
    metrics->cost_remote_usd = hours * hour.line[BILL_POOL].usd_per_month;
    metrics->cost_usd = metrics->cost_gpu_usd + metrics->cost_dram_usd + metrics->cost_ssd_usd +
                        metrics->cost_remote_usd;
    metrics->cost_usd_per_mtok = ratio(metrics->cost_usd, served_tokens(metrics) / 1e6);
    set_month(bought, prices, BILL_RENTED, metrics, &metrics->rented_usd_per_month,
              &metrics->rented_usd_per_mtok);
    set_month(bought, prices, BILL_OWNED, metrics, &metrics->owned_usd_per_month,
              &metrics->owned_usd_per_mtok);
}
