/* sweep/bill.c - see bill.h. */
#include "sweep/bill.h"

#include "base/units.h"
#include "sim/placement/policy.h"

#include <math.h>
#include <string.h>

#define HOURS_PER_YEAR 8766.0 /* 365.25 days */
#define DAYS_PER_YEAR 365.25
#define NS_PER_DAY (86400.0 * (double)NS_PER_S)

static const char *const names[] = { "busy", "rented", "owned" };

const char *billing_name(enum billing billing)
{
    return names[billing];
}

enum status billing_parse(const char *text, const struct prices *prices, enum billing *billing,
                          struct error *err)
{
    for (int i = 0; i < 3; i++)
        if (strcmp(text, names[i]) == 0) {
            *billing = (enum billing)i;
            if (*billing == BILL_OWNED && prices->usd_per_gpu <= 0.0)
                return error_input(err, NULL, 0, "--billing",
                                   "busy or rented: these prices have no owned.usd_per_gpu",
                                   prices->name);
            return STATUS_OK;
        }
    return error_input(err, NULL, 0, "--billing", "busy, rented or owned", text);
}

bool bill_policy_keeps_kv(const char *policy)
{
    char eviction[CONFIG_TEXT_BYTES];
    size_t length = strcspn(policy, "+");
    memcpy(eviction, policy, length);
    eviction[length] = '\0';
    const struct policy *found = policy_find(eviction);
    return found == NULL || found->saves;
}

struct bought bought_for(const struct experiment *experiment, const struct hardware *hardware,
                         uint32_t replicas)
{
    struct bought bought = { .gpus = experiment->gpus, .replicas = replicas };
    if (!bill_policy_keeps_kv(experiment->policy))
        return bought;
    bought.dram_bytes =
        experiment->dram_bytes != UINT64_MAX ? experiment->dram_bytes : hardware->dram_bytes;
    bought.ssd_bytes =
        experiment->ssd_bytes != UINT64_MAX ? experiment->ssd_bytes : hardware->ssd_bytes;
    bought.keeps_kv = bought.dram_bytes + bought.ssd_bytes > 0;
    return bought;
}

/* Dollars an hour for what is paid once. */
static double written_off(const struct prices *prices, double usd)
{
    return usd * (1.0 / prices->years + prices->support_per_year) / HOURS_PER_YEAR;
}

static double electricity(const struct prices *prices, double watts)
{
    return watts / 1e3 * prices->pue * prices->usd_per_kwh;
}

static void own(const struct bought *bought, const struct prices *prices, double utilisation,
                struct bill *bill)
{
    double gpus = bought->gpus, dram_gb = (double)bought->dram_bytes / 1e9;
    double ssd_gb = (double)bought->ssd_bytes / 1e9;
    double gpu_usd = gpus * (prices->usd_per_gpu + prices->usd_per_server_per_gpu);
    double dram_usd = dram_gb * prices->usd_per_dram_gb, ssd_usd = ssd_gb * prices->usd_per_ssd_gb;
    double gpu_watts = prices->gpu_idle_watts +
                       utilisation * (prices->gpu_busy_watts - prices->gpu_idle_watts) +
                       prices->server_watts_per_gpu;
    bill->gpu_usd_per_hour = written_off(prices, gpu_usd) + electricity(prices, gpus * gpu_watts);
    bill->dram_usd_per_hour =
        written_off(prices, dram_usd) + electricity(prices, dram_gb * prices->dram_watts_per_gb);
    bill->ssd_usd_per_hour =
        written_off(prices, ssd_usd) + electricity(prices, ssd_gb / 1e3 * prices->ssd_watts_per_tb);
    bill->invoice_usd = bought->replicas * (gpu_usd + dram_usd + ssd_usd);
}

static void rent(const struct bought *bought, const struct prices *prices, double hours_paid,
                 struct bill *bill)
{
    bill->gpu_usd_per_hour = hours_paid * bought->gpus * prices->rent_usd_per_gpu_hour;
    bill->dram_usd_per_hour =
        hours_paid * (double)bought->dram_bytes / 1e9 * prices->rent_usd_per_dram_gb_hour;
    bill->ssd_usd_per_hour =
        hours_paid * (double)bought->ssd_bytes / 1e9 * prices->rent_usd_per_ssd_gb_hour;
}

static void wear(const struct bought *bought, const struct prices *prices,
                 const struct metrics *metrics, struct bill *bill)
{
    double days = metrics->elapsed_ns / NS_PER_DAY;
    double capacity = (double)bought->ssd_bytes;
    bill->ssd_years = INFINITY;
    if (!(metrics->ssd_written_bytes > 0.0) || capacity <= 0.0 || !(days > 0.0))
        return;
    bill->ssd_writes_per_day = metrics->ssd_written_bytes / days / capacity;
    bill->ssd_years =
        prices->ssd_writes_per_day * prices->ssd_warranty_years / bill->ssd_writes_per_day;
}

static double ratio(double a, double b)
{
    return b > 0.0 ? a / b : NAN;
}

struct bill bill_of(const struct bought *bought, const struct prices *prices, enum billing billing,
                    const struct metrics *metrics)
{
    struct bill bill = { 0 };
    double replicas = bought->replicas;
    double hours = metrics->elapsed_ns / (3600.0 * (double)NS_PER_S);
    double tokens = metrics->wanted_tokens + metrics->reply_tokens;
    if (billing == BILL_OWNED)
        own(bought, prices, metrics->gpu_utilisation, &bill);
    else
        rent(bought, prices, billing == BILL_BUSY ? metrics->gpu_utilisation : 1.0, &bill);
    bill.gpu_usd_per_hour *= replicas;
    bill.dram_usd_per_hour *= replicas;
    bill.ssd_usd_per_hour *= replicas;
    bill.usd_per_hour = bill.gpu_usd_per_hour + bill.dram_usd_per_hour + bill.ssd_usd_per_hour;
    bill.usd_per_month = bill.usd_per_hour * HOURS_PER_YEAR / 12.0;
    bill.usd_per_mtok = ratio(bill.usd_per_hour * hours * 1e6, replicas * tokens);
    bill.usd_per_session = ratio(bill.usd_per_hour * hours, replicas * metrics->sessions);
    wear(bought, prices, metrics, &bill);
    return bill;
}
