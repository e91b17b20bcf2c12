/* traces/tenants.c - see tenants.h. */
#include "traces/tenants.h"

#include "base/memory.h"
#include "base/random.h"
#include "base/units.h"
#include "traces/source.h"
#include "traces/tenant_read.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* ---- names ---- */

const char *trace_tenant_name(const struct trace_tenants *tenants, uint32_t tenant)
{
    return tenant < tenants->count ? tenants->name[tenant] : "default";
}

/* ---- lists ---- */

/* One of the list, "0.8" or "chat=0.8", cut off its rest. */
static bool add_item(struct tenant_list *list, char *item, double least, double most)
{
    char *value = strchr(item, '=');
    bool named = value != NULL;
    double number;
    if (list->count == TRACE_TENANTS_MOST || (list->count > 0 && named != list->named))
        return false;
    if (named)
        *value++ = '\0';
    if (named && !tenant_name_is_valid(item))
        return false;
    for (uint32_t i = 0; named && i < list->count; i++)
        if (strcmp(list->name[i], item) == 0)
            return false;
    if (!units_parse(named ? value : item, UNIT_PLAIN, &number) || !(number >= least) ||
        !(number <= most))
        return false;
    list->named = named;
    if (named)
        memcpy(list->name[list->count], item, strlen(item) + 1);
    list->value[list->count++] = number;
    return true;
}

enum status tenant_list_parse(const char *key, const char *what, double least, double most,
                              const char *text, struct tenant_list *list, struct error *err)
{
    char items[CONFIG_TEXT_BYTES], expected[192];
    *list = (struct tenant_list){ 0 };
    snprintf(items, sizeof items, "%s", text);
    bool is_list = true;
    for (char *item = items, *next; is_list && *text != '\0' && item != NULL; item = next) {
        next = strchr(item, '/');
        if (next != NULL)
            *next++ = '\0';
        is_list = add_item(list, item, least, most);
    }
    if (is_list)
        return STATUS_OK;
    snprintf(expected, sizeof expected,
             "%s of at most %d tenants, as 0.8/0.2 in their order or chat=0.8/batch=0.2 by name",
             what, TRACE_TENANTS_MOST);
    return error_input(err, NULL, 0, key, expected, text);
}

double tenant_list_value(const struct tenant_list *list, uint32_t tenant, const char *name,
                         double none)
{
    if (!list->named)
        return tenant < list->count ? list->value[tenant] : none;
    for (uint32_t i = 0; i < list->count; i++)
        if (strcmp(list->name[i], name) == 0)
            return list->value[i];
    return none;
}

/* ---- generated sessions ---- */

#define AT(member) offsetof(struct workload_tenants, member)

const struct config_row workload_tenant_rows[] = {
    { .key = "tenants",
      .kind = CONFIG_TEXT,
      .offset = AT(shares),
      .standard = "",
      .help = "tenants of the generated workload by their shares of its sessions, in proportion: "
              "0.8/0.2 "
              "(tenants a and b), or chat=0.8/batch=0.2; empty: one" },
    { .key = NULL },
};

/* Sessions of another trace, given to tenants. */
struct given {
    struct trace *trace;
    struct tenant_list shares;
    double sum;
    uint64_t seed, hash;
};

static uint8_t draw_tenant(const struct given *given, uint64_t id)
{
    struct random random = random_from(given->seed ^ UINT64_C(0x74656e616e7473), id);
    double at = random_uniform(&random) * given->sum;
    uint32_t tenant = 0;
    while (tenant + 1 < given->shares.count && at >= given->shares.value[tenant])
        at -= given->shares.value[tenant++];
    return (uint8_t)tenant;
}

static enum trace_step given_next(void *state, struct trace_session *session, struct error *err)
{
    struct given *given = state;
    enum trace_step step = trace_next(given->trace, session, err);
    if (step == TRACE_ITEM)
        session->tenant = draw_tenant(given, session->id);
    return step;
}

static struct trace_facts given_facts(const void *state)
{
    const struct given *given = state;
    struct trace_facts facts = trace_facts(given->trace);
    facts.tenants.count = given->shares.count;
    for (uint32_t i = 0; i < given->shares.count; i++)
        if (given->shares.named)
            snprintf(facts.tenants.name[i], TRACE_TENANT_BYTES, "%s", given->shares.name[i]);
        else
            snprintf(facts.tenants.name[i], TRACE_TENANT_BYTES, "%c", 'a' + (int)i);
    return facts;
}

static uint64_t given_hash(const void *state)
{
    const struct given *given = state;
    const uint64_t parts[] = { trace_hash(given->trace), given->hash };
    return XXH64(parts, sizeof parts, 0);
}

static double given_progress(const void *state)
{
    return trace_progress(((const struct given *)state)->trace);
}

static void given_close(void *state)
{
    trace_close(((struct given *)state)->trace);
    free(state);
}

static const struct source given_source = { .next = given_next,
                                            .facts = given_facts,
                                            .hash = given_hash,
                                            .progress = given_progress,
                                            .close = given_close };

static enum status parse_shares(const struct workload_tenants *tenants, struct tenant_list *shares,
                                struct error *err)
{
    return tenant_list_parse("workload.tenants", "shares above 0", 1e-9, 1e9, tenants->shares,
                             shares, err);
}

enum status workload_tenants_check(const struct workload_tenants *tenants, struct error *err)
{
    struct tenant_list shares;
    return parse_shares(tenants, &shares, err);
}

enum status trace_give_tenants(const struct workload_tenants *tenants, uint64_t seed,
                               struct trace **trace, struct error *err)
{
    struct tenant_list shares;
    if (parse_shares(tenants, &shares, err) != STATUS_OK)
        return err->status;
    if (shares.count <= 1)
        return STATUS_OK;
    struct given *given = memory_new(1, sizeof *given);
    *given = (struct given){ .trace = *trace,
                             .shares = shares,
                             .seed = seed,
                             .hash = XXH64(tenants->shares, strlen(tenants->shares), 0) };
    for (uint32_t i = 0; i < shares.count; i++)
        given->sum += shares.value[i];
    *trace = trace_of(&given_source, given);
    return STATUS_OK;
}
