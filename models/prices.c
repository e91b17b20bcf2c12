/* models/prices.c - see prices.h: the keys of a prices file, and its loader. */
#include "models/prices.h"

#include "models/folder.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define AT(member) offsetof(struct prices, member)

#define NUMBER(key_, member, min_, max_, standard_, help_)                                         \
    {                                                                                              \
        .key = (key_), .kind = CONFIG_DOUBLE, .offset = AT(member), .min = (min_), .max = (max_),  \
        .standard = (standard_), .help = (help_)                                                   \
    }
#define TEXT(key_, member, standard_, help_)                                                       \
    {                                                                                              \
        .key = (key_), .kind = CONFIG_TEXT, .offset = AT(member), .standard = (standard_),         \
        .help = (help_)                                                                            \
    }

static const struct config_row prices_rows[] = {
    TEXT("name", name, NULL, "the preset's name"),
    TEXT("source", source, NULL, "where its numbers come from; each has its own comment"),
    TEXT("date", date, NULL, "of the prices"),
    TEXT("currency", currency, "USD", "what sums are shown in; the prices here are in dollars"),
    NUMBER("per_usd", per_usd, 1e-6, 1e9, "1", "of that currency for a dollar"),
    NUMBER("discount", discount, 0, 0.99, "0",
           "share off the prices of what is bought or rented, not off electricity and space"),
    NUMBER("rent.usd_per_gpu_hour", rent_usd_per_gpu_hour, 0, 1e6, "0",
           "of one GPU with its share of a server of 8"),
    NUMBER("rent.usd_per_gpu_hour_of_4", rent_usd_per_gpu_hour_of_4, 0, 1e6, "0",
           "in an instance of 2 to 4; 0: none is sold"),
    NUMBER("rent.usd_per_gpu_hour_of_1", rent_usd_per_gpu_hour_of_1, 0, 1e6, "0",
           "in an instance of one; 0: none is sold"),
    NUMBER("rent.dram_gb_per_gpu", rent_dram_gb_per_gpu, 0, 1e6, "0",
           "10^9 bytes of DRAM that come with a GPU and are not paid for besides"),
    NUMBER("rent.ssd_gb_per_gpu", rent_ssd_gb_per_gpu, 0, 1e9, "0", "the same of SSD"),
    NUMBER("rent.usd_per_dram_gb_hour", rent_usd_per_dram_gb_hour, 0, 1e6, "0",
           "of 10^9 bytes of DRAM for KV beyond those"),
    NUMBER("rent.usd_per_ssd_gb_hour", rent_usd_per_ssd_gb_hour, 0, 1e6, "0",
           "of 10^9 bytes of SSD for KV beyond those"),
    NUMBER("owned.usd_per_gpu", usd_per_gpu, 0, 1e9, "0",
           "one GPU, with its share of the baseboard; 0: not for sale"),
    NUMBER("owned.usd_per_server_per_gpu", usd_per_server_per_gpu, 0, 1e9, "0",
           "the rest of the server, for each of its GPUs"),
    NUMBER("owned.usd_per_dram_gb", usd_per_dram_gb, 0, 1e6, "0", "10^9 bytes of DRAM for KV"),
    NUMBER("owned.usd_per_ssd_gb", usd_per_ssd_gb, 0, 1e6, "0",
           "10^9 bytes of SSD for KV, of drives whose own price is not known"),
    NUMBER("owned.years", years, 0.1, 50, "4", "over which it is written off (assumed)"),
    NUMBER("owned.support_per_year", support_per_year, 0, 1, "0",
           "support and repair, a share of the price"),
    NUMBER("rack.usd_per_kw_month", rack_usd_per_kw_month, 0, 1e6, "0",
           "space and cooling for 1 kW that can be drawn, electricity not included"),
    NUMBER("power.gpu_busy_watts", gpu_busy_watts, 0, 1e5, "0", "one GPU at work"),
    NUMBER("power.gpu_idle_watts", gpu_idle_watts, 0, 1e5, "0", "one GPU with nothing to do"),
    NUMBER("power.server_watts_per_gpu", server_watts_per_gpu, 0, 1e5, "0",
           "the rest of the server, for each of its GPUs"),
    NUMBER("power.dram_watts_per_gb", dram_watts_per_gb, 0, 1e3, "0", "10^9 bytes of DRAM"),
    NUMBER("power.ssd_watts_per_tb", ssd_watts_per_tb, 0, 1e3, "0",
           "10^12 bytes of SSD, of drives whose own power is not known"),
    NUMBER("power.pue", pue, 1, 5, "1", "the data centre's power over the servers'"),
    NUMBER("power.usd_per_kwh", usd_per_kwh, 0, 10, "0", "electricity"),
    { .key = NULL },
};

static enum status read_file(const char *name_or_path, struct config_tree **tree, struct error *err)
{
    char path[MODELS_PATH_BYTES];
    if (name_or_path == NULL)
        return config_tree_parse("{}", "prices", tree, err);
    enum status status = models_path("prices", "prices", name_or_path, path, err);
    return status == STATUS_OK ? config_tree_read(path, tree, err) : status;
}

enum status prices_load(const char *name_or_path, const char *const *assignments, uint32_t count,
                        struct prices *prices, struct error *err)
{
    struct config_tree *tree = NULL;
    const struct config_section sections[] = { { .prefix = "", .rows = prices_rows },
                                               { .rows = NULL } };
    memset(prices, 0, sizeof *prices);
    enum status status = read_file(name_or_path, &tree, err);
    for (uint32_t i = 0; status == STATUS_OK && i < count; i++)
        status = config_tree_set(tree, assignments[i], err);
    if (status == STATUS_OK)
        status = config_load(sections, tree, prices, err);
    config_tree_free(tree);
    return status;
}

bool prices_rent(const struct prices *prices)
{
    return prices->rent_usd_per_gpu_hour > 0.0;
}

bool prices_own(const struct prices *prices)
{
    return prices->usd_per_gpu > 0.0;
}

double prices_gpu_hour(const struct prices *prices, uint32_t gpus)
{
    if (gpus == 1 && prices->rent_usd_per_gpu_hour_of_1 > 0.0)
        return prices->rent_usd_per_gpu_hour_of_1;
    if (gpus <= 4 && prices->rent_usd_per_gpu_hour_of_4 > 0.0)
        return prices->rent_usd_per_gpu_hour_of_4;
    return prices->rent_usd_per_gpu_hour;
}

/* Groups of three digits, whatever the locale. */
static void group(double whole, char *out, size_t out_bytes)
{
    char digits[64];
    int length = snprintf(digits, sizeof digits, "%.0f", whole);
    size_t used = 0;
    for (int i = 0; i < length && used + 2 < out_bytes; i++) {
        out[used++] = digits[i];
        int left = length - i - 1;
        if (left > 0 && left % 3 == 0 && digits[i] != '-')
            out[used++] = ',';
    }
    out[used] = '\0';
}

char *prices_money(const struct prices *prices, double usd, char *out, size_t out_bytes)
{
    char number[96];
    double sum = usd * prices->per_usd, size = fabs(sum);
    int decimals = size < 0.1 ? 5 : size < 10.0 ? 3 : 2;
    if (size < 1000.0)
        snprintf(number, sizeof number, "%.*f", decimals, sum);
    else
        group(round(sum), number, sizeof number);
    bool dollars = strcmp(prices->currency, "USD") == 0;
    snprintf(out, out_bytes, "%s%s%s", dollars ? "$" : prices->currency, dollars ? "" : " ",
             number);
    return out;
}
