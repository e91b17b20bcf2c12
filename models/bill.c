/* models/bill.c - see bill.h. */
#include "models/bill.h"

#include <math.h>
#include <string.h>

static const char *const billings[BILLINGS] = { "busy", "rented", "owned" };

const char *billing_name(enum billing billing)
{
    return billings[billing];
}

bool billing_known(enum billing billing, const struct prices *prices)
{
    return billing == BILL_OWNED ? prices_own(prices) : prices_rent(prices);
}

enum billing billing_standard(const struct prices *prices)
{
    return prices_own(prices) ? BILL_OWNED : BILL_RENTED;
}

enum status billing_parse(const char *text, const struct prices *prices, enum billing *billing,
                          struct error *err)
{
    for (int i = 0; i < BILLINGS; i++)
        if (strcmp(text, billings[i]) == 0) {
            *billing = (enum billing)i;
            if (billing_known(*billing, prices))
                return STATUS_OK;
            return error_input(err, NULL, 0, "--billing",
                               *billing == BILL_OWNED
                                   ? "busy or rented: these prices have no owned.usd_per_gpu"
                                   : "owned: these prices have no rent.usd_per_gpu_hour",
                               prices->name);
        }
    return error_input(err, NULL, 0, "--billing", "busy, rented or owned", text);
}

#define BILL_NAME(member, name, unit) name,
#define BILL_UNIT(member, name, unit) unit,
static const char *const item_names[] = { BILL_ITEMS(BILL_NAME) };
static const char *const item_units[] = { BILL_ITEMS(BILL_UNIT) };

const char *bill_item_name(enum bill_item item)
{
    return item_names[item];
}

const char *bill_item_unit(enum bill_item item)
{
    return item_units[item];
}

/* ---- what there is of each ---- */

static double all_gpus(const struct bought *bought)
{
    return (double)bought->servers * bought->gpus;
}

static double gb(uint64_t bytes)
{
    return (double)bytes / 1e9;
}

static void count(const struct bought *bought, struct bill *bill)
{
    double stores = bought->stores;
    bill->line[BILL_GPUS].count = all_gpus(bought);
    bill->line[BILL_SERVERS].count = bought->servers;
    bill->line[BILL_DRAM].count = stores * gb(bought->dram_bytes);
    bill->line[BILL_POOL].count = gb(bought->pool_bytes);
    if (bought->drives > 0)
        bill->line[BILL_DRIVES].count = stores * bought->drives;
    else
        bill->line[BILL_SSD].count = stores * gb(bought->ssd_bytes);
}

/* ---- owned ---- */

/* What is paid once, less the discount; its share of a month. */
static void buy(struct bill_line *line, const struct prices *prices, double usd)
{
    line->usd_once = usd * (1.0 - prices->discount);
    line->usd_per_month = line->usd_once / prices->years / 12.0;
}

static void buy_all(const struct bought *bought, const struct prices *prices, struct bill *bill)
{
    struct bill_line *line = bill->line;
    double drive = bought->usd_per_drive > 0.0 || bought->drives == 0
                       ? bought->usd_per_drive
                       : gb(bought->ssd_bytes) / bought->drives * prices->usd_per_ssd_gb;
    buy(&line[BILL_GPUS], prices, line[BILL_GPUS].count * prices->usd_per_gpu);
    buy(&line[BILL_SERVERS], prices, all_gpus(bought) * prices->usd_per_server_per_gpu);
    buy(&line[BILL_DRAM], prices, line[BILL_DRAM].count * prices->usd_per_dram_gb);
    buy(&line[BILL_DRIVES], prices, line[BILL_DRIVES].count * drive);
    buy(&line[BILL_SSD], prices, line[BILL_SSD].count * prices->usd_per_ssd_gb);
    buy(&line[BILL_POOL], prices, line[BILL_POOL].count * prices->usd_per_dram_gb);
}

/* gpu_watts: of each GPU. */
static double watts(const struct bought *bought, const struct prices *prices,
                    const struct bill *bill, double gpu_watts)
{
    const struct bill_line *line = bill->line;
    double ssd = bought->drives > 0 && bought->watts_per_drive > 0.0
                     ? line[BILL_DRIVES].count * bought->watts_per_drive
                     : bought->stores * gb(bought->ssd_bytes) / 1e3 * prices->ssd_watts_per_tb;
    return all_gpus(bought) * (gpu_watts + prices->server_watts_per_gpu) +
           (line[BILL_DRAM].count + line[BILL_POOL].count) * prices->dram_watts_per_gb + ssd;
}

static void house(const struct bought *bought, const struct prices *prices, double busy_share,
                  struct bill *bill)
{
    double busy = fmin(1.0, busy_share);
    double gpu = prices->gpu_idle_watts + busy * (prices->gpu_busy_watts - prices->gpu_idle_watts);
    struct bill_line *rack = &bill->line[BILL_RACK], *power = &bill->line[BILL_ELECTRICITY];
    if (prices->rack_usd_per_kw_month > 0.0)
        rack->count = watts(bought, prices, bill, prices->gpu_busy_watts) / 1e3;
    rack->usd_per_month = rack->count * prices->rack_usd_per_kw_month;
    power->count = watts(bought, prices, bill, gpu) / 1e3 * prices->pue * BILL_MONTH_HOURS;
    power->usd_per_month = power->count * prices->usd_per_kwh;
}

static void own(const struct bought *bought, const struct prices *prices, double busy_share,
                struct bill *bill)
{
    buy_all(bought, prices, bill);
    for (int item = BILL_GPUS; item < BILL_SUPPORT; item++)
        bill->usd_once += bill->line[item].usd_once;
    bill->line[BILL_SUPPORT].count = prices->support_per_year > 0.0 ? 1.0 : 0.0;
    bill->line[BILL_SUPPORT].usd_per_month = bill->usd_once * prices->support_per_year / 12.0;
    house(bought, prices, busy_share, bill);
}

/* ---- rented ---- */

static double beyond(double have, double included)
{
    return have > included ? have - included : 0.0;
}

/* share: of the hours that are paid. Counts are then of what is paid for besides the GPUs. */
static void rent(const struct bought *bought, const struct prices *prices, double share,
                 struct bill *bill)
{
    struct bill_line *line = bill->line;
    double hours = BILL_MONTH_HOURS * share * (1.0 - prices->discount);
    double stores = bought->stores, gpus = bought->gpus;
    line[BILL_SERVERS].count = line[BILL_DRIVES].count = 0.0;
    line[BILL_DRAM].count =
        stores * beyond(gb(bought->dram_bytes), gpus * prices->rent_dram_gb_per_gpu);
    line[BILL_SSD].count =
        stores * beyond(gb(bought->ssd_bytes), gpus * prices->rent_ssd_gb_per_gpu);
    line[BILL_GPUS].usd_per_month =
        hours * line[BILL_GPUS].count * prices_gpu_hour(prices, bought->gpus);
    line[BILL_DRAM].usd_per_month =
        hours * line[BILL_DRAM].count * prices->rent_usd_per_dram_gb_hour;
    line[BILL_SSD].usd_per_month = hours * line[BILL_SSD].count * prices->rent_usd_per_ssd_gb_hour;
    line[BILL_POOL].usd_per_month =
        hours * line[BILL_POOL].count * prices->rent_usd_per_dram_gb_hour;
}

/* ---- all together ---- */

static double ratio(double a, double b)
{
    return b > 0.0 ? a / b : NAN;
}

struct bill bill_of(const struct bought *bought, const struct prices *prices, enum billing billing,
                    const struct bill_load *load)
{
    struct bill bill = { 0 };
    count(bought, &bill);
    if (billing == BILL_OWNED)
        own(bought, prices, load->busy_share, &bill);
    else
        rent(bought, prices, billing == BILL_BUSY ? load->busy_share : 1.0, &bill);
    for (int item = 0; item < BILL_ITEM_COUNT; item++)
        bill.usd_per_month += bill.line[item].usd_per_month;
    for (int item = BILL_DRAM; item <= BILL_POOL; item++)
        bill.storage_usd_per_month += bill.line[item].usd_per_month;
    double hour = bill.usd_per_month / BILL_MONTH_HOURS;
    bill.usd_per_mtok = ratio(hour * 1e6, load->tokens_per_hour);
    bill.usd_per_session = ratio(hour, load->sessions_per_hour);
    return bill;
}
