/* sweep/size_space.c - see size_space.h. */
#include "sweep/size_space.h"

#include "base/memory.h"
#include "base/units.h"
#include "sim/engine/cost.h"
#include "sim/engine/policy_name.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POINTS_MOST 10000000

const char *size_kv_name(enum size_kv kv)
{
    static const char *const names[SIZE_KVS] = { "kept", "HBM only", "none" };
    return names[kv];
}

/* ---- axes ---- */

static bool begins_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool size_space_is_workload(const char *key)
{
    static const char *const names[] = { "trace", "warmup_turns", "max_turns" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(key, names[i]) == 0)
            return true;
    return begins_with(key, "workload.") || begins_with(key, "import.");
}

static enum axis_role role_of(const char *key)
{
    static const char *const capacities[] = { "tiers.dram.capacity", "tiers.ssd.capacity",
                                              "tiers.remote.capacity", "ssd.drives" };
    if (strcmp(key, "cluster.replicas") == 0)
        return ROLE_SERVERS;
    for (size_t i = 0; i < sizeof capacities / sizeof *capacities; i++)
        if (strcmp(key, capacities[i]) == 0)
            return ROLE_CAPACITY;
    if (begins_with(key, "tiers.") || begins_with(key, "ssd.") || begins_with(key, "placement."))
        return ROLE_KEEPING;
    return ROLE_OTHER;
}

static double number_of(const struct axis *axis, const char *value)
{
    double number;
    /* A word ("hardware") has no place among numbers: it stays where it came. */
    return units_parse(value, axis->row->unit, &number) ? number : 0.0;
}

/* By insertion: axes are short, and equal values keep their order. */
static void sort_values(struct axis *axis)
{
    for (uint32_t i = 1; i < axis->count; i++)
        for (uint32_t j = i;
             j > 0 && number_of(axis, axis->value[j - 1]) > number_of(axis, axis->value[j]); j--) {
            char *held = axis->value[j];
            axis->value[j] = axis->value[j - 1];
            axis->value[j - 1] = held;
        }
}

static enum status add_axis(struct size_space *space, const char *vary, struct error *err)
{
    struct axis *axis = &space->axes[space->axis_count++];
    enum status status = axis_parse(vary, axis, err);
    if (status != STATUS_OK)
        return status;
    if (size_space_is_workload(axis->key))
        return error_input(err, NULL, 0, "--vary",
                           "keys of servers and engines: one workload is asked for at a time",
                           vary);
    if (axis->continuous)
        return error_input(err, NULL, 0, "--vary", "values, or a range with their number", vary);
    for (uint32_t a = 0; a + 1 < space->axis_count; a++)
        if (strcmp(space->axes[a].key, axis->key) == 0)
            return error_input(err, NULL, 0, "--vary", "each key once", vary);
    enum axis_role role = role_of(axis->key);
    space->role[space->axis_count - 1] = role;
    if (role == ROLE_SERVERS || role == ROLE_CAPACITY)
        sort_values(axis);
    return STATUS_OK;
}

uint32_t size_space_axis(const struct size_space *space, const char *key)
{
    for (uint32_t a = 0; a < space->axis_count; a++)
        if (strcmp(space->axes[a].key, key) == 0)
            return a;
    return SIZE_NONE;
}

static uint32_t stride_of(const struct size_space *space, uint32_t axis)
{
    uint32_t stride = 1;
    for (uint32_t a = space->axis_count; --a > axis;)
        stride *= space->axes[a].count;
    return stride;
}

uint32_t size_space_place(const struct size_space *space, uint32_t point, uint32_t axis)
{
    return point % space->grid / stride_of(space, axis) % space->axes[axis].count;
}

uint32_t size_space_moved(const struct size_space *space, uint32_t point, uint32_t axis,
                          uint32_t place)
{
    uint32_t stride = stride_of(space, axis);
    return point - size_space_place(space, point, axis) * stride + place * stride;
}

/* ---- points ---- */

static enum status find_server(struct size_space *space, const char *name,
                               const struct size_server **found, struct error *err)
{
    for (struct size_server *server = space->servers; server != NULL; server = server->next)
        if (strcmp(server->hardware.name, name) == 0) {
            *found = server;
            return STATUS_OK;
        }
    struct size_server *server = memory_new(1, sizeof *server);
    enum status status = hardware_load(name, &server->hardware, err);
    if (status == STATUS_OK)
        status =
            pricing_of(&space->pricing, &server->hardware, &server->prices, &server->billing, err);
    if (status != STATUS_OK) {
        free(server);
        return status;
    }
    if (space->all_rented)
        server->billing = BILL_RENTED;
    /* Looked up by the name that experiments use, which may be a path. */
    snprintf(server->hardware.name, sizeof server->hardware.name, "%s", name);
    server->next = space->servers;
    space->servers = server;
    *found = server;
    return STATUS_OK;
}

static enum status check_billing(const struct size_space *space, struct error *err)
{
    for (const struct size_server *server = space->servers; server != NULL; server = server->next)
        if (!billing_known(server->billing, &server->prices))
            return error_input(err, NULL, 0, "--billing",
                               "prices that all tell of owning, or all of renting",
                               server->prices.name);
    return STATUS_OK;
}

/* The same engine with less kept. */
static void keep_less(struct experiment *experiment, enum size_kv kv)
{
    if (kv == SIZE_KV_KEPT)
        return;
    experiment->dram_bytes = experiment->ssd_bytes = experiment->remote_bytes = 0;
    if (kv == SIZE_KV_HBM)
        return;
    experiment->hbm_cache_bytes = 0;
    snprintf(experiment->eviction, sizeof experiment->eviction, "%s", "none");
}

static enum status price_point(struct size_space *space, struct size_point *point,
                               struct error *err)
{
    const struct size_server *server;
    struct bill_load idle = { 0 };
    enum status status = find_server(space, point->experiment.hardware, &server, err);
    if (status == STATUS_OK)
        status = cost_bought(&point->experiment, &server->hardware, &point->bought, err);
    if (status != STATUS_OK)
        return status;
    point->prices = &server->prices;
    point->billing = server->billing;
    enum billing billing = server->billing == BILL_BUSY ? BILL_RENTED : server->billing;
    point->usd_least = bill_of(&point->bought, &server->prices, billing, &idle).usd_per_month;
    return STATUS_OK;
}

static enum status make_point(struct size_space *space, uint32_t index, struct size_point *point,
                              struct error *err)
{
    struct config_tree *tree = config_tree_copy(space->tree);
    enum status status = STATUS_OK;
    for (uint32_t a = 0; status == STATUS_OK && a < space->axis_count; a++) {
        const char *value = space->axes[a].value[size_space_place(space, index, a)];
        char assignment[AXIS_KEY_BYTES + CONFIG_TEXT_BYTES + 2];
        if (strlen(value) >= CONFIG_TEXT_BYTES)
            status = error_input(err, NULL, 0, space->axes[a].key, "a shorter value", value);
        snprintf(assignment, sizeof assignment, "%s=%.*s", space->axes[a].key, CONFIG_TEXT_BYTES,
                 value);
        if (status == STATUS_OK)
            status = config_tree_set(tree, assignment, err);
    }
    if (status == STATUS_OK)
        status = experiment_from_tree(tree, NULL, &point->experiment, err);
    if (status == STATUS_OK)
        status = experiment_check_texts(&point->experiment, err);
    config_tree_free(tree);
    if (status != STATUS_OK)
        return status;
    keep_less(&point->experiment, size_space_kv(space, index));
    return price_point(space, point, err);
}

enum status size_space_foreign(struct size_space *space, const struct experiment *experiment,
                               struct size_point *point, struct error *err)
{
    *point = (struct size_point){ .experiment = *experiment };
    enum status status = price_point(space, point, err);
    return status == STATUS_OK ? check_billing(space, err) : status;
}

enum status size_space_point(struct size_space *space, uint32_t index,
                             const struct size_point **found, struct error *err)
{
    if (space->point[index] == NULL) {
        struct size_point *point = memory_new(1, sizeof *point);
        enum status status = make_point(space, index, point, err);
        if (status != STATUS_OK) {
            free(point);
            return status;
        }
        space->point[index] = point;
    }
    *found = space->point[index];
    return STATUS_OK;
}

/* ---- points that are the same servers ---- */

/* Whether a key says something only of what lies below HBM. */
static bool is_below_hbm(const char *key)
{
    static const char *const prefixes[] = { "tiers.dram.", "tiers.ssd.", "tiers.remote.", "ssd." };
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (begins_with(key, prefixes[i]))
            return true;
    return false;
}

/* What is of no matter where so much is kept, at its first value. */
static uint32_t without(const struct size_space *space, uint32_t point, enum size_kv kv)
{
    for (uint32_t a = 0; a < space->axis_count; a++) {
        bool keeping = space->role[a] == ROLE_CAPACITY || space->role[a] == ROLE_KEEPING;
        if (keeping && (kv == SIZE_KV_NONE || is_below_hbm(space->axes[a].key)))
            point = size_space_moved(space, point, a, 0);
    }
    return point;
}

/* The least of what is said of SSDs: none too. */
static uint32_t without_ssd(const struct size_space *space, uint32_t point)
{
    for (uint32_t a = 0; a < space->axis_count; a++)
        if (begins_with(space->axes[a].key, "ssd.") ||
            begins_with(space->axes[a].key, "tiers.ssd."))
            point = size_space_moved(space, point, a, 0);
    return point;
}

/* Policies of the core's are one engine, which keeps nothing in one way: the first of them that
 * keeps anything stands for all. A preset is an engine of its own. */
static uint32_t one_policy(const struct size_space *space, uint32_t point)
{
    uint32_t axis = size_space_axis(space, "policy");
    if (axis == SIZE_NONE)
        return point;
    const struct axis *policies = &space->axes[axis];
    if (!policy_name_known(policies->value[size_space_place(space, point, axis)]))
        return point;
    for (uint32_t v = 0; v < policies->count; v++)
        if (policy_name_known(policies->value[v]) && !begins_with(policies->value[v], "none"))
            return size_space_moved(space, point, axis, v);
    return point;
}

/* Where no prefix is kept anywhere, looking for it is looking for the least loaded server. */
static uint32_t one_router(const struct size_space *space, uint32_t point)
{
    uint32_t axis = size_space_axis(space, "cluster.router");
    if (axis == SIZE_NONE)
        return point;
    const struct axis *routers = &space->axes[axis];
    if (strcmp(routers->value[size_space_place(space, point, axis)], "prefix-affinity") != 0)
        return point;
    for (uint32_t v = 0; v < routers->count; v++)
        if (strcmp(routers->value[v], "least-loaded") == 0)
            return size_space_moved(space, point, axis, v);
    return point;
}

/* Whether the experiment keeps KV of ended turns anywhere. */
static bool keeps_any(const struct size_point *point)
{
    return point->bought.stores > 0;
}

enum status size_space_canonical(struct size_space *space, uint32_t index, uint32_t *canonical,
                                 struct error *err)
{
    const struct size_point *point;
    uint32_t kv = size_space_kv(space, index), place = index % space->grid;
    enum status status = size_space_point(space, index, &point, err);
    if (status != STATUS_OK)
        return status;
    *canonical = index;
    if (kv == SIZE_KV_KEPT && point->bought.keeps_kv) {
        if (point->bought.ssd_bytes == 0)
            *canonical = without_ssd(space, index);
        return STATUS_OK;
    }
    bool none = kv == SIZE_KV_NONE || !keeps_any(point) || point->experiment.hbm_cache_bytes == 0;
    place = without(space, place, none ? SIZE_KV_NONE : SIZE_KV_HBM);
    if (none)
        place = one_router(space, one_policy(space, place));
    *canonical = (none ? SIZE_KV_NONE : SIZE_KV_HBM) * space->grid + place;
    return STATUS_OK;
}

/* ---- the whole ---- */

/* Where one server's prices do not tell of owning, all are billed as rented: dollars of two kinds
 * are not held against each other. */
static enum status settle_billing(struct size_space *space, struct error *err)
{
    uint32_t axis = size_space_axis(space, "hardware");
    const struct size_server *server;
    bool all_owned = true;
    enum status status = STATUS_OK;
    for (uint32_t v = 0; axis != SIZE_NONE && status == STATUS_OK && v < space->axes[axis].count;
         v++) {
        status = find_server(space, space->axes[axis].value[v], &server, err);
        all_owned = all_owned && status == STATUS_OK && server->billing == BILL_OWNED;
    }
    if (status != STATUS_OK)
        return status;
    space->all_rented = axis != SIZE_NONE && !all_owned && space->pricing.billing == NULL;
    for (struct size_server *each = space->servers; each != NULL && space->all_rented;
         each = each->next)
        each->billing = BILL_RENTED;
    return check_billing(space, err);
}

/* Each value once, so that what an axis cannot take is told before anything runs. */
static enum status check_values(struct size_space *space, struct error *err)
{
    const struct size_point *point;
    enum status status = size_space_point(space, 0, &point, err);
    for (uint32_t a = 0; a < space->axis_count; a++)
        for (uint32_t v = 1; status == STATUS_OK && v < space->axes[a].count; v++)
            status = size_space_point(space, size_space_moved(space, 0, a, v), &point, err);
    return status == STATUS_OK ? check_billing(space, err) : status;
}

enum status size_space_make(const struct config_tree *tree, const char *const *vary,
                            uint32_t vary_count, const struct pricing *pricing,
                            struct size_space *space, struct error *err)
{
    uint64_t grid = 1;
    *space = (struct size_space){ .pricing = *pricing };
    space->axes = memory_new(vary_count, sizeof *space->axes);
    space->role = memory_new(vary_count, sizeof *space->role);
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < vary_count; i++) {
        status = add_axis(space, vary[i], err);
        grid *= status == STATUS_OK ? space->axes[i].count : 1;
        if (status == STATUS_OK && grid > POINTS_MOST)
            status = error_input(err, NULL, 0, "--vary", "at most 10 million points", vary[i]);
    }
    if (status != STATUS_OK)
        return status;
    space->tree = config_tree_copy(tree);
    space->grid = (uint32_t)grid;
    space->count = SIZE_KVS * space->grid;
    space->point = memory_new(space->count, sizeof(struct size_point *));
    status = settle_billing(space, err);
    return status == STATUS_OK ? check_values(space, err) : status;
}

void size_space_free(struct size_space *space)
{
    for (uint32_t a = 0; a < space->axis_count; a++)
        axis_free(&space->axes[a]);
    for (uint32_t i = 0; space->point != NULL && i < space->count; i++)
        free(space->point[i]);
    while (space->servers != NULL) {
        struct size_server *next = space->servers->next;
        free(space->servers);
        space->servers = next;
    }
    config_tree_free(space->tree);
    free(space->axes);
    free(space->role);
    free(space->point);
    *space = (struct size_space){ 0 };
}
