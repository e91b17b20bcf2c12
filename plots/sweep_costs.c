/* plots/sweep_costs.c - see sweep_costs.h. */
#include "plots/sweep_costs.h"

#include "base/memory.h"
#include "sim/engine/cost.h"
#include "sweep/compared_store.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A sweep has thousands of rows and some kinds of server, whose files are read once. */
struct server {
    char name[CONFIG_TEXT_BYTES]; /* as the runs' configurations say it */
    struct hardware hardware;
    struct prices prices;
    enum billing billing;
};

struct costs {
    struct server **server; /* owned, as is each */
    uint32_t servers, capacity;
    const struct server **of; /* of each shown row */
    struct bought *bought;    /* of each shown row */
};

static enum status find_server(struct costs *costs, const char *name, const struct pricing *pricing,
                               const struct server **server, struct error *err)
{
    for (uint32_t i = 0; i < costs->servers; i++)
        if (strcmp(costs->server[i]->name, name) == 0) {
            *server = costs->server[i];
            return STATUS_OK;
        }
    memory_grow(&costs->server, &costs->capacity, (uint64_t)costs->servers + 1,
                sizeof *costs->server);
    struct server *added = costs->server[costs->servers++] = memory_new(1, sizeof *added);
    snprintf(added->name, sizeof added->name, "%s", name);
    *server = added;
    enum status status = hardware_load(name, &added->hardware, err);
    return status == STATUS_OK
               ? pricing_of(pricing, &added->hardware, &added->prices, &added->billing, err)
               : status;
}

static enum status read_rows(struct store *store, const struct sweep_view *view,
                             const struct pricing *pricing, struct costs *costs, struct error *err)
{
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < view->shown_count; i++) {
        struct experiment experiment;
        status = compared_experiment(store, view->table.rows[view->shown[i]].run, &experiment, err);
        if (status == STATUS_OK)
            status = find_server(costs, experiment.hardware, pricing, &costs->of[i], err);
        if (status == STATUS_OK)
            status = cost_bought(&experiment, &costs->of[i]->hardware, &costs->bought[i], err);
    }
    return status;
}

/* Parted by commas, in the order in which they come up. */
static void list_prices(const struct costs *costs, struct sweep_view *view)
{
    for (uint32_t i = 0; i < costs->servers; i++) {
        const struct prices *prices = &costs->server[i]->prices;
        size_t used = strlen(view->prices);
        if (strstr(view->prices, prices->name) == NULL)
            snprintf(view->prices + used, sizeof view->prices - used, "%s%s of %s",
                     used > 0 ? ", " : "", prices->name, prices->date);
    }
}

/* What is asked for, or what all servers' prices tell. */
static enum billing billing_of_all(const struct costs *costs, const struct pricing *pricing)
{
    assert(costs->servers > 0);
    for (uint32_t i = 0; pricing->billing == NULL && i < costs->servers; i++)
        if (costs->server[i]->billing != BILL_OWNED)
            return BILL_RENTED;
    return costs->server[0]->billing;
}

static void bill_rows(const struct costs *costs, struct sweep_view *view)
{
    for (uint32_t i = 0; i < view->shown_count; i++) {
        uint32_t row = view->shown[i];
        view->cost[row] = cost_bill(&costs->bought[i], &costs->of[i]->prices, view->billing,
                                    &view->table.rows[row].metrics)
                              .usd_per_mtok;
    }
}

static void costs_free(struct costs *costs)
{
    for (uint32_t i = 0; i < costs->servers; i++)
        free(costs->server[i]);
    free(costs->server);
    free(costs->of);
    free(costs->bought);
}

enum status sweep_costs_find(struct store *store, const struct pricing *pricing,
                             struct sweep_view *view, struct error *err)
{
    struct costs costs = { .of = memory_new(view->shown_count, sizeof *costs.of),
                           .bought = memory_new(view->shown_count, sizeof *costs.bought) };
    view->cost = memory_new(view->table.count, sizeof *view->cost);
    enum status status = read_rows(store, view, pricing, &costs, err);
    if (status == STATUS_OK) {
        list_prices(&costs, view);
        view->billing = billing_of_all(&costs, pricing);
        bill_rows(&costs, view);
    }
    costs_free(&costs);
    return status;
}
